import type { Core } from '@strapi/strapi';
import { systemClock, type Clock } from '../../../plugin/src/clock';
import type { MergeReport } from '../../../plugin/src/contracts/merging';
import type {
  DuplicatePair,
  DuplicatePairs,
  ImageTraces,
} from '../../../plugin/src/duplicates/contract';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import { createDatabaseTables, type DatabaseTables } from '../usage/database-tables';
import { loadFiles, type LibraryFile } from '../usage/library-files';
import { removeCopies, describeObstacle, type Removal } from './copy-removal';
import { holdFiles } from './held-files';
import { createMergeJournal, TRASH, type JournaledCopy } from './journal';
import { findUses, isMoved, mergeUses, usesAmong, type Merge } from './merge-steps';
import { announceUpdate, isCarrying, readKeptMetadata, writeCarriedOver } from './metadata';
import { createReport, obstaclesOf } from './report';
import { requireMerge, undoMerge } from './undo';

export interface MergeRequest {
  /** At least two different files, including the one to keep. */
  fileIds: readonly number[];
  /** The file to keep; by default the suggested one. */
  keepId?: number | undefined;
}

export interface PerformedMerge extends MergeRequest {
  userId?: number | undefined;
  /** The bulk merge that it is part of. */
  batchId?: number | undefined;
  /** Called with what is to be written, before anything is final; when it throws, nothing is. */
  approve?: ((report: MergeReport) => void) | undefined;
}

export interface GroupPlan {
  report: MergeReport;
  /** Identifies the entries that would change. */
  entries: string[];
}

/** Merges files that show the same image into one of them. `checkMergePermission` checks who may do so. */
export interface FileMerging {
  /**
   * What `perform` would do now; writes nothing.
   *
   * @throws ImageSearchError `file-not-found` for a missing file, `invalid-input` if the file to keep isn't one of
   * them, `conflict` if one is in the trash
   */
  plan(request: MergeRequest): Promise<MergeReport>;
  /**
   * What merging each of these groups into its suggested file would do. Reads the uses of all of them at once; null for a
   * group with a file that is missing or in the trash.
   */
  planEach(groups: readonly (readonly number[])[]): Promise<(GroupPlan | null)[]>;
  /**
   * Points every use of a copy to the kept file and journals it, all or nothing. The copies go to the trash, where their
   * files and URLs stay; without a trash they are deleted now. A copy with a use that can't be changed stays in the
   * library, with that use.
   *
   * No hooks, events or webhooks of entries fire, and their dates and publication states don't change. Files fire
   * theirs: `media.update` for the kept one if it took something over, `media.delete` for copies when they are deleted.
   *
   * @throws ImageSearchError `conflict`, with nothing written, if a file is gone, was changed, is in the trash, or is
   * being merged by someone else
   */
  perform(request: PerformedMerge): Promise<MergeReport>;
  /** Takes a merge back; see `undoMerge`. */
  undo(options: { mergeId: number; userId: number | null }): Promise<void>;
  /**
   * Deletes a merge's copies in the trash now. Those that are used again return to the library; those that storage can't
   * delete stay in the trash, and are tried again by `emptyDue` when their time is over.
   *
   * @throws ImageSearchError `merge-not-found`
   */
  empty(mergeId: number): Promise<void>;
  /** Whether the time of a copy in the trash is over. */
  hasDue(): Promise<boolean>;
  /**
   * Tries once to delete each copy whose time is over, until `signal` is aborted or storage doesn't respond. Safe in
   * several processes, and after a crash.
   */
  emptyDue(signal: AbortSignal): Promise<void>;
}

/** Error codes for a lock held by another transaction: PostgreSQL, MySQL, SQLite. */
const LOCK_FAILURES = [
  '40001',
  '40P01',
  '55P03',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'SQLITE_BUSY',
];

export interface FileMergingOptions {
  strapi: Core.Strapi;
  pairs: Pick<DuplicatePairs, 'markMerged' | 'pairsTouching' | 'removeFiles' | 'restore'>;
  /** Knows the size of images that Strapi stores without one, such as AVIF. */
  traces: Pick<ImageTraces, 'get'>;
  logger: Logger;
  /** Days that copies stay in the trash; 0: they are deleted at once. */
  trashDays: number;
  /** Called with files that left the library for the trash. */
  onLeave?: (fileIds: readonly number[]) => void;
  /** Called with files that are back in the library. */
  onReturn?: (fileIds: readonly number[]) => void;
  /** Time limit for storage to delete one file, in milliseconds. */
  storageDeadlineMs?: number;
  clock?: Pick<Clock, 'now'>;
}

const STORAGE_DEADLINE_MS = 30_000;
const DAY_MS = 86_400_000;
/** Copies deleted between two looks at what is due. */
const BATCH = 20;
/** More than a file can have. */
const ALL_PAIRS = 1_000_000;

export function createFileMerging({
  strapi,
  pairs,
  traces,
  logger,
  trashDays,
  onLeave = () => undefined,
  onReturn = () => undefined,
  storageDeadlineMs = STORAGE_DEADLINE_MS,
  clock = systemClock,
}: FileMergingOptions): FileMerging {
  const journal = createMergeJournal(strapi);
  /** Files that this process is merging; the database keeps other processes apart. */
  const underWay = new Set<number>();

  async function refuseTrashed(files: readonly LibraryFile[]): Promise<void> {
    const trashed = await journal.trashed(files.map(({ id }) => id));
    const copy = trashed.find(({ fileDocumentId, fileId }) =>
      files.some((file) => file.id === fileId && file.documentId === fileDocumentId),
    );
    if (!copy) return;
    throw conflict(
      `File ${String(copy.fileId)} is in the trash: merge ${String(copy.mergeId)} merged it.`,
    );
  }

  async function repoint(
    files: readonly LibraryFile[],
    options: Omit<PerformedMerge, 'fileIds'> & {
      pairs: readonly DuplicatePair[];
      hashes: ReadonlyMap<number, string>;
    },
  ): Promise<{ merge: Merge; mergeId: number }> {
    const { approve, batchId, hashes, keepId, userId } = options;
    return strapi.db.transaction(async ({ trx }) => {
      const tables = createDatabaseTables(strapi, trx);
      await holdUnchanged(tables, files);
      await refuseTrashed(files);
      const merge = await mergeUses(tables, files, {
        keepId,
        pairs: options.pairs,
        isWriting: true,
      });
      approve?.(createReport(merge, obstaclesOf(merge), { trashDays, mergeId: null }));
      const { keep, copies, carriedOver } = merge;
      const copiesUpdatedAt = await markMerged(tables, copies, new Date(clock.now()));
      const before = await readKeptMetadata(strapi, keep.id);
      await writeCarriedOver(strapi, { keepId: keep.id, carriedOver, userId });
      const after = await readKeptMetadata(strapi, keep.id);
      const mergeId = await record(merge, {
        batchId: batchId ?? null,
        userId: userId ?? null,
        hashes,
        kept: isCarrying(carriedOver) ? { before, after } : null,
        copiesUpdatedAt,
      });
      return { merge, mergeId };
    });
  }

  async function record(
    merge: Merge,
    options: {
      batchId: number | null;
      userId: number | null;
      hashes: ReadonlyMap<number, string>;
      kept: Parameters<typeof journal.record>[0]['changes']['kept'];
      copiesUpdatedAt: Date;
    },
  ): Promise<number> {
    const { keep, copies, changes: fields, uses } = merge;
    const { batchId, kept, copiesUpdatedAt, hashes, userId } = options;
    const obstacles = obstaclesOf(merge);
    const leaving = copies.map(({ id }) => id).filter((id) => !obstacles.has(id));
    const found = await pairs.pairsTouching({ fileIds: leaving, limit: ALL_PAIRS });
    if (trashDays > 0) {
      for (const removedId of leaving) {
        await pairs.markMerged({ keptId: keep.id, removedId, userId });
      }
      await pairs.removeFiles(leaving);
    }
    const mergedAt = new Date(clock.now());
    return journal.record({
      batchId,
      kept: keep,
      movedUses: uses.filter((use) => use.fileId !== keep.id && isMoved(use)).length,
      userId,
      mergedAt,
      emptiesAt: new Date(mergedAt.getTime() + trashDays * DAY_MS),
      changes: {
        fields,
        kept,
        copiesUpdatedAt,
        pairs: found.filter(({ status }) => status !== 'merged'),
      },
      copies: copies.map((file) => ({
        file,
        contentHash: hashes.get(file.id) ?? null,
        state: obstacles.has(file.id) ? 'left' : 'trashed',
        reason: obstacles.has(file.id) ? 'unchangeable-uses' : null,
      })),
    });
  }

  async function remove(
    copies: readonly JournaledCopy[],
    options: { isAtOnce: boolean; signal?: AbortSignal },
  ): Promise<Removal> {
    const merges = new Map<number, { keptId: number; userId: number | null }>();
    for (const mergeId of new Set(copies.map((copy) => copy.mergeId))) {
      const { keptId, mergedBy: userId } = await requireMerge(journal, mergeId);
      merges.set(mergeId, { keptId, userId });
    }
    const removal = await removeCopies(strapi, copies, {
      ...options,
      keptIds: new Map([...merges].map(([mergeId, { keptId }]) => [mergeId, keptId])),
      journal,
      deadlineMs: storageDeadlineMs,
      onRemoval: async ({ fileId, mergeId }) => {
        const merge = merges.get(mergeId);
        if (merge) await pairs.markMerged({ ...merge, removedId: fileId });
      },
      onReturn,
      logger,
    });
    for (const mergeId of merges.keys()) await journal.prune(mergeId);
    return removal;
  }

  async function merge({ fileIds, ...request }: PerformedMerge): Promise<MergeReport> {
    const files = await loadSized(strapi, traces, fileIds);
    const missing = missingAmong(fileIds, files);
    if (missing.length > 0) throw conflict(`${list(missing)} is no longer in the library.`);
    // Before the transaction, which on SQLite has the only connection.
    const known = await pairsAmong(pairs, fileIds);
    const traced = await traces.get(fileIds);
    const hashes = new Map(traced.map(({ fileId, contentHash }) => [fileId, contentHash]));
    const { merge: merged, mergeId } = await repoint(files, {
      ...request,
      hashes,
      pairs: known,
    }).catch((error: unknown) => {
      throw isLockFailure(error)
        ? conflict('Someone else is saving an entry that uses it.', error)
        : error;
    });
    if (isCarrying(merged.carriedOver)) {
      void announceUpdate(strapi, { keepId: merged.keep.id, logger });
    }
    const obstacles = obstaclesOf(merged);
    const copies = (await journal.copiesOf([mergeId])).filter(({ state }) => state === 'trashed');
    onLeave(copies.map(({ fileId }) => fileId));
    if (trashDays > 0) return createReport(merged, obstacles, { trashDays, mergeId });
    const { kept } = await remove(copies, { isAtOnce: true });
    const left = [...kept].map(([fileId, reason]) => [fileId, describeObstacle(reason)] as const);
    return createReport(merged, new Map([...obstacles, ...left]), { trashDays, mergeId: null });
  }

  return {
    async plan({ fileIds, keepId }) {
      refuseForeignKeep(fileIds, keepId);
      const files = await loadSized(strapi, traces, fileIds);
      const [missing] = missingAmong(fileIds, files);
      if (missing !== undefined) {
        throw new ImageSearchError({
          code: 'file-not-found',
          message: `File ${String(missing)} not found.`,
          retryable: false,
        });
      }
      await refuseTrashed(files);
      const tables = createDatabaseTables(strapi);
      const planned = await mergeUses(tables, files, {
        keepId,
        pairs: await pairsAmong(pairs, fileIds),
        isWriting: false,
      });
      return createReport(planned, obstaclesOf(planned), { trashDays, mergeId: null });
    },

    async planEach(groups) {
      const all = await loadSized(strapi, traces, [...new Set(groups.flat())]);
      const trashed = await journal.trashed(all.map(({ id }) => id));
      const isLeaving = (file: LibraryFile): boolean =>
        trashed.some((copy) => copy.fileId === file.id && copy.fileDocumentId === file.documentId);
      const tables = createDatabaseTables(strapi);
      const uses = await findUses(tables, all);
      const plans: (GroupPlan | null)[] = [];
      for (const fileIds of groups) {
        const files = fileIds.flatMap((id) => all.find((file) => file.id === id) ?? []);
        if (files.length < fileIds.length || files.some(isLeaving)) {
          plans.push(null);
          continue;
        }
        const planned = await mergeUses(tables, files, {
          keepId: undefined,
          pairs: await pairsAmong(pairs, fileIds),
          isWriting: false,
          uses: usesAmong(uses, fileIds),
        });
        const report = createReport(planned, obstaclesOf(planned), { trashDays, mergeId: null });
        plans.push({ report, entries: changedEntries(planned) });
      }
      return plans;
    },

    async perform(request) {
      const { fileIds, keepId } = request;
      refuseForeignKeep(fileIds, keepId);
      if (strapi.db.inTransaction()) {
        throw new Error('A merge opens its own transactions and cannot run inside another one.');
      }
      const busy = fileIds.filter((id) => underWay.has(id));
      if (busy.length > 0) throw conflict(`${list(busy)} is already being merged.`);
      for (const id of fileIds) underWay.add(id);
      try {
        return await merge(request);
      } finally {
        for (const id of fileIds) underWay.delete(id);
      }
    },

    async undo({ mergeId, userId }) {
      const now = new Date(clock.now());
      const { returned, keptId } = await undoMerge(strapi, {
        mergeId,
        userId,
        journal,
        pairs,
        now,
      }).catch((error: unknown) => {
        if (!isLockFailure(error)) throw error;
        throw new ImageSearchError({
          code: 'conflict',
          conflict: 'entry-locked',
          message:
            'Someone else is saving an entry that uses one of the files. Nothing was undone; try again.',
          retryable: true,
          cause: error,
        });
      });
      onReturn(returned);
      if (keptId !== null) void announceUpdate(strapi, { keepId: keptId, logger });
    },

    async empty(mergeId) {
      await requireMerge(journal, mergeId);
      const copies = await journal.copiesOf([mergeId]);
      await remove(copies.filter(isInTrash), { isAtOnce: false });
    },

    async hasDue() {
      return (await journal.due(new Date(clock.now()), { limit: 1 })).length > 0;
    },

    async emptyDue(signal) {
      const now = new Date(clock.now());
      let count = 0;
      let afterId: number | undefined = 0;
      while (afterId !== undefined && !signal.aborted) {
        const copies = await journal.due(now, { limit: BATCH, afterId });
        const { deletedCount, isStorageDown } = await remove(copies, { isAtOnce: false, signal });
        count += deletedCount;
        afterId = isStorageDown ? undefined : copies.at(-1)?.id;
      }
      if (count > 0) logger.info(`Emptied the trash of duplicates: ${String(count)} file(s).`);
    },
  };
}

function changedEntries({ keep, uses }: Merge): string[] {
  const moved = uses.filter((use) => use.fileId !== keep.id && isMoved(use));
  return moved.map(
    ({ contentType, documentId, entryId }) => `${contentType.uid} ${documentId ?? String(entryId)}`,
  );
}

function isInTrash({ state }: JournaledCopy): boolean {
  return TRASH.includes(state);
}

function refuseForeignKeep(fileIds: readonly number[], keepId: number | undefined): void {
  if (keepId === undefined || fileIds.includes(keepId)) return;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `keepId: file ${String(keepId)} must be one of "fileIds".`,
    retryable: false,
  });
}

/** Files with the size that their images were indexed with where Strapi has none; null if it isn't known either. */
async function loadSized(
  strapi: Core.Strapi,
  traces: Pick<ImageTraces, 'get'>,
  fileIds: readonly number[],
): Promise<LibraryFile[]> {
  const files = await loadFiles(strapi, fileIds);
  const unsized = files.filter(({ width, height }) => !width || !height).map(({ id }) => id);
  if (unsized.length === 0) return files;
  const known = new Map((await traces.get(unsized)).map((trace) => [trace.fileId, trace]));
  return files.map((file) => {
    const trace = unsized.includes(file.id) ? known.get(file.id) : undefined;
    return trace ? { ...file, width: trace.width, height: trace.height } : file;
  });
}

/** More pairs than this touch the files of a merge only if most aren't among them. */
const MOST_PAIRS = 10_000;

/** What is known about these files among each other. */
async function pairsAmong(
  pairs: Pick<DuplicatePairs, 'pairsTouching'>,
  fileIds: readonly number[],
): Promise<DuplicatePair[]> {
  const touching = await pairs.pairsTouching({ fileIds, limit: MOST_PAIRS });
  return touching.filter(
    ({ fileA, fileB, status }) =>
      status !== 'merged' && fileIds.includes(fileA) && fileIds.includes(fileB),
  );
}

/** Fails if a file was merged, replaced or edited since its row was read. */
async function holdUnchanged(tables: DatabaseTables, files: readonly LibraryFile[]): Promise<void> {
  const ids = files.map(({ id }) => id);
  await holdFiles(tables, ids);
  const now = new Map((await loadFiles(tables.strapi, ids)).map((file) => [file.id, file]));
  const changed = files.filter(
    ({ id, updatedAt }) => now.get(id)?.updatedAt.getTime() !== updatedAt.getTime(),
  );
  if (changed.length > 0) {
    throw conflict(`${list(changed.map(({ id }) => id))} was changed or merged in the meantime.`);
  }
}

/** So that another merge waiting for these rows notices; see `holdUnchanged`. Returns the copies' new date. */
async function markMerged(
  tables: DatabaseTables,
  copies: readonly LibraryFile[],
  now: Date,
): Promise<Date> {
  const latest = Math.max(...copies.map(({ updatedAt }) => updatedAt.getTime()));
  const updatedAt = new Date(Math.max(now.getTime(), latest + 1));
  await tables
    .table(tables.tableOf(FILE_UID))
    .whereIn(
      'id',
      copies.map(({ id }) => id),
    )
    .update({ [tables.columnOf(FILE_UID, 'updatedAt')]: updatedAt });
  return updatedAt;
}

function missingAmong(fileIds: readonly number[], files: readonly LibraryFile[]): number[] {
  return fileIds.filter((id) => !files.some((file) => file.id === id));
}

function list(fileIds: readonly number[]): string {
  return `File ${fileIds.map(String).join(', ')}`;
}

function conflict(reason: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: `${reason} Nothing was merged; reload and review the files again.`,
    retryable: false,
    cause,
  });
}

function isLockFailure(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' && LOCK_FAILURES.some((failure) => code.startsWith(failure));
}
