import type { Core, Struct } from '@strapi/strapi';
import { contentTypes, errors, validate } from '@strapi/utils';
import type { Context } from 'koa';
import { adminActions } from '../../../plugin/src/contracts/identity';
import type { CommonSearchInput, FileTraits } from '../../../plugin/src/contracts/search';
import type { FacetName, VisibleFiles } from '../../../plugin/src/search/contract';
import { wordFields } from '../../../plugin/src/text/contract';
import { inputError, shorten } from '../http/parse-input';
import { FILE_UID, PLUGIN_ID } from '../plugin-id';
import { mayReadEntryTitles } from '../usage/entry-titles';
import { createKeptCounts } from './facets';
import { createVisibleFiles, type FileView } from './visible-files';

export type Filters = Record<string, unknown>;

/** Conditions that Strapi's filters can't express, and what the caller wants to know of each file. */
export type FileSelection = FileTraits &
  Pick<CommonSearchInput, 'fields' | 'collapse' | 'facets' | 'groupBy'>;

/** The files that a request's caller can see, narrowed by the request's filters. */
export type VisibleFilesOf = (
  ctx: Context,
  filters: Filters | undefined,
  selection?: FileSelection,
) => Promise<VisibleFiles<FileView>>;

/** Who asks for files: the project's own code, a caller of the content API, or an administrator. */
export type Caller =
  | { kind: 'server' }
  | { kind: 'content-api'; auth: unknown; route?: unknown }
  | { kind: 'admin'; userAbility: unknown; includesTrash?: boolean };

type VisibleTo<Kind extends Caller['kind']> = (
  caller: Extract<Caller, { kind: Kind }>,
  filters: Filters | undefined,
  selection?: FileSelection,
) => Promise<VisibleFiles<FileView>>;

/** The files that a caller can see, whichever entry point it came through. */
export function callersFiles(strapi: Core.Strapi): VisibleTo<Caller['kind']> {
  const toServer = serverFiles(strapi);
  const toContentApi = contentApiCallersFiles(strapi);
  const toAdministrators = administratorsFiles(strapi);
  return (caller, filters, selection) => {
    switch (caller.kind) {
      case 'server':
        return toServer(caller, filters, selection);
      case 'content-api':
        return toContentApi(caller, filters, selection);
      case 'admin':
        return toAdministrators(caller, filters, selection);
    }
  };
}

/** All files with all of their attributes. */
function serverFiles(strapi: Core.Strapi): VisibleTo<'server'> {
  return async (_caller, filters = {}, selection) => {
    const pick = pickerOf(selection, attributesOf(strapi.getModel(FILE_UID)));
    await namingFilters(() => refuseUnknownFilters(strapi, strapi.getModel(FILE_UID), filters));
    return createVisibleFiles({
      strapi,
      permission: {},
      filters,
      traits: selection,
      populate: {},
      wordFields,
      sanitize: (row) => Promise.resolve(pick(row)),
    });
  };
}

/** Content API: all files, without private fields; filters on private fields are rejected. */
export function contentApiFiles(strapi: Core.Strapi): VisibleFilesOf {
  const visibleTo = contentApiCallersFiles(strapi);
  return (ctx, filters, selection) => {
    const { auth, route } = ctx.state as { auth: unknown; route: unknown };
    const caller = { kind: 'content-api', auth, route } as const;
    return visibleTo(caller, filters, selection);
  };
}

function contentApiCallersFiles(strapi: Core.Strapi): VisibleTo<'content-api'> {
  const keptCounts = createKeptCounts();
  return async ({ auth, route }, filters, selection) => {
    // Uses reveal relations and duplicates reveal pairs, which a file's own fields don't.
    if (selection?.unused !== undefined) {
      await requirePermission(strapi, auth, { parameter: 'unused', action: 'usage.findOne' });
    }
    if (selection?.collapse === true || selection?.groupBy === 'duplicates') {
      await requirePermission(strapi, auth, {
        parameter: selection.collapse === true ? 'collapse' : 'groupBy',
        action: 'duplicates.findOne',
      });
    }
    const model = strapi.getModel(FILE_UID);
    const hidden = selection?.facets?.find((facet) => isPrivate(model, facetAttributes[facet]));
    if (hidden !== undefined) {
      throw inputError(
        `facets: "${hidden}" counts by ${facetAttributes[hidden]}, which you can't read.`,
      );
    }
    for (const trait of ['kind', 'color', 'tags'] as const) {
      const attribute = facetAttributes[trait];
      if (selection?.[trait] !== undefined && isPrivate(model, attribute)) {
        throw inputError(`${trait}: filters by ${attribute}, which you can't read.`);
      }
    }
    if (selection?.groupBy === 'folder' && isPrivate(model, facetAttributes.folder)) {
      throw inputError(
        `groupBy: "folder" groups by ${facetAttributes.folder}, which you can't read.`,
      );
    }
    const pick = pickerOf(
      selection,
      attributesOf(model).filter((name) => !isPrivate(model, name)),
    );
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
      traits: selection,
      populate: {},
      // Titles may be those of drafts, or of types that the caller can't read.
      wordFields: wordFields.filter((field) => field !== 'entryTitles' && !isPrivate(model, field)),
      keptCounts,
      sanitize: async (row) => pick(await strapi.contentAPI.sanitize.output(row, model, { auth })),
    });
  };
}

/** What each facet reveals of files. */
const facetAttributes: Record<FacetName, string> = {
  kind: 'mime',
  type: 'mime',
  folder: 'folderPath',
  year: 'createdAt',
  // Of the image itself.
  color: 'url',
  tags: 'url',
};

/** Whether the content API leaves an attribute of a file out, as it does with folders; it may be set in an extension. */
function isPrivate(model: Struct.Schema, field: string): boolean {
  return contentTypes.isPrivateAttribute(model, field);
}

function attributesOf(model: Struct.Schema): string[] {
  return ['id', 'documentId', ...contentTypes.getScalarAttributes(model)];
}

/**
 * What leaves of a file only the attributes that the caller asked for, with its ids. `formats.small` stands for one format.
 *
 * @param known attributes that there are for this caller
 * @throws ImageSearchError `invalid-input` for a name that isn't known
 */
function pickerOf(
  { fields = ['*'] }: FileSelection = {},
  known: readonly string[],
): (row: unknown) => unknown {
  const unknownName = fields.find((name) => {
    const [attribute = '', format, ...more] = name.split('.');
    const isFormat = format !== undefined && attribute === 'formats' && more.length === 0;
    return name !== '*' && !(known.includes(attribute) && (format === undefined || isFormat));
  });
  if (unknownName !== undefined) {
    throw inputError(
      `fields: "${shorten(unknownName)}" isn't an attribute that you can read. Use ${known.join(', ')}, or one format such as formats.small.`,
    );
  }
  if (fields.includes('*')) return (row) => row;
  const names = new Set(['id', 'documentId', ...fields]);
  const formats = fields.flatMap((name) => (name.startsWith('formats.') ? [name.slice(8)] : []));
  return (row) => {
    const entries = Object.entries(row as FileView).flatMap(([name, value]) => {
      if (names.has(name)) return [[name, value]];
      return name === 'formats' && formats.length > 0 ? [[name, pickFormats(value, formats)]] : [];
    });
    return Object.fromEntries(entries) as unknown;
  };
}

function pickFormats(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)));
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

interface Authentication {
  verify(auth: unknown, config: { scope: readonly string[] }): Promise<void>;
}

/**
 * Whether a caller of the content API may call an action.
 *
 * @param auth `ctx.state.auth`
 * @throws UnauthorizedError, ForbiddenError; also for an administrator, whose strategy Strapi would let pass any action
 */
export async function requireAction(
  strapi: Core.Strapi,
  auth: unknown,
  action: string,
): Promise<void> {
  const { strategy } = (auth ?? {}) as { strategy?: { verify?: unknown } };
  if (typeof strategy?.verify !== 'function') throw new errors.UnauthorizedError();
  await strapi.get<Authentication>('auth').verify(auth, { scope: [action] });
}

/** What a parameter reveals has an action of its own. */
async function requirePermission(
  strapi: Core.Strapi,
  auth: unknown,
  { parameter, action }: { parameter: string; action: string },
): Promise<void> {
  const permission = `plugin::${PLUGIN_ID}.${action}`;
  try {
    await requireAction(strapi, auth, permission);
  } catch {
    throw new errors.PolicyError(
      `${parameter}: requires the permission "${permission}". Grant it to the role or API token.`,
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

/** Which files an administrator may read and change, as Strapi filters on files. */
export interface FilePermission {
  read: Filters;
  update: Filters;
}

/** @throws PolicyError if the role lacks one of the two actions */
export function permissionOf(strapi: Core.Strapi, ability: unknown): FilePermission {
  const queryFor = (wanted: typeof readingFiles) =>
    fileManager(strapi, { ability, ...wanted }).getQuery() ?? {};
  return { read: queryFor(readingFiles), update: queryFor(updatingFiles) };
}

/**
 * What a user's roles allow now, for merging that continues without a request; null if they lack one of the two
 * actions or the plugin's own, or if the user was deleted or deactivated.
 */
export async function currentPermissionOf(
  strapi: Core.Strapi,
  userId: number,
): Promise<FilePermission | null> {
  const user: unknown = await strapi.db
    .query('admin::user')
    .findOne({ where: { id: userId, isActive: true }, populate: ['roles'] });
  if (!user) return null;
  const { engine } = strapi.service('admin::permission') as unknown as {
    engine: { generateUserAbility(user: unknown): Promise<{ can(action: string): boolean }> };
  };
  const ability = await engine.generateUserAbility(user);
  if (!ability.can(adminActions.duplicates)) return null;
  try {
    return permissionOf(strapi, ability);
  } catch (error) {
    if (error instanceof errors.PolicyError) return null;
    throw error;
  }
}

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
  return (ctx, filters, selection) => {
    const { userAbility } = ctx.state as { userAbility: unknown };
    const caller = { kind: 'admin', userAbility, includesTrash } as const;
    return administratorsFiles(strapi)(caller, filters, selection);
  };
}

function administratorsFiles(strapi: Core.Strapi): VisibleTo<'admin'> {
  return async ({ userAbility, includesTrash = false }, filters, selection) => {
    const manager = fileManager(strapi, { ability: userAbility, ...readingFiles });
    const pick = pickerOf(selection, [...attributesOf(strapi.getModel(FILE_UID)), 'folder']);
    const query = { filters: filters ?? {} };
    await namingFilters(async () => {
      await refuseUnknownFilters(strapi, strapi.getModel(FILE_UID), query.filters);
      await manager.validateQuery(query);
    });
    const sanitized = await manager.sanitizeQuery(query);
    return createVisibleFiles({
      strapi,
      permission: manager.getQuery() ?? {},
      filters: sanitized.filters ?? {},
      traits: selection,
      populate: { folder: true },
      wordFields: (await mayReadEntryTitles(strapi, userAbility))
        ? wordFields
        : wordFields.filter((field) => field !== 'entryTitles'),
      includesTrash,
      sanitize: async (row) => pick(await manager.sanitizeOutput(row)),
    });
  };
}

/** Strapi drops unknown keys from filters that aren't the content API's, and so would find more than was asked for. */
async function refuseUnknownFilters(
  strapi: Core.Strapi,
  schema: Struct.Schema,
  filters: Filters,
): Promise<void> {
  const model = { schema, getModel: strapi.getModel.bind(strapi) };
  await validate.validators.validateFilters(model as never, filters, ['nonAttributesOperators']);
}

/**
 * Refuses names that a content type doesn't have in a query of the project's own code, which may read private attributes.
 *
 * @throws ValidationError
 */
export async function refuseUnknownNames(
  strapi: Core.Strapi,
  schema: Struct.Schema,
  { filters, fields, populate }: { filters: Filters; fields?: unknown; populate?: unknown },
): Promise<void> {
  const model = { schema, getModel: strapi.getModel.bind(strapi) } as never;
  await namingFilters(() => refuseUnknownFilters(strapi, schema, filters));
  if (fields !== undefined) {
    await validate.validators.validateFields(model, fields, ['scalarAttributes']);
  }
  if (populate !== undefined) {
    await validate.validators.validatePopulate(model, populate, {
      filters: ['nonAttributesOperators'],
      sort: ['nonAttributesOperators'],
      fields: ['scalarAttributes'],
      populate: ['nonAttributesOperators'],
    });
  }
}
