import { setImmediate as nextTurn } from 'node:timers/promises';
import { ImageSearchError } from '../errors';
import { dotProduct } from '../vectors/similarity';
import {
  MOST_COUNTED_HITS,
  MOST_SORTED,
  type Facets,
  type FileOrder,
  type Grouping,
  type KnownDuplicates,
  type SearchRequest,
  type VisibleFiles,
} from './contract';
import type { SearchedCollection } from './current-vectors';
import type { RankedHit, RankedPage } from './hybrid';
import { LIKELY } from './relevance/scale';

/** The first hits, which diversity puts in another order; those after them keep theirs. */
const DIVERSE_POOL = 80;
/** So many comparisons of two images at a time: 2 ms with vectors of 3,072 values. */
const COMPARED_AT_ONCE = 400;
/** How many of the nearest hits count as relevant while nobody knows which are. */
const NEAREST_WITHOUT_RELEVANCE = 100;
/** How many more hits are looked at when duplicates among them are folded; doubled until a page is full. */
const MARGIN = 50;
const DEFAULT_GROUP_SIZE = 3;
/** No more hits are looked at for a page; it ends there. */
const MOST_HITS = 25_000;

type Arrangement = Pick<
  SearchRequest,
  'start' | 'limit' | 'collapse' | 'diversity' | 'facets' | 'groupBy' | 'groupSize' | 'sort'
>;

export interface ArrangementParts<Row> {
  /** The hits `start` … `start + limit` of one ranking. */
  rank: (page: { start: number; limit: number }) => Promise<RankedPage>;
  visible: Pick<VisibleFiles<Row>, 'filterVisible' | 'sortVisible' | 'countFacets' | 'foldersOf'>;
  duplicatesOf: KnownDuplicates;
  /** Files that the ranking leaves out and no hit stands for. */
  excludeIds: readonly number[];
  /** Null when only words are searched: then diversity knows of no likeness. */
  collection: Pick<SearchedCollection, 'getMany'> | null;
}

/**
 * A page of the ranking with known duplicates folded (`collapse`), similar images apart (`diversity`), or in another
 * order (`sort`) or groups (`groupBy`), and how many of the relevant hits there are of each kind (`facets`).
 *
 * All of them start from the best hit, whichever page is asked for, so pages neither repeat nor miss a file.
 *
 * @throws ImageSearchError as the ranking and the collection do, and whatever `duplicatesOf` throws
 */
export async function arrangePage<Row>(
  request: Arrangement,
  parts: ArrangementParts<Row>,
): Promise<RankedPage> {
  rejectContradictions(request);
  const { groupBy } = request;
  const page = await (groupBy
    ? arrangeGroups(groupBy, request, parts)
    : arrangeHits(request, parts));
  return request.facets ? { ...page, facets: await countHits(request.facets, parts) } : page;
}

/** What means nothing together. @throws ImageSearchError `invalid-input` */
export function rejectContradictions({
  collapse = false,
  diversity = 0,
  groupBy,
  groupSize,
}: Arrangement): void {
  const problem =
    groupBy === undefined
      ? groupSize !== undefined && 'groupSize: needs groupBy. Send groupBy, or leave it out.'
      : diversity > 0
        ? 'diversity: groups have the order of their best hits. Leave out diversity or groupBy.'
        : groupBy === 'duplicates' &&
          collapse &&
          'collapse: would leave groups of duplicates with one file each. Leave out collapse or groupBy.';
  if (problem === false) return;
  throw new ImageSearchError({ code: 'invalid-input', message: problem, retryable: false });
}

/** A page of groups. Every page looks at the same hits, so groups neither repeat nor change. */
async function arrangeGroups<Row>(
  groupBy: Grouping,
  request: Arrangement,
  parts: ArrangementParts<Row>,
): Promise<RankedPage> {
  const { collapse = false, groupSize = DEFAULT_GROUP_SIZE, limit, sort, start } = request;
  const folder = new DuplicateFolder(parts.duplicatesOf);
  const ranking = await parts.rank({ start: 0, limit: MOST_SORTED + (collapse ? MARGIN : 0) });
  let hits = collapse ? await folder.fold(ranking.hits) : ranking.hits;
  hits = sort
    ? await sortRelevant(hits, sort, parts.visible)
    : hits.filter(isRelevant).slice(0, MOST_SORTED);
  const groups =
    groupBy === 'folder'
      ? await groupByFolder(hits, parts.visible)
      : await new DuplicateFolder(parts.duplicatesOf).group(hits);
  const page = groups.slice(start, start + limit).map(({ members, value }) => ({
    value,
    count: members.length,
    shown: members.slice(0, groupSize),
  }));
  const shown = page.flatMap((group) => group.shown);
  const counted = collapse ? await folder.count(shown, parts) : shown;
  const byId = new Map(counted.map((hit) => [hit.fileId, hit]));
  return {
    ...ranking,
    hits: page.flatMap(({ count, shown: [best, ...others], value }): RankedHit[] => {
      const found = best && byId.get(best.fileId);
      if (!found) return [];
      const next = others.flatMap(({ fileId }) => byId.get(fileId) ?? []);
      return [{ ...found, group: { value, count, others: next } }];
    }),
    hasMore: groups.length > start + limit,
  };
}

interface RankedGroup {
  value: number | null;
  /** At least one. */
  members: RankedHit[];
}

async function groupByFolder<Row>(
  hits: readonly RankedHit[],
  visible: Pick<VisibleFiles<Row>, 'foldersOf'>,
): Promise<RankedGroup[]> {
  const folders = await visible.foldersOf(hits.map(({ fileId }) => fileId));
  const groups = new Map<number | null, RankedGroup>();
  for (const hit of hits) {
    const value = folders.get(hit.fileId);
    // The file was deleted after the store returned it.
    if (value === undefined) continue;
    const group = groups.get(value);
    if (group) group.members.push(hit);
    else groups.set(value, { value, members: [hit] });
  }
  return [...groups.values()];
}

/** Of files: duplicates that are folded count, too. */
async function countHits<Row>(
  facets: NonNullable<SearchRequest['facets']>,
  { rank, visible }: ArrangementParts<Row>,
): Promise<Facets> {
  const { hasMore, hits } = await rank({ start: 0, limit: MOST_COUNTED_HITS });
  const relevant = hits.filter(isRelevant);
  const isKnown = hits.every(({ relevance }) => relevance !== null);
  const counts = await visible.countFacets(
    facets,
    relevant.map(({ fileId }) => fileId),
  );
  const isCut = isKnown
    ? hasMore && relevant.length === hits.length
    : hasMore || hits.length > relevant.length;
  return { ...counts, isLowerBound: isCut };
}

async function arrangeHits<Row>(
  request: Arrangement,
  parts: ArrangementParts<Row>,
): Promise<RankedPage> {
  const { collapse = false, diversity = 0, limit, sort, start } = request;
  if (!collapse && diversity === 0 && sort === undefined) return parts.rank({ start, limit });
  const wanted = sort ? MOST_SORTED : Math.max(start + limit + 1, diversity > 0 ? DIVERSE_POOL : 0);
  const folder = new DuplicateFolder(parts.duplicatesOf);
  let size = Math.min(MOST_HITS, collapse ? wanted + MARGIN : wanted);
  let ranking = await parts.rank({ start: 0, limit: size });
  let hits = collapse ? await folder.fold(ranking.hits) : ranking.hits;
  while (sort === undefined && hits.length < wanted && ranking.hasMore && size < MOST_HITS) {
    size = Math.min(MOST_HITS, size * 2);
    ranking = await parts.rank({ start: 0, limit: size });
    hits = collapse ? await folder.fold(ranking.hits) : ranking.hits;
  }
  if (sort) hits = await sortRelevant(hits, sort, parts.visible);
  else if (diversity > 0) {
    hits = await diversify(hits, { diversity, collection: parts.collection });
  }
  const page = hits.slice(start, start + limit);
  return {
    ...ranking,
    hits: collapse ? await folder.count(page, parts) : page,
    hasMore: hits.length > start + limit,
  };
}

async function sortRelevant<Row>(
  hits: readonly RankedHit[],
  sort: readonly FileOrder[],
  visible: Pick<VisibleFiles<Row>, 'sortVisible'>,
): Promise<RankedHit[]> {
  const relevant = hits.filter(isRelevant).slice(0, MOST_SORTED);
  const byId = new Map(relevant.map((hit) => [hit.fileId, hit]));
  const ids = await visible.sortVisible([...byId.keys()], sort);
  return ids.flatMap((fileId) => byId.get(fileId) ?? []);
}

/** @param rank from 0 */
function isRelevant({ relevance }: RankedHit, rank: number): boolean {
  return relevance === null ? rank < NEAREST_WITHOUT_RELEVANCE : relevance >= LIKELY;
}

/** Leaves out hits that are duplicates of a better one. */
class DuplicateFolder {
  readonly #duplicatesOf: KnownDuplicates;
  readonly #known = new Map<number, ReadonlySet<number>>();
  /** The first shown hit among the duplicates of a file that isn't shown. */
  readonly #shownFor = new Map<number, number>();
  #read = 0;

  constructor(duplicatesOf: KnownDuplicates) {
    this.#duplicatesOf = duplicatesOf;
  }

  /** @param ranking begins with what was given before */
  async fold(ranking: readonly RankedHit[]): Promise<RankedHit[]> {
    const unread = ranking.slice(this.#read).map(({ fileId }) => fileId);
    this.#read = ranking.length;
    for (const [fileId, partners] of await this.#duplicatesOf(unread)) {
      this.#known.set(fileId, partners);
    }
    const shown = new Set<number>();
    return ranking.filter(({ fileId }) => {
      const partners = this.#partnersOf(fileId);
      if (partners.some((partner) => shown.has(partner))) return false;
      shown.add(fileId);
      for (const partner of partners)
        if (!this.#shownFor.has(partner)) this.#shownFor.set(partner, fileId);
      return true;
    });
  }

  /** Hits that are duplicates of an earlier one, with that one; each belongs to one group. */
  async group(hits: readonly RankedHit[]): Promise<RankedGroup[]> {
    const first = await this.fold(hits);
    const groups = new Map(
      first.map((hit): [number, RankedGroup] => [
        hit.fileId,
        { value: hit.fileId, members: [hit] },
      ]),
    );
    for (const hit of hits) {
      if (groups.has(hit.fileId)) continue;
      groups.get(this.#shownFor.get(hit.fileId) ?? -1)?.members.push(hit);
    }
    return [...groups.values()];
  }

  /** With how many other files that the caller may find each hit stands for; each file counts once. */
  async count<Row>(
    hits: readonly RankedHit[],
    { excludeIds, visible }: Pick<ArrangementParts<Row>, 'excludeIds' | 'visible'>,
  ): Promise<RankedHit[]> {
    const excluded = new Set(excludeIds);
    const hiddenBehind = ({ fileId }: RankedHit): number[] =>
      this.#partnersOf(fileId).filter(
        (partner) => this.#shownFor.get(partner) === fileId && !excluded.has(partner),
      );
    const allowed = await visible.filterVisible(hits.flatMap(hiddenBehind));
    return hits.map((hit) => ({
      ...hit,
      duplicateCount: hiddenBehind(hit).filter((partner) => allowed.has(partner)).length,
    }));
  }

  #partnersOf(fileId: number): number[] {
    return [...(this.#known.get(fileId) ?? [])];
  }
}

/**
 * Puts similar images apart: each place takes the hit with the best balance of its rank and its likeness to those before
 * it (maximal marginal relevance; Carbonell and Goldstein, 1998). Weak hits stay behind the others.
 *
 * @param options `diversity`: 0 keeps the order, 1 looks at nothing but likeness
 */
async function diversify(
  hits: readonly RankedHit[],
  {
    collection,
    diversity,
  }: { diversity: number; collection: Pick<SearchedCollection, 'getMany'> | null },
): Promise<RankedHit[]> {
  const firstWeak = hits.findIndex(({ relevance }) => relevance !== null && relevance < LIKELY);
  const size = Math.min(DIVERSE_POOL, firstWeak === -1 ? hits.length : firstWeak);
  const pool = hits.slice(0, size);
  if (collection === null || pool.length < 3) return [...hits];
  const points = await collection.getMany(pool.map(({ fileId }) => fileId));
  const vectors = new Map(points.map(({ fileId, vector }) => [fileId, vector]));
  const waiting = pool.map((hit, rank) => ({
    hit,
    value: (1 - diversity) * (1 - rank / pool.length),
    vector: vectors.get(hit.fileId) ?? null,
    likeness: 0,
  }));
  const base = meanLikeness([...vectors.values()]);
  const chosen: RankedHit[] = [];
  let compared = 0;
  for (let next = waiting.shift(); next; next = takeBest(waiting, diversity)) {
    chosen.push(next.hit);
    compared += waiting.length;
    if (compared > COMPARED_AT_ONCE) {
      // Other requests come in between.
      await nextTurn();
      compared = waiting.length;
    }
    for (const other of waiting) {
      if (next.vector === null || other.vector === null) continue;
      // From what any two of these images have in common to the same image: 0 to 1.
      const likeness = (dotProduct(next.vector, other.vector) - base) / (1 - base || 1);
      other.likeness = Math.max(other.likeness, likeness);
    }
  }
  return [...chosen, ...hits.slice(size)];
}

interface WaitingHit {
  hit: RankedHit;
  value: number;
  vector: Float32Array | null;
  /** To the most similar hit before it, 0 to 1. */
  likeness: number;
}

/** The better rank if tied. */
function takeBest(waiting: WaitingHit[], diversity: number): WaitingHit | undefined {
  let best = 0;
  const valueAt = (index: number): number => {
    const { likeness, value } = waiting[index] ?? { likeness: 0, value: 0 };
    return value - diversity * likeness;
  };
  for (let index = 1; index < waiting.length; index += 1)
    if (valueAt(index) > valueAt(best)) best = index;
  return waiting.splice(best, 1)[0];
}

/** Mean cosine similarity of different vectors, which have unit length. */
function meanLikeness(vectors: readonly Float32Array[]): number {
  const count = vectors.length;
  if (count < 2) return 0;
  const sum = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors)
    for (let index = 0; index < sum.length; index += 1)
      sum[index] = (sum[index] ?? 0) + (vector[index] ?? 0);
  return (dotProduct(sum, sum) - count) / (count * (count - 1));
}
