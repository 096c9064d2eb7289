import type { ConflictReason, ErrorCode } from './contracts/errors';
import type { FailureReason } from './contracts/file-status';

export { errorCodes, type ErrorCode, type Problem, type SpaceProblem } from './contracts/errors';

export interface ErrorTraits {
  /** Whether the same call may succeed later with nothing changed; an error may override it. */
  readonly retryable: boolean;
  /** Where the failure lies. */
  readonly part: 'caller' | 'image' | 'storage' | 'provider' | 'store' | 'product';
  /** The part fails for every image and every search alike. */
  readonly isOutage: boolean;
  /** An image of the call may be to blame, so it counts against that image. */
  readonly isItemFault: boolean;
  /** The image is skipped because of what it is: nobody has to fix it. */
  readonly isSkipped: boolean;
  readonly httpStatus: 400 | 404 | 409 | 413 | 415 | 429 | 500 | 502 | 503;
  /** The message may name hosts and settings, or quote others: outside callers don't see it. */
  readonly isOperatorOnly: boolean;
  /** What the panel shows. */
  readonly reason: FailureReason;
}

const callerFault = {
  retryable: false,
  part: 'caller',
  isOutage: false,
  isItemFault: false,
  isSkipped: false,
  httpStatus: 400,
  isOperatorOnly: false,
  reason: 'unexpected',
} as const satisfies ErrorTraits;

const imageFault = { ...callerFault, part: 'image' } as const satisfies ErrorTraits;

const storageFault = {
  ...callerFault,
  part: 'storage',
  httpStatus: 502,
  isOperatorOnly: true,
} as const satisfies ErrorTraits;

const providerOutage = {
  ...callerFault,
  part: 'provider',
  isOutage: true,
  httpStatus: 503,
  isOperatorOnly: true,
  reason: 'provider',
} as const satisfies ErrorTraits;

const storeOutage = {
  ...providerOutage,
  part: 'store',
  reason: 'store',
} as const satisfies ErrorTraits;

const productFault = {
  ...callerFault,
  part: 'product',
  httpStatus: 500,
  isOperatorOnly: true,
} as const satisfies ErrorTraits;

/** The one place that says what each failure means: to indexing, to searches, over HTTP and in the panel. */
export const errorTraits = {
  'invalid-input': callerFault,
  // The model embeds the text as zero, so there is nothing to compare images with.
  'text-unknown': callerFault,
  'file-not-found': { ...callerFault, httpStatus: 404 },
  'entry-not-found': { ...callerFault, httpStatus: 404 },
  'pair-not-found': { ...callerFault, httpStatus: 404 },
  'merge-not-found': { ...callerFault, httpStatus: 404 },
  'space-mismatch': { ...callerFault, httpStatus: 409 },
  'rate-limited': { ...callerFault, httpStatus: 429, retryable: true },
  conflict: { ...callerFault, httpStatus: 409 },

  'image-unreadable': { ...imageFault, isItemFault: true, reason: 'unreadable' },
  'image-too-large': {
    ...imageFault,
    isItemFault: true,
    isSkipped: true,
    httpStatus: 413,
    reason: 'too-large',
  },
  'image-unsupported': {
    ...imageFault,
    isItemFault: true,
    isSkipped: true,
    httpStatus: 415,
    reason: 'unsupported',
  },
  // An optional package decodes it; the image is indexed once that is installed.
  'image-decoder-missing': {
    ...imageFault,
    isItemFault: true,
    isSkipped: true,
    httpStatus: 415,
    reason: 'decoder-missing',
  },
  // The file is missing, which says nothing about the image.
  'image-missing': { ...imageFault, httpStatus: 404, reason: 'missing' },
  'image-unreachable': { ...storageFault, retryable: true, reason: 'unreachable' },
  'storage-refused': { ...storageFault, reason: 'storage-refused' },
  // Files in other storage may be fine, so it's no outage.
  'storage-unavailable': {
    ...storageFault,
    httpStatus: 503,
    retryable: true,
    reason: 'unreachable',
  },
  'url-unreachable': { ...callerFault, retryable: true },

  'provider-not-installed': providerOutage,
  'provider-model-missing': providerOutage,
  'provider-model-changed': providerOutage,
  'provider-unavailable': { ...providerOutage, retryable: true },
  'provider-unauthorized': providerOutage,
  'provider-rejected-input': {
    ...providerOutage,
    isOutage: false,
    isItemFault: true,
    httpStatus: 400,
    reason: 'rejected',
  },
  // Either the provider is broken or it can't cope with an image: a health check tells.
  'provider-bad-answer': { ...providerOutage, isItemFault: true, retryable: true },
  'budget-reached': { ...productFault, httpStatus: 503, retryable: true },

  'store-not-installed': storeOutage,
  'store-unavailable': { ...storeOutage, retryable: true },
  'store-space-clash': storeOutage,

  'config-invalid': productFault,
  'not-ready': {
    ...productFault,
    isOutage: true,
    httpStatus: 409,
    isOperatorOnly: false,
    retryable: true,
  },
  aborted: { ...productFault, httpStatus: 503, retryable: true },
  unexpected: { ...productFault, retryable: true },
} as const satisfies Record<ErrorCode, ErrorTraits>;

/** What the panel shows for a code, also for one that another version of this plugin stored. */
export function failureReason(code: string): FailureReason {
  return isErrorCode(code) ? errorTraits[code].reason : 'unexpected';
}

export interface ImageSearchErrorOptions {
  code: ErrorCode;
  /** `what failed: why. What to do.` Never a secret, a vector or image bytes. */
  message: string;
  /** For a `conflict`: which one, where the panel has words for it. */
  conflict?: ConflictReason | undefined;
  /** Whether the same call may succeed later with nothing changed. Defaults to what the code's traits say. */
  retryable?: boolean | undefined;
  /** When to retry at the earliest, in milliseconds from now, if the other side named a time. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** The class of every error that this plugin throws on purpose. */
export class ImageSearchError extends Error {
  override readonly name = 'ImageSearchError';
  readonly code: ErrorCode;
  readonly conflict: ConflictReason | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  get traits(): ErrorTraits {
    return errorTraits[this.code];
  }

  constructor(options: ImageSearchErrorOptions) {
    const { cause, code, conflict, message, retryable, retryAfterMs } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.conflict = conflict;
    this.retryable = retryable ?? errorTraits[code].retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Names an error from code that promises nothing about what it throws. Known errors pass unchanged; anything else
 * becomes a retryable `unexpected`, because a bug or a passing fault must not lose an image.
 */
export function toImageSearchError(error: unknown): ImageSearchError {
  if (error instanceof ImageSearchError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ImageSearchError({ code: 'unexpected', message, cause: error });
}

/** Whether a provider failed because it is down, not because of what it was asked. */
export function isProviderOutage(error: unknown): error is ImageSearchError {
  if (!(error instanceof ImageSearchError)) return false;
  const { isOutage, part } = error.traits;
  return isOutage && part === 'provider';
}

/** A failure of a part that all images share: no file is to blame, and the next one would fail as well. */
export function isSharedFailure({ traits }: ImageSearchError): boolean {
  return traits.isOutage && !traits.isItemFault;
}

/** A failure that no file is to blame for: the attempt doesn't count. */
export function isBlameless(error: ImageSearchError): boolean {
  return isSharedFailure(error) || error.code === 'storage-unavailable';
}

/** A failure that says of a file's bytes that they have no vector. */
export function isContentFailure({ traits }: ImageSearchError): boolean {
  return traits.isItemFault && !traits.isOutage;
}

/** A failure that says that an image of the call is to blame, or else that the provider is down. */
export function isRejection({ traits }: ImageSearchError): boolean {
  return traits.isItemFault && traits.part === 'provider';
}

/** A failure that says of a text of the call that it has no vector, of which the others may have one. */
export function isTextFailure(error: unknown): boolean {
  return (
    error instanceof ImageSearchError &&
    (error.code === 'provider-rejected-input' || error.code === 'text-unknown')
  );
}

/** The error of work that its caller canceled. */
export function abortedError(cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'aborted',
    message: 'The operation was canceled.',
    cause,
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTraits, code);
}

export type FetchFailure =
  /** Not a valid http(s) URL, or a host or port that is not allowed. */
  | 'refused'
  /** The server says that there is no such file. */
  | 'missing'
  | 'too-large'
  /** The file has a content type that is not accepted. */
  | 'wrong-type'
  /** The server doesn't let this client have the file (401, 403). */
  | 'forbidden'
  /** No response in time, a broken connection, or an error status. */
  | 'unreachable';

/** A failed download. The message names only the host, because URLs may be signed. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  constructor(
    readonly failure: FetchFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
