import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import {
  batchBodySchema,
  batchParametersSchema,
  type MergeBatch,
  type MergeBatchesResponse,
  type MergeBatchResponse,
} from '../../../plugin/src/contracts/bulk-merging';
import type { ImageSearch } from '../composition';
import { findAdministrators } from '../duplicates/pair-views';
import { adminFiles, permissionOf } from '../files/callers';
import { parseInput, readBody } from '../http/parse-input';
import type { BatchGroup, BatchSum, StoredBatch } from '../merging/merge-batches';

/** Bulk merges: plan, start, cancel and undo them, and see how far they are. */
export function createMergeBatchHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi, { includesTrash: true });

  /** @throws PolicyError unless the role may change files at all */
  function callerOf(ctx: Context): number {
    const { user, userAbility } = ctx.state as AdminState;
    permissionOf(strapi, userAbility);
    return user.id;
  }

  async function describe(
    ctx: Context,
    stored: readonly StoredBatch[],
  ): Promise<MergeBatchesResponse['data']> {
    const names = await findAdministrators(
      strapi,
      stored.map(({ userId }) => userId),
    );
    return Promise.all(stored.map((batch) => describeOne(ctx, batch, names)));
  }

  async function describeOne(
    ctx: Context,
    batch: StoredBatch,
    names: ReadonlyMap<number, string>,
  ): Promise<MergeBatch> {
    const { mergeBatches, trashDays } = imageSearch();
    const { id, isCancelled, kind, problem, startedAt, state, userId } = batch;
    const sums = await mergeBatches.sums(id);
    const count = (...states: BatchSum['state'][]) => {
      const some = sums.filter((sum) => states.includes(sum.state));
      const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
      return {
        groups: total(some.map(({ groups }) => groups)),
        copies: total(some.map(({ copies }) => copies)),
      };
    };
    const merged = count('merged', 'undone', 'not-undone');
    const planned = count('planned');
    const undone = count('undone').groups;
    const failed = count('not-undone').groups;
    const leftOut = sums.filter((sum) => sum.state === 'left-out');
    const isSettled = state === 'ready' || state === 'ended' || state === 'undone';
    const examples = isSettled ? await examplesOf(ctx, id, leftOut) : new Map<BatchSum, never[]>();
    const name = names.get(userId);
    return {
      id,
      kind,
      state,
      startedAt: startedAt.toISOString(),
      by: name === undefined ? null : { id: userId, name },
      isOwn: userId === (ctx.state as AdminState).user.id,
      trashDays,
      progress: progressOf(batch, {
        planned: planned.groups,
        merged: merged.groups,
        undone: undone + failed,
      }),
      plan: {
        groups: planned.groups + merged.groups,
        copies: planned.copies + merged.copies,
        entries: batch.entries,
      },
      hasMore: batch.hasMore,
      merged,
      undone: { groups: undone, failed },
      leftOut: leftOut.flatMap((sum) =>
        sum.reason === null
          ? []
          : [
              {
                reason: sum.reason,
                warning: sum.warning,
                groups: sum.groups,
                examples: examples.get(sum) ?? [],
              },
            ],
      ),
      isCancelled,
      canUndo: (state === 'ended' || state === 'undone') && (await mergeBatches.hasUndoable(id)),
      problem,
    };
  }

  async function examplesOf(ctx: Context, id: number, sums: readonly BatchSum[]) {
    const { mergeBatches } = imageSearch();
    const visible = await visibleFilesOf(ctx, undefined);
    const groups = new Map<BatchSum, BatchGroup[]>();
    for (const sum of sums) groups.set(sum, await mergeBatches.examples(id, sum));
    const views = await visible.load([...groups.values()].flat().map(({ keepId }) => keepId));
    return new Map(
      [...groups].map(([sum, some]) => [
        sum,
        some.map(({ keepId, pairId }) => {
          const name = views.get(keepId)?.['name'];
          return { pairId, name: typeof name === 'string' ? name : null };
        }),
      ]),
    );
  }

  async function answer(ctx: Context, id: number): Promise<void> {
    const batch = await imageSearch().mergeBatches.get(id);
    const [data = null] = batch ? await describe(ctx, [batch]) : [];
    ctx.body = { data } satisfies MergeBatchResponse;
  }

  return {
    list: async (ctx: Context): Promise<void> => {
      ctx.body = {
        data: await describe(ctx, await imageSearch().mergeBatches.list()),
      } satisfies MergeBatchesResponse;
    },

    plan: async (ctx: Context): Promise<void> => {
      const { kind } = parseInput(batchBodySchema, readBody(ctx));
      const { id } = await imageSearch().bulkMerging.plan(kind, callerOf(ctx));
      await answer(ctx, id);
    },

    merge: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(batchParametersSchema, ctx['params']);
      await imageSearch().bulkMerging.merge(id, callerOf(ctx));
      await answer(ctx, id);
    },

    cancel: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(batchParametersSchema, ctx['params']);
      callerOf(ctx);
      await imageSearch().bulkMerging.cancel(id);
      await answer(ctx, id);
    },

    undo: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(batchParametersSchema, ctx['params']);
      await imageSearch().bulkMerging.undo(id, callerOf(ctx));
      await answer(ctx, id);
    },
  };
}

interface AdminState {
  user: { id: number };
  userAbility: unknown;
}

function progressOf(
  { examined, state }: StoredBatch,
  { merged, planned, undone }: { planned: number; merged: number; undone: number },
): MergeBatch['progress'] {
  switch (state) {
    case 'planning':
      return { done: examined, total: null };
    case 'ready':
    case 'merging':
    case 'ended':
      return { done: merged, total: merged + planned };
    case 'undoing':
    case 'undone':
      return { done: undone, total: merged };
  }
}
