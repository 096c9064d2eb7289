import { z } from 'zod';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { PictureTraces } from './contract';
import type { LibraryComparison } from './library-comparison';

/** Pictures of one pass of which it is said that they could not be compared; the rest is counted. */
const MOST_TOLD = 20;
/** Pictures outside of a batch that are tried when nothing in it could be compared. */
const MOST_TRIED = 3;

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
  traces: Pick<PictureTraces, 'get' | 'giveUp' | 'listIds'>;
  logger: Logger;
}

interface Failure {
  fileId: number;
  error: unknown;
}

/**
 * Compares files so that one with which something is wrong does not keep the others from it: when a batch fails for
 * what may be a picture's own fault, its files are compared one by one, and the culprits are marked as compared, so
 * that the next full scan tries them again. Fails as the comparison does with everything else (a database that is
 * busy, a store that says that it may succeed later), and when the store refuses these pictures and others as well.
 */
export class IsolatingComparison {
  readonly #options: IsolatingComparisonOptions;
  /** What was said in the pass that was last worked on. */
  #told = { mark: '', times: 0 };
  /** A file with which nothing was wrong. */
  #lastCompared: number | null = null;

  constructor(options: IsolatingComparisonOptions) {
    this.#options = options;
  }

  async compare(fileIds: readonly number[], options: CompareOptions): Promise<IsolatedOutcome> {
    const readable = await this.#readable(fileIds);
    const unreadable = fileIds.filter((fileId) => !readable.includes(fileId));
    let failed = await this.#giveUp(unreadable, options, 'What is kept of it cannot be read.');
    try {
      return { found: await this.#compareAll(readable, options), failed };
    } catch (error) {
      if (options.signal.aborted || !mayBeOwnFault(error)) throw error;
    }
    const { failures, found } = await this.#compareEach(readable, options);
    const refusals = failures.filter(({ error }) => error instanceof ImageSearchError);
    const faults = failures.filter(({ error }) => !(error instanceof ImageSearchError));
    failed += await this.#giveUpEach(faults, options);
    const [refusal] = refusals;
    if (!refusal) return { found, failed };
    // A store that refuses one picture may have something against that; one that refuses all is out of order.
    const isOneCompared = failures.length < readable.length;
    if (isOneCompared || (await this.#canCompareOthers(readable, options))) {
      return { found, failed: failed + (await this.#giveUpEach(refusals, options)) };
    }
    if (failed === 0) throw refusal.error;
    return { found, failed };
  }

  async #compareAll(fileIds: readonly number[], options: CompareOptions): Promise<number> {
    const found = await this.#options.comparison.compare(fileIds, options);
    this.#lastCompared = fileIds.at(-1) ?? this.#lastCompared;
    return found;
  }

  async #compareEach(
    fileIds: readonly number[],
    options: CompareOptions,
  ): Promise<{ found: number; failures: Failure[] }> {
    const failures: Failure[] = [];
    let found = 0;
    for (const fileId of fileIds) {
      try {
        found += await this.#compareAll([fileId], options);
      } catch (error) {
        if (options.signal.aborted || !mayBeOwnFault(error)) throw error;
        failures.push({ fileId, error });
      }
    }
    return { found, failures };
  }

  /** Whether a file outside of a batch is compared without complaint. */
  async #canCompareOthers(batch: readonly number[], options: CompareOptions): Promise<boolean> {
    const { ids } = await this.#options.traces.listIds(null, batch.length + MOST_TRIED);
    const last = this.#lastCompared === null ? [] : [this.#lastCompared];
    const others = [...new Set([...last, ...ids])].filter((fileId) => !batch.includes(fileId));
    for (const fileId of await this.#readable(others.slice(0, MOST_TRIED))) {
      const { failures } = await this.#compareEach([fileId], options);
      if (failures.length === 0) return true;
    }
    return false;
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

  async #giveUpEach(failures: readonly Failure[], options: CompareOptions): Promise<number> {
    let failed = 0;
    for (const { fileId, error } of failures) {
      failed += await this.#giveUp([fileId], options, toImageSearchError(error).message);
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

/**
 * Whether a failure may be one picture's own fault: arithmetic that its trace does not fit, or what the store refuses
 * for good. Whatever else databases and their drivers throw may pass.
 */
function mayBeOwnFault(error: unknown): boolean {
  if (error instanceof ImageSearchError) return !error.retryable;
  return error instanceof TypeError || error instanceof RangeError || error instanceof z.ZodError;
}
