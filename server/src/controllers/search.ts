import type { Context } from 'koa';
import { z } from 'zod';
import {
  fileIdSchema,
  similarQuerySchema,
  textSearchQuerySchema,
  type EmbeddingResponse,
  type SearchResponse,
} from '../../../plugin/src/contracts/search';
import type { ImageSearch } from '../composition';
import type { VisibleFilesOf } from '../files/callers';
import { parseInput } from '../http/parse-input';
import {
  readEmbeddingInput,
  readSearchInput,
  toTextExample,
  type SearchInput,
} from '../http/search-input';

/** Opening the model and embedding the query; a model that is being downloaded takes minutes. */
const DEADLINE_MS = 15_000;

const similarParametersSchema = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d*$/, 'must be the numeric id of a file')
    .transform(Number)
    .pipe(fileIdSchema),
});

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
      const { id } = parseInput(similarParametersSchema, ctx['params']);
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

/** Aborted when the caller hangs up before the answer, or when that takes too long. */
function signalOf(ctx: Context): AbortSignal {
  const controller = new AbortController();
  const deadline = setTimeout(() => {
    controller.abort(new DOMException('The search took too long.', 'TimeoutError'));
  }, DEADLINE_MS);
  ctx.res.once('close', () => {
    clearTimeout(deadline);
    if (!ctx.res.writableFinished) controller.abort();
  });
  return controller.signal;
}
