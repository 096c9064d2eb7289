import type { TextHit, TextIndex } from '../text/contract';
import type { FileView, VectorHit } from '../vectors/contract';
import type { MatchEvidence, VisibleFiles } from './contract';
import { collectPage, SMALL_SET, type PageOptions } from './page';

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
  /** What of the file matched best; absent when it is the whole. */
  view?: FileView;
}

export interface RankedPage {
  hits: RankedHit[];
  hasMore: boolean;
  /** Of the nearest image, on whichever page it is; null when there is none. */
  bestScore: number | null;
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
  { hits }: WordMatches,
  { start, limit }: { start: number; limit: number },
): RankedPage {
  return {
    hits: hits.slice(start, start + limit).map(({ fields, fileId }) => ({
      fileId,
      score: null,
      matchedBy: [...fields],
    })),
    hasMore: hits.length > start + limit,
    bestScore: null,
  };
}

/** A page of the files nearest to the query, whatever their words. */
export async function pageOfImages<Row>(options: PageOptions<Row>): Promise<RankedPage> {
  const { bestScore, hasMore, hits } = await collectPage(options);
  return { hits: hits.map(toImageHit), hasMore, bestScore };
}

/**
 * A page of images and words in one order. The files that words find are ranked among the nearest other images, by the
 * ranks of their images and of their words; then follow the images further away. Exact and close names come first. With
 * words in quotation marks, no other file follows.
 *
 * The order depends on the query alone, not on the page: pages neither repeat nor miss a file.
 */
export async function pageOfBoth<Row>(
  options: PageOptions<Row>,
  { hasPhrases, hits }: WordMatches,
  weight: number,
): Promise<RankedPage> {
  const { collection, excludeIds, limit, minimumScore, start, vector } = options;
  if (hits.length === 0 && !hasPhrases) return pageOfImages(options);
  const ids = hits.map(({ fileId }) => fileId);
  const filter = { includeIds: ids };
  const nearest =
    ids.length === 0 ? [] : await collection.search({ vector, limit: ids.length, filter });
  const compared = nearest.filter(({ score }) => score >= (minimumScore ?? -1));
  const kept = new Set(compared.map(({ fileId }) => fileId));
  const found = minimumScore === undefined ? hits : hits.filter(({ fileId }) => kept.has(fileId));
  const others: PageOptions<Row> = { ...options, excludeIds: [...excludeIds, ...ids] };
  const pool = hasPhrases
    ? { hits: [], hasMore: false }
    : await collectPage({ ...others, start: 0, limit: POOL });
  const ranked = fuse(found, { compared, pool: pool.hits, weight });
  const bestScore = Math.max(compared[0]?.score ?? -Infinity, pool.hits[0]?.score ?? -Infinity);
  const page: RankedPage = {
    hits: ranked.slice(start, start + limit),
    hasMore: ranked.length > start + limit || pool.hasMore,
    bestScore: Number.isFinite(bestScore) ? bestScore : null,
  };
  const missing = limit - page.hits.length;
  if (missing === 0 || !pool.hasMore) return page;
  const further = await collectPage({
    ...others,
    start: Math.max(start, ranked.length) - found.length,
    limit: missing,
  });
  return {
    ...page,
    hits: [...page.hits, ...further.hits.map(toImageHit)],
    hasMore: further.hasMore,
  };
}

interface Candidate extends RankedHit {
  /** Exact names before close ones before all others. */
  tier: number;
  fused: number;
  imageRank: number;
}

/** All files that words find, and the nearest other images, in one order. */
function fuse(
  found: readonly TextHit[],
  images: { compared: readonly VectorHit[]; pool: readonly VectorHit[]; weight: number },
): RankedHit[] {
  const { compared, pool, weight } = images;
  const ranks = rankOf(compared, pool);
  const hitsById = new Map(compared.map((hit) => [hit.fileId, hit]));
  const byImage = (rank: number): number => (1 - weight) / (RANK_OFFSET + rank);
  const candidates: Candidate[] = pool.map((hit) => {
    const imageRank = ranks.get(hit.fileId) ?? Infinity;
    return { ...toImageHit(hit), tier: 2, fused: byImage(imageRank), imageRank };
  });
  let wordRank = 0;
  let lastScore = Infinity;
  for (const { fields, fileId, nameMatch, score } of found) {
    // Equal words leave the order to the images.
    if (score !== lastScore) wordRank += 1;
    lastScore = score;
    const imageRank = ranks.get(fileId) ?? Infinity;
    const image = hitsById.get(fileId);
    const byWords = (weight * score ** SCORE_POWER) / (RANK_OFFSET + wordRank);
    candidates.push({
      fileId,
      score: image?.score ?? null,
      ...(image?.view && { view: image.view }),
      matchedBy: imageRank <= NEAR_RANK ? ['image', ...fields] : [...fields],
      tier: nameMatch === 'exact' ? 0 : nameMatch === 'close' ? 1 : 2,
      fused: byImage(imageRank) + byWords,
      imageRank,
    });
  }
  return candidates.sort(compareCandidates).map(({ fileId, matchedBy, score, view }) => ({
    fileId,
    matchedBy,
    score,
    ...(view && { view }),
  }));
}

/** Ranks from 1 by similarity; files that are further away than a whole pool have none. */
function rankOf(compared: readonly VectorHit[], pool: readonly VectorHit[]): Map<number, number> {
  const furthest = pool.length < POOL ? -Infinity : (pool.at(-1)?.score ?? -Infinity);
  const near = compared.filter(({ score }) => score >= furthest);
  const sorted = [...near, ...pool].sort(
    (left, right) => right.score - left.score || left.fileId - right.fileId,
  );
  return new Map(sorted.map(({ fileId }, index) => [fileId, index + 1]));
}

function compareCandidates(left: Candidate, right: Candidate): number {
  return (
    left.tier - right.tier ||
    right.fused - left.fused ||
    left.imageRank - right.imageRank ||
    left.fileId - right.fileId
  );
}

function toImageHit({ fileId, score, view }: VectorHit): RankedHit {
  return { fileId, score, matchedBy: ['image'], ...(view && { view }) };
}
