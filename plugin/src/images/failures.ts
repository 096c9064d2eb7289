import { ImageSearchError } from '../errors';

/*
 * What can be wrong with one picture. Messages speak of the picture; what the decoder said is in `cause`. The same
 * bytes fail again, so these are not retryable.
 */

/** Damaged, or no picture. */
export function unreadable(reason: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unreadable',
    message: `The picture cannot be read: ${reason}.`,
    retryable: false,
    cause,
  });
}

/** A format that is known, but not to this build of libvips. */
export function unsupported(format: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unsupported',
    message: `The picture cannot be read: this server does not decode ${format}. Save it as JPEG, PNG, WebP or AVIF.`,
    retryable: false,
    cause,
  });
}

export function tooLarge(given: string, allowed: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-too-large',
    message: `The picture is too large: it has ${given}, at most ${allowed} are allowed.`,
    retryable: false,
    cause,
  });
}

/** Retryable, unlike the others: it says as much about the load of the machine as about the picture. */
export function tookTooLong(timeoutMs: number, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unreadable',
    message: `The picture cannot be read: decoding it took longer than ${String(timeoutMs)} ms.`,
    retryable: true,
    cause,
  });
}

/** Names what the decoder threw at a picture whose header was in order. */
export function decodingFailure(error: unknown, timeoutMs: number): ImageSearchError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('timeout:')) return tookTooLong(timeoutMs, error);
  const isTruncated = /premature end|truncat|unexpected end|not enough data|end of file/i;
  return unreadable(
    isTruncated.test(message)
      ? 'its file is truncated, as after an upload that broke off'
      : 'its file is damaged',
    error,
  );
}
