import PQueue, { TimeoutError } from 'p-queue';
import type { Core } from '@strapi/strapi';
import type { CopyReason } from '../../../plugin/src/contracts/merging';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import { retryConflicts } from '../repositories/row-locks';
import { createDatabaseTables } from '../usage/database-tables';
import { loadFiles, namesOf, type LibraryFile } from '../usage/library-files';
import { readRelationRows } from '../usage/relations';
import { locateUses, readUses, toRawUse } from '../usage/usage';
import { holdFiles } from './held-files';
import { TRASH, type JournaledCopy, type MergeJournal } from './journal';

interface UploadService {
  /** Deletes a file from storage, then its row; lifecycle hooks and listeners run. */
  remove(file: unknown): Promise<unknown>;
}

type Obstacle = Exclude<CopyReason, 'unchangeable-uses' | 'deleted-by-hand'>;

const sentences: Record<Obstacle, string> = {
  'used-again': 'It was used again after the merge.',
  'used-without-file':
    'It was used again, but its file was deleted from storage or is being deleted. Replace it in the Media Library.',
  replaced: 'It was replaced after the merge.',
  'not-deleted':
    "It is no longer used, but storage couldn't delete it. See the log, then delete it in the Media Library.",
  unanswered:
    "It is no longer used, but storage didn't respond in time. Delete it in the Media Library once storage is available.",
  'not-asked':
    "It is no longer used, but storage didn't respond in time for another file. Delete it in the Media Library once storage is available.",
  'entry-left':
    'It is no longer used and was deleted from storage, but not from the Media Library. See the log, then delete it there.',
};

/** Why a merge without a trash left a copy in the library; the message is in English. */
export function describeObstacle(code: Obstacle): { code: Obstacle; message: string } {
  return { code, message: sentences[code] };
}

export interface Removal {
  /** Why a copy was not deleted, by file id; copies that left the trash in the meantime are not mentioned. */
  kept: Map<number, Obstacle>;
  /** Without those that were deleted in the Media Library or by another process. */
  deletedCount: number;
  /** Storage didn't respond in time; the remaining copies were not tried. */
  isStorageDown: boolean;
}

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
  /** No further copy is touched once it is aborted. */
  signal?: AbortSignal;
}

/**
 * Deletes copies in the trash through the upload service. Each is checked once more first: one that has been used or
 * replaced since the merge returns to the library. Before storage is asked, the journal says that the copy is being
 * deleted, so that after a crash the next call finishes, and no undo brings back a file without bytes.
 */
export async function removeCopies(
  strapi: Core.Strapi,
  copies: readonly JournaledCopy[],
  options: RemovalOptions,
): Promise<Removal> {
  const { journal, signal } = options;
  const removal: Removal = { kept: new Map(), deletedCount: 0, isStorageDown: false };
  const files = await loadFiles(
    strapi,
    copies.map(({ fileId }) => fileId),
  );
  const usedAgain = await findUsed(strapi, files);
  for (const copy of copies) {
    if (signal?.aborted) break;
    const file = files.find(({ id }) => id === copy.fileId);
    if (!file || file.documentId !== copy.fileDocumentId) {
      const reason = reasonOfGone(copy);
      const isNews = await journal.setState(copy.id, { from: TRASH, to: 'deleted', reason });
      if (isNews && reason === null) removal.deletedCount += 1;
      continue;
    }
    const isIntact = copy.state === 'trashed';
    let attempt: Attempt = { isIntact, outcome: 'not-asked' };
    if (usedAgain.has(file.id)) attempt = { isIntact, outcome: 'used-again' };
    else if (isReplaced(file, copy)) attempt = { isIntact, outcome: 'replaced' };
    else if (!removal.isStorageDown) attempt = await tryRemoval(strapi, copy, options);
    const { outcome } = attempt;
    if (outcome === 'deleted') removal.deletedCount += 1;
    else if (outcome !== 'gone') {
      removal.kept.set(copy.fileId, await keep(copy, { ...attempt, outcome }, options));
    }
    removal.isStorageDown ||= outcome === 'unanswered';
  }
  return removal;
}

/** Why a copy is no longer in the library; null if storage had been asked, and has answered late. */
export function reasonOfGone({ state }: Pick<JournaledCopy, 'state'>): CopyReason | null {
  return state === 'emptying' ? null : 'deleted-by-hand';
}

interface Attempt<Outcome = Obstacle | 'deleted' | 'gone'> {
  /** Whether storage still has all that it had before. */
  isIntact: boolean;
  /** `gone`: the copy left the trash in the meantime. */
  outcome: Outcome;
}

/** Journals why a copy is kept, and where. Returns the reason. */
async function keep(
  copy: JournaledCopy,
  { isIntact, outcome }: Attempt<Obstacle>,
  { isAtOnce, journal, onReturn }: RemovalOptions,
): Promise<Obstacle> {
  const reason = outcome === 'used-again' && !isIntact ? 'used-without-file' : outcome;
  if (isAtOnce || outcome === 'used-again' || outcome === 'replaced') {
    const isReturning = await journal.setState(copy.id, { from: TRASH, to: 'left', reason });
    if (isReturning) onReturn([copy.fileId]);
  } else if (outcome !== 'not-asked') {
    const to = isIntact ? 'trashed' : 'emptying';
    await journal.setState(copy.id, { from: ['emptying'], to, reason });
  }
  return reason;
}

async function tryRemoval(
  strapi: Core.Strapi,
  copy: JournaledCopy,
  options: RemovalOptions,
): Promise<Attempt> {
  const { journal } = options;
  const marked = { to: 'emptying', reason: copy.reason } as const;
  const bytes: StoredBytes = { original: 'stored', all: 'stored' };
  if (!(await journal.setState(copy.id, { from: ['trashed'], ...marked }))) {
    // Someone asked storage before, and doesn't know what it did.
    bytes.original = 'unknown';
    const isMarked = await journal.setState(copy.id, { from: ['emptying'], ...marked });
    if (!isMarked) return { isIntact: false, outcome: 'gone' };
  }
  try {
    const outcome = await retryConflicts(strapi, () => removeCopy(strapi, copy, options, bytes));
    return { isIntact: bytes.original === 'stored', outcome };
  } catch (error) {
    const outcome = failureOf(error, bytes);
    const isIntact = outcome === 'not-deleted' && bytes.original === 'stored';
    logFailure(copy, { outcome, error, logger: options.logger });
    return { isIntact, outcome };
  }
}

function failureOf(error: unknown, { all }: StoredBytes): FailedOutcome {
  if (error instanceof TimeoutError) return 'unanswered';
  return all === 'stored' ? 'not-deleted' : 'entry-left';
}

type FailedOutcome = 'unanswered' | 'not-deleted' | 'entry-left';

/** A copy is tried again and again; what fails for the same reason as before is logged for debugging. */
function logFailure(
  { fileId, reason }: JournaledCopy,
  { error, logger, outcome }: { error: unknown; logger: Logger; outcome: FailedOutcome },
): void {
  const level = reason === outcome ? 'debug' : 'warn';
  if (outcome === 'unanswered') {
    logger[level](
      `Storage didn't delete file ${String(fileId)} in time; the remaining merged copies were kept.`,
    );
    return;
  }
  const left =
    outcome === 'not-deleted'
      ? "couldn't be deleted"
      : 'was deleted from storage only, not from the Media Library';
  logger[level](
    `File ${String(fileId)} was merged, but ${left}: ${(error as Error).message}. It is no longer used.`,
  );
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

/** What is known of a file's bytes in storage, and of those of its formats. */
interface StoredBytes {
  original: 'stored' | 'deleted' | 'unknown';
  all: 'stored' | 'deleted';
}

/**
 * Locks the file's row: a field that is assigned this file waits, then finds it gone. Safe to retry after a deadlock,
 * because storage accepts deleting a missing file.
 *
 * @param bytes is told of what storage deletes
 */
async function removeCopy(
  strapi: Core.Strapi,
  copy: JournaledCopy,
  options: RemovalOptions,
  bytes: StoredBytes,
): Promise<'deleted' | 'gone' | 'used-again'> {
  const { deadlineMs, isAtOnce, journal, keptIds, onRemoval } = options;
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
      if ((await readRelationRows(tables, [fileId])).length > 0) return 'used-again';
      const file = (await strapi.db.query(FILE_UID).findOne({ where: { id: fileId } })) as object;
      const upload = strapi.plugin('upload').service<UploadService>('upload');
      const watched = watchOriginal(file, () => {
        bytes.original = 'deleted';
      });
      await new PQueue({ timeout: deadlineMs }).add(() => upload.remove(watched));
      bytes.original = 'deleted';
      bytes.all = 'deleted';
    }
    const isRemoved = await journal.setState(copy.id, { from: TRASH, to: 'deleted' });
    // Last, because storage may be slow, and writers of pairs would wait for this lock.
    await onRemoval(copy);
    return isRemoved ? 'deleted' : 'gone';
  });
}

/** The upload service reads a file's formats once storage has deleted the original: whatever fails then, it is gone. */
function watchOriginal(file: object, onDeletion: () => void): object {
  const { formats } = file as { formats?: unknown };
  return Object.defineProperty({ ...file }, 'formats', {
    enumerable: true,
    get: () => {
      onDeletion();
      return formats;
    },
  });
}
