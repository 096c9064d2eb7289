import { describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../../../sample/seeded-random';
import type { VectorHit, VectorQuery } from '../../../../plugin/src/vectors/contract';
import {
  NEAR_DEPTH,
  searchInSteps,
  type Searcher,
  type Step,
} from '../../../../plugin/src/vectors/qdrant/search';

const vector = new Float32Array([1]);
const TOTAL = 1_000;

interface Simulation extends Searcher {
  steps: Step[];
}

/** A server that has these hits, settles ties in its own way, and misses some when it does not compare all. */
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
  };
}

const none = () => false;

function distinctHits(): VectorHit[] {
  return Array.from({ length: TOTAL }, (_, index) => ({
    fileId: index + 1,
    score: 1 - index / TOTAL,
  }));
}

/** Scores of one decimal, so that a hundred files have the same. */
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
  const limits = [1, 2, 20, NEAR_DEPTH - 1, NEAR_DEPTH, NEAR_DEPTH + 1, 500, TOTAL, 10 * TOTAL];

  it.each([
    ['all different', distinctHits()],
    ['with many ties', tiedHits()],
    ['all the same', distinctHits().map(({ fileId }) => ({ fileId, score: 0.5 }))],
  ])('answers the best of %s, ties by ascending id, whatever the limit', async (_, hits) => {
    for (const limit of limits) {
      await expect(search(simulate(hits, none), { limit })).resolves.toEqual(
        inOrder(hits).slice(0, limit),
      );
    }
  });

  it('asks once, and for as many, while few are wanted', async () => {
    for (const limit of [1, 20, 100]) {
      const server = simulate(distinctHits(), none);
      await search(server, { limit });
      expect(server.steps).toEqual([{ limit: NEAR_DEPTH, isExact: false, threshold: null }]);
    }
  });

  it('only adds hits when more are wanted, and loses none that the graph has missed', async () => {
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

  it('keeps what has just the minimum score, which the server leaves out', async () => {
    const hits = tiedHits();
    for (const minimumScore of [1, 0.9, 0.5, 0]) {
      const expected = inOrder(hits).filter(({ score }) => score >= minimumScore);
      expect(expected.at(-1)?.score).toBe(minimumScore);
      await expect(search(simulate(hits, none), { limit: TOTAL, minimumScore })).resolves.toEqual(
        expected,
      );
    }
  });

  it('sets no threshold for a minimum that nothing is below', async () => {
    const opposite = [{ fileId: 1, score: -1 }];
    const server = simulate(opposite, none);
    await expect(search(server, { limit: 5, minimumScore: -1 })).resolves.toEqual(opposite);
    expect(server.steps.map(({ threshold }) => threshold)).toEqual([null]);
  });

  it('compares one by one when it is narrowed to some files', async () => {
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

  it('compares one by one when thousands are excluded, and follows the graph when few are', async () => {
    const excluded = async (count: number): Promise<boolean[]> => {
      const server = simulate(distinctHits(), none);
      const excludeIds = Array.from({ length: count }, (_, index) => TOTAL + index);
      await search(server, { limit: 5, filter: { excludeIds } });
      return server.steps.map(({ isExact }) => isExact);
    };
    await expect(excluded(1_000)).resolves.toEqual([false]);
    await expect(excluded(1_001)).resolves.toEqual([true]);
  });

  it('asks nothing when it is narrowed to no file', async () => {
    const server = simulate(distinctHits(), none);
    await expect(search(server, { limit: 5, filter: { includeIds: [] } })).resolves.toEqual([]);
    expect(server.steps).toEqual([]);
  });
});
