import PQueue, { TimeoutError } from 'p-queue';
import type { Core } from '@strapi/strapi';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import { retryConflicts } from '../repositories/row-locks';
import { createDatabaseTables } from '../usage/database-tables';
import { loadFiles, namesOf } from '../usage/library-files';
import { readRelationRows } from '../usage/relation-rows';
import { locateUses, readUses, toRawUse } from '../usage/usage';
import { holdFiles } from './held-files';

interface UploadService {
  /** Deletes what the provider stores of a file, then its row; hooks and listeners are told. */
  remove(file: unknown): Promise<unknown>;
}

const USED_AGAIN = 'It came to be used again while it was merged.';
const NOT_DELETED =
  'Nothing uses it any more, but the storage did not delete it. The log says why; delete it in the Media Library.';
const ENTRY_LEFT =
  'Nothing uses it any more and the storage deleted it, but its entry is left. The log says why; delete it in the Media Library.';

const UNANSWERED =
  'Nothing uses it any more, but the storage did not answer in time. Try to delete it in the Media Library once the storage is well.';

/**
 * Deletes copies that nothing uses any more through the upload service. Each is looked at once more before: what came
 * to be used since stays.
 *
 * @returns why copies stayed, by file id
 */
export async function removeCopies(
  strapi: Core.Strapi,
  options: {
    keepId: number;
    copyIds: readonly number[];
    /** Longest that the storage may take for one file: on SQLite, which has one connection, everybody waits for it. */
    deadlineMs: number;
    /** Told of each copy that was deleted, at the end of the transaction that deletes its row. */
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
          `The storage did not delete file ${String(id)} in time: merged copies are left.`,
        );
        for (const rest of copyIds.slice(index)) {
          obstacles.set(rest, usedAgain.has(rest) ? USED_AGAIN : UNANSWERED);
        }
        break;
      }
      const left = bytes.areStored ? 'not deleted' : 'its entry was not deleted with its bytes';
      logger.warn(
        `File ${String(id)} was merged, but ${left}: ${(error as Error).message}. Nothing uses it any more.`,
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
  return new Set(uses.map(({ fileId }) => fileId));
}

/**
 * Holds the file's row meanwhile: a field that is given this file now waits, and then finds that it is gone. May be done
 * again when the database gives it up: storages take the deletion of what they no longer have.
 */
async function removeCopy(
  strapi: Core.Strapi,
  options: {
    copyId: number;
    keepId: number;
    deadlineMs: number;
    /** From here on only its row can be kept. */
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
        message: `File ${String(keepId)}, for which it was merged, was deleted`,
        retryable: false,
      });
    }
    if (!held.has(copyId)) return null;
    if ((await readRelationRows(tables, [copyId])).length > 0) return USED_AGAIN;
    const file: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: copyId } });
    const upload = strapi.plugin('upload').service<UploadService>('upload');
    await new PQueue({ timeout: deadlineMs }).add(() => upload.remove(file));
    onStorageDeletion();
    // Last: the storage may take its time, and whoever writes pairs would wait for what this locks.
    await onRemoval(copyId);
    return null;
  });
}
