import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { createVisibleFiles } from '../files/visible-files';
import { FILE_UID } from '../plugin-id';

/** Strapi's one action for changing and for deleting files. */
const UPDATE_FILES = 'plugin::upload.assets.update';

interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Record<string, unknown> | null | undefined;
}

/**
 * Refuses a merge unless the administrator may change and delete each of these files, under the conditions of the
 * role (a file of one's own …). A file that is not there is refused like one that may not be touched.
 *
 * @param ability `ctx.state.userAbility` of an admin request
 * @throws ForbiddenError that names the files
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
  throw new errors.PolicyError(
    `Your role may not change ${refused.map((id) => `file ${String(id)}`).join(', ')}.`,
  );
}
