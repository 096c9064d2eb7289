import type { Clock } from '../clock';
import { ImageSearchError, type ErrorCode } from '../errors';
import type { Logger } from '../logger';

/** Failures that say of a provider that it does not work, not of what it was asked. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set([
  'provider-not-installed',
  'provider-model-missing',
  'provider-model-changed',
  'provider-unavailable',
  'provider-unauthorized',
  'provider-bad-answer',
]);
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
/** What is asked how it is has so long to answer. */
const PROBE_TIMEOUT_MS = 5_000;

/** What may be down: a provider, or the opening of one. */
export interface OutageSubject {
  /** Unlike that of any other. */
  readonly id: string;
  /** Whether it works; never rejects. */
  isWell(signal: AbortSignal): Promise<boolean>;
}

export function isOutage(error: unknown): error is ImageSearchError {
  return error instanceof ImageSearchError && OUTAGES.has(error.code);
}

/**
 * What is known of a provider that is down, so that nobody waits for its failure again. It is asked how it is after
 * a pause, which grows from time to time, when a search comes by: that search does not wait for the answer.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #down: { error: ImageSearchError; id: string; probeAt: number; pauses: number } | null = null;
  /** What indexing pauses for: one failure is heard of once. */
  #lastHeard: ImageSearchError | null = null;

  constructor({ clock, logger }: { clock: Clock; logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Why it is known to be down; null when it is not. */
  of(subject: OutageSubject): ImageSearchError | null {
    if (this.#down?.id !== subject.id) return null;
    if (this.#clock.now() >= this.#down.probeAt) void this.#probe(subject);
    return this.#down.error;
  }

  /** It has failed. */
  note(error: ImageSearchError, { id }: OutageSubject): void {
    if (this.#down?.id === id) return;
    this.#logger.warn(
      `Searches are answered by the model of embedding.fallback until the provider is back. ${error.message}`,
    );
    const probeAt = this.#nextProbe(0, error.retryAfterMs);
    this.#down = { error, id, pauses: 0, probeAt };
  }

  /** It has been found to work, or to fail in another way, which the next search finds out at once. */
  end({ id }: OutageSubject, isWell: boolean): void {
    if (this.#down?.id !== id) return;
    this.#down = null;
    if (isWell) this.#logger.info('The provider is back: it answers searches again.');
  }

  /**
   * What indexing found out about the provider; null for nothing. One that names a time to come back is up, but was
   * asked too much: searches, which go ahead, find out for themselves.
   */
  hear(error: ImageSearchError | null, subject: OutageSubject): void {
    if (error === this.#lastHeard) return;
    this.#lastHeard = error;
    if (isOutage(error) && error.retryAfterMs === undefined) this.note(error, subject);
  }

  async #probe(subject: OutageSubject): Promise<void> {
    const down = this.#down;
    if (down === null) return;
    down.probeAt = Infinity;
    const isWell = await subject.isWell(AbortSignal.timeout(PROBE_TIMEOUT_MS));
    if (this.#down !== down) return;
    if (isWell) this.end(subject, true);
    else {
      down.pauses += 1;
      down.probeAt = this.#nextProbe(down.pauses);
    }
  }

  #nextProbe(pauses: number, askedForMs = 0): number {
    const pause = Math.max(FIRST_PAUSE_MS * 2 ** pauses, askedForMs);
    return this.#clock.now() + Math.min(LONGEST_PAUSE_MS, pause);
  }
}
