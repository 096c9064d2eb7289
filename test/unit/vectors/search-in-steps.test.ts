import { describe, expect, it } from '@jest/globals';
import type { VectorHit, VectorQuery } from '../../../plugin/src/vectors/contract';
import {
  MIN_DEPTH,
  searchInSteps,
  searchViewsInSteps,
  type Searcher,
  type Step,
} from '../../../plugin/src/vectors/search-in-steps';
import { createSeededRandom } from '../../../sample/seeded-random';

const vector = new Float32Array([1]);
const TOTAL = 1_000;
const MAX_EXCLUDED = 1_000;

interface Simulation extends Searcher {
  steps: Step[];
}

/** A server with these hits that breaks ties its own way, and misses some unless it searches exactly. */
function simulate(hits: readonly VectorHit[], isMissed: (hit: VectorHit) => boolean): Simulation {
  const steps: Step[] = [];
  return {
    steps,
    ask(step) {
      steps.push(step);
      const found = hits
        .filter(({ score }) => score > (step.threshold ?? -Infinity))
        .filter((hit) => step.isExact || !isMissed(hit))
        .toSorted((left, right) => right.score - left.score || right.fileId - left.fileId);
      return Promise.resolve(found.slice(0, step.limit));
    },
    count: () => Promise.resolve(hits.length),
    needsExact: ({ excludeIds = [], includeIds }) =>
      includeIds !== undefined || excludeIds.length > MAX_EXCLUDED,
  };
}

const none = () => false;

function distinctHits(): VectorHit[] {
  return Array.from({ length: TOTAL }, (_, index) => ({
    fileId: index + 1,
    score: 1 - index / TOTAL,
  }));
}

/** Scores with one decimal, so a hundred files have the same. */
function tiedHits(): VectorHit[] {
  const random = createSeededRandom('ties');
  return Array.from({ length: TOTAL }, (_, index) => ({
    fileId: index + 1,
    score: Math.round(random.fraction() * 10) / 10,
  }));
}

function inOrder(hits: readonly VectorHit[]): VectorHit[] {
  return hits.toSorted((left, right) => right.score - left.score || left.fileId - right.fileId);
}

const search = (searcher: Searcher, query: Omit<VectorQuery, 'vector'>) =>
  searchInSteps({ vector, ...query }, searcher);

describe('a search in steps', () => {
  const limits = [1, 2, 20, MIN_DEPTH - 1, MIN_DEPTH, MIN_DEPTH + 1, 500, TOTAL, 10 * TOTAL];

  it.each([
    ['all different', distinctHits()],
    ['with many ties', tiedHits()],
    ['all the same', distinctHits().map(({ fileId }) => ({ fileId, score: 0.5 }))],
  ])('returns the best of %s, ties by ascending id, for any limit', async (_, hits) => {
    for (const limit of limits) {
      await expect(search(simulate(hits, none), { limit })).resolves.toEqual(
        inOrder(hits).slice(0, limit),
      );
    }
  });

  it('sends a single request if few hits are needed', async () => {
    for (const limit of [1, 20, 100]) {
      const server = simulate(distinctHits(), none);
      await search(server, { limit });
      expect(server.steps).toEqual([{ limit: MIN_DEPTH, isExact: false, threshold: null }]);
    }
  });

  it('only appends hits when more are needed, and loses none that the graph missed', async () => {
    const hits = distinctHits();
    const missed = new Set([3, 50, 100, 400]);
    const server = () => simulate(hits, ({ fileId }) => missed.has(fileId));
    const all = await search(server(), { limit: TOTAL });
    expect(all.map(({ fileId }) => fileId).toSorted((a, b) => a - b)).toEqual(
      hits.map(({ fileId }) => fileId),
    );
    for (const limit of limits) {
      await expect(search(server(), { limit })).resolves.toEqual(all.slice(0, limit));
    }
  });

  it('asks the graph for more where it goes deeper, and compares all vectors only beyond that', async () => {
    const missed = new Set([3, 50, 250, 300]);
    const server = () => ({
      ...simulate(distinctHits(), ({ fileId }) => missed.has(fileId)),
      depths: [256, 600],
    });
    const all = await search(server(), { limit: TOTAL });
    const stepsOf = async (limit: number): Promise<[number, boolean][]> => {
      const searcher = server();
      await expect(search(searcher, { limit })).resolves.toEqual(all.slice(0, limit));
      return searcher.steps.map((step) => [step.limit, step.isExact]);
    };
    const near = [
      [256, false],
      [600, false],
    ];
    for (const limit of [1, 151, 201, 255]) expect(await stepsOf(limit)).toEqual([near[0]]);
    for (const limit of [256, 502, 599]) expect(await stepsOf(limit)).toEqual(near);
    expect(await stepsOf(600)).toEqual([...near, [601, true]]);
    expect(all).toHaveLength(TOTAL);
  });

  it('finds views of few files with one request to the graph', async () => {
    const views = distinctHits().map(({ score }, index) => ({
      fileId: (index + 1) * 65_536,
      score,
    }));
    const searcher = { ...simulate(views, none), depths: [256] };
    await expect(searchViewsInSteps({ vector, limit: 40 }, searcher)).resolves.toHaveLength(128);
    expect(searcher.steps).toEqual([{ limit: 256, isExact: false, threshold: null }]);
  });

  it('keeps hits with exactly the minimum score, which the server omits', async () => {
    const hits = tiedHits();
    for (const minimumScore of [1, 0.9, 0.5, 0]) {
      const expected = inOrder(hits).filter(({ score }) => score >= minimumScore);
      expect(expected.at(-1)?.score).toBe(minimumScore);
      await expect(search(simulate(hits, none), { limit: TOTAL, minimumScore })).resolves.toEqual(
        expected,
      );
    }
  });

  it('sets no threshold for a minimum that every score reaches', async () => {
    const opposite = [{ fileId: 1, score: -1 }];
    const server = simulate(opposite, none);
    await expect(search(server, { limit: 5, minimumScore: -1 })).resolves.toEqual(opposite);
    expect(server.steps.map(({ threshold }) => threshold)).toEqual([null]);
  });

  it('searches exactly when limited to some files', async () => {
    const hits = tiedHits();
    const server = simulate(hits, () => true);
    const includeIds = hits.map(({ fileId }) => fileId);
    await expect(search(server, { limit: 50, filter: { includeIds } })).resolves.toEqual(
      inOrder(hits).slice(0, 50),
    );
    expect(server.steps.every(({ isExact }) => isExact)).toBe(true);
    const last = server.steps.at(-1);
    expect(last?.limit).toBeLessThanOrEqual(TOTAL + 1);
  });

  it('searches exactly when thousands are excluded, and with the graph when few are', async () => {
    const excluded = async (count: number): Promise<boolean[]> => {
      const server = simulate(distinctHits(), none);
      const excludeIds = Array.from({ length: count }, (_, index) => TOTAL + index);
      await search(server, { limit: 5, filter: { excludeIds } });
      return server.steps.map(({ isExact }) => isExact);
    };
    await expect(excluded(1_000)).resolves.toEqual([false]);
    await expect(excluded(1_001)).resolves.toEqual([true]);
  });

  it('sends no request when limited to no files', async () => {
    const server = simulate(distinctHits(), none);
    await expect(search(server, { limit: 5, filter: { includeIds: [] } })).resolves.toEqual([]);
    expect(server.steps).toEqual([]);
  });
});
