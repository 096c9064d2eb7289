/**
 * Every failure this product knows by name. A code is part of the public API (`error.details.code`, index entries,
 * logs): it may be added to, never renamed.
 */
export const errorCodes = [
  // What a caller sent.
  'invalid-input',
  'file-not-found',
  'pair-not-found',
  'space-mismatch',
  'rate-limited',
  'conflict',
  // A picture, whether it is a file of the library or a query.
  'image-unreadable',
  'image-too-large',
  'image-unsupported',
  'image-missing',
  'image-unreachable',
  'storage-refused',
  'url-unreachable',
  // The embedding provider.
  'provider-not-installed',
  'provider-model-missing',
  'provider-model-changed',
  'provider-unavailable',
  'provider-unauthorized',
  'provider-rejected-input',
  'provider-bad-answer',
  'budget-reached',
  // The vector store.
  'store-not-installed',
  'store-unavailable',
  'store-space-clash',
  // The product itself.
  'config-invalid',
  'not-ready',
  'aborted',
  'unexpected',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface ImageSearchErrorOptions {
  code: ErrorCode;
  /** What happened, to what, and how to mend it. Never a secret, a vector or image bytes. */
  message: string;
  /** Whether the same call may succeed later with nothing changed. Decided where the failure is first seen. */
  retryable: boolean;
  /** Earliest sensible time of another try, in milliseconds from now, when the other side named one. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Base class of every error that this product raises on purpose. */
export class ImageSearchError extends Error {
  override readonly name = 'ImageSearchError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor({ code, message, retryable, retryAfterMs, cause }: ImageSearchErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Names an error that arrived from code which makes no promise about what it throws. Known errors pass unchanged;
 * anything else becomes a retryable `unexpected`, because a bug or a passing fault must not lose a picture.
 */
export function toImageSearchError(error: unknown): ImageSearchError {
  if (error instanceof ImageSearchError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ImageSearchError({ code: 'unexpected', message, retryable: true, cause: error });
}

/** The error of work that was given up because its caller asked for that. */
export function abortedError(cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'aborted',
    message: 'The work was cancelled before it ended.',
    retryable: true,
    cause,
  });
}
