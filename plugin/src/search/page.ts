import type { VectorCollection, VectorHit, VectorQuery } from '../vectors/contract';
import type { VisibleFiles } from './contract';

/** Up to this many visible files the store searches those alone. */
export const SMALL_SET = 2_000;
/** How much more is fetched when hits turned out to be invisible. */
const GROWTH = 4;

export interface PageOptions<Row> {
  collection: VectorCollection;
  visible: VisibleFiles<Row>;
  vector: Float32Array;
  excludeIds: readonly number[];
  minimumScore: number | undefined;
  start: number;
  limit: number;
}

export interface HitPage {
  hits: VectorHit[];
  hasMore: boolean;
  /** Of the first hit of the first page, whichever page this is; null when there is none. */
  bestScore: number | null;
}

/**
 * The hits `start` … `start + limit` among the files that the caller may see, and whether more follow.
 *
 * A small visible set is found first and searched alone. Otherwise the store answers more than a page, what the
 * caller may not see is dropped, and the store is asked for more until the page is full or nothing is left. Both ways
 * give the same files in the same order.
 */
export async function collectPage<Row>(options: PageOptions<Row>): Promise<HitPage> {
  const { start, limit } = options;
  const visibleHits = await collectVisible(options);
  return {
    hits: visibleHits.slice(start, start + limit),
    hasMore: visibleHits.length > start + limit,
    bestScore: visibleHits[0]?.score ?? null,
  };
}

/** Visible hits from the best one on, enough to fill the page and to tell whether more follow. */
async function collectVisible<Row>(options: PageOptions<Row>): Promise<VectorHit[]> {
  const { collection, visible, start, limit } = options;
  const smallSet = visible.isNarrowed ? await visible.listIds(SMALL_SET) : null;
  if (smallSet) return searchSmallSet(options, smallSet);
  const total = await collection.count();
  if (total === 0) return [];
  // Beyond the last page only the best hit is of interest.
  const wanted = start < total ? start + limit + 1 : 1;
  const kept: VectorHit[] = [];
  let seen = 0;
  let depth = Math.min(total, visible.isNarrowed ? wanted * GROWTH : wanted);
  for (;;) {
    const hits = await collection.search(toQuery(options, depth));
    const fresh = hits.slice(seen);
    seen = hits.length;
    const allowed = await visible.keepVisible(fresh.map((hit) => hit.fileId));
    kept.push(...fresh.filter((hit) => allowed.has(hit.fileId)));
    if (kept.length >= wanted || hits.length < depth || depth >= total) return kept;
    depth = Math.min(total, depth * GROWTH);
  }
}

async function searchSmallSet<Row>(
  options: PageOptions<Row>,
  includeIds: readonly number[],
): Promise<VectorHit[]> {
  if (includeIds.length === 0) return [];
  return options.collection.search(toQuery(options, includeIds.length, includeIds));
}

function toQuery<Row>(
  options: PageOptions<Row>,
  limit: number,
  includeIds?: readonly number[],
): VectorQuery {
  const { vector, excludeIds, minimumScore } = options;
  return {
    vector,
    limit,
    filter: { excludeIds, ...(includeIds && { includeIds }) },
    ...(minimumScore !== undefined && { minimumScore }),
  };
}
