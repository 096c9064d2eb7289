import type { Core } from '@strapi/strapi';
import type { MergeReport } from '../../../plugin/src/contracts/merging';
import type { DuplicatePairs } from '../../../plugin/src/duplicates/contract';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import { createDatabaseTables, type DatabaseTables } from '../usage/database-tables';
import { loadFiles, type LibraryFile } from '../usage/library-files';
import { removeCopies } from './copy-removal';
import { holdFiles } from './held-files';
import { mergeUses, type Merge } from './merge-steps';
import { announceUpdate, isCarrying, writeCarriedOver } from './metadata';
import { createReport, obstaclesOf } from './report';

export interface MergeRequest {
  /** At least two different files, the one to keep among them. */
  fileIds: readonly number[];
  /** The file to keep; without it the one that is suggested. */
  keepId?: number | undefined;
}

/** Merging of files that show the same into one of them. Who may ask is checked by `checkMergePermission`. */
export interface FileMerging {
  /**
   * What `perform` would do now; writes nothing. Fails with `file-not-found` for a file that is not there, with
   * `invalid-input` for a file to keep that is not among the files.
   */
  plan(request: MergeRequest): Promise<MergeReport>;
  /**
   * Makes every place that uses a copy use the kept file, all or nothing, then deletes the copies. A copy with a use
   * that cannot be changed stays in the library, with that use. Fails with `conflict`, and has written nothing then,
   * when one of the files is gone, was changed, or is being merged by somebody else.
   *
   * Neither hooks, events nor webhooks of the entries fire, and neither their dates nor their publication states
   * change. Those of files do: `media.update` for the kept one if it took something over, `media.delete` for copies.
   */
  perform(request: MergeRequest & { userId?: number | undefined }): Promise<MergeReport>;
}

/** How databases say that somebody else's transaction stood in the way: PostgreSQL, MySQL, SQLite. */
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
  /** Where it is noted who merged what. */
  pairs: Pick<DuplicatePairs, 'markMerged'>;
  logger: Logger;
  /** Longest that the storage may take to delete one file, in milliseconds. */
  storageDeadlineMs?: number;
}

const STORAGE_DEADLINE_MS = 30_000;

export function createFileMerging({
  strapi,
  pairs,
  logger,
  storageDeadlineMs = STORAGE_DEADLINE_MS,
}: FileMergingOptions): FileMerging {
  /** Files of merges that this process is at; other processes are kept apart by the database. */
  const underWay = new Set<number>();

  async function repoint(
    files: readonly LibraryFile[],
    { keepId, userId }: { keepId: number | undefined; userId: number | undefined },
  ): Promise<Merge> {
    return strapi.db.transaction(async ({ trx }) => {
      const tables = createDatabaseTables(strapi, trx);
      await holdUnchanged(tables, files);
      const merge = await mergeUses(tables, files, { keepId, isWriting: true });
      const { keep, carriedOver } = merge;
      await markMerged(tables, merge.copies);
      await writeCarriedOver(strapi, { keepId: keep.id, carriedOver, userId });
      return merge;
    });
  }

  async function merge({
    fileIds,
    keepId,
    userId,
  }: Parameters<FileMerging['perform']>[0]): Promise<MergeReport> {
    const files = await loadFiles(strapi, fileIds);
    const missing = missingAmong(fileIds, files);
    if (missing.length > 0) throw conflict(`${list(missing)} is no longer in the library.`);
    const merged = await repoint(files, { keepId, userId }).catch((error: unknown) => {
      throw isLockFailure(error) ? conflict('Somebody else is saving what uses it.', error) : error;
    });
    if (isCarrying(merged.carriedOver)) {
      void announceUpdate(strapi, { keepId: merged.keep.id, logger });
    }
    const obstacles = obstaclesOf(merged);
    const copyIds = merged.copies.map(({ id }) => id).filter((id) => !obstacles.has(id));
    const keptId = merged.keep.id;
    const left = await removeCopies(strapi, {
      ...{ keepId: keptId, copyIds, logger, deadlineMs: storageDeadlineMs },
      onRemoval: (copyId) =>
        pairs.markMerged({ keptId, removedId: copyId, userId: userId ?? null }),
    });
    return createReport(merged, new Map([...obstacles, ...left]));
  }

  return {
    async plan({ fileIds, keepId }) {
      refuseForeignKeep(fileIds, keepId);
      const files = await loadFiles(strapi, fileIds);
      const [missing] = missingAmong(fileIds, files);
      if (missing !== undefined) {
        throw new ImageSearchError({
          code: 'file-not-found',
          message: `There is no file ${String(missing)}.`,
          retryable: false,
        });
      }
      const tables = createDatabaseTables(strapi);
      const planned = await mergeUses(tables, files, { keepId, isWriting: false });
      return createReport(planned, obstaclesOf(planned));
    },

    async perform(request) {
      const { fileIds, keepId } = request;
      refuseForeignKeep(fileIds, keepId);
      if (strapi.db.inTransaction()) {
        throw new Error('A merge has transactions of its own and belongs into no other.');
      }
      const busy = fileIds.filter((id) => underWay.has(id));
      if (busy.length > 0) throw conflict(`${list(busy)} is being merged right now.`);
      for (const id of fileIds) underWay.add(id);
      try {
        return await merge(request);
      } finally {
        for (const id of fileIds) underWay.delete(id);
      }
    },
  };
}

function refuseForeignKeep(fileIds: readonly number[], keepId: number | undefined): void {
  if (keepId === undefined || fileIds.includes(keepId)) return;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `keepId: file ${String(keepId)} must be one of "fileIds".`,
    retryable: false,
  });
}

/** Another merge, a replacement or an edit since these rows were read would make this one about other files. */
async function holdUnchanged(tables: DatabaseTables, files: readonly LibraryFile[]): Promise<void> {
  const ids = files.map(({ id }) => id);
  await holdFiles(tables, ids);
  const now = new Map((await loadFiles(tables.strapi, ids)).map((file) => [file.id, file]));
  const changed = files.filter(
    ({ id, updatedAt }) => now.get(id)?.updatedAt.getTime() !== updatedAt.getTime(),
  );
  if (changed.length > 0) {
    throw conflict(`${list(changed.map(({ id }) => id))} was changed or merged meanwhile.`);
  }
}

/** So that whoever waits for these rows to merge them as well notices; see `holdUnchanged`. */
async function markMerged(tables: DatabaseTables, copies: readonly LibraryFile[]): Promise<void> {
  const latest = Math.max(...copies.map(({ updatedAt }) => updatedAt.getTime()));
  await tables
    .table(tables.tableOf(FILE_UID))
    .whereIn(
      'id',
      copies.map(({ id }) => id),
    )
    .update({
      [tables.columnOf(FILE_UID, 'updatedAt')]: new Date(Math.max(Date.now(), latest + 1)),
    });
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
    message: `${reason} Nothing was merged; look at the files again.`,
    retryable: false,
    cause,
  });
}

function isLockFailure(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' && LOCK_FAILURES.some((failure) => code.startsWith(failure));
}
