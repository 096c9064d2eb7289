import type { Clock } from '../clock';
import { toImageSearchError, type ImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { CircuitBreaker } from './circuit-breaker';
import type { AssetDescription, IndexedPicture, IndexEntries, IndexEntry } from './contract';
import { backoffMs, judgeFailure, type RetryPolicy } from './retry-policy';

/** `lost`: the lease is another's by now. `unwritten`: the database refused, so that the lease will run out. */
export type Settlement = 'written' | 'lost' | 'unwritten';

/** A try that came to nothing. */
export interface FailedTry {
  entry: IndexEntry;
  /** Null when the file was not even found out about. */
  asset: AssetDescription | null;
  error: ImageSearchError;
}

export interface EntrySettlementOptions {
  entries: IndexEntries;
  breaker: CircuitBreaker;
  policy: RetryPolicy;
  logger: Logger;
  clock: Clock;
  /** 0 ≤ value < 1, for jitter. */
  random: () => number;
}

/** Writes into the queue how the try of a claimed entry ended. Never throws for a fault of the database. */
export class EntrySettlement {
  readonly #options: EntrySettlementOptions;

  constructor(options: EntrySettlementOptions) {
    this.#options = options;
  }

  complete(entry: IndexEntry, result: IndexedPicture): Promise<Settlement> {
    return this.#write(entry, (lease) =>
      this.#options.entries.complete(entry.fileId, lease, result),
    );
  }

  forget(entry: IndexEntry): Promise<Settlement> {
    return this.#write(entry, (lease) => this.#options.entries.forget(entry.fileId, lease));
  }

  /** Gives a claim back that was cancelled: due at once, the try not counted. */
  release(entry: IndexEntry): Promise<Settlement> {
    return this.#releaseAfter(entry, 0);
  }

  /** Gives a claim back that failed with no file to blame: due when that may be over, the try not counted. */
  postpone({ entry, error }: FailedTry): Promise<Settlement> {
    const { breaker, policy, random } = this.#options;
    const wait = breaker.isClosed()
      ? backoffMs(policy, 1, random(), error.retryAfterMs)
      : // Behind the others, so that the next try is not with the same picture again.
        breaker.pauseMs() + 1_000;
    return this.#releaseAfter(entry, wait);
  }

  /** Counts the try: the file is due again, or given up. */
  fail({ entry, asset, error }: FailedTry): Promise<Settlement> {
    const { clock, entries, logger, policy, random } = this.#options;
    const next = judgeFailure({
      error,
      attempts: entry.attempts,
      policy,
      now: clock.now(),
      random: random(),
    });
    const picture = `Picture "${asset?.name ?? 'unknown'}" (${String(entry.fileId)})`;
    if (next.state === 'pending') logger.debug(`${picture} will be tried again: ${error.message}`);
    else logger.warn(`${picture} is ${next.state}: ${error.message}`);
    return this.#write(entry, (lease) =>
      entries.fail(entry.fileId, lease, {
        code: error.code,
        message: error.message,
        next,
        sourceSignature: asset?.signature ?? null,
      }),
    );
  }

  #releaseAfter(entry: IndexEntry, milliseconds: number): Promise<Settlement> {
    const { clock, entries } = this.#options;
    const dueAt = new Date(clock.now() + milliseconds);
    return this.#write(entry, (lease) => entries.release(entry.fileId, lease, dueAt));
  }

  async #write(
    entry: IndexEntry,
    write: (leaseToken: string) => Promise<boolean>,
  ): Promise<Settlement> {
    if (entry.lease === null) throw new TypeError(`Entry ${String(entry.fileId)} was not claimed.`);
    try {
      return (await write(entry.lease)) ? 'written' : 'lost';
    } catch (error) {
      const { message } = toImageSearchError(error);
      this.#options.logger.error(
        `The index entry of file ${String(entry.fileId)} could not be written: ${message}`,
      );
      return 'unwritten';
    }
  }
}
