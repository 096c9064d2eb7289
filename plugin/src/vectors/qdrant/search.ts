import type { VectorHit, VectorQuery } from '../contract';

/**
 * Hits that are asked for at least, however few are wanted. An approximate search finds a little more the more it is
 * asked for; always asked for as many, it gives the same first hits to every caller.
 */
export const NEAR_DEPTH = 128;

/** Beyond so many excluded files the graph loses its way: nine tenths left out, it finds hardly one of the best. */
const MOST_EXCLUDED = 1_000;

/**
 * Below the wanted score, because Qdrant leaves out what has just that; far above the rounding of single precision.
 */
const THRESHOLD_MARGIN = 1e-6;

export interface Step {
  limit: number;
  /** Whether to compare with every vector instead of following the graph. */
  isExact: boolean;
  /** Null for none. */
  threshold: number | null;
}

export interface Searcher {
  /** Best first, ties in any order. */
  ask(step: Step): Promise<VectorHit[]>;
  count(): Promise<number>;
}

/**
 * Turns what Qdrant answers into what the contract promises.
 *
 * - The first hits come from the graph, which may miss a few, or from all vectors when the search is narrowed to some
 *   files or many are excluded. Deeper ones come from all vectors, those before them left out, so that a larger limit only adds hits: one
 *   that the graph has missed then follows behind them.
 * - Qdrant cuts ties off where it likes. So hits that are as good as the last one of an answer count only when that
 *   was everything.
 */
export async function searchInSteps(query: VectorQuery, searcher: Searcher): Promise<VectorHit[]> {
  const { limit, filter } = query;
  if (filter?.includeIds !== undefined) {
    const total = new Set(filter.includeIds).size;
    return total === 0 ? [] : (await searchAll(query, searcher, total)).slice(0, limit);
  }
  if ((filter?.excludeIds?.length ?? 0) > MOST_EXCLUDED) {
    return (await searchAll(query, searcher, await searcher.count())).slice(0, limit);
  }
  const near = await takeStep(query, searcher, { limit: NEAR_DEPTH, isExact: false });
  if (near.isComplete || near.hits.length >= limit) return near.hits.slice(0, limit);
  const seen = new Set(near.hits.map(({ fileId }) => fileId));
  const all = await searchAll(query, searcher, await searcher.count());
  return [...near.hits, ...all.filter(({ fileId }) => !seen.has(fileId))].slice(0, limit);
}

/** At least the best `query.limit` of at most `total` candidates, compared one by one. */
async function searchAll(
  query: VectorQuery,
  searcher: Searcher,
  total: number,
): Promise<VectorHit[]> {
  // One more, to see where the ties end.
  let depth = query.limit + 1;
  for (;;) {
    const step = await takeStep(query, searcher, {
      limit: Math.min(depth, total + 1),
      isExact: true,
    });
    if (step.isComplete || step.hits.length >= query.limit) return step.hits;
    depth *= 2;
  }
}

interface StepResult {
  /** In the order of the contract, each in its place. */
  hits: VectorHit[];
  /** Whether there are no more than these. */
  isComplete: boolean;
}

async function takeStep(
  { minimumScore = -1 }: VectorQuery,
  searcher: Searcher,
  { limit, isExact }: Omit<Step, 'threshold'>,
): Promise<StepResult> {
  // A threshold of -1 would leave out opposites.
  const threshold = minimumScore > -1 ? minimumScore - THRESHOLD_MARGIN : null;
  const answered = await searcher.ask({ limit, isExact, threshold });
  const hits = answered.filter(({ score }) => score >= minimumScore).sort(compareHits);
  const isComplete = answered.length < limit || hits.length < answered.length;
  if (isComplete) return { hits, isComplete };
  const last = hits.at(-1)?.score;
  return { hits: hits.filter(({ score }) => score !== last), isComplete };
}

function compareHits(left: VectorHit, right: VectorHit): number {
  return right.score - left.score || left.fileId - right.fileId;
}
