import { expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { httpCache } from '../../../server/src/http/http-cache';

/** The `Cache-Control` of an answer to an anonymous GET request. */
async function cacheControl(
  maxAgeSeconds: number,
  { body = {}, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
): Promise<unknown> {
  const set = new Map<string, string>();
  const context = {
    method: 'GET',
    status: 200,
    body,
    state: { auth: { strategy: { name: 'users-permissions' }, credentials: null } },
    get: (name: string) => headers[name] ?? '',
    set: (name: string, value: string) => set.set(name, value),
    remove: () => undefined,
    vary: () => undefined,
  };
  await httpCache(maxAgeSeconds)(context as unknown as Context, () => Promise.resolve());
  return set.get('Cache-Control');
}

it('has callers ask each time by default', async () => {
  expect(await cacheControl(0)).toBe('no-cache');
});

it('lets an answer be used for the configured time', async () => {
  expect(await cacheControl(300)).toBe('public, max-age=300');
});

it('has callers ask again after a degraded answer', async () => {
  expect(await cacheControl(300, { body: { meta: { isDegraded: true } } })).toBe('no-cache');
});

it.each([{ Authorization: 'Basic eDp5' }, { Cookie: 'session=1' }])(
  'shares no answer to a request with %j, whoever understands it',
  async (headers) => {
    expect(await cacheControl(300, { headers })).toBe('private, no-cache');
  },
);
