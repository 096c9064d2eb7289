import { beforeAll, describe, expect, it } from '@jest/globals';
import type { VectorQuery } from '../../../../plugin/src/vectors/contract';
import { QuantizedIndex, runToEnd } from '../../../../plugin/src/vectors/embedded/quantized-index';
import { dotProduct } from '../../../../plugin/src/vectors/similarity';
import { toViewId } from '../../../../plugin/src/vectors/views';
import { createSeededRandom } from '../../../../sample/seeded-random';
import { createLowRankVectors } from '../../../support/low-rank-vectors';
import { randomUnitVector } from '../../../support/random-vectors';

const DIMENSIONS = 96;
const SIZE = 6_000;
const WANTED = 600;

/** The best ids by brute force. */
function rank(vectors: ReadonlyMap<number, Float32Array>, { vector, limit }: VectorQuery) {
  return [...vectors]
    .map(([fileId, stored]) => ({ fileId, score: dotProduct(stored, vector) }))
    .sort((left, right) => right.score - left.score || left.fileId - right.fileId)
    .slice(0, limit)
    .map(({ fileId }) => fileId);
}

describe('a search by leading dimensions', () => {
  const made = createLowRankVectors('leading', DIMENSIONS);
  const vectors = new Map<number, Float32Array>();
  let index: QuantizedIndex;

  beforeAll(() => {
    for (let fileId = 1; fileId <= SIZE; fileId += 1) vectors.set(fileId, made.image());
    index = QuantizedIndex.learn([...vectors.values()].slice(0, 1000), SIZE);
    for (const [fileId, vector] of vectors) index.set(fileId, vector);
    expect(runToEnd(index.learnLeading())).toBeGreaterThan(5);
  });

  function expectHits(queries: readonly VectorQuery[], known = vectors): void {
    const found = index.findNear(queries, WANTED);
    expect(found).toHaveLength(queries.length);
    for (const [position, query] of queries.entries()) {
      const candidates = new Set(found[position]?.fileIds);
      expect(rank(known, query).filter((fileId) => !candidates.has(fileId))).toEqual([]);
    }
  }

  it('has the hits of texts and images among its candidates, one by one and many at once', () => {
    const queries = Array.from({ length: 40 }, (_, position) => ({
      vector: position % 2 === 0 ? made.text() : made.image(),
      limit: 20,
    }));
    expectHits(queries);
    for (const query of queries.slice(0, 4)) expectHits([query]);
    const [first] = index.findNear(queries, WANTED);
    expect(index.findNear(queries.slice(0, 1), WANTED)).toEqual([first]);
    expect(first?.fileIds.length).toBeLessThan(WANTED);
  });

  it('returns nothing where points left out could be hits', () => {
    const random = createSeededRandom('isotropic');
    const points = Array.from({ length: 3000 }, () => randomUnitVector(random, DIMENSIONS));
    const other = QuantizedIndex.learn(points.slice(0, 500), points.length);
    for (const [position, vector] of points.entries()) other.set(position + 1, vector);
    runToEnd(other.learnLeading());
    const query = { vector: randomUnitVector(random, DIMENSIONS), limit: 20 };
    expect(other.findNear([query], 300)).toEqual([null]);
    // All of them are no guess.
    expect(other.findNear([query], 3000)).toEqual([other.findCandidates(query)]);
  });

  it('returns nothing before it is prepared, and after it was forgotten', () => {
    const query = { vector: made.image(), limit: 20 };
    const other = QuantizedIndex.learn([made.image()], 1);
    for (let fileId = 1; fileId <= 50; fileId += 1) other.set(fileId, made.image());
    expect(other.findNear([query], 10)).toEqual([null]);
    runToEnd(other.learnLeading());
    expect(other.rankOf(query.vector, [7])).toBeGreaterThan(0);
    other.forgetLeading();
    expect(other.findNear([query], 50)).toEqual([null]);
    expect(other.rankOf(query.vector, [7])).toBeNull();
  });

  it('ranks points as it finds them', () => {
    const vector = made.text();
    const keys = rank(vectors, { vector, limit: 20 });
    const needed = index.rankOf(vector, keys) ?? 0;
    expect(needed).toBeGreaterThanOrEqual(20);
    expect(needed).toBeLessThan(WANTED);
    expect(index.rankOf(vector, keys.slice(0, 3))).toBeLessThanOrEqual(needed);
  });

  it('leaves out excluded files, and returns nothing when those are all it has', () => {
    const vector = made.image();
    const excludeIds = rank(vectors, { vector, limit: 30 });
    const others = new Map([...vectors].filter(([fileId]) => !excludeIds.includes(fileId)));
    const query = { vector, limit: 20, filter: { excludeIds } };
    expectHits([query], others);
    const [found] = index.findNear([query], WANTED);
    expect(found?.fileIds.filter((fileId) => excludeIds.includes(fileId))).toEqual([]);
    const most = rank(vectors, { vector, limit: SIZE - 100 });
    expect(index.findNear([{ ...query, filter: { excludeIds: most } }], WANTED)).toEqual([null]);
  });

  it('follows points that are added, replaced and removed, during the preparation too', () => {
    const random = createSeededRandom('changes');
    const known = new Map(vectors);
    function change(count: number): void {
      for (let done = 0; done < count; done += 1) {
        const fileId = random.integer(1, SIZE + 1500);
        if (random.chance(0.4)) {
          index.delete(fileId);
          known.delete(fileId);
        } else {
          const vector = made.image();
          index.set(fileId, vector);
          known.set(fileId, vector);
        }
      }
    }
    const queries = () =>
      Array.from({ length: 10 }, (_, position) => ({
        vector: position % 2 === 0 ? made.text() : made.image(),
        limit: 20,
      }));
    change(2000);
    expectHits(queries(), known);
    // More than are encoded at once.
    for (let fileId = SIZE + 2000; fileId < SIZE + 7000; fileId += 1) {
      known.set(fileId, made.image());
      index.set(fileId, known.get(fileId) ?? made.image());
    }
    expectHits(queries(), known);
    for (const steps = index.learnLeading(); steps.next().done !== true;) change(100);
    expectHits(queries(), known);
    const ids = [...known.keys()];
    for (const fileId of ids.slice(300)) {
      index.delete(fileId);
      known.delete(fileId);
    }
    expectHits(queries(), known);
    for (const fileId of known.keys()) index.delete(fileId);
    expect(index.findNear(queries().slice(0, 1), WANTED)).toEqual([{ fileIds: [], viewIds: [] }]);
  });

  it('finds further views, unless only whole files count', () => {
    const other = QuantizedIndex.learn([...vectors.values()].slice(0, 500), 2000);
    const wholes = new Map([...vectors].slice(0, 1500));
    for (const [fileId, vector] of wholes) other.set(fileId, vector);
    const views = new Map<number, Float32Array>();
    for (let fileId = 1; fileId <= 200; fileId += 1) {
      const viewId = toViewId(fileId, { kind: 'page', number: 2 });
      views.set(viewId, made.image());
      other.setView(fileId, viewId, views.get(viewId) ?? new Float32Array());
    }
    runToEnd(other.learnLeading());
    const vector = views.get(toViewId(77, { kind: 'page', number: 2 })) ?? new Float32Array();
    const query = { vector, limit: 20 };
    const [all] = other.findNear([query], 300);
    const best = rank(new Map([...wholes, ...views]), query);
    const candidates = new Set([...(all?.fileIds ?? []), ...(all?.viewIds ?? [])]);
    expect(best[0]).toBe(toViewId(77, { kind: 'page', number: 2 }));
    expect(best.filter((key) => !candidates.has(key))).toEqual([]);
    const [whole] = other.findNear([{ ...query, isWholeOnly: true }], 300);
    expect(whole?.viewIds).toEqual([]);
    expect(rank(wholes, query).filter((key) => !whole?.fileIds.includes(key))).toEqual([]);
  });
});
