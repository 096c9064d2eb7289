import PQueue from 'p-queue';
import type { Clock } from '../../clock';
import { ImageSearchError } from '../../errors';
import type { EmbeddingQuota } from '../contract';

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
  requests: number;
  images: number;
  tokens: number;
}

const MINUTE_MS = 60_000;
/** Share of every quota that what is not urgent leaves to searches, at least one request. */
const RESERVED_SHARE = 0.1;
/** Nobody looks at a search for longer than this. */
const LONGEST_URGENT_WAIT_MS = 10_000;

/**
 * Keeps within what a vendor allows in a minute, so that it has nothing to complain of. The minute is the last one at
 * every moment: with fixed minutes twice as much can go out around the turn. Requests are weighed, which is why
 * p-queue, which counts them, only puts them in order here.
 *
 * Searches overtake what is indexed, and a part of everything is theirs alone.
 */
export class Pace {
  readonly #quota: EmbeddingQuota;
  readonly #clock: Clock;
  readonly #urgent = new PQueue({ concurrency: 1 });
  readonly #patient = new PQueue({ concurrency: 1 });
  #spendings: Spending[] = [];
  /** Aborted when there may be room before the oldest request is a minute old. */
  #roomier = new AbortController();

  constructor(quota: EmbeddingQuota, clock: Clock) {
    this.#quota = quota;
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
        const { images, tokens } = demand;
        const spending = { at: now, requests: 1, images, tokens };
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
      const spent = this.#spendings.reduce((sum, spending) => sum + spending[unit], 0);
      const limit = isUrgent ? this.#quota[quota] : withoutReserve(this.#quota[quota]);
      // One request that is larger than the quota itself goes out when there is no other.
      return amount > 0 && spent > 0 && spent + amount > limit;
    });
    return lacking?.[0] ?? null;
  }
}

function withoutReserve(limit: number): number {
  if (!Number.isFinite(limit)) return limit;
  return Math.max(1, limit - Math.max(1, Math.floor(limit * RESERVED_SHARE)));
}

function exhausted(quota: keyof EmbeddingQuota, waitMs: number): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: `What embedding.${quota} allows for this minute is used up.`,
    retryable: true,
    retryAfterMs: waitMs,
  });
}
