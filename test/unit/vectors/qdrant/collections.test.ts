import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomPoints, spaceOf, vectorAt } from '../../../conformance/vector-store/points';
import { startQdrantServer, type QdrantServer } from '../../../support/qdrant-server';
import { openQdrantStore, type OpenedQdrantStore } from '../../../support/qdrant-store';

const points = randomPoints(3);
const space = spaceOf('collections');
const name = `image-search-${space.id}`;

let server: QdrantServer;
const stores: OpenedQdrantStore[] = [];

beforeEach(async () => {
  server = await startQdrantServer();
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map(({ store }) => store.dispose()));
  await server.close();
  expect(server.violations).toEqual([]);
});

function open(settings: Record<string, unknown> = {}): OpenedQdrantStore {
  const opened = openQdrantStore({ url: server.url, ...settings });
  stores.push(opened);
  return opened;
}

/** Another client of the same server. */
async function put(path: string, body: object): Promise<void> {
  const answer = await fetch(`${server.url}/collections/${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

const operations = (): string[] => server.requests.map(({ operation }) => operation);

describe('a collection that already exists', () => {
  const cosine = { size: space.dimensions, distance: 'Cosine' };
  const marker = { maker: 'strapi-plugin-image-search', space };

  it.each([
    ["wasn't created by this plugin", { vectors: cosine }],
    ["wasn't created by this plugin", { vectors: cosine, metadata: { maker: 'somebody', space } }],
    [
      "wasn't created by this plugin",
      { vectors: cosine, metadata: { ...marker, space: spaceOf('other') } },
    ],
    ['has 8 dimensions', { vectors: { ...cosine, size: 8 }, metadata: marker }],
    ['measures distance by Dot', { vectors: { ...cosine, distance: 'Dot' }, metadata: marker }],
  ])('but %s is rejected by name and left alone', async (reason, definition) => {
    await put(name, definition);
    const { store, losses } = open();
    const asked = server.requests.length;
    await expect(store.ensureSpace(space)).rejects.toMatchObject({
      code: 'store-space-clash',
      retryable: false,
      message: expect.stringMatching(new RegExp(`"${name}".*${reason}`)),
    });
    expect(operations().slice(asked)).toEqual(['describeServer', 'describeCollection']);
    expect(losses()).toBe(0);
  });

  it('but has another owner is neither listed nor dropped', async () => {
    await put(name, { vectors: cosine });
    const { store } = open();
    await expect(store.listSpaces()).resolves.toEqual([]);
    await expect(store.dropSpace(space.id)).rejects.toMatchObject({
      code: 'store-space-clash',
      message: expect.stringContaining(name),
    });
    expect(server.collectionNames()).toEqual([name]);
  });

  it('with a longer prefix belongs to another project', async () => {
    await open({ collectionPrefix: 'image-search-staging' }).store.ensureSpace(space);
    const { store } = open();
    await expect(store.listSpaces()).resolves.toEqual([]);
    await store.ensureSpace(space);
    await expect(store.listSpaces()).resolves.toEqual([space]);
  });

  it('without indexes, because a process died while creating it, gets them', async () => {
    await put(name, { vectors: cosine, metadata: marker });
    await put(`${name}/index?wait=true`, { field_name: 'mimeType', field_schema: 'keyword' });
    const asked = server.requests.length;
    await open().store.ensureSpace(space);
    const indexed = server.requests.slice(asked).filter((one) => one.operation === 'createIndex');
    expect(indexed.map(({ body }) => body)).toMatchObject([
      { field_name: 'extension' },
      { field_name: 'createdAt' },
    ]);
  });

  it('because another process was first is used', async () => {
    const [first, second] = [open(), open()];
    const collections = await Promise.all(
      [first, second].map(({ store }) => store.ensureSpace(space)),
    );
    for (const collection of collections) await expect(collection.count()).resolves.toBe(0);
    expect(server.collectionNames()).toEqual([name]);
  });
});

describe('a collection that can be neither created nor found', () => {
  it("is an outage, and isn't retried endlessly", async () => {
    const missing = `{"status":{"error":"Not found: Collection \`${name}\` doesn't exist!"},"time":0}`;
    const existing = `{"status":{"error":"Wrong input: Collection data already exists at ./storage"},"time":0}`;
    const isAsked = (operation: string) => (request: { operation: string }) =>
      request.operation === operation;
    server.failWhen(isAsked('describeCollection'), { kind: 'answer', status: 404, body: missing });
    server.failWhen(isAsked('createCollection'), { kind: 'answer', status: 400, body: existing });
    await expect(open().store.ensureSpace(space)).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: true,
      message: expect.stringContaining(name),
    });
    expect(operations()).toHaveLength(4);
  });
});

describe('a collection that vanishes', () => {
  it('is recreated by the call that misses it, which logs this', async () => {
    const { store, logger, losses } = open();
    const collection = await store.ensureSpace(space);
    await collection.upsert(points);
    server.loseData();
    await expect(collection.search({ vector: vectorAt(points, 0), limit: 3 })).resolves.toEqual([]);
    expect(losses()).toBe(1);
    expect(logger.at('error')).toEqual([expect.stringContaining(name)]);
    await collection.upsert(points);
    await expect(collection.count()).resolves.toBe(3);
    expect(losses()).toBe(1);
  });

  it.each([
    ['upsert', 3],
    ['remove', 0],
    ['getMany', 0],
    ['count', 0],
    ['listIds', 0],
  ] as const)('lets %s succeed', async (call, left) => {
    const { store, losses } = open();
    const collection = await store.ensureSpace(space);
    await collection.upsert(points);
    server.loseData();
    await {
      upsert: () => collection.upsert(points),
      remove: () => collection.remove([1]),
      getMany: () => collection.getMany([1]),
      count: () => collection.count(),
      listIds: () => collection.listIds(null, 5),
    }[call]();
    await expect(collection.count()).resolves.toBe(left);
    expect(losses()).toBe(1);
  });

  it('is reported as lost once, regardless of how many calls and processes miss it', async () => {
    const [first, second] = [open(), open()];
    const collections = [
      await first.store.ensureSpace(space),
      await second.store.ensureSpace(space),
    ];
    server.loseData();
    await Promise.all(
      collections.flatMap((collection) => [1, 2, 3, 4].map(() => collection.count())),
    );
    expect(first.losses() + second.losses()).toBe(1);
  });

  it('because it was dropped stays away', async () => {
    const { store, losses } = open();
    const collection = await store.ensureSpace(space);
    await store.dropSpace(space.id);
    await expect(collection.upsert(points)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(server.collectionNames()).toEqual([]);
    expect(losses()).toBe(0);
  });

  it("isn't reported as lost while Qdrant is down", async () => {
    const { store, losses } = open();
    const collection = await store.ensureSpace(space);
    await collection.upsert(points);
    await server.setDown(true);
    await expect(collection.count()).rejects.toMatchObject({ code: 'store-unavailable' });
    await server.setDown(false);
    await expect(collection.count()).resolves.toBe(3);
    expect(losses()).toBe(0);
  });
});

describe('the version of Qdrant', () => {
  async function openVersion(version: string): Promise<OpenedQdrantStore> {
    await server.close();
    server = await startQdrantServer({ version });
    return open();
  }

  it.each(['1.17.0', '1.18.2', '1.19.3', 'v1.18.0-rc1'])(
    '%s is accepted silently',
    async (version) => {
      const { store, logger } = await openVersion(version);
      await store.ensureSpace(space);
      expect(logger.lines).toEqual([]);
      const health = await store.checkHealth();
      expect(health.ok).toBe(true);
      expect(health.message).toContain(version);
    },
  );

  it.each(['1.16.1', '1.20.0', '2.0.0', 'unknown'])('%s is logged once', async (version) => {
    const { store, logger } = await openVersion(version);
    await store.ensureSpace(space);
    await store.ensureSpace(spaceOf('another'));
    await store.checkHealth();
    expect(logger.at('warn')).toEqual([expect.stringContaining(version)]);
  });

  it.each(['1.15.5', '0.11.7'])('%s is too old, and nothing is created in it', async (version) => {
    const { store } = await openVersion(version);
    await expect(store.ensureSpace(space)).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: false,
      message: expect.stringContaining('1.16'),
    });
    await expect(store.checkHealth()).resolves.toMatchObject({ ok: false });
    expect(server.collectionNames()).toEqual([]);
  });
});
