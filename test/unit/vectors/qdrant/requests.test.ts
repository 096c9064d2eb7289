import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../../../sample/seeded-random';
import { spaceOf } from '../../../conformance/vector-store/points';
import { startQdrantServer, type QdrantServer } from '../../../support/qdrant-server';
import { openQdrantStore, type OpenedQdrantStore } from '../../../support/qdrant-store';
import { randomUnitVector } from '../../../support/random-vectors';
import { pointOf } from '../../../support/vector-points';

const space = spaceOf('requests', 512);
const random = createSeededRandom('qdrant requests');
const vector = randomUnitVector(random, 512);

describe('requests to Qdrant', () => {
  let server: QdrantServer;
  let opened: OpenedQdrantStore;

  beforeEach(async () => {
    server = await startQdrantServer({ apiKey: 'secret', pathPrefix: '/behind/proxy' });
  });
  afterEach(async () => {
    await opened.store.dispose();
    await server.close();
    expect(server.violations).toEqual([]);
  });

  function open(settings: Record<string, unknown> = {}): OpenedQdrantStore {
    opened = openQdrantStore({ url: server.url, apiKey: 'secret', ...settings });
    return opened;
  }

  const bodiesOf = (operation: string): unknown[] =>
    server.requests.filter((request) => request.operation === operation).map(({ body }) => body);

  it('create a collection with cosine distance, its owner and the server’s defaults', async () => {
    await open().store.ensureSpace(space);
    expect(server.collectionNames()).toEqual([`image-search-${space.id}`]);
    expect(bodiesOf('createCollection')).toEqual([
      {
        vectors: { size: 512, distance: 'Cosine' },
        optimizers_config: { indexing_threshold: 40_000 },
        metadata: { maker: 'strapi-plugin-image-search', space },
      },
    ]);
    expect(bodiesOf('createIndex')).toEqual([
      { field_name: 'mimeType', field_schema: 'keyword' },
      { field_name: 'extension', field_schema: 'keyword' },
      { field_name: 'createdAt', field_schema: 'datetime' },
    ]);
  });

  it('create a collection with all settings', async () => {
    await open({
      collectionPrefix: 'shop',
      shards: 3,
      replicas: 2,
      writeConsistency: 2,
      quantization: 'scalar',
      onDisk: true,
      hnsw: { m: 32, efConstruct: 200 },
    }).store.ensureSpace(space);
    expect(server.collectionNames()).toEqual([`shop-${space.id}`]);
    expect(bodiesOf('createCollection')).toEqual([
      {
        vectors: { size: 512, distance: 'Cosine', on_disk: true },
        shard_number: 3,
        replication_factor: 2,
        write_consistency_factor: 2,
        optimizers_config: { indexing_threshold: 40_000 },
        hnsw_config: { m: 32, ef_construct: 200, on_disk: true },
        quantization_config: { scalar: { type: 'int8', always_ram: true } },
        metadata: { maker: 'strapi-plugin-image-search', space },
      },
    ]);
  });

  it.each([
    ['none', undefined],
    ['scalar', { rescore: true, oversampling: 2 }],
    ['binary', { rescore: true, oversampling: 4 }],
  ] as const)('rescore %s quantization with the full vectors', async (name, expected) => {
    const collection = await open({
      quantization: name,
      hnsw: { efSearch: 300 },
    }).store.ensureSpace(space);
    await collection.search({ vector, limit: 5 });
    const [body] = bodiesOf('query') as { params: object }[];
    expect(body?.params).toEqual({ hnsw_ef: 300, ...(expected && { quantization: expected }) });
  });

  it('create only the missing parts of a collection', async () => {
    await open().store.ensureSpace(space);
    const asked = server.requests.length;
    await open().store.ensureSpace(space);
    expect(server.requests.slice(asked).map(({ operation }) => operation)).toEqual([
      'describeServer',
      'describeCollection',
    ]);
  });

  it('send many points in order, in requests of limited size', async () => {
    const collection = await open().store.ensureSpace(space);
    await collection.upsert(Array.from({ length: 450 }, (_, index) => pointOf(index + 1, vector)));
    const batches = bodiesOf('upsert') as { points: { id: number }[] }[];
    expect(batches.map(({ points }) => points.length)).toEqual([195, 195, 60]);
    const ids = batches.flatMap(({ points }) => points.map(({ id }) => id));
    expect(ids).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
    for (const batch of batches) expect(JSON.stringify(batch).length).toBeLessThan(2_000_000);
    await expect(collection.count()).resolves.toBe(450);
  });

  it('send nine decimals, which preserve the vector', async () => {
    const collection = await open().store.ensureSpace(space);
    await collection.upsert([pointOf(1, vector)]);
    const [batch] = bodiesOf('upsert') as { points: { vector: number[] }[] }[];
    const sent = batch?.points[0]?.vector ?? [];
    expect(sent).toHaveLength(512);
    for (const [position, value] of sent.entries()) {
      expect(String(Math.abs(value)).length).toBeLessThanOrEqual('0.123456789'.length);
      expect(Math.abs(value - (vector[position] ?? NaN))).toBeLessThanOrEqual(1e-9);
    }
  });

  it('read points of many ids in batches', async () => {
    const collection = await open().store.ensureSpace(space);
    await collection.upsert(Array.from({ length: 200 }, (_, index) => pointOf(index + 1, vector)));
    const ids = Array.from({ length: 1_000 }, (_, index) => index + 1);
    await expect(collection.getMany(ids)).resolves.toHaveLength(200);
    expect(bodiesOf('retrieve')).toHaveLength(6);
  });

  it('are skipped without points or ids', async () => {
    const collection = await open().store.ensureSpace(space);
    const asked = server.requests.length;
    await collection.upsert([]);
    await collection.remove([]);
    await collection.getMany([]);
    await collection.search({ vector, limit: 5, filter: { includeIds: [] } });
    expect(server.requests).toHaveLength(asked);
  });
});
