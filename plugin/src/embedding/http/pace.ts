import PQueue from 'p-queue';
import type { Clock } from '../../clock';
import { ImageSearchError } from '../../errors';
import { quotaForIndexing, type EmbeddingQuota } from '../quota';

/** What one request will use up. */
export interface Demand {
  images: number;
  /** As far as is known beforehand. */
  tokens: number;
  /** Somebody waits for the answer. */
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
/** Nobody looks at a search for longer than this. */
const LONGEST_URGENT_WAIT_MS = 10_000;

/**
 * Keeps within what a vendor allows in a minute, so that it has nothing to complain of. The minute is the last one at
 * every moment: with fixed minutes twice as much can go out around the turn. Requests are weighed, which is why
 * p-queue, which counts them, only puts them in order here.
 *
 * Searches overtake what is indexed, and a part of everything is theirs alone, even after a picture that counts more
 * than the rest.
 */
export class Pace {
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
   * Resolves when it is this request's turn. Rejects when the signal is aborted, and with a retryable
   * `provider-unavailable` that names the wait when an urgent request would have to wait for long.
   *
   * @returns takes the number of tokens that the request was billed for in the end
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
      const now = this.#clock.now();
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

  /** The quota that leaves no room for the request at the moment. */
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
      // Neither is charged for what the other takes of its own part.
      const spent = isUrgent
        ? searches + Math.min(indexing, limit)
        : indexing + Math.max(0, searches - (whole - limit));
      // One request that is larger than the quota itself goes out when there is no other.
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
    message: `What embedding.${quota} allows for this minute is used up.`,
    retryable: true,
    retryAfterMs: waitMs,
  });
}
