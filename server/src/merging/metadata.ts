import type { Core } from '@strapi/strapi';
import { sanitize } from '@strapi/utils';
import { z } from 'zod';
import type { MergeReport } from '../../../plugin/src/contracts/merging';
import type { Logger } from '../../../plugin/src/logger';
import { FILE_UID } from '../plugin-id';
import type { DatabaseTables } from '../usage/database-tables';
import type { LibraryFile } from '../usage/library-files';
import type { KeptMetadata, MergeChanges } from './journal';
import { isEmpty } from './suggestion';

export type CarriedOver = MergeReport['carriedOver'];

/** Metadata that the kept file lacks, from the first copy that has it. */
export function findCarriedOver(keep: LibraryFile, copies: readonly LibraryFile[]): CarriedOver {
  return {
    alternativeText: firstText(keep, copies, 'alternativeText'),
    caption: firstText(keep, copies, 'caption'),
    folder: keep.folder ? null : (copies.find(({ folder }) => folder)?.folder ?? null),
  };
}

function firstText(
  keep: LibraryFile,
  copies: readonly LibraryFile[],
  name: 'alternativeText' | 'caption',
): string | null {
  if (!isEmpty(keep[name])) return null;
  return copies.find((copy) => !isEmpty(copy[name]))?.[name] ?? null;
}

/** Writes it to the kept file's row in the current transaction; the file's hooks run. */
export async function writeCarriedOver(
  strapi: Core.Strapi,
  options: { keepId: number; carriedOver: CarriedOver; userId: number | undefined },
): Promise<void> {
  const { keepId, userId } = options;
  const { alternativeText, caption, folder } = options.carriedOver;
  if (!isCarrying(options.carriedOver)) return;
  await strapi.db.query(FILE_UID).update({
    where: { id: keepId },
    data: {
      ...(alternativeText !== null && { alternativeText }),
      ...(caption !== null && { caption }),
      ...(folder && { folder: folder.id, folderPath: await folderPathOf(strapi, folder.id) }),
      ...(userId !== undefined && { updatedBy: userId }),
    },
  });
}

export function isCarrying({ alternativeText, caption, folder }: CarriedOver): boolean {
  return alternativeText !== null || caption !== null || folder !== null;
}

/** Notifies webhooks and listeners as the upload service does, but only after the transaction. */
export async function announceUpdate(
  strapi: Core.Strapi,
  { keepId, logger }: { keepId: number; logger: Logger },
): Promise<void> {
  try {
    const row: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: keepId } });
    const media = await sanitize.sanitizers.defaultSanitizeOutput(
      {
        schema: strapi.getModel(FILE_UID),
        getModel: (uid: string) => strapi.getModel(uid as typeof FILE_UID),
      },
      row as never,
    );
    await strapi.eventHub.emit('media.update', { media });
  } catch (error) {
    logger.warn(
      `A listener failed after a merge changed file ${String(keepId)}: ${(error as Error).message}`,
    );
  }
}

interface FolderPaths {
  getFolderPath(folderId: number): Promise<string>;
}

function folderPathOf(strapi: Core.Strapi, folderId: number): Promise<string> {
  return strapi.plugin('upload').service<FolderPaths>('file').getFolderPath(folderId);
}

const keptRowSchema = z.object({
  alternativeText: z.string().nullable(),
  caption: z.string().nullable(),
  folderPath: z.string().nullable(),
  updatedAt: z.coerce.date(),
  folder: z.object({ id: z.number() }).nullable(),
  updatedBy: z.object({ id: z.number() }).nullable(),
});

/** What `writeCarriedOver` may change. */
export async function readKeptMetadata(strapi: Core.Strapi, keepId: number): Promise<KeptMetadata> {
  const row: unknown = await strapi.db
    .query(FILE_UID)
    .findOne({ where: { id: keepId }, populate: { folder: true, updatedBy: true } });
  const { folder, updatedBy, ...columns } = keptRowSchema.parse(row);
  return { ...columns, folderId: folder?.id ?? null, updatedById: updatedBy?.id ?? null };
}

/**
 * Takes back what the kept file took over, except what was edited since; the file's hooks run.
 *
 * @returns whether anything changed
 */
export async function restoreMetadata(
  tables: DatabaseTables,
  keepId: number,
  change: MergeChanges['kept'],
): Promise<boolean> {
  if (!change) return false;
  const { before, after } = change;
  const { strapi } = tables;
  const now = await readKeptMetadata(strapi, keepId);
  const isUntouched = now.updatedAt.getTime() === after.updatedAt.getTime();
  const isUnchanged = (name: keyof KeptMetadata): boolean =>
    now[name] === after[name] && after[name] !== before[name];
  const data = {
    ...(isUnchanged('alternativeText') && { alternativeText: before.alternativeText }),
    ...(isUnchanged('caption') && { caption: before.caption }),
    ...(isUnchanged('folderId') && { folder: before.folderId, folderPath: before.folderPath }),
    ...(isUntouched && { updatedBy: before.updatedById }),
  };
  if (Object.keys(data).length === 0) return false;
  await strapi.db.query(FILE_UID).update({ where: { id: keepId }, data });
  if (isUntouched) {
    await tables
      .table(tables.tableOf(FILE_UID))
      .where({ id: keepId })
      .update({ [tables.columnOf(FILE_UID, 'updatedAt')]: before.updatedAt });
  }
  return true;
}
