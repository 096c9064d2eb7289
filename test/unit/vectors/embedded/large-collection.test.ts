import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import type {
  VectorCollection,
  VectorHit,
  VectorPoint,
  VectorQuery,
  VectorStore,
} from '../../../../plugin/src/vectors/contract';
import { createEmbeddedStore } from '../../../../plugin/src/vectors/embedded';
import { dotProduct } from '../../../../plugin/src/vectors/similarity';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { createStructuredVectors } from '../../../support/structured-vectors';
import { sizeOf } from '../../../support/test-size';
import { pointOf } from '../../../support/vector-points';

const space = createVectorSpace({
  provider: 'test',
  model: 'large',
  dimensions: 512,
  preprocessing: '',
});
/** More than are read from the file at once, and more than the index passes on to exact comparison. */
const SIZE = sizeOf({ ci: 6_000, long: 20_000 });

describe(`${SIZE.toLocaleString('en')} images`, () => {
  const vectors = createStructuredVectors(20, space.dimensions);
  const points = Array.from({ length: SIZE }, (_, index) => pointOf(index + 1, vectors.image()));
  const queries = [vectors.text(), vectors.image(), vectors.text(), vectors.image()];
  const rankings = queries.map((vector) => ({ vector, ranking: rank(points, vector) }));
  let folder: EmbeddedStoreFolder;
  let scanning: VectorStore;
  let indexed: VectorCollection;
  let scanned: VectorCollection;

  beforeAll(async () => {
    folder = await createEmbeddedStoreFolder();
    indexed = await (await folder.open({ prefilterFrom: 1000 })).ensureSpace(space);
    for (let first = 0; first < SIZE; first += 1000) {
      await indexed.upsert(points.slice(first, first + 1000));
    }
    const { file, logger } = folder;
    scanning = createEmbeddedStore({ file, prefilterFrom: Infinity, logger });
    scanned = await scanning.ensureSpace(space);
  });
  afterAll(async () => {
    await scanning.dispose();
    await folder.destroy();
  });

  it.each([1, 20, 100, 4096, 5000, SIZE])('are found exactly, limit %i', async (limit) => {
    for (const { vector, ranking } of rankings) {
      await expect(indexed.search({ vector, limit })).resolves.toEqual(ranking.slice(0, limit));
    }
  });

  it('give the same results from the index and from the file', async () => {
    const some = points.map(({ fileId }) => fileId).filter((fileId) => fileId % 5 === 0);
    const shapes: Omit<VectorQuery, 'vector'>[] = [
      { limit: 20, filter: { includeIds: some } },
      { limit: 5000, filter: { includeIds: some } },
      { limit: 20, filter: { excludeIds: some } },
      { limit: SIZE / 2, minimumScore: 0.2 },
      { limit: 20, minimumScore: 0.99 },
    ];
    for (const vector of queries) {
      for (const shape of shapes) {
        const query = { ...shape, vector };
        const hits = await indexed.search(query);
        expect(hits).toEqual(await scanned.search(query));
      }
    }
  });

  it('can all have the same vector', async () => {
    const [vector] = queries as [Float32Array];
    const twins = Array.from({ length: 6000 }, (_, index) => pointOf(SIZE + 6000 - index, vector));
    await indexed.upsert(twins);
    const hits = await indexed.search({ vector, limit: 5000 });
    expect(hits.map(({ fileId }) => fileId)).toEqual(
      Array.from({ length: 5000 }, (_, index) => SIZE + 1 + index),
    );
    await indexed.remove(twins.map(({ fileId }) => fileId));
    await expect(indexed.count()).resolves.toBe(SIZE);
  });
});

/** All points as an exact search finds them. */
function rank(points: readonly VectorPoint[], query: Float32Array): VectorHit[] {
  return points
    .map(({ fileId, vector }) => ({ fileId, score: dotProduct(query, vector) }))
    .sort((left, right) => right.score - left.score || left.fileId - right.fileId);
}
