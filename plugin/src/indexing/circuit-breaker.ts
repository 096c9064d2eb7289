import type { Clock } from '../clock';
import type { ImageSearchError } from '../errors';
import { backoffMs } from './retry-policy';

/** Shared failures in a row, each possibly a passing one, before the queue pauses. */
const FAILURES_TO_OPEN = 3;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 300_000;

/**
 * Keeps the queue from hammering a provider or store that is down: M. Nygard's circuit breaker ("Release It!", 2007).
 * Closed: work flows. Open: nothing is claimed until a pause is over. Half-open: one batch tries, and its outcome
 * closes the breaker or opens it for longer.
 */
export interface CircuitBreaker {
  /** Milliseconds until work may be tried; 0 when closed or half-open. */
  pauseMs(): number;
  /** False while open or half-open: failures of single files say nothing about those files then. */
  isClosed(): boolean;
  /** Why it is not closed. */
  error(): ImageSearchError | null;
  succeed(): void;
  /** A failure of a shared part. */
  fail(error: ImageSearchError): void;
  /** Lets the next try happen at once, e.g. because an operator asked for it; its failure starts with a short pause. */
  reset(): void;
}

export function createCircuitBreaker(options: {
  clock: Clock;
  random: () => number;
  onOpen: (error: ImageSearchError, pauseMs: number) => void;
  onClose: () => void;
}): CircuitBreaker {
  const { clock, random, onOpen, onClose } = options;
  let failures = 0;
  let pauses = 0;
  let isClosed = true;
  let openUntil = 0;
  let lastError: ImageSearchError | null = null;

  function open(error: ImageSearchError): void {
    pauses += 1;
    isClosed = false;
    const pause = backoffMs(
      { firstRetryMs: FIRST_PAUSE_MS, longestRetryMs: LONGEST_PAUSE_MS },
      pauses,
      random(),
      error.retryAfterMs,
    );
    openUntil = clock.now() + pause;
    lastError = error;
    onOpen(error, pause);
  }

  return {
    pauseMs: () => Math.max(0, openUntil - clock.now()),
    isClosed: () => isClosed,
    error: () => lastError,
    succeed() {
      const wasOpen = !isClosed;
      isClosed = true;
      failures = 0;
      pauses = 0;
      openUntil = 0;
      lastError = null;
      if (wasOpen) onClose();
    },
    fail(error) {
      // Batches that were under way when it opened end one after the other: they are one failure, not many.
      if (clock.now() < openUntil) return;
      failures += 1;
      const isCertain = !error.retryable || error.retryAfterMs !== undefined;
      if (!isClosed || isCertain || failures >= FAILURES_TO_OPEN) open(error);
    },
    reset() {
      pauses = 0;
      openUntil = 0;
    },
  };
}
