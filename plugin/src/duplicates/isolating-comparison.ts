import { ImageSearchError, toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { PictureTraces } from './contract';
import type { LibraryComparison } from './library-comparison';

/** Pictures of one pass of which it is said that they could not be compared; the rest is counted. */
const MOST_TOLD = 20;

type CompareOptions = Parameters<LibraryComparison['compare']>[1];

/** What a batch came to. */
export interface IsolatedOutcome {
  /** Pairs that are new. */
  found: number;
  /** Pictures that were given up for this pass. */
  failed: number;
}

export interface IsolatingComparisonOptions {
  comparison: Pick<LibraryComparison, 'compare'>;
  traces: Pick<PictureTraces, 'get' | 'giveUp'>;
  logger: Logger;
}

/**
 * Compares files so that one with which something is wrong does not keep the others from it: when a batch fails, its
 * files are compared one by one, and the culprits are marked as compared, so that the next full scan tries them again.
 * Fails as the comparison does when that is no fault of a picture: when it says that it may succeed later, or when
 * nothing of a batch can be compared for what the store or the model answers.
 */
export class IsolatingComparison {
  readonly #options: IsolatingComparisonOptions;
  /** What was said in the pass that was last worked on. */
  #told = { mark: '', times: 0 };

  constructor(options: IsolatingComparisonOptions) {
    this.#options = options;
  }

  async compare(fileIds: readonly number[], options: CompareOptions): Promise<IsolatedOutcome> {
    const readable = await this.#readable(fileIds);
    const unreadable = fileIds.filter((fileId) => !readable.includes(fileId));
    let failed = await this.#giveUp(unreadable, options, 'What is kept of it cannot be read.');
    try {
      return { found: await this.#options.comparison.compare(readable, options), failed };
    } catch (error) {
      if (options.signal.aborted || isPassing(error)) throw error;
    }
    const { failures, found } = await this.#compareEach(readable, options);
    for (const { fileId, error } of failures) {
      failed += await this.#giveUp([fileId], options, toImageSearchError(error).message);
    }
    return { found, failed };
  }

  async #compareEach(
    fileIds: readonly number[],
    options: CompareOptions,
  ): Promise<{ found: number; failures: { fileId: number; error: unknown }[] }> {
    const failures: { fileId: number; error: unknown }[] = [];
    let found = 0;
    for (const fileId of fileIds) {
      try {
        found += await this.#options.comparison.compare([fileId], options);
      } catch (error) {
        if (options.signal.aborted || isPassing(error)) throw error;
        failures.push({ fileId, error });
      }
    }
    const [first] = failures;
    const isNothingCompared = failures.length === fileIds.length;
    // A store that refuses one picture may have something against that; one that refuses all is out of order.
    if (isNothingCompared && first?.error instanceof ImageSearchError) throw first.error;
    return { found, failures };
  }

  async #readable(fileIds: readonly number[]): Promise<number[]> {
    const traces = await this.#options.traces.get(fileIds);
    const readable = new Set(traces.map(({ fileId }) => fileId));
    return fileIds.filter((fileId) => readable.has(fileId));
  }

  /** Answers how many of these files are still there. */
  async #giveUp(
    fileIds: readonly number[],
    { pass: { mark } }: CompareOptions,
    reason: string,
  ): Promise<number> {
    let failed = 0;
    for (const fileId of fileIds) {
      if ((await this.#options.traces.giveUp([fileId], mark)) === 0) continue;
      failed += 1;
      this.#tell(mark, `File ${String(fileId)} could not be compared with others: ${reason}`);
    }
    return failed;
  }

  #tell(mark: string, message: string): void {
    if (this.#told.mark !== mark) this.#told = { mark, times: 0 };
    this.#told.times += 1;
    if (this.#told.times > MOST_TOLD) return;
    const more = this.#told.times === MOST_TOLD ? ' Further ones are only counted.' : '';
    this.#options.logger.warn(`${message} The next scan of the library tries it again.${more}`);
  }
}

/** Whether the same may succeed later, with the same picture. */
function isPassing(error: unknown): boolean {
  return error instanceof ImageSearchError && error.retryable;
}
