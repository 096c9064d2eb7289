import ipaddr from 'ipaddr.js';
import type { Context, Next } from 'koa';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ImageSearchError } from '../../../plugin/src/errors';

/** Groups of 16 bits: the first half of an IPv6 address. */
const GROUPS_OF_NETWORK = 4;
const WINDOW_SECONDS = 60;

/**
 * Limits the requests of one API token, user or address, so that no single caller can overload the server or run up
 * the provider's costs. Every response says how many are left. Callers together are not limited, each process counts on its own, and behind a proxy that
 * Strapi does not trust (`server.proxy`) all callers share one address.
 *
 * @param requestsPerMinute 0: no limit
 */
export function rateLimit(requestsPerMinute: number) {
  if (requestsPerMinute === 0) return (_ctx: Context, next: Next): Promise<void> => next();
  const limiter = new RateLimiterMemory({ points: requestsPerMinute, duration: WINDOW_SECONDS });
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      announce(ctx, requestsPerMinute, await limiter.consume(callerOf(ctx)));
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      announce(ctx, requestsPerMinute, error);
      throw new ImageSearchError({
        code: 'rate-limited',
        message: `Too many requests: the limit is ${String(requestsPerMinute)} per minute. Wait and retry.`,
        retryable: true,
        retryAfterMs: untilReset(error),
      });
    }
    await next();
  };
}

/** Of draft-ietf-httpapi-ratelimit-headers-06, which clients know best. */
export const rateLimitHeaders = [
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'RateLimit-Policy',
] as const;

function announce(ctx: Context, requestsPerMinute: number, state: RateLimiterRes): void {
  const values: Record<(typeof rateLimitHeaders)[number], string> = {
    'RateLimit-Limit': String(requestsPerMinute),
    'RateLimit-Remaining': String(state.remainingPoints),
    'RateLimit-Reset': String(Math.ceil(untilReset(state) / 1_000)),
    'RateLimit-Policy': `${String(requestsPerMinute)};w=${String(WINDOW_SECONDS)}`,
  };
  ctx.set(values);
}

/** In milliseconds; no more than a window, also after the clock was set back. */
function untilReset({ msBeforeNext }: RateLimiterRes): number {
  return Math.min(msBeforeNext, WINDOW_SECONDS * 1_000);
}

function callerOf(ctx: Context): string {
  const { auth } = ctx.state as {
    auth?: { strategy?: { name?: string }; credentials?: { id?: number | string } | null };
  };
  const id = auth?.credentials?.id;
  if (id === undefined) return `address ${networkOf(ctx.request.ip)}`;
  return `${auth?.strategy?.name ?? 'caller'} ${String(id)}`;
}

/** Identifies a caller: an IPv4 address, or the /64 of a single IPv6 caller. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, GROUPS_OF_NETWORK).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
