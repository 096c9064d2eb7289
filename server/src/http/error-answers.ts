import { errors } from '@strapi/utils';
import type { Context, Next } from 'koa';
import type { z } from 'zod';
import type { errorDetailsSchema } from '../../../plugin/src/contracts/errors';
import type { ImageSearchError } from '../../../plugin/src/errors';
import { toImageSearchError, type ErrorCode, type ErrorTraits } from '../../../plugin/src/errors';
import type { Logger, OutageLog } from '../../../plugin/src/logger';

const statusNames = {
  400: 'ValidationError',
  404: 'NotFoundError',
  409: 'ConflictError',
  413: 'PayloadTooLargeError',
  415: 'UnsupportedMediaTypeError',
  429: 'RateLimitError',
  500: 'InternalServerError',
  502: 'BadGatewayError',
  503: 'ServiceUnavailableError',
} as const satisfies Record<ErrorTraits['httpStatus'], string>;

const FIRST_SERVER_ERROR = 500;
/** Sent with a 429 or 503 whose cause names no time; a model or store that can't be opened is tried as often. */
const RETRY_AFTER_MS = 15_000;

interface ErrorAnswerOptions {
  /**
   * Whether to show messages of server, provider and store errors, which name settings and hosts: true for the admin API,
   * false for the content API.
   */
  isForOperators: boolean;
  logger: Logger;
  outages: OutageLog;
}

/** Responds to every known error in Strapi's error shape, with the code in `error.details`. */
export function errorAnswers(options: ErrorAnswerOptions) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      if (error instanceof errors.ApplicationError) {
        if (error instanceof errors.ValidationError) {
          error.details = {
            ...(error.details as object),
            code: 'invalid-input' satisfies ErrorCode,
          };
        }
        throw error;
      }
      if (isHttpError(error)) throw error;
      answer(ctx, toImageSearchError(error), options);
    }
  };
}

/**
 * For entry points that format Strapi's errors themselves: throws one with the code in its details, for callers who are no
 * operators.
 *
 * @param ctx of the request, for its headers and for the log
 */
export function throwForStrapi(
  ctx: Context,
  thrown: unknown,
  options: Pick<ErrorAnswerOptions, 'logger' | 'outages'>,
): never {
  if (thrown instanceof errors.ApplicationError || isHttpError(thrown)) throw thrown;
  const error = toImageSearchError(thrown);
  log(ctx, error, { ...options, isForOperators: false });
  const { httpStatus } = error.traits;
  const known = {
    400: errors.ValidationError,
    404: errors.NotFoundError,
    429: errors.RateLimitError,
  };
  const Thrown =
    httpStatus in known ? known[httpStatus as keyof typeof known] : errors.ApplicationError;
  throw new Thrown(publicMessage(error), detailsOf(error));
}

function answer(ctx: Context, error: ImageSearchError, options: ErrorAnswerOptions): void {
  const { httpStatus: status } = error.traits;
  log(ctx, error, options);
  const isTemporary = status === 429 || status === 503;
  const retryAfterMs = error.retryAfterMs ?? (isTemporary ? RETRY_AFTER_MS : undefined);
  if (retryAfterMs !== undefined) {
    ctx.set('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
  }
  const message = options.isForOperators ? error.message : publicMessage(error);
  ctx.status = status;
  ctx.body = {
    data: null,
    error: { status, name: statusNames[status], message, details: detailsOf(error) },
  };
}

function detailsOf({ code, conflict }: ImageSearchError): z.input<typeof errorDetailsSchema> {
  return { code, ...(conflict && { conflict }) };
}

function log(
  { method, path }: Context,
  error: ImageSearchError,
  { logger, outages }: ErrorAnswerOptions,
): void {
  const { isOperatorOnly, isOutage } = error.traits;
  const isFault = isServerFault(error);
  const line = `${method} ${path}: ${error.message}`;
  // The caller hung up, or Strapi is shutting down.
  if (error.code === 'aborted') logger.debug(line);
  else if (isFault && isOutage) outages.report(error.message, line);
  else if (isFault) logger.error(line);
  else if (isOperatorOnly) logger.debug(line);
  if (error.code === 'unexpected' && error.cause instanceof Error) {
    logger.error(error.cause.stack ?? error.cause.message);
  }
}

/** Whether the server, the model or the store is to blame, not what the caller sent. */
export function isServerFault({ traits }: ImageSearchError): boolean {
  return traits.httpStatus >= FIRST_SERVER_ERROR;
}

function publicMessage(error: ImageSearchError): string {
  if (!error.traits.isOperatorOnly) return error.message;
  if (!isServerFault(error)) return "Can't search with this text or image.";
  return 'Search is unavailable. Try again later.';
}

/** Errors that Koa and its middlewares throw on purpose; Strapi formats them. */
function isHttpError(error: unknown): boolean {
  return error instanceof Error && 'expose' in error && 'status' in error;
}
