import { toImageSearchError } from '../errors';
import type { IndexPriority } from '../indexing/contract';
import type { Logger } from '../logger';
import type { DuplicatePairs, DuplicateWatch, ImageTraces } from './contract';
import type { LibraryComparison, Pass } from './library-comparison';

/** Files compared at a time. */
const BATCH = 10;
/** Maximum number of uploads waiting in memory, and of other files; the traces keep track of the rest. */
const MAX_WAITING = 10_000;

export interface ComparisonQueueOptions {
  comparison: Pick<LibraryComparison, 'compare'>;
  traces: ImageTraces;
  pairs: Pick<DuplicatePairs, 'removeFiles'>;
  /** Null when duplicate detection is off. */
  currentPass: (() => Promise<Pass>) | null;
  logger: Logger;
}

/** The files that wait, and where each was indexed; null for a file with only a trace. */
type WaitingFiles = Map<number, string | null>;

/**
 * Compares newly indexed files in the background, batch by batch, uploads first. A file that fails, that doesn't fit in
 * the queue or that a killed process didn't reach has no mark of the pass, so the library scan picks it up.
 */
export class ComparisonQueue implements DuplicateWatch {
  readonly #options: ComparisonQueueOptions;
  readonly #uploads: WaitingFiles = new Map();
  readonly #others: WaitingFiles = new Map();
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  /** The last warning logged; null when the last batch succeeded. */
  #lastWarning: string | null = null;

  constructor(options: ComparisonQueueOptions) {
    this.#options = options;
  }

  async beforeIndexing(fileIds: readonly number[], spaceId: string): Promise<void> {
    const { currentPass, traces } = this.#options;
    if (!currentPass) return;
    try {
      if ((await currentPass()).spaceId === spaceId) await traces.unmark(fileIds);
    } catch (error) {
      this.#warn(error);
    }
  }

  indexed(fileIds: readonly number[], spaceId: string, priority?: IndexPriority): void {
    this.#add(fileIds, spaceId, priority);
  }

  traced(fileIds: readonly number[], priority?: IndexPriority): void {
    this.#add(fileIds, null, priority);
  }

  #add(
    fileIds: readonly number[],
    spaceId: string | null,
    priority: IndexPriority | undefined,
  ): void {
    if (!this.#options.currentPass || this.#stopping.signal.aborted) return;
    for (const fileId of fileIds) {
      const isUpload = priority === 'upload' || this.#uploads.has(fileId);
      const queue = isUpload ? this.#uploads : this.#others;
      if (queue.size >= MAX_WAITING && !queue.has(fileId)) continue;
      if (isUpload) this.#others.delete(fileId);
      queue.set(fileId, spaceId);
    }
    this.#running ??= this.#run(this.#options.currentPass).finally(() => {
      this.#running = null;
    });
  }

  async forget(fileIds: readonly number[]): Promise<void> {
    const { pairs, traces } = this.#options;
    for (const fileId of fileIds) {
      this.#uploads.delete(fileId);
      this.#others.delete(fileId);
    }
    // Traces first: a comparison that finds a pair with a deleted file checks for its trace afterward.
    await traces.remove(fileIds);
    await pairs.removeFiles(fileIds);
  }

  isBusy(): boolean {
    return this.#running !== null;
  }

  /** Stops after the comparison in progress. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(currentPass: () => Promise<Pass>): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#uploads.size + this.#others.size > 0 && !signal.aborted) {
      const batch = this.#takeBatch();
      try {
        const pass = await currentPass();
        // A space that is being built is compared as a whole once it becomes active.
        const ids = batch.flatMap(([fileId, spaceId]) =>
          spaceId === null || spaceId === pass.spaceId ? [fileId] : [],
        );
        await this.#options.comparison.compare(ids, { pass, signal });
        this.#lastWarning = null;
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#warn(error);
      }
    }
  }

  #takeBatch(): [fileId: number, spaceId: string | null][] {
    const batch: [number, string | null][] = [];
    for (const queue of [this.#uploads, this.#others]) {
      for (const file of queue) {
        if (batch.length === BATCH) return batch;
        batch.push(file);
        queue.delete(file[0]);
      }
    }
    return batch;
  }

  /** Logs a message once until it changes. */
  #warn(error: unknown): void {
    const { message } = toImageSearchError(error);
    if (this.#lastWarning === message) return;
    this.#lastWarning = message;
    this.#options.logger.warn(
      `Indexed images couldn't be checked for duplicates; the next library scan will retry them. ${message}`,
    );
  }
}

/**
 * Deletes the pairs of deleted files in the background, because deleting a file must not wait for writers of pairs.
 * Whatever fails here is done when the file's index entry is processed.
 */
export class PairRemovals {
  readonly #options: { pairs: Pick<DuplicatePairs, 'removeFiles'>; logger: Logger };
  readonly #waiting = new Set<number>();
  #running: Promise<void> | null = null;

  constructor(options: { pairs: Pick<DuplicatePairs, 'removeFiles'>; logger: Logger }) {
    this.#options = options;
  }

  /** Returns at once. */
  add(fileIds: readonly number[]): void {
    for (const fileId of fileIds) this.#waiting.add(fileId);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  /** Resolves when the queue is empty. */
  async stop(): Promise<void> {
    await this.#running;
  }

  /** Takes everything that waits at once, so that deleting many files uses a single connection. */
  async #run(): Promise<void> {
    const { logger, pairs } = this.#options;
    while (this.#waiting.size > 0) {
      const fileIds = [...this.#waiting];
      this.#waiting.clear();
      try {
        await pairs.removeFiles(fileIds);
      } catch (error) {
        logger.warn(
          `Pairs of deleted files couldn't be removed yet; they stay hidden. ${toImageSearchError(error).message}`,
        );
      }
    }
    this.#running = null;
  }
}
