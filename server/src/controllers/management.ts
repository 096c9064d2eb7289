import type { Context } from 'koa';
import { estimateQuerySchema, type EstimateResponse } from '../../../plugin/src/contracts/billing';
import { z } from 'zod';
import {
  entriesQuerySchema,
  reindexBodySchema,
  spaceParametersSchema,
  type EntriesResponse,
  type ReindexResponse,
  type StatusResponse,
  type TestResponse,
} from '../../../plugin/src/contracts/management';
import type { ImageSearch } from '../composition';
import { parseInput } from '../http/parse-input';

/** What an operator sees and does. */
export function createManagementHandlers(imageSearch: () => ImageSearch) {
  return {
    status: async (ctx: Context): Promise<void> => {
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    reindex: async (ctx: Context): Promise<void> => {
      const { body } = ctx.request as { body?: unknown };
      const { scope, fileIds } = parseInput(reindexBodySchema, body ?? {});
      const marked =
        scope === undefined
          ? await imageSearch().reindexFiles(fileIds ?? [])
          : await imageSearch().reindex(scope);
      ctx.body = { data: { marked } } satisfies ReindexResponse;
    },

    estimate: async (ctx: Context): Promise<void> => {
      const { scope } = parseInput(estimateQuerySchema, ctx.query);
      ctx.body = { data: await imageSearch().billing.estimate(scope) } satisfies EstimateResponse;
    },

    hold: async (ctx: Context): Promise<void> => {
      await imageSearch().holds.begin(nameOf(ctx));
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    resume: async (ctx: Context): Promise<void> => {
      const { holds, spaces, status } = imageSearch();
      await holds.end();
      spaces.retryNow();
      ctx.body = { data: await status.report() } satisfies StatusResponse;
    },

    test: async (ctx: Context): Promise<void> => {
      ctx.body = { data: await imageSearch().testHealth() } satisfies TestResponse;
    },

    activateSpace: async (ctx: Context): Promise<void> => {
      await imageSearch().spaces.activate(spaceIdOf(ctx));
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    dropSpace: async (ctx: Context): Promise<void> => {
      await imageSearch().dropSpace(spaceIdOf(ctx));
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    entries: async (ctx: Context): Promise<void> => {
      const { space, state, cursor, limit } = parseInput(entriesQuerySchema, ctx.query);
      const entries = await imageSearch().entriesOf(space);
      const page = await entries.list({
        ...(state && { states: [state] }),
        cursor: cursor ?? null,
        limit,
      });
      ctx.body = {
        data: page.entries.map((entry) => ({
          fileId: entry.fileId,
          state: entry.state,
          attempts: entry.attempts,
          error: entry.errorCode && { code: entry.errorCode, message: entry.errorMessage ?? '' },
          indexedAt: entry.indexedAt?.toISOString() ?? null,
        })),
        meta: { nextCursor: page.nextCursor },
      } satisfies EntriesResponse;
    },
  };
}

const userSchema = z.object({
  firstname: z.string().nullish(),
  lastname: z.string().nullish(),
  username: z.string().nullish(),
});

/** As Strapi's panel names its users; never an e-mail address. */
function nameOf(ctx: Context): string | null {
  const { user } = ctx.state as { user?: unknown };
  const known = userSchema.safeParse(user);
  if (!known.success) return null;
  const { firstname, lastname, username } = known.data;
  return username ?? ([firstname, lastname].filter(Boolean).join(' ') || null);
}

function spaceIdOf(ctx: Context): string {
  return parseInput(spaceParametersSchema, ctx['params']).id;
}
