import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { DuplicatePairs, DuplicateWatch, PictureTraces } from './contract';
import type { LibraryComparison, Pass } from './library-comparison';

/** Files that are compared at a time. */
const BATCH = 10;
/** Files that wait in memory; the traces know of those beyond. */
const MOST_WAITING = 10_000;

export interface ComparisonQueueOptions {
  comparison: Pick<LibraryComparison, 'compare'>;
  traces: PictureTraces;
  pairs: Pick<DuplicatePairs, 'removeFiles'>;
  /** Null when no duplicates are looked for. */
  currentPass: (() => Promise<Pass>) | null;
  logger: Logger;
}

/**
 * Compares what was indexed, one batch after the other, while indexing goes on. Files that it could not compare, or that
 * a killed process did not come to, have no mark of the pass: the scan of the library finds them.
 */
export class ComparisonQueue implements DuplicateWatch {
  readonly #options: ComparisonQueueOptions;
  /** Files, and the space that each was indexed in; null for those of which only the trace is known. */
  readonly #waiting = new Map<number, string | null>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  /** The last thing that was said to be wrong; null when the last batch went well. */
  #problem: string | null = null;

  constructor(options: ComparisonQueueOptions) {
    this.#options = options;
  }

  async expect(fileIds: readonly number[], spaceId: string): Promise<void> {
    const { currentPass, traces } = this.#options;
    if (!currentPass) return;
    try {
      if ((await currentPass()).spaceId === spaceId) await traces.unmark(fileIds);
    } catch (error) {
      this.#complain(error);
    }
  }

  indexed(fileIds: readonly number[], spaceId: string): void {
    this.#add(fileIds, spaceId);
  }

  traced(fileIds: readonly number[]): void {
    this.#add(fileIds, null);
  }

  #add(fileIds: readonly number[], spaceId: string | null): void {
    if (!this.#options.currentPass || this.#stopping.signal.aborted) return;
    for (const fileId of fileIds) {
      if (this.#waiting.size < MOST_WAITING) this.#waiting.set(fileId, spaceId);
    }
    this.#running ??= this.#run(this.#options.currentPass).finally(() => {
      this.#running = null;
    });
  }

  async forget(fileIds: readonly number[]): Promise<void> {
    const { pairs, traces } = this.#options;
    for (const fileId of fileIds) this.#waiting.delete(fileId);
    // In this order: who finds a pair with a file that is gone looks for its trace afterwards.
    await traces.remove(fileIds);
    await pairs.removeFiles(fileIds);
  }

  isBusy(): boolean {
    return this.#running !== null;
  }

  /** Ends after what is being judged right now. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(currentPass: () => Promise<Pass>): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#waiting.size > 0 && !signal.aborted) {
      const batch = [...this.#waiting].slice(0, BATCH);
      for (const [fileId] of batch) this.#waiting.delete(fileId);
      try {
        const pass = await currentPass();
        // A space that only fills is compared as a whole when it takes over.
        const ids = batch.flatMap(([fileId, spaceId]) =>
          spaceId === null || spaceId === pass.spaceId ? [fileId] : [],
        );
        await this.#options.comparison.compare(ids, { pass, signal });
        this.#problem = null;
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#complain(error);
      }
    }
  }

  /** Once, for as long as it stays the same. */
  #complain(error: unknown): void {
    const { message } = toImageSearchError(error);
    if (this.#problem === message) return;
    this.#problem = message;
    this.#options.logger.warn(
      `Pictures were indexed, but not compared with others; that is done later. ${message}`,
    );
  }
}
