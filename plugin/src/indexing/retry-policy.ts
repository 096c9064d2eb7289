import type { ErrorCode, ImageSearchError } from '../errors';
import type { EntryFailure } from './contract';

export interface RetryPolicy {
  /** Tries before a picture is given up. */
  maxAttempts: number;
  firstRetryMs: number;
  longestRetryMs: number;
}

/** Failures that lie in a file's nature: nobody is asked to mend them. */
const SKIPPED: ReadonlySet<ErrorCode> = new Set(['image-too-large', 'image-unsupported']);

/** Failures that say of a file's bytes that they have no vector. */
const CONTENT: ReadonlySet<ErrorCode> = new Set([
  ...SKIPPED,
  'image-unreadable',
  'provider-rejected-input',
]);

/** Failures of a part that all pictures share: no file is to blame, and trying the next one would fail as well. */
const SHARED: ReadonlySet<ErrorCode> = new Set([
  'provider-not-installed',
  'provider-model-missing',
  'provider-model-changed',
  'provider-unavailable',
  'provider-unauthorized',
  'store-not-installed',
  'store-unavailable',
  'store-space-clash',
  'storage-refused',
  'not-ready',
]);

export function isSharedFailure(error: ImageSearchError): boolean {
  return SHARED.has(error.code);
}

export function isContentFailure(error: ImageSearchError): boolean {
  return CONTENT.has(error.code);
}

/**
 * Exponential backoff with equal jitter: half of the step is fixed, half is random, so that entries that failed
 * together do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param attempts tries so far, at least 1
 * @param random 0 ≤ random < 1
 * @returns milliseconds, at least what the other side asked for
 */
export function backoffMs(
  policy: Pick<RetryPolicy, 'firstRetryMs' | 'longestRetryMs'>,
  attempts: number,
  random: number,
  askedForMs = 0,
): number {
  const step = Math.min(policy.longestRetryMs, policy.firstRetryMs * 2 ** (attempts - 1));
  return Math.max(askedForMs, step / 2 + (step / 2) * random);
}

/** What becomes of an entry after a failed try that is counted. */
export function judgeFailure(options: {
  error: ImageSearchError;
  attempts: number;
  policy: RetryPolicy;
  now: number;
  random: number;
}): EntryFailure['next'] {
  const { error, attempts, policy, now, random } = options;
  if (SKIPPED.has(error.code)) return { state: 'skipped' };
  if (!error.retryable || attempts >= policy.maxAttempts) return { state: 'failed' };
  const wait = backoffMs(policy, attempts, random, error.retryAfterMs);
  return { state: 'pending', dueAt: new Date(now + wait) };
}
