import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { publicDuplicatesQuerySchema } from '../../../plugin/src/contracts/duplicates';
import { entryParametersSchema, relatedQuerySchema } from '../../../plugin/src/contracts/related';
import {
  previewQuerySchema,
  similarQuerySchema,
  textSearchQuerySchema,
  type IsUsedResponse,
} from '../../../plugin/src/contracts/search';
import { ImageSearchError } from '../../../plugin/src/errors';
import { answerSearch, findDuplicates, toEmbeddingResponse } from '../answers';
import type { ImageSearch } from '../composition';
import { findRelatedEntries } from '../related-entries';
import type { VisibleFilesOf } from '../files/callers';
import { requireReadable } from '../files/file-access';
import { fileParametersSchema, inputError, parseInput, readQuery } from '../http/parse-input';
import { hangUpOf, signalOf } from '../http/request-signal';
import {
  readEmbeddingInput,
  readSearchInput,
  requireFilters,
  toTextExample,
  type SearchInput,
} from '../http/search-input';

/**
 * Handlers shared by the content API and the admin API; `visibleFilesOf` decides which files a caller sees.
 */
export function createSearchHandlers(options: {
  imageSearch: () => ImageSearch;
  visibleFilesOf: VisibleFilesOf;
}) {
  const { imageSearch, visibleFilesOf } = options;

  async function answer(ctx: Context, input: SearchInput): Promise<void> {
    const visible = await visibleFilesOf(ctx, input.filters, input);
    ctx.body = await answerSearch(imageSearch(), input, { visible, signal: signalOf(ctx) });
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

/** The duplicates of one file for frontends and automations, except pairs that were ignored. */
export function createPublicDuplicatesHandlers(options: {
  imageSearch: () => ImageSearch;
  visibleFilesOf: VisibleFilesOf;
}) {
  const { imageSearch, visibleFilesOf } = options;
  return {
    findOne: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const input = parseInput(publicDuplicatesQuerySchema, readQuery(ctx));
      const visible = await visibleFilesOf(ctx, input.filters, input);
      ctx.body = await findDuplicates(imageSearch(), { ...input, fileId: id, visible });
    },
  };
}

/** Pages of documents and images that browsers don't show, as small WebP files. */
export function createPreviewHandlers(
  imageSearch: () => ImageSearch,
  visibleFilesOf: VisibleFilesOf,
) {
  return {
    findOne: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const { frame, page } = parseInput(previewQuerySchema, readQuery(ctx));
      await requireReadable(await visibleFilesOf(ctx, undefined), id);
      const webp = await imageSearch().previews.read(id, viewOf({ frame, page }), hangUpOf(ctx));
      if (webp === null) {
        throw new ImageSearchError({
          code: 'file-not-found',
          message: `File ${String(id)} has no such preview.`,
          retryable: false,
        });
      }
      ctx.type = 'image/webp';
      ctx.body = Buffer.from(webp);
    },
  };
}

/** @throws ImageSearchError `invalid-input` for both */
function viewOf({ frame, page }: { frame?: number | undefined; page?: number | undefined }) {
  if (frame !== undefined && page !== undefined) throw inputError('page: give it or "frame".');
  if (frame !== undefined) return { kind: 'frame', number: frame } as const;
  return page === undefined ? undefined : ({ kind: 'page', number: page } as const);
}
