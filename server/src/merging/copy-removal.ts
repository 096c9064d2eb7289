import PQueue, { TimeoutError } from 'p-queue';
import type { Core } from '@strapi/strapi';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import { retryConflicts } from '../repositories/row-locks';
import { createDatabaseTables } from '../usage/database-tables';
import { loadFiles, namesOf, type LibraryFile } from '../usage/library-files';
import { readRelationRows } from '../usage/relations';
import { locateUses, readUses, toRawUse } from '../usage/usage';
import { holdFiles } from './held-files';
import type { JournaledCopy, MergeJournal } from './journal';

interface UploadService {
  /** Deletes a file from storage, then its row; lifecycle hooks and listeners run. */
  remove(file: unknown): Promise<unknown>;
}

const USED_AGAIN = 'It was used again after the merge.';
const REPLACED = 'It was replaced after the merge.';
const DELETED_BY_HAND = 'It was deleted in the Media Library.';
const NOT_DELETED =
  "It is no longer used, but storage couldn't delete it. See the log, then delete it in the Media Library.";
const ENTRY_LEFT =
  'It is no longer used and was deleted from storage, but not from the Media Library. See the log, then delete it there.';
const UNANSWERED =
  "It is no longer used, but storage didn't respond in time. Delete it in the Media Library once storage is available.";

export interface RemovalOptions {
  /** The kept file of each copy's merge, by merge id. */
  keptIds: ReadonlyMap<number, number>;
  journal: MergeJournal;
  /** Time limit for storage, per file: on SQLite, which has one connection, everything else waits. */
  deadlineMs: number;
  /**
   * The copies have just been merged, and there is no trash: they are deleted only while the kept file exists, and
   * those that can't be deleted return to the library. Otherwise they stay in the trash, and are tried again.
   */
  isAtOnce: boolean;
  /** Called for each deleted copy at the end of the transaction that deletes its row. */
  onRemoval: (copy: JournaledCopy) => Promise<void>;
  /** Called with the copies that are back in the library. */
  onReturn: (fileIds: readonly number[]) => void;
  logger: Logger;
}

/**
 * Deletes copies in the trash through the upload service. Each is checked once more first: one that has been used or
 * replaced since the merge returns to the library. Before storage is asked, the journal says that the copy is being
 * deleted, so that after a crash the next call finishes, and no undo brings back a file without bytes.
 *
 * @returns why a copy was not deleted, by file id; copies that left the trash in the meantime are not mentioned
 */
export async function removeCopies(
  strapi: Core.Strapi,
  copies: readonly JournaledCopy[],
  options: RemovalOptions,
): Promise<Map<number, string>> {
  const { isAtOnce, journal, logger, onReturn } = options;
  const obstacles = new Map<number, string>();
  const files = await loadFiles(
    strapi,
    copies.map(({ fileId }) => fileId),
  );
  const usedAgain = await findUsed(strapi, files);
  const release = async (copy: JournaledCopy, reason: string): Promise<void> => {
    obstacles.set(copy.fileId, reason);
    const from = ['trashed', 'emptying'] as const;
    if (await journal.setState(copy.id, { from, to: 'left', reason })) onReturn([copy.fileId]);
  };
  const postpone = async (copy: JournaledCopy, reason: string): Promise<void> => {
    if (isAtOnce) return release(copy, reason);
    obstacles.set(copy.fileId, reason);
    await journal.setState(copy.id, { from: ['emptying'], to: 'emptying', reason });
  };
  for (const [index, copy] of copies.entries()) {
    const file = files.find(({ id }) => id === copy.fileId);
    if (!file || file.documentId !== copy.fileDocumentId) {
      const from = ['trashed', 'emptying'] as const;
      await journal.setState(copy.id, { from, to: 'deleted', reason: DELETED_BY_HAND });
      continue;
    }
    const reason = usedAgain.has(file.id) ? USED_AGAIN : isReplaced(file, copy) ? REPLACED : null;
    if (reason !== null) {
      await release(copy, reason);
      continue;
    }
    const from = ['trashed', 'emptying'] as const;
    if (!(await journal.setState(copy.id, { from, to: 'emptying' }))) continue;
    const bytes = { areStored: true };
    const onStorageDeletion = (): void => {
      bytes.areStored = false;
    };
    try {
      const isUsed = await retryConflicts(strapi, () =>
        removeCopy(strapi, copy, { ...options, onStorageDeletion }),
      );
      if (isUsed) await release(copy, USED_AGAIN);
    } catch (error) {
      if (error instanceof TimeoutError) {
        logger.warn(
          `Storage didn't delete file ${String(file.id)} in time; the remaining merged copies were kept.`,
        );
        for (const rest of copies.slice(index)) {
          if (usedAgain.has(rest.fileId)) await release(rest, USED_AGAIN);
          else await postpone(rest, UNANSWERED);
        }
        break;
      }
      const left = bytes.areStored
        ? "couldn't be deleted"
        : 'was deleted from storage only, not from the Media Library';
      logger.warn(
        `File ${String(file.id)} was merged, but ${left}: ${(error as Error).message}. It is no longer used.`,
      );
      await postpone(copy, bytes.areStored ? NOT_DELETED : ENTRY_LEFT);
    }
  }
  return obstacles;
}

async function findUsed(strapi: Core.Strapi, files: readonly LibraryFile[]): Promise<Set<number>> {
  const tables = createDatabaseTables(strapi);
  const { relations, others } = await readUses(tables, files.map(namesOf));
  const uses = await locateUses(tables, [...relations.map(toRawUse), ...others]);
  return new Set(uses.filter(({ certainty }) => certainty === 'sure').map(({ fileId }) => fileId));
}

/** Whether its bytes are other ones than those that were merged. */
function isReplaced(file: LibraryFile, { file: merged }: JournaledCopy): boolean {
  const facts = ['hash', 'mime', 'size', 'url', 'provider'] as const;
  if (facts.some((fact) => file[fact] !== merged[fact])) return true;
  // Strapi may know no size where the index does.
  const sides = ['width', 'height'] as const;
  return sides.some((side) => file[side] && merged[side] && file[side] !== merged[side]);
}

/**
 * Locks the file's row: a field that is assigned this file waits, then finds it gone. Safe to retry after a deadlock,
 * because storage accepts deleting a missing file.
 *
 * @returns whether it is used after all
 */
async function removeCopy(
  strapi: Core.Strapi,
  copy: JournaledCopy,
  options: RemovalOptions & {
    /** After this only the row is left. */
    onStorageDeletion: () => void;
  },
): Promise<boolean> {
  const { deadlineMs, isAtOnce, journal, keptIds, onRemoval, onStorageDeletion } = options;
  const { fileId } = copy;
  const keptId = keptIds.get(copy.mergeId) ?? 0;
  return strapi.db.transaction(async ({ trx }) => {
    const tables = createDatabaseTables(strapi, trx);
    const held = await holdFiles(tables, [fileId, keptId]);
    if (isAtOnce && !held.has(keptId)) {
      throw new ImageSearchError({
        code: 'conflict',
        message: `File ${String(keptId)}, which it was merged into, was deleted`,
        retryable: false,
      });
    }
    if (held.has(fileId)) {
      if ((await readRelationRows(tables, [fileId])).length > 0) return true;
      const file: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: fileId } });
      const upload = strapi.plugin('upload').service<UploadService>('upload');
      await new PQueue({ timeout: deadlineMs }).add(() => upload.remove(file));
      onStorageDeletion();
    }
    await journal.setState(copy.id, { from: ['emptying'], to: 'deleted' });
    // Last, because storage may be slow, and writers of pairs would wait for this lock.
    await onRemoval(copy);
    return false;
  });
}
