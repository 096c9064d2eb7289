import type { Context } from 'koa';
import {
  similarQuerySchema,
  textSearchQuerySchema,
  type EmbeddingResponse,
  type SearchResponse,
} from '../../../plugin/src/contracts/search';
import type { ImageSearch } from '../composition';
import type { VisibleFilesOf } from '../files/callers';
import { fileParametersSchema, parseInput } from '../http/parse-input';
import { signalOf } from '../http/request-signal';
import {
  readEmbeddingInput,
  readSearchInput,
  toTextExample,
  type SearchInput,
} from '../http/search-input';

/**
 * The handlers that both faces of the API share; who may see what is `visibleFilesOf`'s business.
 */
export function createSearchHandlers(options: {
  imageSearch: () => ImageSearch;
  visibleFilesOf: VisibleFilesOf;
}) {
  const { imageSearch, visibleFilesOf } = options;

  async function answer(ctx: Context, input: SearchInput): Promise<void> {
    const { engine, status } = imageSearch();
    const { like, unlike, filters, pagination, minScore, ...traits } = input;
    const visible = await visibleFilesOf(ctx, filters, traits);
    const page = await engine.search(
      { like, unlike, ...pagination, minimumScore: minScore, signal: signalOf(ctx) },
      visible,
    );
    const { indexed, total } = await status.coverage(page.spaceId);
    ctx.body = {
      data: page.hits.map(({ score, matchedBy, row }) => ({ score, matchedBy, file: row })),
      meta: {
        pagination: { ...pagination, hasMore: page.hasMore },
        index: { space: page.spaceId, indexed, total },
        nothingClose: page.nothingClose,
      },
    } satisfies SearchResponse;
  }

  return {
    findByText: async (ctx: Context): Promise<void> => {
      const { text, ...common } = parseInput(textSearchQuerySchema, ctx.query);
      const example = toTextExample(text, imageSearch().inputLimits);
      await answer(ctx, { like: [example], unlike: [], ...common });
    },

    findByExample: async (ctx: Context): Promise<void> => {
      await answer(ctx, await readSearchInput(ctx, imageSearch().inputLimits));
    },

    findSimilar: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const common = parseInput(similarQuerySchema, ctx.query);
      await answer(ctx, { like: [{ kind: 'file', fileId: id }], unlike: [], ...common });
    },

    createEmbedding: async (ctx: Context): Promise<void> => {
      const { engine, inputLimits } = imageSearch();
      const example = await readEmbeddingInput(ctx, inputLimits);
      const { vector, space } = await engine.embed(example, signalOf(ctx));
      const { id, provider, model, dimensions } = space;
      ctx.body = {
        data: { embedding: [...vector], space: { id, provider, model, dimensions } },
      } satisfies EmbeddingResponse;
    },
  };
}
