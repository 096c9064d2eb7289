import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ImageSearchError } from '../../../../plugin/src/errors';
import type { VectorCollection } from '../../../../plugin/src/vectors/contract';
import { randomPoints, spaceOf, vectorAt } from '../../../conformance/vector-store/points';
import { pollUntil } from '../../../support/polling';
import {
  startQdrantServer,
  type QdrantFault,
  type QdrantServer,
} from '../../../support/qdrant-server';
import { openQdrantStore, type OpenedQdrantStore } from '../../../support/qdrant-store';

const points = randomPoints(3);
const space = spaceOf('failures');
const key = 'hunter2';

let server: QdrantServer;
let opened: OpenedQdrantStore;
let collection: VectorCollection;

beforeEach(async () => {
  server = await startQdrantServer({ apiKey: key });
  opened = openQdrantStore({ url: server.url, apiKey: key, timeoutSeconds: 1 });
  collection = await opened.store.ensureSpace(space);
  await collection.upsert(points);
});
afterEach(async () => {
  await opened.store.dispose();
  await server.close();
});

async function failureOf(work: Promise<unknown>): Promise<ImageSearchError> {
  const error = await work.then(
    () => {
      throw new Error('It has not failed.');
    },
    (reason: unknown) => reason as ImageSearchError,
  );
  expect(error.message).not.toContain(key);
  return error;
}

const search = () => collection.search({ vector: vectorAt(points, 0), limit: 3 });
const answer = (status: number, error = 'a reason', headers?: Record<string, string>) =>
  ({
    kind: 'answer',
    status,
    body: JSON.stringify({ status: { error }, time: 0 }),
    ...(headers && { headers }),
  }) satisfies QdrantFault;

function failAll(fault: QdrantFault): void {
  server.failWhen(() => true, fault);
}

describe('a request that Qdrant rejects', () => {
  it.each([
    [500, true],
    [502, true],
    [503, true],
    [408, true],
    [409, true],
    [429, true],
    [400, false],
    [413, false],
    [422, false],
  ])('with %i fails with the reason; retryable: %s', async (status, retryable) => {
    failAll(answer(status));
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable });
    expect(error.message).toContain(`(${String(status)}: a reason)`);
    expect(error.message).toContain(server.url);
  });

  it.each([401, 403])('with %i names the setting of the key', async (status) => {
    failAll(answer(status));
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: false });
    expect(error.message).toContain('vectors.apiKey');
  });

  it('because the key is missing or wrong', async () => {
    for (const settings of [{}, { apiKey: 'wrong' }]) {
      const { store } = openQdrantStore({ url: server.url, ...settings });
      for (const attempt of [store.ensureSpace(space), store.listSpaces()]) {
        const error = await failureOf(attempt);
        expect(error).toMatchObject({ code: 'store-unavailable', retryable: false });
        expect(error.message).toContain('vectors.apiKey');
      }
      const health = await store.checkHealth();
      expect(health).toEqual({
        ok: false,
        message: expect.stringContaining('vectors.apiKey'),
        others: null,
      });
      await store.dispose();
    }
  });

  it('says when to retry, if the server does', async () => {
    failAll(answer(429, 'slow down', { 'retry-after': '7' }));
    await expect(search()).rejects.toMatchObject({ retryable: true, retryAfterMs: 7_000 });
  });

  it("doesn't repeat a proxy's error page", async () => {
    failAll({ kind: 'answer', status: 502, body: `<h1>${'secret page '.repeat(50)}</h1>` });
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(error.message).not.toContain('secret page');
  });

  it('truncates a long reason', async () => {
    failAll(answer(500, 'word '.repeat(1_000)));
    expect((await failureOf(search())).message.length).toBeLessThan(400);
  });
});

describe("a server that isn't Qdrant", () => {
  it('is reported, and no collection is created to replace a missing one', async () => {
    failAll({ kind: 'answer', status: 404, body: '<h1>Not Found</h1>' });
    const asked = server.requests.length;
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(error.message).toContain('vectors.url');
    expect(server.requests.slice(asked).map(({ operation }) => operation)).toEqual(['query']);
    expect(opened.losses()).toBe(0);
  });

  it("can't redirect the key elsewhere", async () => {
    const other = await startQdrantServer();
    failAll({ kind: 'answer', status: 307, body: '', headers: { location: other.url } });
    await expect(search()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(other.requests).toEqual([]);
    await other.close();
  });
});

describe('an invalid response', () => {
  it.each<[string, (body: string) => string]>([
    ['no JSON', (body) => body.slice(0, -5)],
    ['nothing', () => ''],
    ['another shape', () => '{"result":{"hits":[]},"status":"ok"}'],
    ['not an object', () => '[1,2,3]'],
    ["a score that isn't a number", (body) => body.replace(/"score":[^,}]+/, '"score":"high"')],
    ['an invalid id', (body) => body.replace(/"id":\d+/, '"id":-1')],
    ['bytes of chance', () => '\u0000\u0001\ufffd'.repeat(100)],
  ])('%s is an outage', async (_what, change) => {
    server.failWhen(({ operation }) => operation === 'query', { kind: 'change', change });
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: true });
    server.heal();
    await expect(search()).resolves.toHaveLength(3);
  });

  it.each<[string, (body: string) => string]>([
    ['a number too few', (body) => body.replace(/"vector":\[[^,]+,/, '"vector":[')],
    ['null among the numbers', (body) => body.replace(/"vector":\[[^,]+,/, '"vector":[null,')],
    ['no hash', (body) => body.replace('contentHash', 'hash')],
  ])('a point with %s is an outage', async (_what, change) => {
    server.failWhen(({ operation }) => operation === 'retrieve', { kind: 'change', change });
    await expect(collection.getMany([1, 2])).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: true,
    });
  });

  it('a write that is only acknowledged is rejected', async () => {
    const change = (body: string) => body.replace('completed', 'wait_timeout');
    server.failWhen(({ operation }) => operation === 'upsert', { kind: 'change', change });
    await expect(collection.upsert(points)).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: true,
    });
  });
});

describe('a connection', () => {
  it('that hangs times out', async () => {
    failAll({ kind: 'hang' });
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(error.message).toContain('within 1 s (vectors.timeoutSeconds)');
  });

  it('that hangs costs the first calls their timeout, and no further ones', async () => {
    failAll({ kind: 'hang' });
    for (let attempt = 0; attempt < 2; attempt += 1) await failureOf(search());
    const asked = server.requests.length;
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    await expect(opened.store.checkHealth()).resolves.toMatchObject({ ok: false });
    const further = server.requests
      .slice(asked)
      .filter(({ operation }) => operation !== 'describeServer');
    expect(further).toEqual([]);
    server.heal();
    await pollUntil(
      () =>
        search().then(
          (hits) => hits.length,
          () => 0,
        ),
      (count) => count === 3,
    );
    expect(opened.returns()).toBe(1);
    expect(opened.logger.at('info').join()).toMatch(/is back after \d+ s/);
  });

  it.each<QdrantFault>([{ kind: 'cut' }, { kind: 'cut-in-body' }])(
    'that always ends is an outage: $kind',
    async (fault) => {
      failAll(fault);
      await expect(search()).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    },
  );

  it.each<QdrantFault>([{ kind: 'cut' }, { kind: 'cut-in-body' }])(
    'that ends once is retried: $kind',
    async (fault) => {
      let left = 1;
      server.failWhen(() => (left -= 1) >= 0, fault);
      await expect(search()).resolves.toHaveLength(3);
      expect(left).toBeLessThan(0);
    },
  );

  it('that was idle while the server restarted is reopened', async () => {
    await server.setDown(true);
    const error = await failureOf(search());
    expect(error).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(error.message).toContain("can't be reached");
    await server.setDown(false);
    await expect(search()).resolves.toHaveLength(3);
  });

  it('is closed on disposal, and no more requests are sent', async () => {
    expect(await server.countConnections()).toBeGreaterThan(0);
    await opened.store.dispose();
    await pollUntil(
      () => server.countConnections(),
      (count) => count === 0,
      { timeoutMs: 2_000 },
    );
    const asked = server.requests.length;
    await expect(search()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(opened.store.listSpaces()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(opened.store.checkHealth()).resolves.toMatchObject({ ok: false });
    expect(server.requests).toHaveLength(asked);
  });
});
