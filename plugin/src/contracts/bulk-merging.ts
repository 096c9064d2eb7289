import * as z from 'zod';
import { problemSchema } from './errors';
import { mergeWarningCodes } from './merging';
import { LARGEST_ID, numberSchema } from './values';

export const bulkLimits = {
  /** Groups of one bulk merge. */
  maxGroups: 1_000,
  /** Bulk merges that are listed, newest first. */
  maxBatches: 10,
  /** Groups named for each reason to leave some out. */
  maxExamples: 5,
} as const;

/** Kinds of duplicates that can be merged without looking at each group. */
export const batchKinds = ['identical', 'same-image'] as const;

/**
 * - `planning`: finding out what it would do; nothing is written.
 * - `ready`: planned, waiting for its user to start it.
 * - `merging`, `undoing`.
 * - `ended`: merged, cancelled or failed; `undone`.
 */
export const batchStates = ['planning', 'ready', 'merging', 'ended', 'undoing', 'undone'] as const;

/**
 * Why a group isn't merged:
 *
 * - `warnings`: a merge of it would have one (`warning`).
 * - `no-keeper`: nothing tells which file is better.
 * - `forbidden`: its user may not change all of its files.
 * - `unconfirmed`: its pixels weren't compared by this version yet; a scan does that.
 * - `not-indexed`: a file is new or was replaced, and isn't indexed yet.
 * - `overlap`: one of its files is in another group of the same bulk merge.
 * - `too-large`: it has more files than one merge may have.
 * - `changed`: files or entries were changed in the meantime.
 * - `failed`: see the server's log.
 */
export const leftOutReasons = [
  'warnings',
  'no-keeper',
  'forbidden',
  'unconfirmed',
  'not-indexed',
  'overlap',
  'too-large',
  'changed',
  'failed',
] as const;

/** `POST duplicates/batches`: plans a bulk merge of all open groups of a kind. */
export const batchBodySchema = z.strictObject({ kind: z.enum(batchKinds) });

/** Path parameters. */
export const batchParametersSchema = z.object({
  id: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)),
});

const leftOutSchema = z.object({
  reason: z.enum(leftOutReasons),
  /** For `warnings`, the first one; null otherwise. */
  warning: z.enum(mergeWarningCodes).nullable(),
  groups: z.number(),
  /** Some of these groups: the newest pair, and the name of a file; null if the caller may not see it. */
  examples: z.array(z.object({ pairId: z.number(), name: z.string().nullable() })),
});

export const mergeBatchSchema = z.object({
  id: z.number(),
  kind: z.enum(batchKinds),
  state: z.enum(batchStates),
  startedAt: z.string(),
  /** Null if the user was deleted. */
  by: z.object({ id: z.number(), name: z.string() }).nullable(),
  /** Whether the caller planned it: no one else may start it. */
  isOwn: z.boolean(),
  /** Days until trashed copies are deleted; 0: they are deleted at once, and nothing can be undone. */
  trashDays: z.number(),
  /** Groups dealt with in the current step, and in all; null while unknown. */
  progress: z.object({ done: z.number(), total: z.number().nullable() }),
  /** What a merge would do, or would have done: groups, files that leave the library, entries that change. */
  plan: z.object({ groups: z.number(), copies: z.number(), entries: z.number() }),
  /** Whether the library has more groups than one bulk merge takes. */
  hasMore: z.boolean(),
  /** What was done. */
  merged: z.object({ groups: z.number(), copies: z.number() }),
  /** Groups that an undo brought back, and that it couldn't. */
  undone: z.object({ groups: z.number(), failed: z.number() }),
  leftOut: z.array(leftOutSchema),
  isCancelled: z.boolean(),
  canUndo: z.boolean(),
  /** Why it ended early, or is paused; null if neither. */
  problem: problemSchema.nullable(),
});

/** `POST duplicates/batches`, and `…/:id/merge`, `…/:id/cancel`, `…/:id/undo`; null for a plan that was discarded. */
export const mergeBatchResponseSchema = z.object({ data: mergeBatchSchema.nullable() });

/** Bulk merges, newest first; `GET duplicates/batches`. */
export const mergeBatchesResponseSchema = z.object({ data: z.array(mergeBatchSchema) });

export type BatchKind = (typeof batchKinds)[number];
export type BatchState = (typeof batchStates)[number];
export type LeftOutReason = (typeof leftOutReasons)[number];
export type MergeBatch = z.output<typeof mergeBatchSchema>;
export type MergeBatchResponse = z.output<typeof mergeBatchResponseSchema>;
export type MergeBatchesResponse = z.output<typeof mergeBatchesResponseSchema>;
