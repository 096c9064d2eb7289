import { ImageSearchError, type ErrorCode } from '../../plugin/src/errors';

/** A failure as the parts below indexing and search raise it. */
export function failure(
  code: ErrorCode,
  options: { retryable?: boolean; retryAfterMs?: number; message?: string } = {},
): ImageSearchError {
  const { retryable = false, retryAfterMs, message = `It failed with ${code}.` } = options;
  return new ImageSearchError({ code, message, retryable, retryAfterMs });
}
