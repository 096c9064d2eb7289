import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { ImageSearchError } from '../../../plugin/src/errors';
import { createVisibleFiles } from '../files/visible-files';
import { FILE_UID } from '../plugin-id';
import { loadFiles } from '../usage/library-files';

/** Strapi's one action for changing and for deleting files. */
const UPDATE_FILES = 'plugin::upload.assets.update';

interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Record<string, unknown> | null | undefined;
}

/**
 * Refuses a merge unless the administrator may change and delete each of these files, under the conditions of the
 * role (a file of one's own …).
 *
 * @param ability `ctx.state.userAbility` of an admin request
 * @throws ForbiddenError that names the files; ImageSearchError `file-not-found` for those that are gone
 */
export async function checkMergePermission(
  strapi: Core.Strapi,
  { ability, fileIds }: { ability: unknown; fileIds: readonly number[] },
): Promise<void> {
  const manager = strapi.service('admin::permission').createPermissionsManager({
    ability,
    action: UPDATE_FILES,
    model: FILE_UID,
  }) as PermissionsManager;
  if (!manager.isAllowed) {
    throw new errors.PolicyError('Your role may not change files of the Media Library.');
  }
  const files = createVisibleFiles({
    strapi,
    permission: manager.getQuery() ?? {},
    filters: {},
    populate: {},
    sanitize: (row) => Promise.resolve(row),
  });
  const allowed = await files.keepReadable(fileIds);
  const refused = fileIds.filter((id) => !allowed.has(id));
  if (refused.length === 0) return;
  const existing = await loadFiles(strapi, refused);
  const gone = refused.filter((id) => !existing.some((file) => file.id === id));
  if (gone.length > 0) {
    throw new ImageSearchError({
      code: 'file-not-found',
      message: `There is no ${list(gone)} any more. Nothing was merged; look at the files again.`,
      retryable: false,
    });
  }
  throw new errors.PolicyError(`Your role may not change ${list(refused)}.`);
}

function list(fileIds: readonly number[]): string {
  return fileIds.map((id) => `file ${String(id)}`).join(', ');
}
