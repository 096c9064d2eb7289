import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { ImageTraces } from '../../../plugin/src/duplicates/contract';
import type { FileWords, WordSource } from '../../../plugin/src/text/contract';
import { FILE_UID, FOLDER_UID } from '../plugin-id';
import { libraryOf } from './library';

/** Values in one SQL list: long lists plan slowly. */
const LARGEST_LIST = 500;

/** Imports and raw SQL may leave anything in a column. */
const text = z.string().nullable().catch(null);

const fileSchema = z.object({
  id: z.number(),
  name: text,
  alternativeText: text,
  caption: text,
  /** Ids of the folders from the top down: `/1/7`. */
  folderPath: text,
});
const COLUMNS = Object.keys(fileSchema.shape);

const folderSchema = z.object({ pathId: z.coerce.number(), name: text });

type FileRow = z.output<typeof fileSchema>;

/** The words of the files in Strapi's Media Library, without those of merged copies in the trash. */
export function createWordSource(
  strapi: Core.Strapi,
  {
    findTitles,
    traces,
  }: {
    traces: Pick<ImageTraces, 'textsOf'>;
    /** Of entries that use files; null if they aren't words of these. */
    findTitles: ((fileIds: readonly number[]) => Promise<ReadonlyMap<number, string>>) | null;
  },
): WordSource {
  async function find(where: object, page: object = {}): Promise<FileRow[]> {
    const rows: unknown[] = await strapi.db.query(FILE_UID).findMany({
      where: { $and: [libraryOf(strapi).condition(), where] },
      select: COLUMNS,
      ...page,
    });
    return rows.map((row) => fileSchema.parse(row));
  }

  async function withTexts(rows: readonly FileRow[]): Promise<FileWords[]> {
    const pathIds = [...new Set(rows.flatMap(pathIdsOf))];
    const names = new Map<number, string>();
    for (let start = 0; start < pathIds.length; start += LARGEST_LIST) {
      const found: unknown[] = await strapi.db.query(FOLDER_UID).findMany({
        where: { pathId: { $in: pathIds.slice(start, start + LARGEST_LIST) } },
        select: ['pathId', 'name'],
      });
      for (const row of found) {
        const folder = folderSchema.parse(row);
        names.set(folder.pathId, folder.name ?? '');
      }
    }
    const ids = rows.map(({ id }) => id);
    const texts = await traces.textsOf(ids);
    const titles = await findTitles?.(ids);
    return rows.map((row) => ({
      fileId: row.id,
      name: row.name ?? '',
      alternativeText: row.alternativeText ?? '',
      caption: row.caption ?? '',
      folder: pathIdsOf(row)
        .map((pathId) => names.get(pathId) ?? '')
        .join(' / '),
      entryTitles: titles?.get(row.id) ?? '',
      text: texts.get(row.id) ?? '',
    }));
  }

  return {
    async iterate(cursor, limit) {
      const after = cursor === null ? {} : { id: { $gt: cursor } };
      const rows = await find(after, { orderBy: { id: 'asc' }, limit });
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return { files: await withTexts(rows), nextCursor: last?.id ?? null };
    },

    async describeMany(fileIds) {
      const files: FileWords[] = [];
      for (let start = 0; start < fileIds.length; start += LARGEST_LIST) {
        const ids = fileIds.slice(start, start + LARGEST_LIST);
        files.push(...(await withTexts(await find({ id: { $in: ids } }))));
      }
      return files;
    },
  };
}

function pathIdsOf({ folderPath }: FileRow): number[] {
  return (folderPath ?? '')
    .split('/')
    .filter((part) => /^\d{1,9}$/.test(part))
    .map(Number);
}
