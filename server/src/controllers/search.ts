import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { entryParametersSchema, relatedQuerySchema } from '../../../plugin/src/contracts/related';
import { toFileOrder, toPaginationMeta } from '../../../plugin/src/contracts/rest';
import {
  similarQuerySchema,
  textSearchQuerySchema,
  type EmbeddingResponse,
  type IsUsedResponse,
  type SearchResponse,
} from '../../../plugin/src/contracts/search';
import type { ImageSearch } from '../composition';
import { findRelatedEntries } from '../related-entries';
import {
  relevanceFrom,
  type MatchEvidence,
  type SearchHit,
  type VisibleFiles,
} from '../../../plugin/src/search/contract';
import { wordFields } from '../../../plugin/src/text/contract';
import { markWords } from '../../../plugin/src/text/ranking';
import type { VisibleFilesOf } from '../files/callers';
import { requireReadable } from '../files/file-access';
import type { FileView } from '../files/visible-files';
import { fileParametersSchema, parseInput, readQuery } from '../http/parse-input';
import { signalOf } from '../http/request-signal';
import {
  readEmbeddingInput,
  readSearchInput,
  requireFilters,
  toTextExample,
  type SearchInput,
} from '../http/search-input';

type Highlights = SearchResponse['data'][number]['highlights'];

/** What searches answer, whichever entry point they came through. */
export function createAnswers(imageSearch: () => ImageSearch) {
  /** @param options `visible`: the caller's files that pass the filters of `input` */
  async function answer(
    input: SearchInput,
    { visible, signal }: { visible: VisibleFiles<FileView>; signal?: AbortSignal | undefined },
  ): Promise<SearchResponse> {
    const { searchEngine, spaces, status } = imageSearch();
    const { like, unlike, pagination, minRelevance, minScore, ...options } = input;
    if (like.length === 0) return list(visible, input);
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
    const { indexed, total } = await status.coverage(spaceId ?? '');
    const present = ({
      score,
      matchedBy,
      relevance,
      duplicateCount,
      view,
      row,
    }: SearchHit<FileView>) => ({
      score,
      matchedBy,
      relevance,
      ...(duplicateCount !== undefined && { duplicateCount }),
      highlights: highlightsOf(row, matchedBy, like),
      ...(view && { view }),
      file: row,
    });
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
  async function list(
    visible: VisibleFiles<FileView>,
    { facets, pagination, sort }: Pick<SearchInput, 'facets' | 'pagination' | 'sort'>,
  ): Promise<SearchResponse> {
    const { spaces, status } = imageSearch();
    const [{ hasMore, ids }, total, active] = await Promise.all([
      visible.listImages({ ...pagination, sort: sort && toFileOrder(sort) }),
      pagination.withCount ? visible.countImages() : null,
      spaces.active(),
    ]);
    const spaceId = active.spaceId();
    const [rows, coverage, counts] = await Promise.all([
      visible.load(ids),
      // Before a model was opened for the first time, nothing is indexed.
      status.coverage(spaceId ?? ''),
      facets && visible.countFacets(facets),
    ]);
    return {
      data: ids.flatMap((id) => {
        const file = rows.get(id);
        return file ? [{ score: null, matchedBy: [], relevance: null, highlights: {}, file }] : [];
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

  return { answer };
}

/**
 * Handlers shared by the content API and the admin API; `visibleFilesOf` decides which files a caller sees.
 */
export function createSearchHandlers(options: {
  imageSearch: () => ImageSearch;
  visibleFilesOf: VisibleFilesOf;
}) {
  const { imageSearch, visibleFilesOf } = options;
  const answers = createAnswers(imageSearch);

  async function answer(ctx: Context, input: SearchInput): Promise<void> {
    const visible = await visibleFilesOf(ctx, input.filters, input);
    ctx.body = await answers.answer(input, { visible, signal: signalOf(ctx) });
  }

  return {
    findByText: async (ctx: Context): Promise<void> => {
      const { text, ...common } = parseInput(textSearchQuerySchema, readQuery(ctx));
      if (text === undefined) requireFilters(common, 'send "text" or filters');
      const like = text === undefined ? [] : [toTextExample(text, imageSearch().inputLimits)];
      await answer(ctx, { like, unlike: [], ...common });
    },

    findByExample: async (ctx: Context): Promise<void> => {
      await answer(ctx, await readSearchInput(ctx, imageSearch().inputLimits));
    },

    findSimilar: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const { region, ...common } = parseInput(similarQuerySchema, readQuery(ctx));
      await answer(ctx, { like: [{ kind: 'file', fileId: id, region }], unlike: [], ...common });
    },

    createEmbedding: async (ctx: Context): Promise<void> => {
      const { inputLimits, searchEngine } = imageSearch();
      const example = await readEmbeddingInput(ctx, inputLimits);
      ctx.body = toEmbeddingResponse(await searchEngine.embed(example, signalOf(ctx)));
    },
  };
}

export function toEmbeddingResponse({
  vector,
  space: { id, provider, model, dimensions },
}: Awaited<ReturnType<ImageSearch['searchEngine']['embed']>>): EmbeddingResponse {
  return { data: { embedding: [...vector], space: { id, provider, model, dimensions } } };
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

/** Entries with similar images. */
export function createRelatedHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  return {
    find: async (ctx: Context): Promise<void> => {
      const entry = parseInput(entryParametersSchema, ctx['params']);
      const query = parseInput(relatedQuerySchema, readQuery(ctx));
      const { auth, route } = ctx.state as { auth: unknown; route: unknown };
      ctx.body = await findRelatedEntries({ strapi, imageSearch: imageSearch() }, entry, {
        query,
        auth: auth ?? null,
        route,
        signal: signalOf(ctx),
      });
    },
  };
}

/** Whether a file is used, which the filter `unused` goes by. */
export function createFileUsageHandlers(visibleFilesOf: VisibleFilesOf) {
  return {
    findOne: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const unused = await visibleFilesOf(ctx, undefined, { unused: true });
      await requireReadable(unused, id);
      const isUsed = !(await unused.filterVisible([id])).has(id);
      ctx.body = { data: { fileId: id, isUsed } } satisfies IsUsedResponse;
    },
  };
}
