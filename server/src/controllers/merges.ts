import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import {
  mergeParametersSchema,
  mergesQuerySchema,
  type MergeRecordResponse,
  type MergesResponse,
} from '../../../plugin/src/contracts/merging';
import type { ImageSearch } from '../composition';
import { adminFiles } from '../files/callers';
import { parseInput, readQuery } from '../http/parse-input';
import { toMergeRecords } from '../merging/merge-records';
import { requireMerge } from '../merging/undo';
import { loadFiles } from '../usage/library-files';
import { checkMergePermission } from '../files/file-access';

/** The merges of late: what became of their files, undo, and emptying their trash. */
export function createMergesHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi, { includesTrash: true });

  /** The permission that the merge needed, for the files that still exist. */
  async function requirePermission(ctx: Context, mergeId: number): Promise<void> {
    const { mergeJournal } = imageSearch();
    const { userAbility: ability } = ctx.state as { userAbility: unknown };
    const { keptId, keptDocumentId } = await requireMerge(mergeJournal, mergeId);
    const copies = await mergeJournal.copiesOf([mergeId]);
    const wanted = new Map(copies.map(({ fileId, fileDocumentId }) => [fileId, fileDocumentId]));
    wanted.set(keptId, keptDocumentId);
    const files = await loadFiles(strapi, [...wanted.keys()]);
    const existing = files.filter(({ id, documentId }) => wanted.get(id) === documentId);
    await checkMergePermission(strapi, { ability, fileIds: existing.map(({ id }) => id) });
  }

  async function answer(ctx: Context, mergeId: number): Promise<MergeRecordResponse> {
    const { mergeJournal: journal } = imageSearch();
    const merge = await requireMerge(journal, mergeId);
    const [data] = await toMergeRecords(strapi, [merge], {
      journal,
      visible: await visibleFilesOf(ctx, undefined),
      ability: (ctx.state as { userAbility: unknown }).userAbility,
    });
    if (!data) throw new Error(`Merge ${String(mergeId)} has no record.`);
    return { data };
  }

  return {
    merges: async (ctx: Context): Promise<void> => {
      const { page, pageSize } = parseInput(mergesQuerySchema, readQuery(ctx));
      const { mergeJournal: journal } = imageSearch();
      const [total, merges] = await Promise.all([
        journal.count(),
        journal.list({ start: (page - 1) * pageSize, limit: pageSize }),
      ]);
      ctx.body = {
        data: await toMergeRecords(strapi, merges, {
          journal,
          visible: await visibleFilesOf(ctx, undefined),
          ability: (ctx.state as { userAbility: unknown }).userAbility,
        }),
        meta: { pagination: { page, pageSize, pageCount: Math.ceil(total / pageSize), total } },
      } satisfies MergesResponse;
    },

    undo: async (ctx: Context): Promise<void> => {
      const { id: mergeId } = parseInput(mergeParametersSchema, ctx['params']);
      await requirePermission(ctx, mergeId);
      const { user } = ctx.state as { user: { id: number } };
      await imageSearch().merging.undo({ mergeId, userId: user.id });
      ctx.body = await answer(ctx, mergeId);
    },

    empty: async (ctx: Context): Promise<void> => {
      const { id: mergeId } = parseInput(mergeParametersSchema, ctx['params']);
      await requirePermission(ctx, mergeId);
      await imageSearch().merging.empty(mergeId);
      ctx.body = await answer(ctx, mergeId);
    },
  };
}
