import { describe, expect, it } from '@jest/globals';
import type { VectorPoint } from '../../../plugin/src/vectors/contract';
import { openCollectionForEach, type VectorStoreHarness } from './harness';
import {
  DIMENSIONS,
  randomPoints,
  search,
  expectSamePoints,
  idsOf,
  ascending,
  pointWith,
} from './points';

export function describePoints(harness: VectorStoreHarness): void {
  describe('points', () => {
    const points = randomPoints(12);
    const [first, second, third] = points as [VectorPoint, VectorPoint, VectorPoint];
    const collection = openCollectionForEach(harness, () => points);

    it('come back as they were stored', async () => {
      expectSamePoints(
        await collection().getMany([1, 5, 12]),
        [1, 5, 12].map((id) => pointWith(points, id)),
        harness,
      );
    });

    it('are inserted or replaced by file id', async () => {
      const replacement = { ...first, vector: third.vector, payload: second.payload };
      await collection().upsert([replacement, { ...second, fileId: 13 }]);
      await expect(collection().count()).resolves.toBe(13);
      expectSamePoints(await collection().getMany([1]), [replacement], harness);
      await expect(search(collection(), { vector: third.vector, limit: 2 })).resolves.toEqual([
        1, 3,
      ]);
      await expect(search(collection(), { vector: second.vector, limit: 2 })).resolves.toEqual([
        2, 13,
      ]);
    });

    it('stay the same when stored once more', async () => {
      await collection().upsert(points);
      await expect(collection().count()).resolves.toBe(12);
      expectSamePoints(await collection().getMany(idsOf(points)), points, harness);
    });

    it('keep the last of those with the same id in one call', async () => {
      await collection().upsert([
        { ...first, fileId: 20 },
        { ...second, fileId: 20 },
      ]);
      await expect(collection().count()).resolves.toBe(13);
      expectSamePoints(await collection().getMany([20]), [{ ...second, fileId: 20 }], harness);
      await expect(search(collection(), { vector: second.vector, limit: 2 })).resolves.toEqual([
        2, 20,
      ]);
    });

    it.each([DIMENSIONS - 1, DIMENSIONS + 1, 0])(
      'are refused, all of them, when a vector has %i values',
      async (length) => {
        const wrong = { ...second, fileId: 31, vector: new Float32Array(length).fill(0.1) };
        await expect(collection().upsert([{ ...first, fileId: 30 }, wrong])).rejects.toBeInstanceOf(
          RangeError,
        );
        await expect(collection().count()).resolves.toBe(12);
      },
    );

    it('are left as they were by an empty list', async () => {
      await collection().upsert([]);
      await collection().remove([]);
      await expect(collection().count()).resolves.toBe(12);
      await expect(collection().getMany([])).resolves.toEqual([]);
    });

    it('do not change with what the caller handed over', async () => {
      const vector = first.vector.slice();
      const payload = { ...first.payload };
      const stored = collection().upsert([{ fileId: 40, vector, payload }]);
      await stored;
      expect(vector).toEqual(first.vector);
      vector.fill(0);
      payload.mimeType = 'changed';
      expectSamePoints(await collection().getMany([40]), [{ ...first, fileId: 40 }], harness);
    });

    it('are removed permanently, silently when missing', async () => {
      await collection().remove([2, 999, 2, 5]);
      await expect(collection().count()).resolves.toBe(10);
      await expect(collection().getMany([2, 5, 999])).resolves.toEqual([]);
      const found = await search(collection(), { vector: second.vector, limit: 100 });
      expect(found.toSorted(ascending)).toEqual([1, 3, 4, 6, 7, 8, 9, 10, 11, 12]);
    });

    it('are found again when stored after their removal', async () => {
      await collection().remove(idsOf(points));
      await expect(search(collection(), { vector: first.vector, limit: 3 })).resolves.toEqual([]);
      await collection().upsert([third]);
      await expect(search(collection(), { vector: first.vector, limit: 3 })).resolves.toEqual([3]);
    });

    it('are answered once however often they are asked for', async () => {
      expect(idsOf(await collection().getMany([3, 3, 999, 1])).toSorted(ascending)).toEqual([1, 3]);
    });

    it('may have ids beyond 32 bits and all kinds of payload', async () => {
      const point: VectorPoint = {
        fileId: 5_000_000_000,
        vector: first.vector,
        payload: {
          mimeType: 'image/svg+xml',
          extension: '',
          createdAt: '1999-12-31T23:59:59.999Z',
          contentHash: '0'.repeat(64),
        },
      };
      await collection().upsert([point]);
      expectSamePoints(await collection().getMany([point.fileId]), [point], harness);
      await expect(search(collection(), { vector: first.vector, limit: 2 })).resolves.toEqual([
        1, 5_000_000_000,
      ]);
    });

    it('are listed by ascending id, page after page', async () => {
      await collection().remove([4]);
      await collection().upsert([{ ...first, fileId: 100 }]);
      const pages: number[][] = [];
      let cursor: number | null = null;
      do {
        const page = await collection().listIds(cursor, 5);
        pages.push(page.ids);
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(pages).toEqual([
        [1, 2, 3, 5, 6],
        [7, 8, 9, 10, 11],
        [12, 100],
      ]);
    });

    it('are listed without an empty last page, and not at all when there are none', async () => {
      await expect(collection().listIds(null, 12)).resolves.toEqual({
        ids: idsOf(points),
        nextCursor: null,
      });
      await expect(collection().listIds(12, 5)).resolves.toEqual({ ids: [], nextCursor: null });
    });
  });
}
