import { abortedError, ImageSearchError } from './errors';

/** When to retry a search that ran out of time. */
const RETRY_AFTER_MS = 5_000;
const TIMEOUT_NAME = 'TimeoutError';

/**
 * Settles with the work, or rejects as soon as the signal is aborted, whether or not the work listens to it.
 *
 * @throws ImageSearchError `provider-unavailable` when the signal timed out, `aborted` when it was aborted otherwise
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return work;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(abortErrorOf(signal));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    // Work that listens to the signal can't tell a timeout from a caller that left.
    throw signal.aborted ? abortErrorOf(signal) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The reason to abort a signal with when time runs out; equal to that of `AbortSignal.timeout`. */
export function timeoutReason(message: string): DOMException {
  return new DOMException(message, TIMEOUT_NAME);
}

/** Whether a signal was aborted because time ran out, rather than because its owner canceled. */
export function isTimeout(signal: AbortSignal | undefined): boolean {
  const reason: unknown = signal?.reason;
  return reason instanceof DOMException && reason.name === TIMEOUT_NAME;
}

function abortErrorOf(signal: AbortSignal): ImageSearchError {
  const cause: unknown = signal.reason;
  if (!isTimeout(signal)) return abortedError(cause);
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: "The model is still loading or isn't responding. Try again in a few seconds.",
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
    cause,
  });
}
