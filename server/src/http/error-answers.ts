import { errors } from '@strapi/utils';
import type { Context, Next } from 'koa';
import type { ImageSearchError } from '../../../plugin/src/errors';
import { toImageSearchError, type ErrorCode } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';

const statusOf = {
  'invalid-input': 400,
  'file-not-found': 404,
  'pair-not-found': 404,
  'space-mismatch': 409,
  'rate-limited': 429,
  conflict: 409,
  'image-unreadable': 400,
  'image-too-large': 413,
  'image-unsupported': 415,
  'image-missing': 404,
  'image-unreachable': 502,
  'storage-refused': 502,
  'url-unreachable': 400,
  'provider-not-installed': 503,
  'provider-model-missing': 503,
  'provider-model-changed': 503,
  'provider-unavailable': 503,
  'provider-unauthorized': 503,
  'provider-rejected-input': 400,
  'provider-bad-answer': 503,
  'budget-reached': 503,
  'store-not-installed': 503,
  'store-unavailable': 503,
  'store-space-clash': 503,
  'config-invalid': 500,
  'not-ready': 409,
  aborted: 503,
  unexpected: 500,
} as const satisfies Record<ErrorCode, number>;

const statusNames: Record<number, string> = {
  400: 'ValidationError',
  404: 'NotFoundError',
  409: 'ConflictError',
  413: 'PayloadTooLargeError',
  415: 'UnsupportedMediaTypeError',
  429: 'RateLimitError',
  500: 'InternalServerError',
  502: 'BadGatewayError',
  503: 'ServiceUnavailableError',
};

const FIRST_SERVER_ERROR = 500;

/**
 * Answers every known failure of what lies below in Strapi's error shape, with the code in `error.details`.
 *
 * @param options.tellsOperators whether the message of a server fault and of whatever the provider and the store
 * fail with, which names settings and hosts, is shown: to the admin it is, to the world it is not
 */
export function errorAnswers(options: { tellsOperators: boolean; logger: Logger }) {
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

function answer(
  ctx: Context,
  error: ImageSearchError,
  { tellsOperators, logger }: { tellsOperators: boolean; logger: Logger },
): void {
  const status = statusOf[error.code];
  const isServerFault = status >= FIRST_SERVER_ERROR;
  // A caller that hung up, or Strapi shutting down: nobody is to blame.
  if (error.code === 'aborted') logger.debug(`${ctx.method} ${ctx.path}: ${error.message}`);
  else if (isServerFault) logger.error(`${ctx.method} ${ctx.path}: ${error.message}`);
  else if (isOperatorsBusiness(error.code)) {
    logger.debug(`${ctx.method} ${ctx.path}: ${error.message}`);
  }
  if (error.code === 'unexpected' && error.cause instanceof Error) {
    logger.error(error.cause.stack ?? error.cause.message);
  }
  if (error.retryAfterMs !== undefined) {
    ctx.set('Retry-After', String(Math.ceil(error.retryAfterMs / 1_000)));
  }
  const message = tellsOperators ? error.message : publicMessage(error, status);
  ctx.status = status;
  ctx.body = {
    data: null,
    error: { status, name: statusNames[status], message, details: { code: error.code } },
  };
}

/** What comes from the provider and the store names hosts and settings, and says what others said. */
function isOperatorsBusiness(code: ErrorCode): boolean {
  return code.startsWith('provider-') || code.startsWith('store-');
}

function publicMessage({ code, message }: ImageSearchError, status: number): string {
  if (status >= FIRST_SERVER_ERROR) return 'Image search is not available at the moment.';
  return isOperatorsBusiness(code) ? 'The text or picture cannot be searched for.' : message;
}

/** What Koa and its middlewares throw on purpose; Strapi formats it. */
function isHttpError(error: unknown): boolean {
  return error instanceof Error && 'expose' in error && 'status' in error;
}
