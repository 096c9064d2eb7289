import { isTimeout } from '../deadline';
import { abortedError, ImageSearchError } from '../errors';

/** When a search that ran out of time is worth another try. */
const RETRY_AFTER_MS = 5_000;

/**
 * Settles as the work does, or fails as soon as the signal is aborted, whether or not the work heeds it: with
 * `provider-unavailable` when the signal ran out of time (its reason is a `TimeoutError`), otherwise with `aborted`.
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return work;
  let giveUp = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => {
      reject(abortionOf(signal));
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    // Work that heeds the signal knows nothing of deadlines.
    throw signal.aborted ? abortionOf(signal) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function abortionOf(signal: AbortSignal): ImageSearchError {
  const cause: unknown = signal.reason;
  if (!isTimeout(signal)) return abortedError(cause);
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: 'The model is still being loaded or does not answer.',
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
    cause,
  });
}
