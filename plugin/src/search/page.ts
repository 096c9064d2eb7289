import { abortedError } from '../errors';
import type { IdPage, VectorCollection, VectorHit, VectorQuery } from '../vectors/contract';
import type { VisibleFiles } from './contract';

/** Up to this many visible files the store searches those alone. */
export const SMALL_SET = 2_000;
/** How much more than a page is fetched when some hits will turn out to be invisible. */
const MARGIN = 4;
/** Hits beyond a page that are checked for visibility before the visible files are listed instead. */
export const CHECKED_BEYOND_PAGE = 2_000;
/** Visible files that the store searches at a time when they are listed. */
export const LISTED_AT_A_TIME = 10_000;

export interface PageOptions<Row> {
  collection: VectorCollection;
  visible: VisibleFiles<Row>;
  vector: Float32Array;
  excludeIds: readonly number[];
  minimumScore: number | undefined;
  start: number;
  limit: number;
  signal?: AbortSignal | undefined;
}

export interface HitPage {
  hits: VectorHit[];
  hasMore: boolean;
  /** Of the first hit of the first page, whichever page this is; null when there is none. */
  bestScore: number | null;
}

/**
 * The hits `start` … `start + limit` among the files that the caller may see, and whether more follow. Fails with
 * `aborted` between two steps when the signal is.
 *
 * A small visible set is found first and searched alone. Otherwise the store answers more than a page, and what the
 * caller may not see is dropped. When so much was dropped that the page is still not full, the visible files lie far
 * from the query, and going on would lead through all others first: then they are listed by their ids, part by part,
 * each part searched alone, and the best of all kept.
 *
 * All ways give the same files in the same order. With V visible files a page costs at most two searches and the
 * checks of `start + limit + CHECKED_BEYOND_PAGE` hits, and V / LISTED_AT_A_TIME lists with as many searches; in memory
 * there is one list and some pages' worth of hits.
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
  const near = await collectNear(options, { wanted, total });
  if (near.isComplete || near.hits.length >= wanted) return near.hits;
  // Hits found by then stay in front: so they do on the pages before this one, even if the store is not exact.
  const known = new Set(near.hits.map((hit) => hit.fileId));
  const listed = await collectListed(options, wanted);
  return [...near.hits, ...listed.filter((hit) => !known.has(hit.fileId))].slice(0, wanted);
}

/** The visible ones of so many best hits; complete when there are no others. */
async function collectNear<Row>(
  options: PageOptions<Row>,
  { wanted, total }: { wanted: number; total: number },
): Promise<{ hits: VectorHit[]; isComplete: boolean }> {
  const { collection, visible, signal } = options;
  const deepest = Math.min(total, wanted + CHECKED_BEYOND_PAGE);
  const hits: VectorHit[] = [];
  let seen = 0;
  let depth = Math.min(deepest, visible.isNarrowed ? MARGIN * wanted : wanted);
  for (;;) {
    throwIfAborted(signal);
    const found = await collection.search(toQuery(options, depth));
    const fresh = found.slice(seen);
    seen = found.length;
    const allowed = await visible.keepVisible(fresh.map((hit) => hit.fileId));
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
  const wanted = options.start + options.limit + 1;
  return options.collection.search(
    toQuery(options, Math.min(wanted, includeIds.length), includeIds),
  );
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

/** Best first, ties by ascending id. */
function compareHits(left: VectorHit, right: VectorHit): number {
  return right.score - left.score || left.fileId - right.fileId;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal.reason);
}
