import type { Core } from '@strapi/strapi';
import type { Clock } from '../../../plugin/src/clock';
import { bulkLimits, type BatchKind } from '../../../plugin/src/contracts/bulk-merging';
import type { ConflictReason, Problem } from '../../../plugin/src/contracts/errors';
import { mergingLimits, type MergeReport } from '../../../plugin/src/contracts/merging';
import type {
  DuplicatePair,
  DuplicatePairs,
  FileTrace,
  ImageTraces,
} from '../../../plugin/src/duplicates/contract';
import { pageOfGroups, type PairGroup } from '../../../plugin/src/duplicates/groups';
import { isConfirmed } from '../../../plugin/src/duplicates/pixel-confirmation';
import { ImageSearchError, toImageSearchError } from '../../../plugin/src/errors';
import { indexPriorities } from '../../../plugin/src/indexing/contract';
import type { Logger } from '../../../plugin/src/logger';
import { keepVisiblePairs } from '../duplicates/pair-views';
import { currentPermissionOf, permittedFiles, type FilePermission } from '../files/callers';
import { INDEX_ENTRY_UID } from '../plugin-id';
import { chunksOf } from '../usage/database-tables';
import { loadFiles } from '../usage/library-files';
import type { MergeJournal } from './journal';
import type { BatchGroup, LeftOut, MergeBatches, NewGroup, StoredBatch } from './merge-batches';
import type { FileMerging, GroupPlan } from './merging';

/**
 * Merges all groups of a kind that leave no question open: each has a clear file to keep, no warning, and files that its
 * user may change at that moment. A plan comes first; its user starts it. Each group is a merge of its own, checked once more. The work
 * is in the database, for `work` to do in the background, and continues after a crash.
 */
export interface BulkMerging {
  /** @throws ImageSearchError `conflict` while another one is being worked on */
  plan(kind: BatchKind, userId: number): Promise<StoredBatch>;
  /** @throws ImageSearchError `merge-not-found`; `conflict` if it isn't ready, or isn't the caller's */
  merge(id: number, userId: number): Promise<void>;
  /** Discards a plan; ends a bulk merge or its undo after the group in progress. */
  cancel(id: number): Promise<void>;
  /**
   * Undoes every merge of it that can be undone, the newest first.
   *
   * @throws ImageSearchError `merge-not-found`; `conflict` if it isn't done, or if there is nothing to undo
   */
  undo(id: number, userId: number): Promise<void>;
  hasWork(): Promise<boolean>;
  /** Does what was asked for, until the signal is aborted. */
  work(signal: AbortSignal): Promise<void>;
}

export interface BulkMergingOptions {
  strapi: Core.Strapi;
  merging: Pick<FileMerging, 'planEach' | 'perform' | 'undo'>;
  batches: MergeBatches;
  journal: Pick<MergeJournal, 'get' | 'copiesOf'>;
  pairs: Pick<DuplicatePairs, 'listClusters' | 'pairsOfClusters' | 'pairsTouching'>;
  traces: Pick<ImageTraces, 'get'>;
  logger: Logger;
  clock: Pick<Clock, 'now' | 'elapsed' | 'wait'>;
  /** Called when there is work. */
  onWork: () => void;
}

/** Groups planned between two looks at whether to continue; their uses are read together. */
const PAGE = 20;
/** Groups that a plan looks at, at most. */
const MOST_EXAMINED = 20_000;
/** Pause after each step, as a multiple of its duration, to leave most of the database to others. */
const REST = 1;
const LONGEST_REST_MS = 2_000;
/** Pairs of one group that are read before it is merged. */
const MOST_PAIRS = 2_000;
/** Failures in a row after which something other than a group is wrong. */
const MOST_FAILURES = 3;

/** Why a merge isn't made after all; never leaves this file. */
class Refusal extends Error {
  constructor(readonly leftOut: LeftOut) {
    super(leftOut.reason);
  }
}

export function createBulkMerging(options: BulkMergingOptions): BulkMerging {
  const { batches, clock, journal, logger, merging, onWork, pairs, strapi, traces } = options;

  async function requireBatch(id: number): Promise<StoredBatch> {
    const batch = await batches.get(id);
    if (batch) return batch;
    throw new ImageSearchError({
      code: 'merge-not-found',
      message: `Bulk merge ${String(id)} not found.`,
      retryable: false,
    });
  }

  async function change(
    id: number,
    change: Parameters<MergeBatches['setState']>[1],
    refusal: ImageSearchError,
  ): Promise<void> {
    const isChanged = await batches.setState(id, change);
    if (isChanged === 'conflict') throw busyError();
    if (!isChanged) throw refusal;
    onWork();
  }

  /** Leaves the event loop and the database to others for as long as the last step took. */
  async function rest(since: number, signal: AbortSignal): Promise<void> {
    await clock.wait(Math.min(LONGEST_REST_MS, REST * (clock.elapsed() - since)), signal);
  }

  async function isIn(id: number, state: StoredBatch['state']): Promise<boolean> {
    return (await batches.get(id))?.state === state;
  }

  /** What the user who asked for this may do now. Null ends it: they may not change files anymore. */
  async function permissionNow(batch: StoredBatch): Promise<FilePermission | null> {
    const { id, state, undoUserId, userId } = batch;
    const asker = state === 'undoing' ? (undoUserId ?? userId) : userId;
    const permission = await currentPermissionOf(strapi, asker);
    if (!permission) {
      const message = 'The user who asked for this may no longer change files.';
      const problem = { code: 'forbidden', message } as const;
      await batches.setState(id, { from: [state], to: 'ended', problem });
    }
    return permission;
  }

  async function planAll(batch: StoredBatch, signal: AbortSignal): Promise<void> {
    const { id, kind } = batch;
    await batches.clearGroups(id);
    const seen: Seen = { files: new Set(), entries: new Set(), planned: 0, examined: 0 };
    let cursor: number | null = null;
    do {
      const startedAt = clock.elapsed();
      const permission = await permissionNow(batch);
      if (!permission) return;
      const visible = permittedFiles(strapi, permission.read, { includesTrash: false });
      const keep = (found: readonly DuplicatePair[]) => keepVisiblePairs(strapi, visible, found);
      const page = await pageOfGroups(pairs, { status: 'open', kind, cursor, limit: PAGE, keep });
      const groups = await planPage(permission, page.groups, seen);
      if (signal.aborted || !(await isIn(id, 'planning'))) break;
      await batches.addGroups(id, groups);
      await batches.update(id, { examined: seen.examined, entries: seen.entries.size });
      cursor = page.nextCursor;
      await rest(startedAt, signal);
    } while (
      cursor !== null &&
      seen.planned < bulkLimits.maxGroups &&
      seen.examined < MOST_EXAMINED
    );
    if (signal.aborted) return;
    const hasMore = cursor !== null;
    const change = { from: ['planning'], to: 'ready', hasMore, problem: null } as const;
    const isReady = await batches.setState(id, change);
    // It was discarded meanwhile.
    if (isReady !== true) await batches.clearGroups(id);
  }

  async function planPage(
    permission: FilePermission,
    groups: readonly PairGroup[],
    seen: Seen,
  ): Promise<NewGroup[]> {
    const fileIds = groups.flatMap(filesOf);
    const obstacles = {
      changeable: await changeableFiles(permission, fileIds),
      unsettled: await unsettledFiles(strapi, fileIds),
    };
    const refused = new Map<PairGroup, LeftOut>();
    const traceOf = await tracesOf(fileIds);
    for (const group of groups) {
      const leftOut =
        refusalOf(filesOf(group), obstacles) ??
        refusalOfPairs(group, traceOf) ??
        refusalOfLooks(filesOf(group), traceOf);
      if (leftOut) refused.set(group, leftOut);
    }
    const possible = groups.filter((group) => !refused.has(group));
    const plans = await merging.planEach(possible.map(filesOf));
    const planOf = new Map(possible.map((group, index) => [group, plans[index] ?? null]));
    return groups.map((group) => {
      const files = filesOf(group);
      const plan = planOf.get(group) ?? null;
      seen.examined += 1;
      let leftOut = refused.get(group) ?? refusalOfPlan(plan);
      if (!leftOut && files.some((id) => seen.files.has(id))) leftOut = { reason: 'overlap' };
      if (!leftOut && plan) {
        seen.planned += 1;
        for (const id of files) seen.files.add(id);
        for (const entry of plan.entries) seen.entries.add(entry);
      }
      const [{ id: pairId } = { id: 0 }] = group.pairs;
      const keepId = plan?.report.suggestion.fileId ?? group.representative;
      return { pairId, fileIds: files, keepId, leftOut };
    });
  }

  async function changeableFiles(
    { update }: FilePermission,
    fileIds: readonly number[],
  ): Promise<Set<number>> {
    const files = permittedFiles(strapi, update, { includesTrash: true });
    return files.filterReadable([...new Set(fileIds)]);
  }

  async function tracesOf(fileIds: readonly number[]): Promise<Map<number, FileTrace>> {
    const found = await traces.get([...new Set(fileIds)]);
    return new Map(found.map((trace) => [trace.fileId, trace]));
  }

  /** Whether the plan still holds: files may have been replaced, and pairs reviewed or compared again. */
  async function refusalNow(
    { kind }: StoredBatch,
    fileIds: readonly number[],
  ): Promise<LeftOut | null> {
    const traceOf = await tracesOf(fileIds);
    const touching = { fileIds, status: 'open', limit: MOST_PAIRS } as const;
    const open = await pairs.pairsTouching(touching);
    const proven = open.filter(
      (pair) =>
        isAmong(pair, fileIds) &&
        (kind === 'same-image' || pair.verdict.kind === 'identical') &&
        pair.verdict.kind !== 'edited' &&
        isConfirmed(pair.verdict) &&
        isCurrent(pair, traceOf),
    );
    if (!areLinked(fileIds, proven)) return { reason: 'changed' };
    return refusalOfLooks(fileIds, traceOf);
  }

  /** Calls `step` with one group after the other until none is left, or someone or something stops it. */
  async function eachGroup(
    batch: StoredBatch,
    signal: AbortSignal,
    options: {
      state: 'planned' | 'merged';
      step: (group: BatchGroup, permission: FilePermission) => Promise<GroupChange>;
      failed: 'left-out' | 'not-undone';
      to: 'ended' | 'undone';
    },
  ): Promise<void> {
    const { failed, state, to } = options;
    const wanted = { state, limit: 1, isNewestFirst: state === 'merged' };
    let failures = 0;
    while (!signal.aborted && (await isIn(batch.id, batch.state))) {
      const startedAt = clock.elapsed();
      const [group] = await batches.groupsIn(batch.id, wanted);
      if (!group) {
        await batches.setState(batch.id, { from: [batch.state], to, problem: null });
        return;
      }
      const permission = await permissionNow(batch);
      if (!permission) return;
      let change: GroupChange;
      try {
        change = await options.step(group, permission);
        failures = 0;
      } catch (error) {
        const known = reasonOf(error);
        change = { state: failed, ...(known ?? { reason: 'failed' }) };
        failures = known ? 0 : failures + 1;
        if (!known) logFailure(group, error);
        if (failures === MOST_FAILURES) {
          const problem = problemOf(error);
          await batches.setState(batch.id, { from: [batch.state], to: 'ended', problem });
        }
      }
      await batches.setGroup(group, change);
      await rest(startedAt, signal);
    }
  }

  function logFailure({ batchId, fileIds }: BatchGroup, error: unknown): void {
    logger.warn(
      `Files ${fileIds.join(', ')} of bulk merge ${String(batchId)} failed: ${toImageSearchError(error).message}`,
    );
  }

  async function mergeGroup(
    batch: StoredBatch,
    group: BatchGroup,
    permission: FilePermission,
  ): Promise<GroupChange> {
    const { fileIds, keepId } = group;
    // Done by a process that died before it could say so.
    const before = await batches.findMerge(batch.id, keepId);
    if (before !== null) return { state: 'merged', mergeId: before };
    const leftOut = refusalOf(fileIds, {
      changeable: await changeableFiles(permission, fileIds),
      unsettled: await unsettledFiles(strapi, fileIds),
    });
    const refusal = leftOut ?? (await refusalNow(batch, fileIds));
    if (refusal) throw new Refusal(refusal);
    const approve = (report: MergeReport): void => {
      const refusedNow = refusalOfPlan({ report });
      if (refusedNow) throw new Refusal(refusedNow);
      if (report.suggestion.fileId !== keepId) throw new Refusal({ reason: 'changed' });
    };
    const { userId, id: batchId } = batch;
    const { mergeId } = await merging.perform({ fileIds, keepId, userId, batchId, approve });
    return { state: 'merged', mergeId };
  }

  async function undoGroup(
    { undoUserId }: StoredBatch,
    { mergeId }: BatchGroup,
    permission: FilePermission,
  ): Promise<GroupChange> {
    const merge = mergeId === null ? null : await journal.get(mergeId);
    if (!merge) throw new Refusal({ reason: 'changed' });
    const copies = await journal.copiesOf([merge.id]);
    const involved = [merge.keptId, ...copies.map(({ fileId }) => fileId)];
    const existing = (await loadFiles(strapi, involved)).map(({ id }) => id);
    const changeable = await changeableFiles(permission, existing);
    if (existing.some((id) => !changeable.has(id))) throw new Refusal({ reason: 'forbidden' });
    await merging.undo({ mergeId: merge.id, userId: undoUserId });
    return { state: 'undone' };
  }

  async function step(batch: StoredBatch, signal: AbortSignal): Promise<void> {
    if (batch.state === 'planning') {
      await planAll(batch, signal);
    } else if (batch.state === 'merging') {
      await eachGroup(batch, signal, {
        state: 'planned',
        step: (group, permission) => mergeGroup(batch, group, permission),
        failed: 'left-out',
        to: 'ended',
      });
    } else {
      await eachGroup(batch, signal, {
        state: 'merged',
        step: (group, permission) => undoGroup(batch, group, permission),
        failed: 'not-undone',
        to: 'undone',
      });
    }
  }

  return {
    async plan(kind, userId) {
      const startedAt = new Date(clock.now());
      const batch = await batches.create({ kind, userId, startedAt });
      if (!batch) throw busyError();
      onWork();
      return batch;
    },

    async merge(id, userId) {
      const batch = await requireBatch(id);
      if (batch.userId !== userId) {
        throw conflict(
          'batch-foreign',
          'Someone else planned this bulk merge. Plan one of your own.',
        );
      }
      await change(
        id,
        { from: ['ready'], to: 'merging' },
        conflict('batch-not-ready', "This bulk merge isn't ready to start. Reload the page."),
      );
    },

    async cancel(id) {
      await requireBatch(id);
      if (await batches.discard(id)) return;
      await batches.setState(id, { from: ['merging', 'undoing'], to: 'ended', isCancelled: true });
    },

    async undo(id, userId) {
      const { state } = await requireBatch(id);
      const notDone = conflict(
        'batch-not-done',
        "This bulk merge isn't done yet. Cancel it first.",
      );
      // Before anything is tried again: a second click mustn't repeat what the first one is at.
      if (state !== 'ended' && state !== 'undone') throw notDone;
      if (!(await batches.hasUndoable(id))) {
        throw conflict('batch-final', 'Nothing of this bulk merge can be undone anymore.');
      }
      await batches.retryUndo(id);
      await change(
        id,
        { from: ['ended', 'undone'], to: 'undoing', undoUserId: userId, problem: null },
        notDone,
      );
    },

    async hasWork() {
      return (await batches.current()) !== null;
    },

    async work(signal) {
      for (;;) {
        const batch = await batches.current();
        if (!batch || signal.aborted) return;
        try {
          await step(batch, signal);
        } catch (error) {
          await batches.update(batch.id, { problem: problemOf(error) });
          throw error;
        }
      }
    },
  };
}
/** What a plan has counted so far. */
interface Seen {
  /** Files of groups that are to be merged. */
  files: Set<number>;
  entries: Set<string>;
  planned: number;
  examined: number;
}

type GroupChange = Parameters<MergeBatches['setGroup']>[1];

function filesOf({ members, representative }: PairGroup): number[] {
  return [representative, ...members];
}

function refusalOf(
  fileIds: readonly number[],
  { changeable, unsettled }: { changeable: ReadonlySet<number>; unsettled: ReadonlySet<number> },
): LeftOut | null {
  if (fileIds.some((id) => !changeable.has(id))) return { reason: 'forbidden' };
  if (fileIds.some((id) => unsettled.has(id))) return { reason: 'not-indexed' };
  return null;
}

function refusalOfPairs(
  { hasMore, pairs, ...group }: PairGroup,
  traceOf: ReadonlyMap<number, FileTrace>,
): LeftOut | null {
  if (hasMore || group.members.length >= mergingLimits.maxFiles) return { reason: 'too-large' };
  if (!pairs.every((pair) => isCurrent(pair, traceOf))) return { reason: 'changed' };
  return pairs.every(({ verdict }) => isConfirmed(verdict)) ? null : { reason: 'unconfirmed' };
}

/** Whether both files still have the bytes that were compared. */
function isCurrent(pair: DuplicatePair, traceOf: ReadonlyMap<number, FileTrace>): boolean {
  return (
    traceOf.get(pair.fileA)?.contentHash === pair.contentHashA &&
    traceOf.get(pair.fileB)?.contentHash === pair.contentHashB
  );
}

/**
 * A transparent image and a copy on plain ground are compared on that ground and count as the same image, but a site
 * would show a box: nobody wants that unseen.
 */
function refusalOfLooks(
  fileIds: readonly number[],
  traceOf: ReadonlyMap<number, FileTrace>,
): LeftOut | null {
  const looks = new Set(fileIds.map((id) => traceOf.get(id)?.onBlack !== undefined));
  return looks.size > 1 ? { reason: 'warnings', warning: 'transparency' } : null;
}

function isAmong({ fileA, fileB }: DuplicatePair, fileIds: readonly number[]): boolean {
  return fileIds.includes(fileA) && fileIds.includes(fileB);
}

/** Whether the pairs lead from each file to every other. */
function areLinked(fileIds: readonly number[], pairs: readonly DuplicatePair[]): boolean {
  const reached = new Set(fileIds.slice(0, 1));
  for (let known = 0; known < reached.size;) {
    known = reached.size;
    for (const { fileA, fileB } of pairs) {
      if (reached.has(fileA)) reached.add(fileB);
      else if (reached.has(fileB)) reached.add(fileA);
    }
  }
  return reached.size === fileIds.length;
}

function refusalOfPlan(plan: Pick<GroupPlan, 'report'> | null): LeftOut | null {
  if (!plan) return { reason: 'changed' };
  const { suggestion, warnings } = plan.report;
  if (suggestion.fileId === null) return { reason: 'no-keeper' };
  const [warning] = warnings;
  return warning ? { reason: 'warnings', warning: warning.code } : null;
}

function reasonOf(error: unknown): LeftOut | null {
  if (error instanceof Refusal) return error.leftOut;
  const { code } = toImageSearchError(error);
  return code === 'conflict' || code === 'file-not-found' ? { reason: 'changed' } : null;
}

/** Files that wait to be read since they were uploaded or replaced: what is known is of other bytes, or incomplete. */
async function unsettledFiles(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<Set<number>> {
  const unsettled = new Set<number>();
  const backfill = indexPriorities.indexOf('backfill');
  for (const ids of chunksOf(new Set(fileIds))) {
    const rows: { fileId: number }[] = await strapi.db.query(INDEX_ENTRY_UID).findMany({
      where: {
        fileId: { $in: ids },
        state: { $in: ['pending', 'indexing'] },
        priority: { $lt: backfill },
      },
      select: ['fileId'],
    });
    for (const { fileId } of rows) unsettled.add(fileId);
  }
  return unsettled;
}

function busyError(): ImageSearchError {
  return conflict(
    'batch-busy',
    'Another bulk merge is under way. Wait until it ends, or cancel it.',
  );
}

function conflict(conflict: ConflictReason, message: string): ImageSearchError {
  return new ImageSearchError({ code: 'conflict', conflict, message, retryable: false });
}

function problemOf(error: unknown): Problem {
  const { code, message } = toImageSearchError(error);
  return { code, message };
}
