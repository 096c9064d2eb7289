import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { DuplicatePairs } from './contract';

/**
 * Forgets the pairs of files that were deleted, without anybody's waiting for it: whoever deletes a file must not wait
 * for those who write pairs. What it does not come to is done when the file's index entry is worked on.
 */
export class PairRemovals {
  readonly #options: { pairs: Pick<DuplicatePairs, 'removeFiles'>; logger: Logger };
  readonly #waiting = new Set<number>();
  #running: Promise<void> | null = null;

  constructor(options: { pairs: Pick<DuplicatePairs, 'removeFiles'>; logger: Logger }) {
    this.#options = options;
  }

  /** Answers at once. */
  add(fileIds: readonly number[]): void {
    for (const fileId of fileIds) this.#waiting.add(fileId);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  /** Ends when nothing is left. */
  async stop(): Promise<void> {
    await this.#running;
  }

  /** All that came meanwhile at a time: however many files are deleted, one connection at most is taken. */
  async #run(): Promise<void> {
    const { logger, pairs } = this.#options;
    while (this.#waiting.size > 0) {
      const fileIds = [...this.#waiting];
      this.#waiting.clear();
      try {
        await pairs.removeFiles(fileIds);
      } catch (error) {
        logger.warn(
          `Duplicates of deleted files are still on record, and not shown. ${toImageSearchError(error).message}`,
        );
      }
    }
    this.#running = null;
  }
}
