import type { Context, Next } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ImageSearchError } from '../../../plugin/src/errors';

/**
 * Bounds how often one API token, user or address asks, so that a public search can neither stall the server nor run
 * up a provider's bill. Counted per process.
 *
 * @param requestsPerMinute 0: no limit
 */
export function rateLimit(requestsPerMinute: number) {
  if (requestsPerMinute === 0) return (_ctx: Context, next: Next): Promise<void> => next();
  const limiter = new RateLimiterMemory({ points: requestsPerMinute, duration: 60 });
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await limiter.consume(callerOf(ctx));
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      throw new ImageSearchError({
        code: 'rate-limited',
        message: `More than ${String(requestsPerMinute)} requests in a minute. Wait and ask again.`,
        retryable: true,
        retryAfterMs: error.msBeforeNext,
      });
    }
    await next();
  };
}

function callerOf(ctx: Context): string {
  const { auth } = ctx.state as {
    auth?: { strategy?: { name?: string }; credentials?: { id?: number | string } | null };
  };
  const id = auth?.credentials?.id;
  if (id === undefined) return `address ${ctx.request.ip}`;
  return `${auth?.strategy?.name ?? 'caller'} ${String(id)}`;
}
