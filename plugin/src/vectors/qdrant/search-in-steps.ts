import type { VectorHit, VectorQuery } from '../contract';
import { compareHits } from '../similarity';
import type { QdrantConfig } from './config';

/** The coarser the quantization, the more candidates are rescored with their full vectors. */
const OVERSAMPLING = { scalar: 2, binary: 4 } as const;

/**
 * Minimum number of hits requested. An approximate search finds slightly more when more is requested, so always
 * requesting the same number gives every caller the same first hits.
 */
export const MIN_DEPTH = 128;

/** With more excluded files the graph fails: with nine tenths excluded, it finds hardly one of the best. */
const MAX_EXCLUDED = 1_000;

/**
 * Subtracted from the minimum score, because Qdrant excludes hits with exactly the threshold. Far larger than
 * single-precision rounding.
 */
const THRESHOLD_MARGIN = 1e-6;

export interface Step {
  limit: number;
  /** Whether to compare every vector instead of using the graph. */
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
 * Turns Qdrant's results into what the contract promises.
 *
 * - The first hits come from the graph, which may miss a few; or from all vectors when the search is limited to some
 *   files or excludes many. Deeper hits come from all vectors, without the first ones, so a larger limit only adds
 *   hits. A hit that the graph missed follows the first ones.
 * - Qdrant cuts off ties arbitrarily, so hits that tie with the last one only count when the result is complete.
 */
export async function searchInSteps(query: VectorQuery, searcher: Searcher): Promise<VectorHit[]> {
  const { limit, filter } = query;
  if (filter?.includeIds !== undefined) {
    const total = new Set(filter.includeIds).size;
    return total === 0 ? [] : (await searchAll(query, searcher, total)).slice(0, limit);
  }
  if ((filter?.excludeIds?.length ?? 0) > MAX_EXCLUDED) {
    return (await searchAll(query, searcher, await searcher.count())).slice(0, limit);
  }
  const near = await runStep(query, searcher, { limit: MIN_DEPTH, isExact: false });
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
  // One extra hit shows where the ties end.
  let depth = query.limit + 1;
  for (;;) {
    const step = await runStep(query, searcher, {
      limit: Math.min(depth, total + 1),
      isExact: true,
    });
    if (step.isComplete || step.hits.length >= query.limit) return step.hits;
    depth *= 2;
  }
}

interface StepResult {
  /** In the order that the contract promises, complete up to the last one. */
  hits: VectorHit[];
  /** Whether there are no further hits. */
  isComplete: boolean;
}

async function runStep(
  { minimumScore = -1 }: VectorQuery,
  searcher: Searcher,
  { limit, isExact }: Omit<Step, 'threshold'>,
): Promise<StepResult> {
  // A threshold of -1 would exclude opposites.
  const threshold = minimumScore > -1 ? minimumScore - THRESHOLD_MARGIN : null;
  const answered = await searcher.ask({ limit, isExact, threshold });
  const hits = answered.filter(({ score }) => score >= minimumScore).sort(compareHits);
  const isComplete = answered.length < limit || hits.length < answered.length;
  if (isComplete) return { hits, isComplete };
  const last = hits.at(-1)?.score;
  return { hits: hits.filter(({ score }) => score !== last), isComplete };
}

/** A step as a request has it. */
export function toQueryStep({ isExact, limit, threshold }: Step, config: QdrantConfig) {
  return {
    limit,
    ...(threshold !== null && { score_threshold: threshold }),
    params: isExact ? { exact: true } : graphParameters(config),
  };
}

/** For a search that uses the graph. */
function graphParameters({ hnsw, quantization }: QdrantConfig) {
  return {
    hnsw_ef: hnsw.efSearch,
    ...(quantization !== 'none' && {
      quantization: { rescore: true, oversampling: OVERSAMPLING[quantization] },
    }),
  };
}
