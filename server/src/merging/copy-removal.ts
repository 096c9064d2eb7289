import PQueue, { TimeoutError } from 'p-queue';
import type { Core } from '@strapi/strapi';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import { retryConflicts } from '../repositories/row-locks';
import { createDatabaseTables } from '../usage/database-tables';
import { loadFiles, namesOf } from '../usage/library-files';
import { readRelationRows } from '../usage/relations';
import { locateUses, readUses, toRawUse } from '../usage/usage';
import { holdFiles } from './held-files';

interface UploadService {
  /** Deletes a file from storage, then its row; lifecycle hooks and listeners run. */
  remove(file: unknown): Promise<unknown>;
}

const USED_AGAIN = 'It was used again during the merge.';
const NOT_DELETED =
  "It is no longer used, but storage couldn't delete it. See the log, then delete it in the Media Library.";
const ENTRY_LEFT =
  'It is no longer used and was deleted from storage, but not from the Media Library. See the log, then delete it there.';
const UNANSWERED =
  "It is no longer used, but storage didn't respond in time. Delete it in the Media Library once storage is available.";

/**
 * Deletes unused copies through the upload service. Each is checked once more first: a copy that has been used since
 * then stays.
 *
 * @returns why a copy was kept, by file id
 */
export async function removeCopies(
  strapi: Core.Strapi,
  options: {
    keepId: number;
    copyIds: readonly number[];
    /** Time limit for storage, per file: on SQLite, which has one connection, everything else waits. */
    deadlineMs: number;
    /** Called for each deleted copy at the end of the transaction that deletes its row. */
    onRemoval: (copyId: number) => Promise<void>;
    logger: Logger;
  },
): Promise<Map<number, string>> {
  const { copyIds, logger } = options;
  const obstacles = new Map<number, string>();
  const usedAgain = await findUsed(strapi, copyIds);
  for (const [index, id] of copyIds.entries()) {
    const bytes = { areStored: true };
    const removal = {
      ...options,
      copyId: id,
      onStorageDeletion: () => {
        bytes.areStored = false;
      },
    };
    try {
      const obstacle = usedAgain.has(id)
        ? USED_AGAIN
        : await retryConflicts(strapi, () => removeCopy(strapi, removal));
      if (obstacle !== null) obstacles.set(id, obstacle);
    } catch (error) {
      if (error instanceof TimeoutError) {
        logger.warn(
          `Storage didn't delete file ${String(id)} in time; the remaining merged copies were kept.`,
        );
        for (const rest of copyIds.slice(index)) {
          obstacles.set(rest, usedAgain.has(rest) ? USED_AGAIN : UNANSWERED);
        }
        break;
      }
      const left = bytes.areStored
        ? "couldn't be deleted"
        : 'was deleted from storage only, not from the Media Library';
      logger.warn(
        `File ${String(id)} was merged, but ${left}: ${(error as Error).message}. It is no longer used.`,
      );
      obstacles.set(id, bytes.areStored ? NOT_DELETED : ENTRY_LEFT);
    }
  }
  return obstacles;
}

async function findUsed(strapi: Core.Strapi, copyIds: readonly number[]): Promise<Set<number>> {
  const tables = createDatabaseTables(strapi);
  const files = await loadFiles(strapi, copyIds);
  const { relations, others } = await readUses(tables, files.map(namesOf));
  const uses = await locateUses(tables, [...relations.map(toRawUse), ...others]);
  return new Set(uses.filter(({ certainty }) => certainty === 'sure').map(({ fileId }) => fileId));
}

/**
 * Locks the file's row: a field that is assigned this file waits, then finds it gone. Safe to retry after a deadlock,
 * because storage accepts deleting a missing file.
 */
async function removeCopy(
  strapi: Core.Strapi,
  options: {
    copyId: number;
    keepId: number;
    deadlineMs: number;
    /** After this only the row is left. */
    onStorageDeletion: () => void;
    onRemoval: (copyId: number) => Promise<void>;
  },
): Promise<string | null> {
  const { copyId, deadlineMs, keepId, onRemoval, onStorageDeletion } = options;
  return strapi.db.transaction(async ({ trx }) => {
    const tables = createDatabaseTables(strapi, trx);
    const held = await holdFiles(tables, [copyId, keepId]);
    if (!held.has(keepId)) {
      throw new ImageSearchError({
        code: 'conflict',
        message: `File ${String(keepId)}, which it was merged into, was deleted`,
        retryable: false,
      });
    }
    if (!held.has(copyId)) return null;
    if ((await readRelationRows(tables, [copyId])).length > 0) return USED_AGAIN;
    const file: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: copyId } });
    const upload = strapi.plugin('upload').service<UploadService>('upload');
    await new PQueue({ timeout: deadlineMs }).add(() => upload.remove(file));
    onStorageDeletion();
    // Last, because storage may be slow, and writers of pairs would wait for this lock.
    await onRemoval(copyId);
    return null;
  });
}
