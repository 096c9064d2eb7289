import { backoffMs } from '../circuit-breaker';
import type { Clock } from '../clock';
import { ImageSearchError } from '../errors';

/** Requests in a row that time out before others fail without waiting. */
const TIMEOUTS_TO_REFUSE = 2;
/** How often the server is asked whether it is back. */
const PROBES = { firstRetryMs: 1_000, longestRetryMs: 10_000 };
/** An outage that comes back sooner is the same one: probes go on as rarely as before. */
const SAME_OUTAGE_MS = 60_000;

export interface AvailabilityOptions {
  /** Whether the server answers now, within a few seconds. Never rejects. */
  probe: () => Promise<boolean>;
  /** Called once per outage, at its end; must not throw. */
  onBack: (outage: Outage) => void;
  clock: Clock;
  /** 0 ≤ value < 1, for jitter. */
  random: () => number;
}

export interface Outage {
  milliseconds: number;
  /** Requests that failed during it, those included that weren't sent. */
  failures: number;
}

/**
 * Whether a server of vectors answers. While it doesn't, it is asked now and then, so that whatever waits for it
 * continues as soon as it's back. While it hangs, requests fail at once instead of each waiting for its timeout; a
 * server that refuses connections says so at once by itself.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  readonly #stopping = new AbortController();
  #outage: { error: ImageSearchError; since: number; failures: number } | null = null;
  #timeouts = 0;
  #nextProbeAt = 0;
  #probes = 0;
  #lastBackAt = -Infinity;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** @throws the error of the last timeout, with the time until the next probe, while the server hangs */
  assertNotHanging(): void {
    const outage = this.#outage;
    if (outage === null || this.#timeouts < TIMEOUTS_TO_REFUSE) return;
    outage.failures += 1;
    const { code, message } = outage.error;
    const untilProbe = this.#nextProbeAt - this.#options.clock.elapsed();
    const retryAfterMs = Math.max(PROBES.firstRetryMs, untilProbe);
    throw new ImageSearchError({ code, message, retryable: true, retryAfterMs });
  }

  recordAnswer(): void {
    this.#timeouts = 0;
    if (this.#outage === null) return;
    const { failures, since } = this.#outage;
    this.#outage = null;
    this.#lastBackAt = this.#options.clock.elapsed();
    this.#options.onBack({ milliseconds: this.#lastBackAt - since, failures });
  }

  /** The server couldn't be reached, or said nothing in time. */
  recordSilence(error: ImageSearchError, { isTimeout }: { isTimeout: boolean }): void {
    this.#timeouts = isTimeout ? this.#timeouts + 1 : 0;
    if (this.#outage) {
      this.#outage.failures += 1;
      this.#outage.error = error;
      return;
    }
    const since = this.#options.clock.elapsed();
    if (since - this.#lastBackAt > SAME_OUTAGE_MS) this.#probes = 0;
    this.#outage = { error, since, failures: 1 };
    void this.#probeUntilBack(this.#outage);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #probeUntilBack(outage: object): Promise<void> {
    const { clock, probe, random } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      this.#probes += 1;
      const pause = backoffMs(PROBES, this.#probes, random());
      this.#nextProbeAt = clock.elapsed() + pause;
      await clock.wait(pause, signal);
      if (signal.aborted || this.#outage !== outage) return;
      if (await probe()) {
        // Of this outage: a request may have ended it meanwhile.
        if (this.#outage === outage) this.recordAnswer();
        return;
      }
    }
  }
}
