import { createHash } from 'node:crypto';
import type { Context, Next } from 'koa';
import { rateLimitHeaders } from './rate-limit';

/**
 * Lets clients and CDNs keep what GET requests answer. Every answer has an `ETag`, so an unchanged one costs a caller
 * that names it in `If-None-Match` no transfer (304). Only answers for everybody, asked without credentials, may be
 * kept in shared caches, and used without asking; a degraded answer never is.
 *
 * @param maxAgeSeconds how long an answer may be used without asking; 0: never
 */
export function httpCache(maxAgeSeconds: number) {
  return async (ctx: Context, next: Next): Promise<void> => {
    await next();
    const body: unknown = ctx.body;
    if (ctx.method !== 'GET' || ctx.status !== 200 || typeof body !== 'object' || !body) return;
    ctx.vary('Authorization');
    const cacheControl = cacheControlOf(ctx, body, maxAgeSeconds);
    ctx.set('Cache-Control', cacheControl);
    // What is left of a limit is another caller's when a cache answers.
    if (cacheControl.startsWith('public')) for (const name of rateLimitHeaders) ctx.remove(name);
    const content = Buffer.isBuffer(body) ? body : JSON.stringify(body);
    ctx.set('ETag', `W/"${createHash('sha256').update(content).digest('base64url')}"`);
    if (ctx.fresh) ctx.status = 304;
  };
}

function cacheControlOf(ctx: Context, body: object, maxAgeSeconds: number): string {
  if (!isAnonymous(ctx)) return 'private, no-cache';
  if (maxAgeSeconds === 0 || isDegraded(body)) return 'no-cache';
  return `public, max-age=${String(maxAgeSeconds)}`;
}

function isAnonymous(ctx: Context): boolean {
  const { auth } = ctx.state as { auth?: { credentials?: unknown } };
  // What a caller sends may also count for a policy of the project's own.
  return !auth?.credentials && !ctx.get('Authorization') && !ctx.get('Cookie');
}

function isDegraded(body: object): boolean {
  const { meta } = body as { meta?: { isDegraded?: unknown } };
  return meta?.isDegraded === true;
}
