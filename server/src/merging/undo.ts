import type { Core } from '@strapi/strapi';
import type { ConflictReason } from '../../../plugin/src/contracts/errors';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { DuplicatePairs } from '../../../plugin/src/duplicates/contract';
import { FILE_UID } from '../plugin-id';
import { retryConflicts } from '../repositories/row-locks';
import { createDatabaseTables, type DatabaseTables } from '../usage/database-tables';
import { loadFiles, type LibraryFile } from '../usage/library-files';
import { restoreFields } from './field-changes';
import { holdFiles } from './held-files';
import {
  isRecoverable,
  type JournaledCopy,
  type JournaledMerge,
  type MergeChanges,
  type MergeJournal,
} from './journal';
import { restoreMetadata } from './metadata';

export interface Undo {
  /** Files that are back in the library. */
  returned: number[];
  /** The kept file if its metadata changed. */
  keptId: number | null;
}

/**
 * Takes a merge back in one transaction: its copies leave the trash, and every field that still has the value that the
 * merge wrote gets its former one. Undoing twice does nothing.
 *
 * @throws ImageSearchError `merge-not-found`; `conflict`, with nothing changed, if no copy exists anymore, or if the kept
 * file has itself been merged since
 */
export async function undoMerge(
  strapi: Core.Strapi,
  options: {
    mergeId: number;
    userId: number | null;
    journal: MergeJournal;
    pairs: Pick<DuplicatePairs, 'restore'>;
    now: Date;
  },
): Promise<Undo> {
  return retryConflicts(strapi, () =>
    strapi.db.transaction(async ({ trx }) => {
      const tables = createDatabaseTables(strapi, trx);
      const { journal, mergeId } = options;
      const copies = await journal.copiesOf([mergeId]);
      const merge = await requireMerge(journal, mergeId);
      await holdFiles(tables, [merge.keptId, ...copies.map(({ fileId }) => fileId)]);
      // Read again under the lock: another undo may have come first.
      const { state } = await requireMerge(journal, mergeId);
      if (state === 'undone') return { returned: [], keptId: null };
      return takeBack(tables, { ...options, merge });
    }),
  );
}

async function takeBack(
  tables: DatabaseTables,
  {
    journal,
    merge,
    now,
    pairs,
    userId,
  }: Parameters<typeof undoMerge>[1] & { merge: JournaledMerge },
): Promise<Undo> {
  const { strapi } = tables;
  const copies = await journal.copiesOf([merge.id]);
  const files = await loadFiles(strapi, [merge.keptId, ...copies.map(({ fileId }) => fileId)]);
  const find = (id: number, documentId: string): LibraryFile | undefined =>
    files.find((file) => file.id === id && file.documentId === documentId);
  await refuseChain(journal, merge);
  const returned: number[] = [];
  const present: LibraryFile[] = [];
  const lost: JournaledCopy[] = [];
  for (const copy of copies) {
    const file = find(copy.fileId, copy.fileDocumentId);
    const isTaken =
      file !== undefined &&
      (await journal.setState(copy.id, { from: ['trashed'], to: 'restored' }));
    if (isTaken) returned.push(copy.fileId);
    if (file && (isTaken || (copy.state === 'left' && isRecoverable(copy)))) present.push(file);
    else lost.push(copy);
  }
  const changes = await journal.changesOf(merge.id);
  if (present.length === 0 || !changes) throw nothingLeft(merge, lost);
  const isKeptThere = find(merge.keptId, merge.keptDocumentId) !== undefined;
  const outcome = await restoreFields(tables, changes.fields, {
    keptId: merge.keptId,
    isKeptThere,
    present,
    lost: lost.map(({ file }) => file),
  });
  const isKeptChanged = isKeptThere && (await restoreMetadata(tables, merge.keptId, changes.kept));
  await restoreDates(tables, { present, copies, changes });
  const existing = new Set([
    ...present.map(({ id }) => id),
    ...(await othersInLibrary(strapi, journal, changes)),
  ]);
  await pairs.restore(
    changes.pairs.filter(({ fileA, fileB }) => existing.has(fileA) && existing.has(fileB)),
  );
  await journal.finishUndo(merge.id, { outcome, userId, undoneAt: now });
  return { returned, keptId: isKeptChanged ? merge.keptId : null };
}

/** @throws ImageSearchError `merge-not-found` */
export async function requireMerge(
  journal: MergeJournal,
  mergeId: number,
): Promise<JournaledMerge> {
  const merge = await journal.get(mergeId);
  if (merge) return merge;
  throw new ImageSearchError({
    code: 'merge-not-found',
    message: `Merge ${String(mergeId)} not found.`,
    retryable: false,
  });
}

/** The fields that had the kept file have that of the later merge now. */
async function refuseChain(journal: MergeJournal, merge: JournaledMerge): Promise<void> {
  const [later] = await journal.trashed([merge.keptId]);
  if (later?.fileDocumentId !== merge.keptDocumentId) return;
  const into = (await journal.get(later.mergeId))?.keptName;
  const target = into === undefined ? '' : ` into “${into}”`;
  throw conflict(
    'kept-merged',
    `“${merge.keptName}” (${String(merge.keptId)}), the kept file, was itself merged${target} by merge ${String(later.mergeId)}. Undo that one first.`,
  );
}

function nothingLeft({ id }: JournaledMerge, lost: readonly JournaledCopy[]): ImageSearchError {
  const names = lost.map(({ file, fileId, state }) => {
    const name = `“${file.name}” (${String(fileId)})`;
    return state === 'emptying' ? `${name}, which is being deleted` : name;
  });
  return conflict(
    'copies-gone',
    `Merge ${String(id)} can't be undone, because its copies are gone: ${names.join('; ')}.`,
  );
}

function conflict(conflict: ConflictReason, message: string): ImageSearchError {
  return new ImageSearchError({ code: 'conflict', conflict, message, retryable: false });
}

/** Files of removed pairs other than the copies that are still in the library. */
async function othersInLibrary(
  strapi: Core.Strapi,
  journal: MergeJournal,
  { pairs }: MergeChanges,
): Promise<number[]> {
  const ids = [...new Set(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]))];
  const existing = (await loadFiles(strapi, ids)).map(({ id }) => id);
  const trashed = new Set((await journal.trashed(existing)).map(({ fileId }) => fileId));
  return existing.filter((id) => !trashed.has(id));
}

/** Gives copies that nobody edited since the merge their former date. */
async function restoreDates(
  tables: DatabaseTables,
  options: {
    present: readonly LibraryFile[];
    copies: readonly JournaledCopy[];
    changes: MergeChanges;
  },
): Promise<void> {
  const { changes, copies, present } = options;
  for (const { id, updatedAt } of present) {
    const before = copies.find(({ fileId }) => fileId === id)?.file.updatedAt;
    if (!before || updatedAt.getTime() !== changes.copiesUpdatedAt.getTime()) continue;
    await tables
      .table(tables.tableOf(FILE_UID))
      .where({ id })
      .update({ [tables.columnOf(FILE_UID, 'updatedAt')]: before });
  }
}
