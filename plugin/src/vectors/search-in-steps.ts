import type { VectorFilter, VectorHit, VectorQuery } from './contract';
import { compareHits } from './similarity';
import { mergeViews, toViewScore, type ViewHit } from './views';

/**
 * Minimum number of hits requested. An approximate search finds slightly more when more is requested, so always
 * requesting the same number gives every caller the same first hits.
 */
export const MIN_DEPTH = 128;

/** Views asked for at first, per file wanted. */
const VIEWS_PER_FILE = 3;

/**
 * Subtracted from the minimum score, because servers may exclude hits with exactly the threshold. Far larger than
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

/** What a server's search can do; its filter is set already. */
export interface Searcher {
  /** Best first, ties in any order. */
  ask(step: Step): Promise<VectorHit[]>;
  /** Without the filter. */
  count(): Promise<number>;
  /** Whether the graph would fail with this filter, so that all vectors must be compared. */
  needsExact(filter: VectorFilter): boolean;
  /** How many hits the graph is asked for, one after the other, until there are enough. @default [MIN_DEPTH] */
  depths?: readonly number[];
}

/**
 * Turns a server's results into what the contract promises.
 *
 * - The first hits come from the graph, which may miss a few; or from all vectors when the filter needs that. Deeper
 *   hits come from the graph's further depths, then from all vectors, each without those before, so a larger limit only
 *   adds hits. A hit that the graph missed follows the first ones.
 * - Servers cut off ties arbitrarily, so hits that tie with the last one only count when the result is complete.
 */
export async function searchInSteps(query: VectorQuery, searcher: Searcher): Promise<VectorHit[]> {
  const { limit, filter = {} } = query;
  const included = filter.includeIds === undefined ? null : new Set(filter.includeIds).size;
  if (included === 0) return [];
  const countAll = async (): Promise<number> => included ?? (await searcher.count());
  if (searcher.needsExact(filter)) {
    return (await searchAll(query, searcher, await countAll())).slice(0, limit);
  }
  const hits = new Map<number, VectorHit>();
  const append = (found: readonly VectorHit[]): void => {
    for (const hit of found) if (!hits.has(hit.fileId)) hits.set(hit.fileId, hit);
  };
  for (const depth of searcher.depths ?? [MIN_DEPTH]) {
    const near = await runStep(query, searcher, { limit: depth, isExact: false });
    append(near.hits);
    if (near.isComplete || hits.size >= limit) return [...hits.values()].slice(0, limit);
  }
  append(await searchAll(query, searcher, await countAll()));
  return [...hits.values()].slice(0, limit);
}

/**
 * Further views of at least the best `query.limit` files, if there are as many.
 *
 * @param searcher of views; the `fileId` of its hits is the id of a view
 */
export async function searchViewsInSteps(
  query: VectorQuery,
  searcher: Searcher,
): Promise<ViewHit[]> {
  const { filter, limit, minimumScore, vector, viewPenalty = 0 } = query;
  const plain = {
    vector,
    ...(minimumScore !== undefined && { minimumScore: minimumScore + viewPenalty }),
    ...(filter?.excludeIds && { filter: { excludeIds: filter.excludeIds } }),
  };
  for (let depth = Math.max(MIN_DEPTH, limit * VIEWS_PER_FILE); ; depth *= 2) {
    const found = await searchInSteps({ ...plain, limit: depth }, searcher);
    const views = found.map(({ fileId: viewId, score }): ViewHit => ({
      viewId,
      score: toViewScore(score, query),
    }));
    const isEnough = found.length < depth || mergeViews([], views).length >= limit;
    if (isEnough) return views;
  }
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
