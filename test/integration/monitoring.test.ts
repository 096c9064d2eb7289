import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { monitoringResponseSchema } from '../../plugin/src/contracts/monitoring';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { contentApi, expectFailure } from '../support/search-face';

let app: SearchApp;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar']),
    publicActions: [],
    imageSearch: { budget: { imagesPerMonth: 100 } },
  });
});

afterAll(async () => {
  await app.stop();
});

describe('GET status of the content API', () => {
  it('tells read-only tokens how the index is, and nobody without permission', async () => {
    expect((await contentApi(app).get('status')).status).toBe(403);
    const token = await app.createApiToken({ name: 'monitoring', type: 'read-only' });
    const { body, status } = await contentApi(app, token).get('status');
    expect(status).toBe(200);
    expect(monitoringResponseSchema.parse(body)).toEqual(body);
    expect(body).toMatchObject({
      data: {
        ok: true,
        coverage: { indexed: 2, total: 2, ratio: 1 },
        queue: { pending: 0, indexing: 0 },
        failures: { failed: 0, skipped: 0 },
        health: { provider: true, store: true, storage: true, pause: null, isReconciling: false },
        budget: { images: 0, imagesPerMonth: 100, cost: 0, pausedUntil: null },
      },
    });
  });

  it('names no path, model, host or person', async () => {
    const token = await app.createApiToken({
      name: 'just the status',
      type: 'custom',
      permissions: ['plugin::image-search.status.find'],
    });
    const admin = await app.adminToken();
    const hold = await app.request.post('/image-search/hold').auth(admin, { type: 'bearer' });
    expect(hold.status).toBe(200);
    const { body, text } = await contentApi(app, token).get('status');
    expect(body).toMatchObject({ data: { health: { isHeld: true } } });
    expect(text).not.toMatch(/[\\/]|clip|sample|Test|Administrator/);
  });

  it('takes no parameters', async () => {
    const token = await app.createApiToken({ name: 'full', type: 'full-access' });
    expectFailure(await contentApi(app, token).get('status', { verbose: true }), {
      status: 400,
      code: 'invalid-input',
      message: /verbose/,
    });
  });
});
