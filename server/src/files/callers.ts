import type { Core, Struct } from '@strapi/strapi';
import { contentTypes, errors, validate } from '@strapi/utils';
import type { Context } from 'koa';
import type { FileTraits } from '../../../plugin/src/contracts/search';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { wordFields, type WordField } from '../../../plugin/src/text/contract';
import { FILE_UID, PLUGIN_ID } from '../plugin-id';
import { createVisibleFiles, type FileView } from './visible-files';

export type Filters = Record<string, unknown>;

/** The files that a request's caller can see, narrowed by the request's filters. */
export type VisibleFilesOf = (
  ctx: Context,
  filters: Filters | undefined,
  traits?: FileTraits,
) => Promise<VisibleFiles<FileView>>;

/** Content API: all files, without private fields; filters on private fields are rejected. */
export function contentApiFiles(strapi: Core.Strapi): VisibleFilesOf {
  return async (ctx, filters, traits) => {
    const { auth, route } = ctx.state as { auth: unknown; route: unknown };
    if (traits?.unused !== undefined) await requireUsagePermission(strapi, auth);
    const model = strapi.getModel(FILE_UID);
    const query = { filters: filters ?? {} };
    await namingFilters(() =>
      strapi.contentAPI.validate.query(query, model, { auth, route } as never),
    );
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
      wordFields: wordFields.filter((field) => !isPrivate(model, field)),
      sanitize: (row) => strapi.contentAPI.sanitize.output(row, model, { auth }),
    });
  };
}

/** Whether the content API leaves an attribute of a file out, as it does with folders; it may be set in an extension. */
function isPrivate(model: Struct.Schema, field: WordField): boolean {
  return contentTypes.isPrivateAttribute(model, field);
}

/** Has Strapi's messages, such as `Invalid key name`, say where the key is. */
async function namingFilters(validateThem: () => Promise<unknown>): Promise<void> {
  try {
    await validateThem();
  } catch (error) {
    if (error instanceof errors.ValidationError) {
      const named = error as Error;
      named.message = `filters: ${named.message}`;
    }
    throw error;
  }
}

/** The content API's action that shows whether files are used. */
const USAGE_ACTION = `plugin::${PLUGIN_ID}.usage.findOne`;

interface Authentication {
  verify(auth: unknown, config: { scope: readonly string[] }): Promise<void>;
}

/** Uses of a file reveal relations, which its own fields don't. */
async function requireUsagePermission(strapi: Core.Strapi, auth: unknown): Promise<void> {
  try {
    await strapi.get<Authentication>('auth').verify(auth, { scope: [USAGE_ACTION] });
  } catch {
    throw new errors.PolicyError(
      `unused: requires the permission "${USAGE_ACTION}". Grant it to the role or API token.`,
    );
  }
}

/** The part of the admin's permissions manager that is used here. */
export interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Filters | null | undefined;
  validateQuery(query: object): Promise<unknown>;
  sanitizeQuery(query: object): Promise<{ filters?: Filters }>;
  sanitizeOutput(row: unknown): Promise<unknown>;
}

/**
 * What an administrator may do with files.
 *
 * @param ability `ctx.state.userAbility` of an admin request
 * @throws PolicyError with this refusal if the role lacks the action
 */
export function fileManager(
  strapi: Core.Strapi,
  { ability, action, refusal }: { ability: unknown; action: string; refusal: string },
): PermissionsManager {
  const manager = strapi
    .service('admin::permission')
    .createPermissionsManager({ ability, action, model: FILE_UID }) as PermissionsManager;
  // Strapi shows the message of this error class only.
  if (!manager.isAllowed) throw new errors.PolicyError(refusal);
  return manager;
}

export const readingFiles = {
  action: 'plugin::upload.read',
  refusal: "Your role can't read the Media Library.",
};

/** Strapi's action for both updating and deleting files. */
export const updatingFiles = {
  action: 'plugin::upload.assets.update',
  refusal: "Your role can't edit files in the Media Library.",
};

/** The files to which a permission applies, by its `getQuery`, with those in the trash or without. */
export function permittedFiles(
  strapi: Core.Strapi,
  permission: Filters,
  { includesTrash }: { includesTrash: boolean },
): Pick<VisibleFiles<FileView>, 'filterReadable'> {
  return createVisibleFiles({
    strapi,
    permission,
    filters: {},
    populate: {},
    wordFields: [],
    includesTrash,
    sanitize: (row) => Promise.resolve(row),
  });
}

/** Admin: the files that `plugin::upload.read` and its conditions let this user see. */
export function adminFiles(strapi: Core.Strapi, { includesTrash = false } = {}): VisibleFilesOf {
  return async (ctx, filters, traits) => {
    const { userAbility } = ctx.state as { userAbility: unknown };
    const manager = fileManager(strapi, { ability: userAbility, ...readingFiles });
    const query = { filters: filters ?? {} };
    await namingFilters(async () => {
      // Strapi drops unknown keys from an administrator's filters, and so would find more than was asked for.
      const model = { schema: strapi.getModel(FILE_UID), getModel: strapi.getModel.bind(strapi) };
      await validate.validators.validateFilters(model as never, query.filters, [
        'nonAttributesOperators',
      ]);
      await manager.validateQuery(query);
    });
    const sanitized = await manager.sanitizeQuery(query);
    return createVisibleFiles({
      strapi,
      permission: manager.getQuery() ?? {},
      filters: sanitized.filters ?? {},
      traits,
      populate: { folder: true },
      wordFields,
      includesTrash,
      sanitize: (row) => manager.sanitizeOutput(row),
    });
  };
}
