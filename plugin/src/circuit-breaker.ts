import type { Clock } from './clock';
import { isProviderOutage, isTextFailure, type ImageSearchError } from './errors';

/**
 * What this process knows about the health of one model and its collection of vectors. Indexing, searches and opening
 * the model have a circuit breaker each, because one may continue while another pauses.
 *
 * For example, the provider answers with 429:
 * - to indexing, with a `Retry-After`: indexing pauses for that long. Searches continue, because the provider is up.
 * - to indexing, without one: at the third time in a row, indexing pauses and searches switch to the fallback, if there
 *   is one.
 * - to a search: searches switch to the fallback until a health check succeeds. Indexing continues.
 */
export class HealthRecord {
  /** Embedding and storing images. A success is a batch that was stored. */
  readonly indexing: CircuitBreaker;
  /** Embedding queries, if there is a fallback for them. */
  readonly search: CircuitBreaker;
  /** Opening the provider and its collection. */
  readonly opening: CircuitBreaker;
  readonly #clock: Clock;
  #lastResponse: { health: Health; at: number } | null = null;
  #isDoubtful = false;

  constructor(options: { clock: Clock; random: () => number }) {
    this.#clock = options.clock;
    this.search = new CircuitBreaker(policies.search, options);
    this.opening = new CircuitBreaker(policies.opening, options);
    this.indexing = new CircuitBreaker(policies.indexing, {
      clock: options.clock,
      random: options.random,
      onOpen: (error) => {
        this.#shareOutage(error);
      },
      // The provider may be back for searches, too: the next one finds out.
      onClose: () => this.search.recordSuccess(),
    });
  }

  /** Ends every pause: an operator asked for it. */
  retryNow(): void {
    for (const breaker of [this.indexing, this.search, this.opening]) breaker.retryNow();
  }

  /** Ends the pauses that the store's failures made; those of the provider, which may name a time, go on. */
  resumeStore(): void {
    for (const breaker of [this.indexing, this.search, this.opening]) {
      if (breaker.error()?.traits.part === 'store') breaker.retryNow();
    }
  }

  /** The provider's health by its last response, good or bad; null if that is a minute old. */
  recentHealth(): Health | null {
    if (this.#lastResponse === null) return null;
    const age = this.#clock.elapsed() - this.#lastResponse.at;
    return age < HEALTH_LIFETIME_MS ? this.#lastResponse.health : null;
  }

  /** The same, if it's good and no request since casts doubt on it. */
  recentGoodHealth(): Health | null {
    const health = this.recentHealth();
    return health?.ok === true && !this.#isDoubtful ? health : null;
  }

  recordHealth(health: Health): void {
    this.#lastResponse = { health, at: this.#clock.elapsed() };
    this.#isDoubtful = false;
  }

  /** A rejected input or an aborted request says little about the provider. */
  recordFailedRequest(error: ImageSearchError): void {
    if (isTextFailure(error) || error.code === 'aborted') this.#isDoubtful = true;
    else this.recordHealth({ ok: false, message: error.message });
  }

  /**
   * Spares searches from finding out for themselves that the provider is down. A provider that names a time is up but
   * was asked too often, and a failed opening is recorded by its own breaker.
   */
  #shareOutage(error: ImageSearchError): void {
    const isDown = isProviderOutage(error) && error.retryAfterMs === undefined;
    if (isDown && this.opening.state() === 'closed' && this.search.state() === 'closed') {
      this.search.recordFailure(error);
    }
  }
}

/** How long a response counts as the provider's health. */
const HEALTH_LIFETIME_MS = 60_000;

interface Health {
  ok: boolean;
  /** For the operator. */
  message: string;
}

interface CircuitPolicy {
  /** Failures in a row, each of which may pass by itself, before it opens. */
  failuresToOpen: number;
  /** The first pause, which doubles with each failure after a pause. */
  firstRetryMs: number;
  longestRetryMs: number;
  /** The longest pause that a provider or store may request. */
  longestRetryAfterMs: number;
}

const policies = {
  indexing: {
    failuresToOpen: 3,
    firstRetryMs: 2_000,
    longestRetryMs: 300_000,
    longestRetryAfterMs: Infinity,
  },
  search: {
    failuresToOpen: 1,
    firstRetryMs: 2_000,
    longestRetryMs: 60_000,
    longestRetryAfterMs: 60_000,
  },
  opening: {
    failuresToOpen: 1,
    firstRetryMs: 15_000,
    longestRetryMs: 15_000,
    longestRetryAfterMs: 15_000,
  },
} satisfies Record<string, CircuitPolicy>;

/**
 * Keeps callers from hammering a part that is down: M. Nygard's circuit breaker ("Release It!", 2007). Closed: work flows.
 * Open: nothing is tried until a pause is over. Half-open: one try, whose outcome closes the breaker or opens it for
 * longer.
 */
export class CircuitBreaker {
  readonly #policy: CircuitPolicy;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onOpen: (error: ImageSearchError) => void;
  readonly #onClose: () => void;
  #failures = 0;
  #pauses = 0;
  /** As `Clock.elapsed` counts. */
  #openUntil = 0;
  /** Null while closed. */
  #error: ImageSearchError | null = null;
  #isProbing = false;

  /** @param options.random 0 ≤ value < 1, for jitter */
  constructor(
    policy: CircuitPolicy,
    options: {
      clock: Clock;
      random: () => number;
      onOpen?: (error: ImageSearchError) => void;
      onClose?: () => void;
    },
  ) {
    this.#policy = policy;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onOpen = options.onOpen ?? (() => undefined);
    this.#onClose = options.onClose ?? (() => undefined);
  }

  state(): 'closed' | 'open' | 'half-open' {
    if (this.#error === null) return 'closed';
    return this.pauseMs() > 0 ? 'open' : 'half-open';
  }

  /** Milliseconds until work may be tried; 0 unless open. */
  pauseMs(): number {
    return Math.max(0, this.#openUntil - this.#clock.elapsed());
  }

  /** Why it isn't closed; null while it is. */
  error(): ImageSearchError | null {
    return this.#error;
  }

  /** Returns whether that closed it. */
  recordSuccess(): boolean {
    const isClosing = this.#error !== null;
    this.#failures = 0;
    this.#pauses = 0;
    this.#openUntil = 0;
    this.#error = null;
    if (isClosing) this.#onClose();
    return isClosing;
  }

  /**
   * Records the failure of a part that all calls share.
   *
   * @returns the pause in milliseconds if that opened it, otherwise null
   */
  recordFailure(error: ImageSearchError): number | null {
    const state = this.state();
    // Calls that were in progress when it opened end one after the other: they are one failure, not many.
    if (state === 'open') return null;
    this.#failures += 1;
    const isCertain = !error.retryable || error.retryAfterMs !== undefined;
    const isEnough = isCertain || this.#failures >= this.#policy.failuresToOpen;
    return state === 'half-open' || isEnough ? this.#open(error, error.retryAfterMs) : null;
  }

  /**
   * Finds out whether half-open work succeeds, one probe at a time; does nothing while closed or open.
   *
   * @param isHealthy never rejects
   * @returns whether that closed it
   */
  async probe(isHealthy: () => Promise<boolean>): Promise<boolean> {
    if (this.#isProbing || this.state() !== 'half-open') return false;
    this.#isProbing = true;
    const succeeded = await isHealthy();
    this.#isProbing = false;
    if (succeeded) return this.recordSuccess();
    if (this.#error) this.#open(this.#error);
    return false;
  }

  /** Ends the pause without closing. The next failure starts with a short pause again. */
  retryNow(): void {
    this.#pauses = 0;
    this.#openUntil = 0;
  }

  #open(error: ImageSearchError, retryAfterMs = 0): number {
    this.#pauses += 1;
    const { longestRetryAfterMs } = this.#policy;
    const pause = backoffMs(
      this.#policy,
      this.#pauses,
      this.#random(),
      Math.min(retryAfterMs, longestRetryAfterMs),
    );
    this.#openUntil = this.#clock.elapsed() + pause;
    this.#error = error;
    this.#onOpen(error);
    return pause;
  }
}

/**
 * Exponential backoff with equal jitter: half of each step is fixed, half is random, so that what failed together isn't
 * retried together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param attempts so far, at least 1
 * @param random 0 ≤ random < 1
 * @returns milliseconds, at least `retryAfterMs`
 */
export function backoffMs(
  policy: { firstRetryMs: number; longestRetryMs: number },
  attempts: number,
  random: number,
  retryAfterMs = 0,
): number {
  const step = Math.min(policy.longestRetryMs, policy.firstRetryMs * 2 ** (attempts - 1));
  return Math.max(retryAfterMs, step / 2 + (step / 2) * random);
}
