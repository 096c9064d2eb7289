import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import { CHECKED_BEYOND_PAGE, collectPage, LISTED_AT_A_TIME } from '../../plugin/src/search/page';
import type { VectorCollection, VectorHit, VectorStore } from '../../plugin/src/vectors/contract';
import { MemoryVisibleFiles } from '../support/memory-visible-files';
import {
  deleteCollections,
  findLiveQdrant,
  openQdrantStore,
  uniquePrefix,
  type LiveQdrant,
} from '../support/qdrant-store';
import { createStructuredVectors } from '../support/structured-vectors';
import { pointOf } from '../support/vector-points';

/** Enough for Qdrant to build a graph, and for the visible files to be listed in two parts. */
const POINTS = 24_000;
const DIMENSIONS = 64;
const FAR = 15_000;

function describeScale(qdrant: LiveQdrant): void {
  describe(`pages of narrowed searches in a real Qdrant (${qdrant.url})`, () => {
    const prefix = uniquePrefix();
    const vectors = createStructuredVectors(7, DIMENSIONS);
    const query = vectors.text();
    let store: VectorStore;
    let collection: VectorCollection;
    let ranking: VectorHit[];

    beforeAll(async () => {
      ({ store } = openQdrantStore({ ...qdrant, collectionPrefix: prefix }));
      collection = await store.ensureSpace(
        createVectorSpace({
          provider: 'test',
          model: 'scale',
          dimensions: DIMENSIONS,
          preprocessing: 'none',
        }),
      );
      const points = Array.from({ length: POINTS }, (_, index) =>
        pointOf(index + 1, vectors.image()),
      );
      for (let first = 0; first < POINTS; first += 2_000) {
        await collection.upsert(points.slice(first, first + 2_000));
      }
      ranking = points
        .map(({ fileId, vector }) => ({
          fileId,
          score: vector.reduce((sum, value, index) => sum + value * (query[index] ?? 0), 0),
        }))
        .sort((left, right) => right.score - left.score || left.fileId - right.fileId);
    });

    afterAll(async () => {
      await store.dispose();
      await deleteCollections(qdrant, prefix);
    });

    function ask(visible: MemoryVisibleFiles, start: number) {
      return collectPage({
        collection,
        visible,
        vector: query,
        excludeIds: [],
        minimumScore: undefined,
        start,
        limit: 25,
      });
    }

    const callers: [string, (rank: number, fileId: number) => boolean, number][] = [
      ['50 files', (_rank, fileId) => fileId % 480 === 0, 50],
      ['one file in five', (_rank, fileId) => fileId % 5 === 0, 4_800],
      ['nine files in ten', (_rank, fileId) => fileId % 10 !== 0, 21_600],
      ['the files least like the query', (rank) => rank >= POINTS - FAR, FAR],
    ];

    it.each(callers)('are right for %s', async (_name, isVisible, count) => {
      const expected = ranking
        .filter(({ fileId }, rank) => isVisible(rank, fileId))
        .map(({ fileId }) => fileId);
      expect(expected).toHaveLength(count);
      const visible = new MemoryVisibleFiles(
        ranking.map(({ fileId }) => fileId),
        expected,
      );
      const search = jest.spyOn(collection, 'search');
      const seen: number[] = [];
      for (const start of [0, 25, 50, 75, 100, 125, 150, 175]) {
        const page = await ask(visible, start);
        expect(await ask(visible, start)).toEqual(page);
        seen.push(...page.hits.map(({ fileId }) => fileId));
      }
      expect(new Set(seen).size).toBe(seen.length);
      const found = new Set(seen);
      const nearest = expected.slice(0, seen.length);
      expect(nearest.filter((id) => found.has(id)).length / nearest.length).toBeGreaterThan(0.98);
      const parts = Math.ceil(count / LISTED_AT_A_TIME);
      expect(search.mock.calls.length).toBeLessThanOrEqual(16 * (2 + parts));
      expect(Math.max(...visible.askedAbout, 0)).toBeLessThanOrEqual(201 + CHECKED_BEYOND_PAGE);
      search.mockRestore();
    });
  });
}

const live = findLiveQdrant();
if (live) describeScale(live);
// A file without a test would be a failure.
else
  it.skip('pages of narrowed searches in a real Qdrant (QDRANT_URL is not set)', () => undefined);
