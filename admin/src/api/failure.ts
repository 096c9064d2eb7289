import type { ConflictReason } from '../../../plugin/src/contracts/errors';

/** Why a request failed. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  /**
   * The server's `error.details.code`, or one of the panel's own: `signed-out`, `forbidden` and `rate-limited` when Strapi
   * refuses before the plugin does, `network` when nothing answers, `unknown-answer` when the response has another shape
   * than expected, `unexpected` for anything else.
   */
  readonly code: string;
  /** The server's `error.details.conflict`; null for none. */
  readonly conflict: ConflictReason | null;
  /** Of HTTP; null when there was no response. */
  readonly status: number | null;

  constructor(options: {
    code: string;
    conflict?: ConflictReason | null;
    status: number | null;
    message: string;
    cause?: unknown;
  }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.conflict = options.conflict ?? null;
    this.status = options.status;
  }
}

export function isForbidden(failure: unknown): boolean {
  return failure instanceof ApiFailure && failure.code === 'forbidden';
}

export function isSignedOut(failure: unknown): boolean {
  return failure instanceof ApiFailure && failure.code === 'signed-out';
}

export function isNetworkFailure(failure: unknown): boolean {
  return failure instanceof ApiFailure && failure.code === 'network';
}
