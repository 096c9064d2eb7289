import PQueue from 'p-queue';
import type { Clock } from '../../clock';
import { ImageSearchError } from '../../errors';
import type { EmbeddingQuota } from '../contract';
import { quotaForIndexing } from '../quota';

/** What a request will use up. */
export interface Demand {
  images: number;
  /** As far as known in advance. */
  tokens: number;
  /** Someone is waiting for the answer. */
  isUrgent: boolean;
}

interface Spending {
  at: number;
  isUrgent: boolean;
  requests: number;
  images: number;
  tokens: number;
}

const MINUTE_MS = 60_000;
/** Nobody waits longer for a search. */
const LONGEST_URGENT_WAIT_MS = 10_000;

/**
 * Keeps within what a vendor allows per minute. The window slides: with fixed minutes, twice as much could go out
 * around the turn of a minute. Requests have weights, so p-queue, which counts them, only keeps them in order here.
 *
 * Searches overtake indexing, and a share of every quota is reserved for them, even after an image that counts more
 * than the rest.
 */
export class RateLimiter {
  readonly #quota: EmbeddingQuota;
  readonly #indexingQuota: EmbeddingQuota;
  readonly #clock: Clock;
  readonly #urgent = new PQueue({ concurrency: 1 });
  readonly #patient = new PQueue({ concurrency: 1 });
  #spendings: Spending[] = [];
  /** Aborted when there may be room before the oldest request is a minute old. */
  #roomier = new AbortController();

  constructor(quota: EmbeddingQuota, clock: Clock) {
    this.#quota = quota;
    this.#indexingQuota = quotaForIndexing(quota);
    this.#clock = clock;
  }

  /**
   * Resolves when it's this request's turn. Rejects if the signal is aborted.
   *
   * @returns a function to call with the number of tokens billed in the end
   * @throws ImageSearchError a retryable `provider-unavailable` with the wait, if an urgent request would wait too long
   */
  async takeTurn(demand: Demand, signal: AbortSignal): Promise<(tokens: number) => void> {
    const lane = demand.isUrgent ? this.#urgent : this.#patient;
    const spending = await lane.add(() => this.#waitForRoom(demand, signal), { signal });
    return (tokens) => {
      const isLess = tokens < spending.tokens;
      spending.tokens = tokens;
      if (!isLess) return;
      this.#roomier.abort();
      this.#roomier = new AbortController();
    };
  }

  async #waitForRoom(demand: Demand, signal: AbortSignal): Promise<Spending> {
    for (;;) {
      signal.throwIfAborted();
      const now = this.#clock.elapsed();
      this.#spendings = this.#spendings.filter(({ at }) => at > now - MINUTE_MS);
      const lacking = this.#findLacking(demand);
      if (lacking === null) {
        const spending = { at: now, requests: 1, ...demand };
        this.#spendings.push(spending);
        return spending;
      }
      const [oldest] = this.#spendings;
      const waitMs = oldest === undefined ? 0 : oldest.at + MINUTE_MS - now;
      if (demand.isUrgent && waitMs > LONGEST_URGENT_WAIT_MS) throw exhausted(lacking, waitMs);
      await this.#clock.wait(Math.max(1, waitMs), AbortSignal.any([signal, this.#roomier.signal]));
    }
  }

  /** The quota that currently has no room for the request. */
  #findLacking({ images, tokens, isUrgent }: Demand): keyof EmbeddingQuota | null {
    const needs = [
      ['requestsPerMinute', 'requests', 1],
      ['imagesPerMinute', 'images', images],
      ['tokensPerMinute', 'tokens', tokens],
    ] as const;
    const lacking = needs.find(([quota, unit, amount]) => {
      const whole = this.#quota[quota];
      const limit = this.#indexingQuota[quota];
      if (!Number.isFinite(whole)) return false;
      const searches = this.#spentOn(unit, true);
      const indexing = this.#spentOn(unit, false);
      // Neither is charged for what the other uses of its own share.
      const spent = isUrgent
        ? searches + Math.min(indexing, limit)
        : indexing + Math.max(0, searches - (whole - limit));
      // A request that exceeds the quota by itself goes out when there is no other.
      return amount > 0 && spent > 0 && spent + amount > (isUrgent ? whole : limit);
    });
    return lacking?.[0] ?? null;
  }

  #spentOn(unit: 'requests' | 'images' | 'tokens', isUrgent: boolean): number {
    return this.#spendings
      .filter((spending) => spending.isUrgent === isUrgent)
      .reduce((sum, spending) => sum + spending[unit], 0);
  }
}

function exhausted(quota: keyof EmbeddingQuota, waitMs: number): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: `The rate limit embedding.${quota} is reached. Retry in ${String(Math.ceil(waitMs / 1_000))} s, or raise the limit if your key allows more.`,
    retryable: true,
    retryAfterMs: waitMs,
  });
}
