import type { PublicDuplicatesResponse } from '../../plugin/src/contracts/duplicates';
import { toFileOrder, toPaginationMeta } from '../../plugin/src/contracts/rest';
import type {
  CommonSearchInput,
  EmbeddingResponse,
  SearchResponse,
} from '../../plugin/src/contracts/search';
import {
  relevanceFrom,
  type MatchEvidence,
  type SearchHit,
  type VisibleFiles,
} from '../../plugin/src/search/contract';
import { wordFields } from '../../plugin/src/text/contract';
import { markWords } from '../../plugin/src/text/ranking';
import type { ImageSearch } from './composition';
import { scoreOf, toEvidence } from './duplicates/pair-views';
import { requireReadable } from './files/file-access';
import type { FileView } from './files/visible-files';
import type { SearchInput } from './http/search-input';

/** The newest pairs of a file that are sorted and paged; older ones are ignored. */
const MAX_PAIRS = 1_000;

type Highlights = SearchResponse['data'][number]['highlights'];

/**
 * What a search answers, whichever entry point it came through.
 *
 * @param options `visible`: the caller's files that pass the filters of `input`
 * @throws ImageSearchError as `SearchEngine.search` does
 */
export async function answerSearch(
  imageSearch: ImageSearch,
  input: SearchInput,
  { visible, signal }: { visible: VisibleFiles<FileView>; signal?: AbortSignal | undefined },
): Promise<SearchResponse> {
  const { searchEngine, spaces, status, tagsOf } = imageSearch;
  const { like, unlike, pagination, minRelevance, minScore, ...options } = input;
  if (like.length === 0) return listFiles(imageSearch, visible, input);
  const page = await searchEngine.search(
    {
      like,
      unlike,
      start: pagination.start,
      limit: pagination.limit,
      minimumScore: minScore,
      minimumRelevance:
        typeof minRelevance === 'string' ? relevanceFrom[minRelevance] : minRelevance,
      autocut: options.autocut,
      collapse: options.collapse,
      diversity: options.diversity,
      sort: options.sort && toFileOrder(options.sort),
      facets: options.facets,
      groupBy: options.groupBy,
      groupSize: options.groupSize,
      mode: options.mode,
      weight: options.weight,
      signal,
    },
    visible,
  );
  const spaceId = page.spaceId ?? (await spaces.active()).spaceId();
  const shown = page.hits.flatMap(({ fileId, group }) => [
    fileId,
    ...(group?.others ?? []).map((other) => other.fileId),
  ]);
  const [{ indexed, total }, tags] = await Promise.all([
    status.coverage(spaceId ?? ''),
    tagsOf(shown),
  ]);
  const present = (hit: SearchHit<FileView>) => presentHit(hit, like, tags);
  return {
    data: page.hits.map((hit) => ({
      ...present(hit),
      ...(hit.group && { group: { ...hit.group, others: hit.group.others.map(present) } }),
    })),
    meta: {
      // Ranked: every image is more or less like the query.
      pagination: toPaginationMeta(pagination, { hasMore: page.hasMore, total: null }),
      index: { space: spaceId, indexed, total },
      noCloseMatch: page.noCloseMatch,
      ...(page.facets && { facets: page.facets }),
      mode: page.mode,
      isDegraded: page.isDegraded,
    },
  };
}

/** The images that pass the filters; needs no model. */
async function listFiles(
  { spaces, status, tagsOf }: ImageSearch,
  visible: VisibleFiles<FileView>,
  { facets, pagination, sort }: Pick<SearchInput, 'facets' | 'pagination' | 'sort'>,
): Promise<SearchResponse> {
  const [{ hasMore, ids }, total, active] = await Promise.all([
    visible.listImages({ ...pagination, sort: sort && toFileOrder(sort) }),
    pagination.withCount ? visible.countImages() : null,
    spaces.active(),
  ]);
  const spaceId = active.spaceId();
  const [rows, coverage, counts, tags] = await Promise.all([
    visible.load(ids),
    // Before a model was opened for the first time, nothing is indexed.
    status.coverage(spaceId ?? ''),
    facets && visible.countFacets(facets),
    tagsOf(ids),
  ]);
  return {
    data: ids.flatMap((id) => {
      const file = rows.get(id);
      if (!file) return [];
      const unranked = { score: null, matchedBy: [], relevance: null, highlights: {} };
      return [{ ...unranked, ...(tags && { tags: tags.get(id) ?? [] }), file }];
    }),
    meta: {
      pagination: toPaginationMeta(pagination, { hasMore, total }),
      index: { space: spaceId, indexed: coverage.indexed, total: coverage.total },
      noCloseMatch: null,
      ...(counts && { facets: counts }),
      mode: null,
      isDegraded: false,
    },
  };
}

function presentHit(
  { score, matchedBy, relevance, duplicateCount, view, row }: SearchHit<FileView>,
  like: SearchInput['like'],
  tags: Map<number, string[]> | null,
) {
  return {
    score,
    matchedBy,
    relevance,
    ...(duplicateCount !== undefined && { duplicateCount }),
    highlights: highlightsOf(row, matchedBy, like),
    ...(view && { view }),
    ...(tags && { tags: tags.get(row.id) ?? [] }),
    file: row,
  };
}

/** Where a file's own fields have the words of the query, as far as the caller sees them. */
function highlightsOf(
  file: FileView,
  matchedBy: readonly MatchEvidence[],
  like: SearchInput['like'],
): Highlights {
  const [example] = like;
  if (example?.kind !== 'text') return {};
  const highlights: Highlights = {};
  for (const field of wordFields) {
    const value = file[field];
    if (!matchedBy.includes(field) || typeof value !== 'string') continue;
    const ranges = markWords(value, example.text);
    if (ranges.length > 0) highlights[field] = ranges;
  }
  return highlights;
}

/**
 * A page of a file's duplicates that are open, most similar first.
 *
 * @throws ImageSearchError `file-not-found` for a file that the caller can't see
 */
export async function findDuplicates(
  { pairs: repository }: Pick<ImageSearch, 'pairs'>,
  {
    fileId: id,
    visible,
    minScore = -1,
    pagination,
  }: {
    fileId: number;
    visible: VisibleFiles<FileView>;
  } & Pick<CommonSearchInput, 'minScore' | 'pagination'>,
): Promise<PublicDuplicatesResponse> {
  await requireReadable(visible, id);
  const pairs = await repository.pairsTouching({ fileIds: [id], status: 'open', limit: MAX_PAIRS });
  const found = pairs
    .map(({ fileA, fileB, verdict }) => ({
      fileId: fileA === id ? fileB : fileA,
      score: scoreOf(verdict),
      kind: verdict.kind,
      evidence: toEvidence(verdict, { one: fileA, other: fileB }),
    }))
    .filter(({ score }) => score >= minScore)
    .sort((one, other) => other.score - one.score || one.fileId - other.fileId);
  const kept = await visible.filterVisible(found.map(({ fileId }) => fileId));
  const matches = found.filter(({ fileId }) => kept.has(fileId));
  const { start, limit } = pagination;
  const page = matches.slice(start, start + limit);
  const files = await visible.load(page.map(({ fileId }) => fileId));
  return {
    data: page.flatMap(({ fileId, ...match }) => {
      const file = files.get(fileId);
      return file ? [{ ...match, file }] : [];
    }),
    meta: {
      pagination: toPaginationMeta(pagination, {
        hasMore: matches.length > start + limit,
        total: pairs.length < MAX_PAIRS ? matches.length : null,
      }),
    },
  };
}

export function toEmbeddingResponse({
  vector,
  space: { id, provider, model, dimensions },
}: Awaited<ReturnType<ImageSearch['searchEngine']['embed']>>): EmbeddingResponse {
  return { data: { embedding: [...vector], space: { id, provider, model, dimensions } } };
}
