import { isFetchError } from '@strapi/strapi/admin';
import * as z from 'zod';

const detailsSchema = z.object({ code: z.string() });

/** Why a request failed, whoever refused it. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  /**
   * The server's `error.details.code`; `forbidden` and `signed-out` when Strapi refuses before, `network` when nobody
   * answers, `unknown-answer` when the answer is none that this panel knows, `unexpected` for anything else.
   */
  readonly code: string;
  /** Of HTTP; null when there was no answer. */
  readonly status: number | null;

  constructor(options: { code: string; status: number | null; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.status = options.status;
  }
}

/** Names what a request threw. A request that was given up stays the `AbortError` it is. */
export function toApiFailure(error: unknown): unknown {
  if (error instanceof ApiFailure || isAbort(error)) return error;
  if (!isFetchError(error)) return networkFailure(error);
  const status = error.status ?? null;
  const details = detailsSchema.safeParse(error.response?.data.error.details);
  return new ApiFailure({
    code: details.success ? details.data.code : codeOfStatus(status),
    status,
    message: error.message,
    cause: error,
  });
}

export function unknownAnswer(cause: unknown): ApiFailure {
  return new ApiFailure({
    code: 'unknown-answer',
    status: null,
    message: 'The answer is not of the expected shape.',
    cause,
  });
}

function networkFailure(cause: unknown): ApiFailure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ApiFailure({ code: 'network', status: null, message, cause });
}

function codeOfStatus(status: number | null): string {
  if (status === 401) return 'signed-out';
  if (status === 403) return 'forbidden';
  if (status === 429) return 'rate-limited';
  return 'unexpected';
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
