import { AsyncLocalStorage } from 'node:async_hooks';
import type { Core } from '@strapi/strapi';
import { trashedFileIds } from '../merging/journal';
import { FILE_UID } from '../plugin-id';

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
}
