import { abortedError } from '../errors';
import type { IdPage, VectorHit, VectorQuery } from '../vectors/contract';
import { compareHits } from '../vectors/similarity';
import type { VisibleFiles } from './contract';
import type { SearchedCollection } from './current-vectors';

/** Up to this many visible files, the store searches only those. */
export const SMALL_SET = 2_000;
/** Fetch this many times the page when some hits may be invisible. */
const OVERFETCH = 4;
/** Hits beyond the page whose visibility is checked before the visible files are listed instead. */
export const CHECKED_BEYOND_PAGE = 2_000;
/** Visible files that the store searches at a time when they are listed. */
export const LISTED_AT_A_TIME = 10_000;

export interface PageOptions<Row> {
  collection: Pick<SearchedCollection, 'search' | 'count'>;
  visible: VisibleFiles<Row>;
  vector: Float32Array;
  excludeIds: readonly number[];
  minimumScore: number | undefined;
  /** @default false */
  isWholeOnly?: boolean;
  searchedWith?: VectorQuery['searchedWith'];
  start: number;
  limit: number;
  /** How many of the first hits to return, whichever page this is. @default 1 */
  depth?: number;
  signal?: AbortSignal | undefined;
}

export interface HitPage {
  hits: VectorHit[];
  /** The hit after the page; null after the last page. */
  next: VectorHit | null;
  /** The first hits of the first page, whichever page this is: up to `depth`, if there are so many. */
  nearest: VectorHit[];
}

/**
 * The hits `start` … `start + limit` among the files that the caller may see, and whether more follow.
 *
 * A small visible set is listed first and searched alone. Otherwise the store returns more than a page, and hits that
 * the caller may not see are dropped. If that leaves the page incomplete, the visible files are far from the query, and
 * going deeper would pass all others first: then the visible ids are listed in chunks, each chunk is searched, and the
 * best hits overall are kept.
 *
 * All three return the same files in the same order. With V visible files a page costs at most two searches, visibility
 * checks of `start + limit + CHECKED_BEYOND_PAGE` hits, and V / LISTED_AT_A_TIME lists and searches; memory holds one
 * list and a few pages of hits.
 *
 * @throws ImageSearchError `aborted` between two steps; also what the store throws
 */
export async function collectPage<Row>(options: PageOptions<Row>): Promise<HitPage> {
  const { depth = 1, start, limit } = options;
  const visibleHits = await collectVisible(options);
  return {
    hits: visibleHits.slice(start, start + limit),
    next: visibleHits[start + limit] ?? null,
    nearest: visibleHits.slice(0, depth),
  };
}

/** Visible hits from the best one down, enough to fill the page and to tell whether more follow. */
async function collectVisible<Row>(options: PageOptions<Row>): Promise<VectorHit[]> {
  const { collection, depth = 1, visible, start, limit } = options;
  const smallSet = visible.isNarrowed ? await visible.listIds(SMALL_SET) : null;
  if (smallSet) return searchSmallSet(options, smallSet);
  const total = await collection.count();
  if (total === 0) return [];
  // Beyond the last page only the nearest ones are needed.
  const wanted = start < total ? Math.max(start + limit + 1, depth) : depth;
  const near = await collectNear(options, { wanted, total });
  if (near.isComplete || near.hits.length >= wanted) return near.hits;
  // Hits found near the query stay first, as on the pages before this one, even if the store is not exact.
  const known = new Set(near.hits.map((hit) => hit.fileId));
  const listed = await collectListed(options, wanted);
  return [...near.hits, ...listed.filter((hit) => !known.has(hit.fileId))].slice(0, wanted);
}

/** The visible ones among the nearest hits; complete when no hits remain. */
async function collectNear<Row>(
  options: PageOptions<Row>,
  { wanted, total }: { wanted: number; total: number },
): Promise<{ hits: VectorHit[]; isComplete: boolean }> {
  const { collection, visible, signal } = options;
  const deepest = Math.min(total, wanted + CHECKED_BEYOND_PAGE);
  const hits: VectorHit[] = [];
  let seen = 0;
  let depth = Math.min(deepest, visible.isNarrowed ? OVERFETCH * wanted : wanted);
  for (;;) {
    throwIfAborted(signal);
    const found = await collection.search(toQuery(options, depth));
    const fresh = found.slice(seen);
    seen = found.length;
    const allowed = await visible.filterVisible(fresh.map((hit) => hit.fileId));
    hits.push(...fresh.filter((hit) => allowed.has(hit.fileId)));
    const isComplete = found.length < depth || depth >= total;
    if (isComplete || hits.length >= wanted || depth >= deepest) return { hits, isComplete };
    depth = deepest;
  }
}

/** The best `wanted` hits among all visible files. */
async function collectListed<Row>(options: PageOptions<Row>, wanted: number): Promise<VectorHit[]> {
  const { collection, visible, signal } = options;
  let best: VectorHit[] = [];
  let after: number | null = 0;
  while (after !== null) {
    throwIfAborted(signal);
    const page: IdPage = await visible.listIdsAfter(after, LISTED_AT_A_TIME);
    if (page.ids.length > 0) {
      const hits = await collection.search(toQuery(options, wanted, page.ids));
      best = [...best, ...hits].sort(compareHits).slice(0, wanted);
    }
    after = page.nextCursor;
  }
  return best;
}

async function searchSmallSet<Row>(
  options: PageOptions<Row>,
  includeIds: readonly number[],
): Promise<VectorHit[]> {
  if (includeIds.length === 0) return [];
  const { depth = 1, limit, start } = options;
  const wanted = Math.max(start + limit + 1, depth);
  return options.collection.search(
    toQuery(options, Math.min(wanted, includeIds.length), includeIds),
  );
}

function toQuery<Row>(
  options: PageOptions<Row>,
  limit: number,
  includeIds?: readonly number[],
): VectorQuery {
  const { vector, excludeIds, isWholeOnly = false, minimumScore, searchedWith } = options;
  return {
    vector,
    limit,
    filter: { excludeIds, ...(includeIds && { includeIds }) },
    ...(minimumScore !== undefined && { minimumScore }),
    ...(isWholeOnly && { isWholeOnly }),
    ...(searchedWith && { searchedWith }),
  };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal.reason);
}
