import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { loadFiles } from '../usage/library-files';
import { fileManager, permittedFiles, updatingFiles } from './callers';

/** @throws ImageSearchError `file-not-found` if the file does not exist or the caller can't see it */
export async function requireReadable(
  visible: Pick<VisibleFiles<unknown>, 'filterReadable'>,
  fileId: number,
): Promise<void> {
  if ((await visible.filterReadable([fileId])).has(fileId)) return;
  throw new ImageSearchError({
    code: 'file-not-found',
    message: `File ${String(fileId)} not found.`,
    retryable: false,
  });
}

/**
 * Refuses a merge unless the administrator may update and delete each of these files, under the role's conditions
 * (such as "is creator").
 *
 * @param ability `ctx.state.userAbility` of an admin request
 * @throws ForbiddenError that names the files; ImageSearchError `file-not-found` for those that are gone
 */
export async function checkMergePermission(
  strapi: Core.Strapi,
  { ability, fileIds }: { ability: unknown; fileIds: readonly number[] },
): Promise<void> {
  const manager = fileManager(strapi, { ability, ...updatingFiles });
  // A merge says that a file is there; an undo is about such files.
  const files = permittedFiles(strapi, manager.getQuery() ?? {}, { includesTrash: true });
  const allowed = await files.filterReadable(fileIds);
  const refused = fileIds.filter((id) => !allowed.has(id));
  if (refused.length === 0) return;
  const existing = await loadFiles(strapi, refused);
  const gone = refused.filter((id) => !existing.some((file) => file.id === id));
  if (gone.length > 0) {
    throw new ImageSearchError({
      code: 'file-not-found',
      message: `${list(gone)} no longer exists. Nothing was merged; reload and review the files again.`,
      retryable: false,
    });
  }
  throw new errors.PolicyError(`Your role can't edit ${list(refused)}.`);
}

function list(fileIds: readonly number[]): string {
  return fileIds.map((id) => `file ${String(id)}`).join(', ');
}
