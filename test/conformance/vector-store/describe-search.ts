import { describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../../sample/seeded-random';
import { randomUnitVector } from '../../support/random-vectors';
import { createStructuredVectors } from '../../support/structured-vectors';
import { pointOf } from '../../support/vector-points';
import { openForEach, openCollectionForEach, type VectorStoreHarness } from './harness';
import { DIMENSIONS, seed, spaceOf, randomPoints, search, exactHits, idsOf } from './points';

export function describeSearch(harness: VectorStoreHarness): void {
  const tolerance = harness.scoreTolerance ?? 1e-6;

  describe('search', () => {
    const points = randomPoints(60);
    const query = randomUnitVector(createSeededRandom(`${seed} query`), DIMENSIONS);
    const collection = openCollectionForEach(harness, () => points);

    it('returns best first, with cosine similarities', async () => {
      const hits = await collection().search({ vector: query, limit: 60 });
      const expected = exactHits(points, query);
      expect(hits.map(({ fileId }) => fileId)).toEqual(expected.map(({ fileId }) => fileId));
      for (const [rank, { score }] of hits.entries()) {
        expect(Math.abs(score - (expected[rank]?.score ?? NaN))).toBeLessThanOrEqual(tolerance);
      }
    });

    it('scores a vector with itself 1 and with its opposite -1, never beyond', async () => {
      const opposite = pointOf(
        61,
        query.map((value) => -value),
      );
      await collection().upsert([pointOf(62, query), opposite]);
      const hits = await collection().search({ vector: query, limit: 62 });
      expect([hits[0]?.fileId, hits.at(-1)?.fileId]).toEqual([62, 61]);
      expect(Math.abs((hits[0]?.score ?? NaN) - 1)).toBeLessThanOrEqual(tolerance);
      expect(Math.abs((hits.at(-1)?.score ?? NaN) + 1)).toBeLessThanOrEqual(tolerance);
      for (const { score } of hits) expect(Math.abs(score)).toBeLessThanOrEqual(1);
    });

    it('settles ties by ascending id, at the cut too', async () => {
      const twins = [90, 70, 80, 75].map((fileId) => pointOf(fileId, query));
      await collection().upsert(twins);
      await expect(search(collection(), { vector: query, limit: 4 })).resolves.toEqual([
        70, 75, 80, 90,
      ]);
      await expect(search(collection(), { vector: query, limit: 2 })).resolves.toEqual([70, 75]);
    });

    it('gives the same answer each time, and a larger limit only adds hits at the end', async () => {
      const all = await collection().search({ vector: query, limit: 60 });
      expect(all).toHaveLength(60);
      for (const limit of [1, 2, 7, 20, 59, 60]) {
        await expect(collection().search({ vector: query, limit })).resolves.toEqual(
          all.slice(0, limit),
        );
      }
    });

    it('returns all points when the limit is larger', async () => {
      await expect(collection().search({ vector: query, limit: 1_000_000 })).resolves.toHaveLength(
        60,
      );
    });

    it('leaves out hits below the minimum score, not those at it', async () => {
      const all = await collection().search({ vector: query, limit: 60 });
      const minimumScore = all[9]?.score ?? NaN;
      await expect(
        collection().search({ vector: query, limit: 60, minimumScore }),
      ).resolves.toEqual(all.slice(0, 10));
      await expect(collection().search({ vector: query, limit: 3, minimumScore })).resolves.toEqual(
        all.slice(0, 3),
      );
      await expect(
        collection().search({ vector: query, limit: 60, minimumScore: -1 }),
      ).resolves.toEqual(all);
      await expect(
        collection().search({ vector: query, limit: 60, minimumScore: 0.999 }),
      ).resolves.toEqual([]);
    });

    it('leaves the query as it is, also when it is a part of a larger buffer', async () => {
      const larger = new Float32Array(DIMENSIONS + 8);
      larger.set(query, 4);
      const vector = larger.subarray(4, 4 + DIMENSIONS);
      const expected = await search(collection(), { vector: query, limit: 5 });
      await expect(search(collection(), { vector, limit: 5 })).resolves.toEqual(expected);
      expect(vector).toEqual(query);
    });

    it('finds nothing in an empty collection', async () => {
      await collection().remove(idsOf(points));
      await expect(search(collection(), { vector: query, limit: 5 })).resolves.toEqual([]);
    });

    it('sees what was stored or removed before it was asked', async () => {
      for (let round = 0; round < 5; round += 1) {
        await collection().upsert([pointOf(1000 + round, query)]);
        await expect(search(collection(), { vector: query, limit: 1 })).resolves.toEqual([
          1000 + round,
        ]);
        await collection().remove([1000 + round]);
      }
      await expect(search(collection(), { vector: query, limit: 1 })).resolves.toEqual([
        exactHits(points, query)[0]?.fileId,
      ]);
    });
  });
}

export function describeLargeCollection(harness: VectorStoreHarness): void {
  describe('a collection of some thousand images', () => {
    const vectors = createStructuredVectors(11, 64);
    const points = Array.from({ length: 3000 }, (_, index) => pointOf(index + 1, vectors.image()));
    const queries = Array.from({ length: 12 }, (_, index) =>
      index % 2 === 0 ? vectors.text() : vectors.image(),
    );
    const opened = openForEach(harness);

    it('is searched with little or no loss, and consistently', async () => {
      let collection = await opened.store.ensureSpace(spaceOf('large', 64));
      for (let first = 0; first < points.length; first += 500) {
        await collection.upsert(points.slice(first, first + 500));
      }
      await expect(collection.count()).resolves.toBe(3000);
      if (harness.settles === true) {
        collection = await (await opened.settle()).ensureSpace(spaceOf('large', 64));
      }
      let found = 0;
      for (const vector of queries) {
        const ids = await search(collection, { vector, limit: 20 });
        const expected = exactHits(points, vector).slice(0, 20);
        found += expected.filter(({ fileId }) => ids.includes(fileId)).length;
        await expect(search(collection, { vector, limit: 20 })).resolves.toEqual(ids);
        const more = await search(collection, { vector, limit: 150 });
        expect(more.slice(0, 20)).toEqual(ids);
        expect(new Set(more).size).toBe(150);
      }
      expect(found / (queries.length * 20)).toBeGreaterThanOrEqual(harness.recall ?? 1);
    });
  });
}
