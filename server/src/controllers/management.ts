import type { Context } from 'koa';
import { z } from 'zod';
import type { Core } from '@strapi/strapi';
import { estimateQuerySchema, type EstimateResponse } from '../../../plugin/src/contracts/billing';
import type { ChecksResponse } from '../../../plugin/src/contracts/checks';
import type { FileIndexResponse, ImageColors } from '../../../plugin/src/contracts/file-status';
import { adminActions } from '../../../plugin/src/contracts/identity';
import {
  entriesQuerySchema,
  reindexBodySchema,
  spaceParametersSchema,
  type EntriesResponse,
  type ReindexResponse,
  type StatusResponse,
  type TestResponse,
  type PanelResponse,
} from '../../../plugin/src/contracts/management';
import type { MonitoringResponse } from '../../../plugin/src/contracts/monitoring';
import { failureReason } from '../../../plugin/src/errors';
import type { ImageSearch } from '../composition';
import { adminFiles } from '../files/callers';
import { requireReadable } from '../files/file-access';
import { fileParametersSchema, parseInput, readBody, readQuery } from '../http/parse-input';
import { trashedFileIds } from '../merging/journal';
import { FILE_UID } from '../plugin-id';
import { colorsOf } from '../repositories/image-colors';

/** The Index page: status, reindexing, costs, spaces. */
export function createManagementHandlers(imageSearch: () => ImageSearch) {
  return {
    status: async (ctx: Context): Promise<void> => {
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    checks: async (ctx: Context): Promise<void> => {
      const checks = await imageSearch().checkInstallation();
      ctx.body = { data: { checks } } satisfies ChecksResponse;
    },

    reindex: async (ctx: Context): Promise<void> => {
      const { scope, fileIds } = parseInput(reindexBodySchema, readBody(ctx));
      const marked =
        scope === undefined
          ? await imageSearch().index.reindexFiles(fileIds ?? [])
          : await imageSearch().index.reindex(scope);
      ctx.body = { data: { marked } } satisfies ReindexResponse;
    },

    estimate: async (ctx: Context): Promise<void> => {
      const { scope } = parseInput(estimateQuerySchema, readQuery(ctx));
      ctx.body = {
        data: await imageSearch().usageReport.estimate(scope),
      } satisfies EstimateResponse;
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
      ctx.body = { data: await imageSearch().status.test() } satisfies TestResponse;
    },

    activateSpace: async (ctx: Context): Promise<void> => {
      await imageSearch().spaces.activate(spaceIdOf(ctx));
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    dropSpace: async (ctx: Context): Promise<void> => {
      await imageSearch().index.dropSpace(spaceIdOf(ctx));
      ctx.body = { data: await imageSearch().status.report() } satisfies StatusResponse;
    },

    entries: async (ctx: Context): Promise<void> => {
      const { space, state, cursor, limit } = parseInput(entriesQuerySchema, readQuery(ctx));
      const entries = await imageSearch().index.entriesOf(space);
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
          error: entry.errorCode && {
            code: entry.errorCode,
            reason: failureReason(entry.errorCode),
            message: entry.errorMessage ?? '',
          },
          indexedAt: entry.indexedAt?.toISOString() ?? null,
        })),
        meta: { nextCursor: page.nextCursor },
      } satisfies EntriesResponse;
    },
  };
}

/** For monitoring, over the content API. */
export function createMonitoringHandlers(imageSearch: () => ImageSearch) {
  return {
    find: async (ctx: Context): Promise<void> => {
      parseInput(monitoringQuerySchema, readQuery(ctx));
      ctx.body = { data: await imageSearch().status.monitor() } satisfies MonitoringResponse;
    },
  };
}

const monitoringQuerySchema = z.strictObject({});

const userSchema = z.object({
  firstname: z.string().nullish(),
  lastname: z.string().nullish(),
  username: z.string().nullish(),
});

/** A user's name as in Strapi's panel; never an email address. */
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

/** Settings that every panel user may read. */
export function createPanelHandlers(imageSearch: () => ImageSearch) {
  return {
    settings: (ctx: Context): void => {
      ctx.body = { data: imageSearch().panel } satisfies PanelResponse;
    },
  };
}

/** Whether a file is searchable, and its colors, for users who can see the file. */
export function createFileIndexHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi, { includesTrash: true });

  return {
    find: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      await requireReadable(await visibleFilesOf(ctx, undefined), id);
      const described = (await isInTrash(strapi, id))
        ? fileInTrash(id)
        : await imageSearch().fileStatus.describe(id);
      const { userAbility } = ctx.state as { userAbility: { can(action: string): boolean } };
      const isOperator = userAbility.can(adminActions.manage);
      ctx.body = {
        data: { ...described, message: isOperator ? described.message : null },
      } satisfies FileIndexResponse;
    },

    colors: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      await requireReadable(await visibleFilesOf(ctx, undefined), id);
      ctx.body = { data: await colorsOf(strapi, id) } satisfies { data: ImageColors };
    },
  };
}

async function isInTrash(strapi: Core.Strapi, fileId: number): Promise<boolean> {
  const where = { $and: [{ id: fileId }, { id: { $in: trashedFileIds(strapi) } }] };
  return (await strapi.db.query(FILE_UID).count({ where })) > 0;
}

function fileInTrash(fileId: number): FileIndexResponse['data'] {
  return {
    fileId,
    state: 'in-trash',
    isSearchable: false,
    isPaused: false,
    code: null,
    reason: null,
    message: null,
    indexedAt: null,
    isPartial: false,
    text: null,
  };
}
