import { describe, expect, it } from '@jest/globals';
import type { VectorQuery } from '../../../plugin/src/vectors/contract';
import { openCollectionForEach, type VectorStoreHarness } from './harness';
import { randomPoints, search, exactHits, vectorAt } from './points';

export function describeFilters(harness: VectorStoreHarness): void {
  describe('filters', () => {
    const points = randomPoints(60);
    const query = vectorAt(points, 0);
    const ranked = exactHits(points, query).map(({ fileId }) => fileId);
    const collection = openCollectionForEach(harness, () => points);
    const searchWith = (filter: VectorQuery['filter'], limit = 60) =>
      search(collection(), { vector: query, limit, ...(filter && { filter }) });

    it('search the included files only', async () => {
      const includeIds = [4, 8, 15, 16, 23, 42];
      await expect(searchWith({ includeIds })).resolves.toEqual(
        ranked.filter((id) => includeIds.includes(id)),
      );
      await expect(searchWith({ includeIds }, 2)).resolves.toEqual(
        ranked.filter((id) => includeIds.includes(id)).slice(0, 2),
      );
    });

    it('find nothing among no files', async () => {
      await expect(searchWith({ includeIds: [] })).resolves.toEqual([]);
      await expect(searchWith({ includeIds: [], excludeIds: [1] })).resolves.toEqual([]);
    });

    it('leave the excluded files out', async () => {
      const excludeIds = ranked.slice(0, 10);
      await expect(searchWith({ excludeIds }, 5)).resolves.toEqual(ranked.slice(10, 15));
      await expect(searchWith({ excludeIds: [] })).resolves.toEqual(ranked);
    });

    it('may both be given', async () => {
      const filter = { includeIds: [1, 2, 3, 4, 5], excludeIds: [2, 4, 60] };
      await expect(searchWith(filter)).resolves.toEqual(
        ranked.filter((id) => [1, 3, 5].includes(id)),
      );
    });

    it('take ids that no point has, and ids given twice', async () => {
      await expect(searchWith({ includeIds: [7, 999, 7, 998] })).resolves.toEqual([7]);
      await expect(searchWith({ includeIds: [999] })).resolves.toEqual([]);
      await expect(searchWith({ excludeIds: [999, 999] })).resolves.toEqual(ranked);
    });

    it('go together with a minimum score', async () => {
      const all = await collection().search({ vector: query, limit: 60 });
      const minimumScore = all[9]?.score ?? NaN;
      const includeIds = ranked.slice(5, 15);
      await expect(
        search(collection(), { vector: query, limit: 60, minimumScore, filter: { includeIds } }),
      ).resolves.toEqual(ranked.slice(5, 10));
    });

    it('take some thousand ids', async () => {
      const ids = Array.from({ length: 5000 }, (_, index) => index + 31);
      await expect(searchWith({ includeIds: ids })).resolves.toEqual(
        ranked.filter((id) => id > 30),
      );
      await expect(searchWith({ excludeIds: ids })).resolves.toEqual(
        ranked.filter((id) => id <= 30),
      );
    });
  });
}
