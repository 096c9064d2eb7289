import type { Core } from '@strapi/strapi';
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
import { removeCopies } from './copy-removal';
import { holdFiles } from './held-files';
import { mergeUses, type Merge } from './merge-steps';
import { announceUpdate, isCarrying, writeCarriedOver } from './metadata';
import { createReport, obstaclesOf } from './report';

export interface MergeRequest {
  /** At least two different files, including the one to keep. */
  fileIds: readonly number[];
  /** The file to keep; by default the suggested one. */
  keepId?: number | undefined;
}

/** Merges files that show the same image into one of them. `checkMergePermission` checks who may do so. */
export interface FileMerging {
  /**
   * What `perform` would do now; writes nothing.
   *
   * @throws ImageSearchError `file-not-found` for a missing file, `invalid-input` if the file to keep isn't one of them
   */
  plan(request: MergeRequest): Promise<MergeReport>;
  /**
   * Points every use of a copy to the kept file, all or nothing, then deletes the copies. A copy with a use that can't
   * be changed stays in the library, with that use.
   *
   * No hooks, events or webhooks of entries fire, and their dates and publication states don't change. Files fire
   * theirs: `media.update` for the kept one if it took something over, `media.delete` for copies.
   *
   * @throws ImageSearchError `conflict`, with nothing written, if a file is gone, was changed, or is being merged by
   * someone else
   */
  perform(request: MergeRequest & { userId?: number | undefined }): Promise<MergeReport>;
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
  /** Records who merged what. */
  pairs: Pick<DuplicatePairs, 'markMerged' | 'pairsTouching'>;
  /** Knows the size of images that Strapi stores without one, such as AVIF. */
  traces: Pick<ImageTraces, 'get'>;
  logger: Logger;
  /** Time limit for storage to delete one file, in milliseconds. */
  storageDeadlineMs?: number;
}

const STORAGE_DEADLINE_MS = 30_000;

export function createFileMerging({
  strapi,
  pairs,
  traces,
  logger,
  storageDeadlineMs = STORAGE_DEADLINE_MS,
}: FileMergingOptions): FileMerging {
  /** Files that this process is merging; the database keeps other processes apart. */
  const underWay = new Set<number>();

  async function repoint(
    files: readonly LibraryFile[],
    options: {
      keepId: number | undefined;
      userId: number | undefined;
      pairs: readonly DuplicatePair[];
    },
  ): Promise<Merge> {
    const { keepId, pairs, userId } = options;
    return strapi.db.transaction(async ({ trx }) => {
      const tables = createDatabaseTables(strapi, trx);
      await holdUnchanged(tables, files);
      const merge = await mergeUses(tables, files, { keepId, pairs, isWriting: true });
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
    const files = await loadSized(strapi, traces, fileIds);
    const missing = missingAmong(fileIds, files);
    if (missing.length > 0) throw conflict(`${list(missing)} is no longer in the library.`);
    const known = await pairsAmong(pairs, fileIds);
    const merged = await repoint(files, { keepId, userId, pairs: known }).catch(
      (error: unknown) => {
        throw isLockFailure(error)
          ? conflict('Someone else is saving an entry that uses it.', error)
          : error;
      },
    );
    if (isCarrying(merged.carriedOver)) {
      void announceUpdate(strapi, { keepId: merged.keep.id, logger });
    }
    const obstacles = obstaclesOf(merged);
    const copyIds = merged.copies.map(({ id }) => id).filter((id) => !obstacles.has(id));
    const keptId = merged.keep.id;
    const left = await removeCopies(strapi, {
      keepId: keptId,
      copyIds,
      logger,
      deadlineMs: storageDeadlineMs,
      onRemoval: (copyId) =>
        pairs.markMerged({ keptId, removedId: copyId, userId: userId ?? null }),
    });
    return createReport(merged, new Map([...obstacles, ...left]));
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
      const tables = createDatabaseTables(strapi);
      const planned = await mergeUses(tables, files, {
        keepId,
        pairs: await pairsAmong(pairs, fileIds),
        isWriting: false,
      });
      return createReport(planned, obstaclesOf(planned));
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

/** So that another merge waiting for these rows notices; see `holdUnchanged`. */
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
    message: `${reason} Nothing was merged; reload and review the files again.`,
    retryable: false,
    cause,
  });
}

function isLockFailure(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' && LOCK_FAILURES.some((failure) => code.startsWith(failure));
}
