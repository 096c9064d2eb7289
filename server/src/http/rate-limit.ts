import ipaddr from 'ipaddr.js';
import type { Context, Next } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ImageSearchError } from '../../../plugin/src/errors';

/** Of 16 bits each: the first half of an IPv6 address. */
const GROUPS_OF_NETWORK = 4;

/**
 * Bounds how often one API token, user or address asks, so that none of them alone takes up the server or runs up a
 * provider's bill. Many callers together are not bounded, each process counts for itself, and behind a proxy that
 * Strapi does not trust (`server.proxy`) all callers are one address.
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
  if (id === undefined) return `address ${networkOf(ctx.request.ip)}`;
  return `${auth?.strategy?.name ?? 'caller'} ${String(id)}`;
}

/** What tells one caller from another: an IPv4 address, or the /64 that a single IPv6 caller has for itself. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, GROUPS_OF_NETWORK).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
