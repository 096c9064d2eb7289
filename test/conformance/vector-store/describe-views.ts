import { describe, expect, it } from '@jest/globals';
import type {
  FileView,
  VectorHit,
  VectorPoint,
  VectorQuery,
  ViewVector,
} from '../../../plugin/src/vectors/contract';
import { createSeededRandom } from '../../../sample/seeded-random';
import { randomUnitVector } from '../../support/random-vectors';
import { openCollectionForEach, openForEach, type VectorStoreHarness } from './harness';
import {
  DIMENSIONS,
  exactHits,
  expectSamePoints,
  pointWith,
  randomPoints,
  seed,
  spaceOf,
} from './points';

function withoutViews({ fileId, vector, payload }: VectorPoint): VectorPoint {
  return { fileId, vector, payload };
}

export function describeViews(harness: VectorStoreHarness): void {
  const tolerance = harness.scoreTolerance ?? 1e-6;
  const random = createSeededRandom(`${seed} views`);
  const viewOf = (kind: FileView['kind'], number: number): ViewVector => ({
    kind,
    number,
    vector: randomUnitVector(random, DIMENSIONS),
  });
  /** Every third file has five parts, and every fifth two frames or pages. */
  const points = randomPoints(120).map((point): VectorPoint => {
    const { fileId } = point;
    const parts = [1, 2, 3, 4, 5].map((number) => viewOf('part', number));
    const kind = fileId % 2 === 0 ? 'frame' : 'page';
    const others = [viewOf(kind, 7), viewOf(kind, 16_383)];
    const views = [...(fileId % 3 === 0 ? parts : []), ...(fileId % 5 === 0 ? others : [])];
    return views.length > 0 ? { ...point, views } : point;
  });
  const queries = [1, 2, 3].map(() => randomUnitVector(random, DIMENSIONS));

  /** Files by their best views, as the contract has it. */
  function expectedHits(stored: readonly VectorPoint[], query: VectorQuery): VectorHit[] {
    const { vector, limit, filter = {}, minimumScore = -1 } = query;
    const { isWholeOnly = false, viewPenalty = 0 } = query;
    const { includeIds, excludeIds = [] } = filter;
    const found = stored.flatMap(({ fileId, views = [], ...whole }): VectorHit[] => {
      if (!(includeIds?.includes(fileId) ?? true) || excludeIds.includes(fileId)) return [];
      const scored = [whole, ...(isWholeOnly ? [] : views)].map((view): VectorHit => {
        const [hit] = exactHits([{ ...whole, fileId, vector: view.vector }], vector);
        const score = hit?.score ?? NaN;
        if (!('kind' in view)) return { fileId, score };
        const { kind, number } = view;
        return { fileId, score: score - viewPenalty, view: { kind, number } };
      });
      return scored.sort((one, other) => other.score - one.score).slice(0, 1);
    });
    return found
      .filter(({ score }) => score >= minimumScore)
      .sort((one, other) => other.score - one.score || one.fileId - other.fileId)
      .slice(0, limit);
  }

  function expectHits(actual: readonly VectorHit[], expected: readonly VectorHit[]): void {
    const withoutScore = ({ fileId, view }: VectorHit) => ({ fileId, view });
    expect(actual.map(withoutScore)).toEqual(expected.map(withoutScore));
    for (const [rank, { score }] of actual.entries()) {
      expect(Math.abs(score - (expected[rank]?.score ?? NaN))).toBeLessThanOrEqual(tolerance);
    }
  }

  describe('files with several views', () => {
    const collection = openCollectionForEach(harness, () => points);
    const expectSearch = async (query: VectorQuery, stored = points): Promise<void> => {
      const expected = expectedHits(stored, query);
      expectHits(await collection().search(query), expected);
    };

    it('are each found once, by the best view, which the hit names', async () => {
      for (const vector of queries) {
        for (const limit of [1, 10, 60, 120, 500]) await expectSearch({ vector, limit });
      }
      const [vector = new Float32Array()] = queries;
      const hits = await collection().search({ vector, limit: 120 });
      expect(hits).toHaveLength(120);
      expect(hits.some(({ view }) => view?.kind === 'part')).toBe(true);
      expect(hits.some(({ view }) => view === undefined)).toBe(true);
    });

    it('are found by the view that was searched for', async () => {
      const { views = [] } = pointWith(points, 30);
      expect(views).toHaveLength(7);
      for (const { vector, kind, number } of views) {
        const [hit] = await collection().search({ vector, limit: 1 });
        expect(hit).toMatchObject({ fileId: 30, view: { kind, number } });
      }
      const [first] = views;
      const { vector = new Float32Array() } = first ?? {};
      const [hit] = await collection().search({ vector, limit: 1, isWholeOnly: true });
      expect(hit).not.toHaveProperty('view');
      expect(hit?.score).toBeLessThan(0.9);
    });

    it('pass filters and the minimum score as files', async () => {
      for (const vector of queries) {
        const limit = 20;
        await expectSearch({ vector, limit, filter: { includeIds: [3, 15, 30, 31, 32, 3] } });
        await expectSearch({ vector, limit, filter: { excludeIds: [3, 6, 9, 15, 30, 45, 999] } });
        await expectSearch({ vector, limit, filter: { includeIds: [] } });
        await expectSearch({ vector, limit, minimumScore: 0.25 });
        await expectSearch({ vector, limit, isWholeOnly: true });
        await expectSearch({ vector, limit, viewPenalty: 0.1 });
        await expectSearch({ vector, limit: 120, viewPenalty: 0.1, minimumScore: 0.25 });
      }
    });

    it('tie by file id, and the whole file comes before its views', async () => {
      const [vector = new Float32Array()] = queries;
      const twins = [203, 201, 202].map((fileId): VectorPoint => {
        const views = [2, 1].map((number): ViewVector => ({ kind: 'part', number, vector }));
        const whole = { ...pointWith(points, 1), fileId, views };
        return fileId === 202 ? { ...whole, vector } : whole;
      });
      await collection().upsert(twins);
      const hits = await collection().search({ vector, limit: 3 });
      expect(hits.map(({ fileId, view }) => [fileId, view?.number])).toEqual([
        [201, 1],
        [202, undefined],
        [203, 1],
      ]);
      expectHits(await collection().search({ vector, limit: 2 }), hits.slice(0, 2));
    });

    it('count and are listed once, and come back without further views', async () => {
      await expect(collection().count()).resolves.toBe(120);
      const { ids, nextCursor } = await collection().listIds(null, 60);
      expect(ids).toHaveLength(60);
      expect((await collection().listIds(nextCursor, 60)).ids.at(-1)).toBe(120);
      const whole = withoutViews(pointWith(points, 30));
      expectSamePoints(await collection().getMany([30]), [whole], harness);
      await expect(collection().contentHashesOf([30])).resolves.toHaveProperty('size', 1);
    });

    it('hand out their further views in order', async () => {
      const found = await collection().viewsOf([30, 31, 3, 999, 30]);
      expect([...found.keys()].toSorted((one, other) => one - other)).toEqual([3, 30]);
      const { views = [] } = pointWith(points, 30);
      const stored = found.get(30) ?? [];
      expect(stored.map(({ kind, number }) => [kind, number])).toEqual(
        views.map(({ kind, number }) => [kind, number]),
      );
      for (const [position, { vector }] of stored.entries()) {
        const [hit] = exactHits(
          [{ ...pointWith(points, 1), vector }],
          views[position]?.vector ?? vector,
        );
        expect(hit?.score).toBeCloseTo(1, 5);
      }
      await expect(collection().viewsOf([])).resolves.toEqual(new Map());
      await expect(collection().hasViews()).resolves.toBe(true);
    });

    it('lose views that they no longer have, by a replacement or a removal', async () => {
      const whole = withoutViews(pointWith(points, 30));
      const fewer = { ...pointWith(points, 15), views: [viewOf('part', 2)] };
      await collection().upsert([whole, fewer]);
      await collection().remove([45, 60]);
      const stored = [
        ...points.filter(({ fileId }) => ![15, 30, 45, 60].includes(fileId)),
        whole,
        fewer,
      ];
      for (const vector of queries) await expectSearch({ vector, limit: 120 }, stored);
      const left = await collection().viewsOf([15, 30, 45, 60]);
      expect([...left].map(([fileId, { length }]) => [fileId, length])).toEqual([[15, 1]]);
    });

    it('keep the views of the last of those with the same id in one call', async () => {
      const whole = withoutViews(pointWith(points, 30));
      await collection().upsert([pointWith(points, 30), whole]);
      await expect(collection().viewsOf([30])).resolves.toEqual(new Map());
    });

    it('are found by their bytes, with all views', async () => {
      const { payload, views = [] } = pointWith(points, 30);
      const found = await collection().findByContentHash(payload.contentHash);
      expect(found?.views).toHaveLength(views.length);
    });

    it('are refused, all of them, when a view has a wrong vector or number', async () => {
      const point = { ...pointWith(points, 1), fileId: 300 };
      const short = { ...viewOf('part', 1), vector: new Float32Array(3).fill(0.1) };
      for (const view of [short, viewOf('part', 0), viewOf('page', 16_384)]) {
        const wrong = { ...point, fileId: 301, views: [view] };
        await expect(collection().upsert([point, wrong])).rejects.toBeInstanceOf(RangeError);
      }
      await expect(collection().count()).resolves.toBe(120);
    });
  });

  describe('views of a store that is opened again', () => {
    const opened = openForEach(harness);

    it('are still there, and are gone with their space', async () => {
      const [vector = new Float32Array()] = queries;
      await (await opened.store.ensureSpace(spaceOf('first'))).upsert(points);
      const store = harness.isDurable === false ? opened.store : await opened.reopen();
      const expected = expectedHits(points, { vector, limit: 30 });
      const collection = await store.ensureSpace(spaceOf('first'));
      expectHits(await collection.search({ vector, limit: 30 }), expected);
      await store.dropSpace(spaceOf('first').id);
      const empty = await store.ensureSpace(spaceOf('first'));
      await expect(empty.viewsOf([30])).resolves.toEqual(new Map());
      await empty.upsert(points.map(withoutViews));
      expectHits(
        await empty.search({ vector, limit: 30 }),
        expectedHits(points, { vector, limit: 30, isWholeOnly: true }),
      );
    });
  });
}
