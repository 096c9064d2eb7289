import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  batchKinds,
  batchStates,
  bulkLimits,
  leftOutReasons,
  type BatchState,
  type LeftOutReason,
} from '../../../plugin/src/contracts/bulk-merging';
import { problemSchema, type Problem } from '../../../plugin/src/contracts/errors';
import { mergeWarningCodes, type MergeWarning } from '../../../plugin/src/contracts/merging';
import { MERGE_BATCH_GROUP_UID, MERGE_BATCH_UID, MERGE_UID } from '../plugin-id';
import { problemColumns, toProblem } from '../repositories/problems';
import { chunksOf, createDatabaseTables } from '../usage/database-tables';

/** Rows in one INSERT: its SQLite form is a compound SELECT, limited to 500 terms. */
const LARGEST_INSERT = 50;
/** The one value of `slot`. */
const TAKEN = 'taken';
/** States that take the slot. */
const active: BatchState[] = ['planning', 'merging', 'undoing'];

const groupStates = ['planned', 'left-out', 'merged', 'undone', 'not-undone'] as const;

const batchSchema = z.object({
  id: z.number(),
  kind: z.enum(batchKinds),
  state: z.enum(batchStates),
  userId: z.number(),
  startedAt: z.coerce.date(),
  examined: z.number(),
  entries: z.number(),
  hasMore: z.boolean(),
  isCancelled: z.boolean(),
  undoUserId: z.number().nullable(),
  problem: z.string().nullable(),
  problemCode: problemSchema.shape.code.nullable().catch('unexpected'),
});

const groupSchema = z.object({
  id: z.number(),
  batchId: z.number(),
  pairId: z.number(),
  fileIds: z.array(z.number()),
  keepId: z.number(),
  copies: z.number(),
  state: z.enum(groupStates),
  reason: z.enum(leftOutReasons).nullable(),
  warning: z.enum(mergeWarningCodes).nullable(),
  mergeId: z.number().nullable(),
});

/** Databases return sums and counts as numbers or as text. */
const sumSchema = z.object({
  state: z.enum(groupStates),
  reason: z.enum(leftOutReasons).nullable(),
  warning: z.enum(mergeWarningCodes).nullable(),
  groups: z.coerce.number(),
  copies: z.coerce.number(),
});

export type StoredBatch = Omit<z.output<typeof batchSchema>, 'problem' | 'problemCode'> & {
  /** Why it ended early, or is paused. */
  problem: Problem | null;
};
export type BatchGroup = z.output<typeof groupSchema>;
export type BatchGroupState = (typeof groupStates)[number];
export type BatchSum = z.output<typeof sumSchema>;

export interface LeftOut {
  reason: LeftOutReason;
  warning?: MergeWarning['code'] | undefined;
}

/**
 * Bulk merges and their groups in Strapi's database. At most one is being worked on, whichever process does it; every
 * change of its state is one conditional UPDATE.
 */
export interface MergeBatches {
  /** Starts a plan, in place of one that waits to be started. Null while another one is being worked on. */
  create(
    batch: Pick<StoredBatch, 'kind' | 'userId'> & { startedAt: Date },
  ): Promise<StoredBatch | null>;
  get(id: number): Promise<StoredBatch | null>;
  /** Newest first. */
  list(): Promise<StoredBatch[]>;
  /** The one that is being worked on. */
  current(): Promise<StoredBatch | null>;
  /** Returns whether it had one of these states. `conflict` if another one is being worked on. */
  setState(
    id: number,
    change: { from: readonly BatchState[]; to: BatchState } & Partial<StoredBatch>,
  ): Promise<boolean | 'conflict'>;
  update(id: number, data: Partial<StoredBatch>): Promise<void>;
  /** Deletes a plan that wasn't started; returns whether it was one. */
  discard(id: number): Promise<boolean>;
  addGroups(batchId: number, groups: readonly NewGroup[]): Promise<void>;
  clearGroups(batchId: number): Promise<void>;
  /** Groups in this state, in the order of the plan, or newest first. */
  groupsIn(
    batchId: number,
    options: { state: BatchGroupState; limit: number; isNewestFirst?: boolean },
  ): Promise<BatchGroup[]>;
  /** A refusal is dropped when the group is in another state meanwhile: what was merged or undone stays so. */
  setGroup(
    group: Pick<BatchGroup, 'id' | 'state'>,
    change: { state: BatchGroupState; mergeId?: number | null } & Partial<LeftOut>,
  ): Promise<void>;
  /** An undo is tried again. */
  retryUndo(batchId: number): Promise<void>;
  /** Groups and copies by state, and for those left out by reason. */
  sums(batchId: number): Promise<BatchSum[]>;
  examples(batchId: number, sum: BatchSum): Promise<BatchGroup[]>;
  /** The merge of this batch into this file, if there is one. */
  findMerge(batchId: number, keptId: number): Promise<number | null>;
  /** Whether a merge of this batch can be undone. */
  hasUndoable(batchId: number): Promise<boolean>;
}

export type NewGroup = Pick<BatchGroup, 'pairId' | 'fileIds' | 'keepId'> & {
  leftOut: LeftOut | null;
};

export function createMergeBatches(strapi: Core.Strapi): MergeBatches {
  const batches = () => strapi.db.query(MERGE_BATCH_UID);
  const groups = () => strapi.db.query(MERGE_BATCH_GROUP_UID);
  const newestFirst = { id: 'desc' };

  async function find(where: object, limit: number): Promise<StoredBatch[]> {
    const rows: unknown[] = await batches().findMany({ where, orderBy: newestFirst, limit });
    return z.array(batchSchema).parse(rows).map(toBatch);
  }

  async function hasUndoable(batchId: number): Promise<boolean> {
    const where = { batchId, state: 'done', changes: { $notNull: true } };
    return (await strapi.db.query(MERGE_UID).count({ where })) > 0;
  }

  async function remove(id: number): Promise<void> {
    await groups().deleteMany({ where: { batchId: id } });
    await batches().deleteMany({ where: { id } });
  }

  /** Those that no list shows anymore, and nothing can undo. */
  async function prune(): Promise<void> {
    const all = await find({}, 10 * bulkLimits.maxBatches);
    for (const { id, state } of all.slice(bulkLimits.maxBatches)) {
      if (!active.includes(state) && !(await hasUndoable(id))) await remove(id);
    }
  }

  async function discard(id: number): Promise<boolean> {
    const { count } = await batches().deleteMany({
      where: { id, state: { $in: ['planning', 'ready'] } },
    });
    if (count > 0) await groups().deleteMany({ where: { batchId: id } });
    return count > 0;
  }

  const isTaken = async () => (await batches().count({ where: { slot: TAKEN } })) > 0;

  return {
    async create({ kind, startedAt, userId }) {
      if (await isTaken()) return null;
      // Someone else's plan stays; one that was just started is no plan anymore.
      for (const { id } of await find({ state: 'ready', userId }, bulkLimits.maxBatches)) {
        await discard(id);
      }
      await prune();
      const state: BatchState = 'planning';
      try {
        const row: unknown = await batches().create({
          data: { kind, state, slot: TAKEN, userId, startedAt },
        });
        return toBatch(batchSchema.parse(row));
      } catch (error) {
        // Another process was faster.
        if (await isTaken()) return null;
        throw error;
      }
    },

    async get(id) {
      const [batch] = await find({ id }, 1);
      return batch ?? null;
    },

    list: () => find({}, bulkLimits.maxBatches),

    async current() {
      const [batch] = await find({ slot: TAKEN }, 1);
      return batch ?? null;
    },

    async setState(id, { from, to, ...data }) {
      const slot = active.includes(to) ? TAKEN : null;
      try {
        const { count } = await batches().updateMany({
          where: { id, state: { $in: [...from] } },
          data: { ...toColumns(data), state: to, slot },
        });
        return count > 0;
      } catch (error) {
        if (slot !== null && (await isTaken())) return 'conflict';
        throw error;
      }
    },

    async update(id, data) {
      await batches().updateMany({ where: { id }, data: toColumns(data) });
    },

    discard,

    async addGroups(batchId, added) {
      const data = added.map(({ fileIds, keepId, leftOut, pairId }) => ({
        batchId,
        pairId,
        fileIds,
        keepId,
        copies: fileIds.length - 1,
        state: leftOut ? 'left-out' : 'planned',
        reason: leftOut?.reason ?? null,
        warning: leftOut?.warning ?? null,
      }));
      for (const some of chunksOf(data, LARGEST_INSERT)) await groups().createMany({ data: some });
    },

    async clearGroups(batchId) {
      await groups().deleteMany({ where: { batchId } });
    },

    async groupsIn(batchId, { isNewestFirst = false, limit, state }) {
      const rows: unknown[] = await groups().findMany({
        where: { batchId, state },
        orderBy: isNewestFirst ? newestFirst : { id: 'asc' },
        limit,
      });
      return z.array(groupSchema).parse(rows);
    },

    async setGroup(group, { mergeId, reason = null, state, warning = null }) {
      const data = { state, reason, warning, ...(mergeId !== undefined && { mergeId }) };
      const where = { id: group.id, ...(reason !== null && { state: group.state }) };
      await groups().updateMany({ where, data });
    },

    async retryUndo(batchId) {
      const where = { batchId, state: 'not-undone' };
      await groups().updateMany({ where, data: { state: 'merged', reason: null } });
    },

    async sums(batchId) {
      const tables = createDatabaseTables(strapi);
      const rows: unknown[] = await tables
        .table(tables.tableOf(MERGE_BATCH_GROUP_UID))
        .select('state', 'reason', 'warning')
        .count({ groups: 'id' })
        .sum({ copies: 'copies' })
        .where(tables.columnOf(MERGE_BATCH_GROUP_UID, 'batchId'), batchId)
        .groupBy('state', 'reason', 'warning');
      return z.array(sumSchema).parse(rows);
    },

    async examples(batchId, { reason, state, warning }) {
      const rows: unknown[] = await groups().findMany({
        where: { batchId, state, reason, warning },
        orderBy: { id: 'asc' },
        limit: bulkLimits.maxExamples,
      });
      return z.array(groupSchema).parse(rows);
    },

    async findMerge(batchId, keptId) {
      const row = (await strapi.db
        .query(MERGE_UID)
        .findOne({ where: { batchId, keptId }, select: ['id'] })) as { id: number } | null;
      return row?.id ?? null;
    },

    hasUndoable,
  };
}

function toBatch({ problem, problemCode, ...batch }: z.output<typeof batchSchema>): StoredBatch {
  return { ...batch, problem: toProblem(problem, problemCode) };
}

function toColumns({ problem, ...data }: Partial<StoredBatch>): object {
  return { ...data, ...(problem !== undefined && problemColumns(problem)) };
}
