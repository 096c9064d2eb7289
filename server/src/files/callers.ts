import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import type { FileTraits } from '../../../plugin/src/contracts/search';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { FILE_UID } from '../plugin-id';
import { createVisibleFiles, type FileView } from './visible-files';

export type Filters = Record<string, unknown>;

/** The files that the caller of a request may see, narrowed by what it asked for. */
export type VisibleFilesOf = (
  ctx: Context,
  filters: Filters | undefined,
  traits?: FileTraits,
) => Promise<VisibleFiles<FileView>>;

/** Content API: all files, private fields hidden, filters on them refused. */
export function contentApiFiles(strapi: Core.Strapi): VisibleFilesOf {
  return async (ctx, filters, traits) => {
    const { auth, route } = ctx.state as { auth: unknown; route: unknown };
    const model = strapi.getModel(FILE_UID);
    const query = { filters: filters ?? {} };
    await strapi.contentAPI.validate.query(query, model, { auth, route } as never);
    const sanitized = (await strapi.contentAPI.sanitize.query(query, model, {
      auth,
      route,
    } as never)) as { filters?: Filters };
    return createVisibleFiles({
      strapi,
      permission: {},
      filters: sanitized.filters ?? {},
      traits,
      populate: {},
      sanitize: (row) => strapi.contentAPI.sanitize.output(row, model, { auth }),
    });
  };
}

/** What is used of the admin's permissions manager. */
interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Filters | null | undefined;
  validateQuery(query: object): Promise<unknown>;
  sanitizeQuery(query: object): Promise<{ filters?: Filters }>;
  sanitizeOutput(row: unknown): Promise<unknown>;
}

/** Admin: what `plugin::upload.read` and its conditions let this user see. */
export function adminFiles(strapi: Core.Strapi): VisibleFilesOf {
  return async (ctx, filters, traits) => {
    const { userAbility } = ctx.state as { userAbility: unknown };
    const manager = strapi.service('admin::permission').createPermissionsManager({
      ability: userAbility,
      action: 'plugin::upload.read',
      model: FILE_UID,
    }) as PermissionsManager;
    if (!manager.isAllowed) {
      // Of the refusals, this is the one whose message Strapi shows.
      throw new errors.PolicyError('Your role may not read the Media Library.');
    }
    const query = { filters: filters ?? {} };
    await manager.validateQuery(query);
    const sanitized = await manager.sanitizeQuery(query);
    return createVisibleFiles({
      strapi,
      permission: manager.getQuery() ?? {},
      filters: sanitized.filters ?? {},
      traits,
      populate: { folder: true },
      sanitize: (row) => manager.sanitizeOutput(row),
    });
  };
}
