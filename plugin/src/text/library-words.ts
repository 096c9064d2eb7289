import type { Clock } from '../clock';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { TextIndex, WordSource } from './contract';

const PAGE_SIZE = 500;
const MINUTE_MS = 60_000;
/** Several changes at a time become one batch. */
const SETTLE_MS = 100;
/** After a comparison that failed. */
const RETRY_MS = 5 * MINUTE_MS;

export interface LibraryWordsOptions {
  index: TextIndex;
  source: WordSource;
  /** How often the library is compared with the index; 0: at startup and on demand only. */
  everyMinutes: number;
  logger: Logger;
  clock: Clock;
}

/**
 * Keeps the words of the library's images up to date, whatever state the model is in. Changes that are reported are read
 * at once; what nobody reports (moved folders, imports, raw SQL, crashes) is found by comparing the library with the
 * index at startup, on a schedule and on demand.
 *
 * Every process does this: beside Qdrant, each has a file of its own. In a shared file or PostgreSQL, the later one
 * finds nothing to write.
 */
export class LibraryWords {
  readonly #options: LibraryWordsOptions;
  readonly #stopping = new AbortController();
  readonly #changed = new Set<number>();
  /** What changed while a page of the comparison is being read: the page may have its former words. */
  #changedMeanwhile: Set<number> | null = null;
  #loop: Promise<void> | null = null;
  #updating: Promise<void> | null = null;
  #comparison: Promise<number> | null = null;
  #hasFailed = false;

  constructor(options: LibraryWordsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Reads the words of these files in the background, and removes those of files that are gone. */
  update(fileIds: readonly number[]): void {
    if (this.#stopping.signal.aborted || fileIds.length === 0) return;
    for (const fileId of fileIds) {
      this.#changed.add(fileId);
      this.#changedMeanwhile?.add(fileId);
    }
    this.#updating ??= this.#updateAll().finally(() => {
      this.#updating = null;
    });
  }

  /**
   * Compares the whole library with the index, after a comparison in progress; returns how many files differed.
   *
   * @throws ImageSearchError as the index does, and whatever the source throws
   */
  async reconcile(): Promise<number> {
    await this.#comparison?.catch(() => undefined);
    this.#comparison ??= this.#compare().finally(() => {
      this.#comparison = null;
    });
    return this.#comparison;
  }

  /** Like `reconcile`, in the background, once what was just changed is committed; failures are logged. */
  reconcileSoon(): void {
    const { signal } = this.#stopping;
    void this.#options.clock
      .wait(SETTLE_MS, signal)
      .then(async () => {
        if (!signal.aborted) await this.reconcile();
      })
      .catch((error: unknown) => {
        this.#warn(error);
      });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#loop, this.#updating, this.#comparison]);
  }

  async #run(): Promise<void> {
    const { clock, everyMinutes } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const isDone = await this.reconcile().then(
        () => true,
        (error: unknown) => {
          this.#warn(error);
          return false;
        },
      );
      if (isDone && everyMinutes === 0) return;
      await clock.wait(isDone ? everyMinutes * MINUTE_MS : RETRY_MS, signal);
    }
  }

  async #compare(): Promise<number> {
    const { index, source } = this.#options;
    let changes = 0;
    let cursor: number | null = null;
    let after = 0;
    do {
      if (this.#stopping.signal.aborted) return changes;
      const changed = new Set<number>();
      this.#changedMeanwhile = changed;
      let page: Awaited<ReturnType<WordSource['iterate']>>;
      try {
        page = await source.iterate(cursor, PAGE_SIZE);
        changes += await index.replaceRange(page.files, { after, through: page.nextCursor });
      } finally {
        this.#changedMeanwhile = null;
        this.update([...changed]);
      }
      after = page.nextCursor ?? after;
      cursor = page.nextCursor;
    } while (cursor !== null);
    this.#hasFailed = false;
    return changes;
  }

  async #updateAll(): Promise<void> {
    const { clock, index, source } = this.#options;
    while (this.#changed.size > 0 && !this.#stopping.signal.aborted) {
      await clock.wait(SETTLE_MS, this.#stopping.signal);
      const fileIds = [...this.#changed].slice(0, PAGE_SIZE);
      for (const fileId of fileIds) this.#changed.delete(fileId);
      try {
        const files = await source.describeMany(fileIds);
        const present = new Set(files.map(({ fileId }) => fileId));
        await index.upsert(files);
        await index.remove(fileIds.filter((fileId) => !present.has(fileId)));
      } catch (error) {
        this.#warn(error);
        for (const fileId of fileIds) this.#changed.add(fileId);
        await clock.wait(RETRY_MS, this.#stopping.signal);
      }
    }
  }

  /** Once per outage. */
  #warn(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { message } = toImageSearchError(error);
    this.#options.logger[this.#hasFailed ? 'debug' : 'warn'](
      `Couldn't read the words of the library; retrying later. ${message}`,
    );
    this.#hasFailed = true;
  }
}
