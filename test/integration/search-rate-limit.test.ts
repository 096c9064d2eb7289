import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, expectFailure, type SearchFace } from '../support/search-face';

const REQUESTS_PER_MINUTE = 5;

let app: SearchApp;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog']),
    imageSearch: { search: { requestsPerMinute: REQUESTS_PER_MINUTE } },
  });
});

afterAll(async () => {
  await app.stop();
});

function expectLimited(response: Response): void {
  expectFailure(response, {
    status: 429,
    code: 'rate-limited',
    message: /limit is 5 per minute/,
  });
  expect(response.headers).toMatchObject({
    'ratelimit-limit': '5',
    'ratelimit-remaining': '0',
    'ratelimit-policy': '5;w=60',
  });
  expect(Number(response.headers['ratelimit-reset'])).toBeLessThanOrEqual(60);
  const retryAfter = Number(response.headers['retry-after']);
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(60);
}

async function useUp(
  face: SearchFace,
  remainingAfter: (request: number) => string | undefined = (request) =>
    String(REQUESTS_PER_MINUTE - request - 1),
): Promise<void> {
  for (let request = 0; request < REQUESTS_PER_MINUTE; request += 1) {
    const { headers, status } = await face.get('search', { text: 'dog' });
    expect([status, headers['ratelimit-remaining']]).toEqual([200, remainingAfter(request)]);
  }
}

describe('the rate limit of the content API', () => {
  it('counts all requests of an address, valid or not', async () => {
    const face = contentApi(app);
    const { id } = app.fileOf('dog');
    const statuses = [
      await face.get('search', { text: 'dog' }),
      await face.post('search', { text: '' }),
      await face.get(`similar/${String(id)}`),
      await face.get('similar/abc'),
      await face.post('embeddings', { text: 'dog' }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 400, 200, 400, 200]);
    expectLimited(await face.get('search', { text: 'dog' }));
    expectLimited(await face.post('search', { text: 'dog' }));
    expectLimited(await face.get(`similar/${String(id)}`));
    expectLimited(await face.post('embeddings', { text: 'dog' }));
  });

  it("doesn't trust a caller that claims another address", async () => {
    const face = contentApi(app);
    expectLimited(await face.get('search', { text: 'dog' }).set('X-Forwarded-For', '192.0.2.1'));
  });

  it('counts each API token separately', async () => {
    const tokens = await Promise.all(
      ['one', 'two'].map((name) => app.createApiToken({ name, type: 'read-only' })),
    );
    for (const token of tokens) {
      const face = contentApi(app, token);
      await useUp(face);
      expectLimited(await face.get('search', { text: 'dog' }));
    }
  });

  it("doesn't apply to the admin API", async () => {
    const face = await adminApi(app);
    const unlimited = (): undefined => undefined;
    await useUp(face, unlimited);
    await useUp(face, unlimited);
  });
});
