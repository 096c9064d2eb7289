import { AsyncLocalStorage } from 'node:async_hooks';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { trashedFileIds } from '../merging/journal';
import { FILE_UID } from '../plugin-id';
import { chunksOf, createDatabaseTables } from '../usage/database-tables';

interface UploadService {
  findPage(query?: object): Promise<unknown>;
}

interface ReadEvent {
  params: { where?: object };
}

/**
 * Leaves merged copies in the trash out of the Media Library and of every picker: their lists come from the upload
 * service's `findPage`, which nothing else calls but Strapi's MCP tools. A folder for the trash would not do: searching
 * the Media Library looks into all folders, pickers open them, and whoever deletes a folder deletes its files. Files stay
 * available by id, in the content API and in the entries that have them, so that nothing breaks before the trash is
 * emptied. If Strapi stops listing files this way, the copies show up again, with the details saying where they are.
 */
export function hideTrashFromMediaLibrary(strapi: Core.Strapi): void {
  const listing = new AsyncLocalStorage<true>();
  const upload = strapi.plugin('upload').service<UploadService>('upload');
  const findPage = upload.findPage.bind(upload);
  upload.findPage = (query) => listing.run(true, () => findPage(query));
  const exclude = (event: unknown): void => {
    if (!listing.getStore()) return;
    const { params } = event as ReadEvent;
    const isInLibrary = { id: { $notIn: trashedFileIds(strapi) } };
    params.where = { $and: [params.where ?? {}, isInLibrary] };
  };
  strapi.db.lifecycles.subscribe({
    models: [FILE_UID],
    beforeFindMany: exclude,
    beforeCount: exclude,
  });
  strapi.db.lifecycles.subscribe({
    models: [FOLDER_UID],
    afterFindMany: (event: unknown) => excludeFromCounts(strapi, (event as FoundFolders).result),
  });
}

const FOLDER_UID = 'plugin::upload.folder';

interface FoundFolders {
  result: Folder[];
}

/** `files` as the Media Library's folder cards ask for them. */
interface Folder {
  id: number;
  files?: { count?: number };
}

const joinTableSchema = z.object({
  joinTable: z.object({
    name: z.string(),
    joinColumn: z.object({ name: z.string() }),
    inverseJoinColumn: z.object({ name: z.string() }),
  }),
});

/** PostgreSQL returns counts as text. */
const countsSchema = z.array(z.object({ id: z.number(), trashed: z.coerce.number() }));

/** Strapi counts a folder's files in SQL that no hook reaches, so those in the trash are subtracted. */
async function excludeFromCounts(strapi: Core.Strapi, found: readonly Folder[]): Promise<void> {
  const folders = found.filter(({ files }) => typeof files?.count === 'number' && files.count > 0);
  const { folder } = strapi.db.metadata.get(FILE_UID).attributes;
  const join = joinTableSchema.safeParse(folder);
  // On SQLite, which has one connection, this would wait for the caller's transaction.
  if (folders.length === 0 || !join.success || strapi.db.inTransaction()) return;
  const { inverseJoinColumn, joinColumn, name } = join.data.joinTable;
  for (const some of chunksOf(folders)) {
    const rows: unknown = await createDatabaseTables(strapi)
      .table(name)
      .select({ id: inverseJoinColumn.name })
      .count({ trashed: joinColumn.name })
      .whereIn(
        inverseJoinColumn.name,
        some.map(({ id }) => id),
      )
      .whereIn(joinColumn.name, trashedFileIds(strapi))
      .groupBy(inverseJoinColumn.name);
    for (const { id, trashed } of countsSchema.parse(rows)) {
      const files = some.find((one) => one.id === id)?.files;
      if (files?.count !== undefined) files.count -= trashed;
    }
  }
}
