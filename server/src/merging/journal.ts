import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  copyReasons,
  copyStates,
  fileUseSchema,
  type CopyReason,
  type CopyState,
} from '../../../plugin/src/contracts/merging';
import { pairStatuses, type DuplicatePair } from '../../../plugin/src/duplicates/contract';
import { FILE_UID, MERGE_UID, MERGED_COPY_UID } from '../plugin-id';
import { verdictSchema } from '../repositories/duplicate-pairs';
import { createDatabaseTables } from '../usage/database-tables';
import { fileSchema, type LibraryFile } from '../usage/library-files';
import { fieldChangesSchema } from './field-changes';

/** States of copies that are in the trash. */
export const TRASH: CopyState[] = ['trashed', 'emptying'];

/** Reasons of copies in the library whose file storage deleted, or may have. */
const WITHOUT_FILE: (CopyReason | null)[] = ['used-without-file', 'unanswered', 'entry-left'];

const keptMetadataSchema = z.object({
  alternativeText: z.string().nullable(),
  caption: z.string().nullable(),
  folderId: z.number().nullable(),
  folderPath: z.string().nullable(),
  updatedById: z.number().nullable(),
  updatedAt: z.coerce.date(),
});

const formerReviewSchema = z.looseObject({
  decidedBy: z.number().nullable(),
  decidedAt: z.string().nullable(),
});

const pairSchema = z.object({
  id: z.number(),
  fileA: z.number(),
  fileB: z.number(),
  contentHashA: z.string(),
  contentHashB: z.string(),
  verdict: verdictSchema,
  cluster: z.number(),
  status: z.enum(pairStatuses),
  foundAt: z.coerce.date(),
  reviewedBy: z.number().nullable(),
  reviewedAt: z.coerce.date().nullable(),
}) satisfies z.ZodType<DuplicatePair>;

/** Merges by 0.1 previews called who reviewed a pair otherwise. */
const journaledPairSchema = z.preprocess((pair) => {
  const former = formerReviewSchema.safeParse(pair);
  if (!former.success) return pair;
  const { decidedAt: reviewedAt, decidedBy: reviewedBy, ...others } = former.data;
  return { ...others, reviewedAt, reviewedBy };
}, pairSchema);

/** Everything that a merge changed in the database. */
const changesSchema = z.object({
  fields: fieldChangesSchema,
  /** The kept file's metadata; null if it took nothing over. */
  kept: z.object({ before: keptMetadataSchema, after: keptMetadataSchema }).nullable(),
  /** The date to which the merge set the copies; each had its own before. */
  copiesUpdatedAt: z.coerce.date(),
  /** Pairs of the copies, which aren't in the library while in the trash. */
  pairs: z.array(journaledPairSchema),
});

const outcomeSchema = z.object({
  restoredUses: z.number(),
  unrestored: z.array(z.object({ use: fileUseSchema, reason: z.enum(['changed', 'file-gone']) })),
});

const mergeSchema = z.object({
  id: z.number(),
  /** The bulk merge that it is part of. */
  batchId: z.number().nullable(),
  keptId: z.number(),
  keptDocumentId: z.string(),
  keptName: z.string(),
  state: z.enum(['done', 'undone']),
  movedUses: z.number(),
  mergedAt: z.coerce.date(),
  mergedBy: z.number().nullable(),
  undoneAt: z.coerce.date().nullable(),
  undoneBy: z.number().nullable(),
  outcome: outcomeSchema.nullable(),
});

const copySchema = z.object({
  id: z.number(),
  mergeId: z.number(),
  fileId: z.number(),
  fileDocumentId: z.string(),
  state: z.enum(copyStates),
  reason: z.enum(copyReasons).nullable(),
  contentHash: z.string().nullable(),
  /** As it was merged. */
  file: fileSchema,
  emptiesAt: z.coerce.date(),
});

export type KeptMetadata = z.output<typeof keptMetadataSchema>;
export type MergeChanges = z.output<typeof changesSchema>;
export type UndoOutcome = z.output<typeof outcomeSchema>;
export type JournaledMerge = z.output<typeof mergeSchema>;
export type JournaledCopy = z.output<typeof copySchema>;

export interface NewMerge {
  batchId: number | null;
  kept: LibraryFile;
  movedUses: number;
  userId: number | null;
  mergedAt: Date;
  emptiesAt: Date;
  changes: MergeChanges;
  copies: {
    file: LibraryFile;
    contentHash: string | null;
    reason: CopyReason | null;
    state: CopyState;
  }[];
}

/**
 * Records of merges and their copies; the trash is the copies in it. All calls join the caller's transaction.
 *
 * A file is identified by id and document id: after an import into another database, no record names a file of that
 * library by mistake.
 */
export interface MergeJournal {
  /** Returns the merge's id. */
  record(merge: NewMerge): Promise<number>;
  get(mergeId: number): Promise<JournaledMerge | null>;
  /** Null once it can't be undone anymore. */
  changesOf(mergeId: number): Promise<MergeChanges | null>;
  /** Newest first. */
  list(page: { start: number; limit: number }): Promise<JournaledMerge[]>;
  count(): Promise<number>;
  /** In the order of the merge's report. */
  copiesOf(mergeIds: readonly number[]): Promise<JournaledCopy[]>;
  /** Copies whose time in the trash is over, by id, after that one. */
  due(now: Date, page: { limit: number; afterId?: number }): Promise<JournaledCopy[]>;
  /** The records of these files in the trash. */
  trashed(fileIds: readonly number[]): Promise<JournaledCopy[]>;
  /** Changes the state of a copy that has one of these; returns whether it had. */
  setState(
    copyId: number,
    change: { from: readonly CopyState[]; to: CopyState; reason?: CopyReason | null },
  ): Promise<boolean>;
  /** Forgets what a merge changed if no copy can be brought back. */
  prune(mergeId: number): Promise<void>;
  /** Forgets what it changed, too. */
  finishUndo(
    mergeId: number,
    undo: { outcome: UndoOutcome; userId: number | null; undoneAt: Date },
  ): Promise<void>;
}

export function createMergeJournal(strapi: Core.Strapi): MergeJournal {
  const merges = () => strapi.db.query(MERGE_UID);
  const copies = () => strapi.db.query(MERGED_COPY_UID);
  /** Everything but the changes, which may be long. */
  const select = Object.keys(mergeSchema.shape);

  async function findCopies(query: object): Promise<JournaledCopy[]> {
    const rows: unknown[] = await copies().findMany({ orderBy: { id: 'asc' }, ...query });
    return z.array(copySchema).parse(rows);
  }

  return {
    async record({
      batchId,
      kept,
      movedUses,
      userId,
      mergedAt,
      emptiesAt,
      changes,
      copies: ofMerge,
    }) {
      const merge = (await merges().create({
        data: {
          batchId,
          keptId: kept.id,
          keptDocumentId: kept.documentId,
          keptName: kept.name,
          state: 'done',
          movedUses,
          mergedAt,
          mergedBy: userId,
          changes,
        },
      })) as { id: number };
      for (const { file, contentHash, reason, state } of ofMerge) {
        const { id: fileId, documentId: fileDocumentId } = file;
        const data = {
          mergeId: merge.id,
          fileId,
          fileDocumentId,
          state,
          reason,
          contentHash,
          file,
        };
        await copies().create({ data: { ...data, emptiesAt } });
      }
      return merge.id;
    },

    async get(mergeId) {
      const row: unknown = await merges().findOne({ where: { id: mergeId }, select });
      return row ? mergeSchema.parse(row) : null;
    },

    async changesOf(mergeId) {
      const row = (await merges().findOne({ where: { id: mergeId }, select: ['changes'] })) as {
        changes: unknown;
      };
      return changesSchema.nullable().parse(row.changes);
    },

    async list({ start, limit }) {
      const rows: unknown[] = await merges().findMany({
        select,
        orderBy: { id: 'desc' },
        offset: start,
        limit,
      });
      return z.array(mergeSchema).parse(rows);
    },

    count: () => merges().count(),

    copiesOf: (mergeIds) => findCopies({ where: { mergeId: { $in: [...mergeIds] } } }),

    due: (now, { limit, afterId = 0 }) =>
      findCopies({
        where: { state: { $in: TRASH }, emptiesAt: { $lte: now }, id: { $gt: afterId } },
        limit,
      }),

    trashed: (fileIds) =>
      findCopies({ where: { fileId: { $in: [...fileIds] }, state: { $in: TRASH } } }),

    async setState(copyId, { from, to, reason = null }) {
      const { count } = await copies().updateMany({
        where: { id: copyId, state: { $in: [...from] } },
        data: { state: to, reason },
      });
      return count > 0;
    },

    async prune(mergeId) {
      const ofMerge = await findCopies({ where: { mergeId } });
      if (ofMerge.some((copy) => copy.state === 'emptying' || isRecoverable(copy))) return;
      await merges().updateMany({ where: { id: mergeId }, data: { changes: null } });
    },

    async finishUndo(mergeId, { outcome, userId, undoneAt }) {
      await merges().updateMany({
        where: { id: mergeId },
        data: { state: 'undone', outcome, undoneAt, undoneBy: userId, changes: null },
      });
    },
  };
}

/** Whether its file is known to exist unless someone deletes it by hand. */
export function isRecoverable({ reason, state }: Pick<JournaledCopy, 'reason' | 'state'>): boolean {
  return state === 'trashed' || (state === 'left' && !WITHOUT_FILE.includes(reason));
}

/** A subquery for the ids of the files in the trash, as a value of `$in` or `$notIn` in a query on files. */
export function trashedFileIds(strapi: Core.Strapi) {
  const tables = createDatabaseTables(strapi);
  const column = (attribute: string): string =>
    `copies.${tables.columnOf(MERGED_COPY_UID, attribute)}`;
  return tables
    .table(`${tables.tableOf(MERGED_COPY_UID)} as copies`)
    .join(`${tables.tableOf(FILE_UID)} as trashed`, (join) => {
      void join
        .on('trashed.id', column('fileId'))
        .andOn(`trashed.${tables.columnOf(FILE_UID, 'documentId')}`, column('fileDocumentId'));
    })
    .whereIn(column('state'), TRASH)
    .select(column('fileId'));
}
