import type { TextHit, TextIndex } from '../text/contract';
import type { FileView, VectorHit } from '../vectors/contract';
import { compareHits } from '../vectors/similarity';
import type { Facets, HitGroup, MatchEvidence, SearchRequest, VisibleFiles } from './contract';
import { collectPage, SMALL_SET, type PageOptions } from './page';
import {
  combinedRelevance,
  cutOf,
  imageRelevance,
  noJudging,
  wordRelevance,
  type Judging,
} from './relevance/judging';
import { LIKELY, type RelevanceScale } from './relevance/scale';

/** Files that are found by their words and ranked among the others; the best ones. */
const MOST_WORD_HITS = 200;
/** With words in quotation marks, only those files answer. */
const MOST_PHRASE_HITS = 2_000;
/** How deep word hits are looked for when some may be invisible. */
const OVERFETCH = 10;
/** The nearest images that word hits are ranked among; those further away follow in their order. */
const POOL = 200;
/**
 * Of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), which has 60 for long lists of equal judges. Measured
 * with this and the next two numbers by test/bench/words.ts.
 */
const RANK_OFFSET = 5;
/** How fast a word hit loses weight with the share of the query that it has. */
const SCORE_POWER = 2;
/** An image also matches if it is among this many nearest ones. */
const NEAR_RANK = 20;
export const DEFAULT_WEIGHT = 0.6;
export const QUOTATION_MARK = /["“”„«»「」]/u;

export interface WordMatches {
  /** Visible to the caller, the best first. */
  hits: TextHit[];
  hasPhrases: boolean;
}

export interface RankedHit {
  fileId: number;
  score: number | null;
  matchedBy: MatchEvidence[];
  /** 0 to 1; null if unknown. */
  relevance: number | null;
  /** How many known duplicates it stands for; absent where none are looked for. */
  duplicateCount?: number;
  /** What it stands for; absent where hits aren't grouped. */
  group?: HitGroup<RankedHit>;
  /** What of the file matched best; absent when it is the whole. */
  view?: FileView;
}

export interface RankedPage {
  hits: RankedHit[];
  hasMore: boolean;
  /** Of the nearest image, on whichever page it is and whatever is left out; null when there is none. */
  bestScore: number | null;
  /** Of the best match, likewise; null if unknown. */
  bestRelevance: number | null;
  /** Of all pages; absent unless asked for. */
  facets?: Facets;
}

/**
 * The files that the caller may see and whose words match.
 *
 * @param limit at least how many, if there are so many
 */
export async function findByWords<Row>(
  index: TextIndex,
  options: {
    text: string;
    visible: VisibleFiles<Row>;
    limit?: number;
  },
): Promise<WordMatches> {
  const { limit = 0, text, visible } = options;
  const fields = visible.wordFields;
  if (fields.length === 0) return { hits: [], hasPhrases: false };
  const smallSet = visible.isNarrowed ? await visible.listIds(SMALL_SET) : null;
  const includeIds = smallSet ?? undefined;
  const mayHavePhrases = QUOTATION_MARK.test(text);
  const depth = Math.max(limit, mayHavePhrases ? MOST_PHRASE_HITS : MOST_WORD_HITS);
  const deepest = visible.isNarrowed && !smallSet ? OVERFETCH * depth : depth;
  const { hasPhrases, hits } = await index.search({ text, limit: deepest, fields, includeIds });
  const most = Math.max(limit, hasPhrases ? MOST_PHRASE_HITS : MOST_WORD_HITS);
  const found: TextHit[] = [];
  for (let start = 0; start < hits.length && found.length < most; start += most) {
    const part = hits.slice(start, start + most);
    const allowed = await visible.filterVisible(part.map(({ fileId }) => fileId));
    found.push(...part.filter(({ fileId }) => allowed.has(fileId)));
  }
  return { hits: found.slice(0, most), hasPhrases };
}

/** A page of the files that words alone find. */
export function pageOfWords(
  { hasPhrases, hits }: WordMatches,
  {
    limit,
    minimumRelevance = 0,
    start,
  }: Pick<SearchRequest, 'start' | 'limit' | 'minimumRelevance'>,
): RankedPage {
  const judged = hits.map((hit) => ({ ...hit, relevance: wordRelevance(hit, hasPhrases) }));
  const kept = judged.filter(({ relevance }) => relevance >= minimumRelevance);
  return {
    hits: kept.slice(start, start + limit).map(({ fields, fileId, relevance }) => ({
      fileId,
      score: null,
      matchedBy: [...fields],
      relevance,
    })),
    hasMore: kept.length > start + limit,
    bestScore: null,
    bestRelevance: judged.length === 0 ? null : Math.max(...judged.map((hit) => hit.relevance)),
  };
}

/** A page of the files nearest to the query, whatever their words. */
export async function pageOfImages<Row>(
  options: PageOptions<Row>,
  judging: Judging = noJudging,
): Promise<RankedPage> {
  const page = await collectPage({ ...options, depth: judging.depth });
  const { cut, scale, ...best } = await judge(options, page.nearest, judging);
  return {
    ...best,
    hits: page.hits.filter(({ score }) => score >= cut).map((hit) => toImageHit(hit, scale)),
    hasMore: page.next !== null && page.next.score >= cut,
  };
}

/** What the nearest images tell about all of them. */
async function judge<Row>(
  options: PageOptions<Row>,
  found: readonly VectorHit[],
  judging: Judging,
): Promise<{
  scale: RelevanceScale | null;
  cut: number;
  bestScore: number | null;
  bestRelevance: number | null;
}> {
  const { depth } = judging;
  // The caller's minimum score may have left out the nearest ones.
  const isCut = options.minimumScore !== undefined && found.length < depth;
  const nearest = isCut
    ? (await collectPage({ ...options, minimumScore: undefined, start: 0, limit: depth, depth }))
        .nearest
    : found;
  const scale = await judging.scaleOf(nearest);
  const bestScore = nearest[0]?.score ?? null;
  return {
    scale,
    cut: cutOf(judging, scale, nearest),
    bestScore,
    bestRelevance: bestScore === null ? null : imageRelevance(scale, bestScore),
  };
}

/**
 * A page of images and words in one order. The files that words find are ranked among the nearest other images, by the
 * ranks of their images and of their words; then follow the images further away. Exact and close names come first, weak
 * matches last. With words in quotation marks, no other file follows.
 *
 * The order depends on the query alone, not on the page: pages neither repeat nor miss a file.
 */
export async function pageOfBoth<Row>(
  options: PageOptions<Row>,
  words: WordMatches,
  { judging = noJudging, weight }: { weight: number; judging?: Judging },
): Promise<RankedPage> {
  const { hasPhrases, hits } = words;
  const { collection, excludeIds, limit, minimumScore, start, vector } = options;
  if (hits.length === 0 && !hasPhrases) return pageOfImages(options, judging);
  const ids = hits.map(({ fileId }) => fileId);
  const filter = { includeIds: ids };
  const nearest =
    ids.length === 0 ? [] : await collection.search({ vector, limit: ids.length, filter });
  const compared = nearest.filter(({ score }) => score >= (minimumScore ?? -1));
  const kept = new Set(compared.map(({ fileId }) => fileId));
  const found = minimumScore === undefined ? hits : hits.filter(({ fileId }) => kept.has(fileId));
  const others: PageOptions<Row> = { ...options, excludeIds: [...excludeIds, ...ids] };
  const pool = hasPhrases
    ? { hits: [], next: null }
    : await collectPage({ ...others, start: 0, limit: POOL });
  const all = [...compared, ...pool.hits].sort(compareHits).slice(0, judging.depth);
  const { bestRelevance, bestScore, cut, scale } = await judge(options, all, judging);
  const { isCut, minimumRelevance } = judging;
  const leastByWords = isCut ? Math.max(minimumRelevance, LIKELY) : minimumRelevance;
  const ranked = fuse({ hasPhrases, hits: found }, { compared, pool: pool.hits, weight, scale })
    // What words find is kept for its words or for its image.
    .filter(({ byWords, score }) =>
      score !== null && score >= cut ? true : byWords !== null && byWords >= leastByWords,
    );
  const poolHasMore = pool.next !== null && pool.next.score >= cut;
  const page: RankedPage = {
    hits: ranked.slice(start, start + limit).map(toRankedHit),
    hasMore: ranked.length > start + limit || poolHasMore,
    bestScore,
    bestRelevance: combinedRelevance(
      bestRelevance,
      found.length === 0 ? null : Math.max(...found.map((hit) => wordRelevance(hit, hasPhrases))),
    ),
  };
  const missing = limit - page.hits.length;
  if (missing === 0 || !poolHasMore) return page;
  const foundByWords = ranked.filter(({ byWords }) => byWords !== null).length;
  const further = await collectPage({
    ...others,
    start: Math.max(start, ranked.length) - foundByWords,
    limit: missing,
  });
  return {
    ...page,
    hits: [
      ...page.hits,
      ...further.hits.filter(({ score }) => score >= cut).map((hit) => toImageHit(hit, scale)),
    ],
    hasMore: further.next !== null && further.next.score >= cut,
  };
}

interface Candidate extends RankedHit {
  /** Exact names before close ones before all others. */
  tier: number;
  /** Relevance of its words; null if none matched. */
  byWords: number | null;
  fused: number;
  imageRank: number;
}

/** All files that words find, and the nearest other images, in one order. */
function fuse(
  { hasPhrases, hits: found }: WordMatches,
  images: {
    compared: readonly VectorHit[];
    pool: readonly VectorHit[];
    weight: number;
    scale: RelevanceScale | null;
  },
): Candidate[] {
  const { compared, pool, scale, weight } = images;
  const ranks = rankOf(compared, pool);
  const hitsById = new Map(compared.map((hit) => [hit.fileId, hit]));
  const byImage = (rank: number): number => (1 - weight) / (RANK_OFFSET + rank);
  const candidates: Candidate[] = pool.map((hit) => {
    const imageRank = ranks.get(hit.fileId) ?? Infinity;
    return {
      ...toImageHit(hit, scale),
      tier: 2,
      byWords: null,
      fused: byImage(imageRank),
      imageRank,
    };
  });
  let wordRank = 0;
  let lastScore = Infinity;
  for (const hit of found) {
    const { fields, fileId, nameMatch, score } = hit;
    // Equal words leave the order to the images.
    if (score !== lastScore) wordRank += 1;
    lastScore = score;
    const imageRank = ranks.get(fileId) ?? Infinity;
    const image = hitsById.get(fileId);
    const fusedWords = (weight * score ** SCORE_POWER) / (RANK_OFFSET + wordRank);
    const byWords = wordRelevance(hit, hasPhrases);
    candidates.push({
      fileId,
      score: image?.score ?? null,
      ...(image?.view && { view: image.view }),
      matchedBy: imageRank <= NEAR_RANK ? ['image', ...fields] : [...fields],
      relevance: combinedRelevance(imageRelevance(scale, image?.score ?? null), byWords),
      tier: nameMatch === 'exact' ? 0 : nameMatch === 'close' ? 1 : 2,
      byWords,
      fused: byImage(imageRank) + fusedWords,
      imageRank,
    });
  }
  return candidates.sort(compareCandidates);
}

function toRankedHit({ fileId, matchedBy, relevance, score, view }: Candidate): RankedHit {
  return { fileId, matchedBy, relevance, score, ...(view && { view }) };
}

/** Ranks from 1 by similarity; files that are further away than a whole pool have none. */
function rankOf(compared: readonly VectorHit[], pool: readonly VectorHit[]): Map<number, number> {
  const furthest = pool.length < POOL ? -Infinity : (pool.at(-1)?.score ?? -Infinity);
  const near = compared.filter(({ score }) => score >= furthest);
  const sorted = [...near, ...pool].sort(compareHits);
  return new Map(sorted.map(({ fileId }, index) => [fileId, index + 1]));
}

function compareCandidates(left: Candidate, right: Candidate): number {
  return (
    left.tier - right.tier ||
    Number(isWeak(left)) - Number(isWeak(right)) ||
    right.fused - left.fused ||
    left.imageRank - right.imageRank ||
    left.fileId - right.fileId
  );
}

function isWeak({ relevance }: RankedHit): boolean {
  return relevance !== null && relevance < LIKELY;
}

function toImageHit({ fileId, score, view }: VectorHit, scale: RelevanceScale | null): RankedHit {
  return {
    fileId,
    score,
    matchedBy: ['image'],
    relevance: imageRelevance(scale, score),
    ...(view && { view }),
  };
}
