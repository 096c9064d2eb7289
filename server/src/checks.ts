import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  checkFfmpeg,
  checkTextReader,
  checkMachine,
  checkModels,
  checkStore,
  failed,
  passed,
  warned,
} from '../../plugin/src/application/checks';
import type { ImageSearchConfig } from '../../plugin/src/config';
import type { Check } from '../../plugin/src/contracts/checks';
import { adminActions } from '../../plugin/src/contracts/identity';
import type { StatusResponse } from '../../plugin/src/contracts/management';
import { toImageSearchError } from '../../plugin/src/errors';
import type { AssetSource } from '../../plugin/src/indexing/contract';
import type { VectorStore } from '../../plugin/src/vectors/contract';
import { libraryOf } from './assets/library';
import { contentTypes } from './content-types';
import { trashedFileIds } from './merging/journal';
import { FILE_UID, PLUGIN_ID } from './plugin-id';
import { createDatabaseTables } from './usage/database-tables';

const READ_TIMEOUT_MS = 10_000;
/** Providers of storage that are tried. */
const MAX_PROVIDERS = 5;
const CONTENT_ACTIONS = { $startsWith: `plugin::${PLUGIN_ID}.` };

export interface CheckParts {
  strapi: Core.Strapi;
  config: ImageSearchConfig;
  assets: Pick<AssetSource, 'read'>;
  store: VectorStore;
  status: () => Promise<StatusResponse['data']>;
}

/** What a running server can check of itself. Never rejects. */
export async function runChecks(parts: CheckParts): Promise<Check[]> {
  const { config, store, strapi } = parts;
  const projectFolder = strapi.dirs.app.root;
  const database = await checkDatabase(strapi);
  const [models, storeCheck, ...others] = await Promise.all([
    checkModels(config, projectFolder),
    checkStore(config, store, projectFolder),
    ...(database.status === 'ok'
      ? [checkIndex(parts), checkStorage(parts), checkPermissions(strapi)]
      : []),
  ]);
  const readers = [checkFfmpeg(config), ...checkTextReader(config, projectFolder)];
  const machine = [...checkMachine(projectFolder), ...readers];
  return [...machine, ...models, storeCheck, database, ...others.flat()];
}

async function checkDatabase(strapi: Core.Strapi): Promise<Check> {
  try {
    const tables = Object.keys(contentTypes).map(
      (name) => strapi.db.metadata.get(`plugin::${PLUGIN_ID}.${name}`).tableName,
    );
    const isThere = await Promise.all(
      tables.map((table) => strapi.db.getSchemaConnection().hasTable(table)),
    );
    const missing = tables.filter((_, index) => isThere[index] === false);
    const { client } = strapi.db.dialect;
    if (missing.length === 0) {
      return passed(
        'database',
        `${client} responds and has the plugin's tables, which stay if the plugin is taken out for a while.`,
      );
    }
    return failed(
      'database',
      `${client} responds, but lacks ${String(missing.length)} tables: ${missing.join(', ')}.`,
      'Start Strapi once with the plugin enabled: it creates them.',
    );
  } catch (error) {
    const { message } = toImageSearchError(error);
    return failed(
      'database',
      `The database isn't responding: ${message}`,
      'Check config/database.',
    );
  }
}

/** What the index says of itself. */
async function checkIndex({ status }: CheckParts): Promise<Check[]> {
  try {
    return describeIndex(await status());
  } catch (error) {
    return [failed('index', toImageSearchError(error).message, 'Check config/database.')];
  }
}

function describeIndex({
  counts,
  hold,
  provider,
  space,
  total,
  failedModel,
  worker,
}: StatusResponse['data']): Check[] {
  const { failed: failures, indexed, indexing, pending, skipped } = counts;
  const waiting = pending + indexing;
  const found = [
    `${count(indexed)} of ${count(total)} images are searchable`,
    ...(waiting > 0 ? [`${count(waiting)} wait`] : []),
    ...(failures > 0 ? [`${count(failures)} failed`] : []),
    ...(skipped > 0 ? [`${count(skipped)} were skipped`] : []),
  ].join(', ');
  const checks = [];
  if (!provider.ok || failedModel !== null) {
    const message = failedModel?.message ?? provider.message;
    checks.push(failed('provider', message, 'Check embedding in config/plugins.'));
  } else if (space !== null) checks.push(passed('provider', provider.message));
  if (worker.pause !== null) {
    checks.push(
      failed('index', `${found}. ${worker.pause.message}`, 'Fix the cause; indexing then resumes.'),
    );
  } else if (hold !== null) {
    checks.push(warned('index', `${found}. Indexing is stopped.`, 'Resume it on the Index page.'));
  } else if (failures > 0) {
    checks.push(warned('index', `${found}.`, 'The Index page says why, and retries them.'));
  } else checks.push(passed('index', `${found}.`));
  return checks;
}

const fileRowSchema = z.object({ id: z.number(), name: z.string().nullable() });

/** Reads the newest image of each storage provider, as indexing does. */
async function checkStorage({ strapi, assets, config }: CheckParts): Promise<Check[]> {
  try {
    const providers = await providersOf(strapi);
    if (providers.length === 0) return [passed('storage', 'The Media Library has no images yet.')];
    return await Promise.all(
      providers.map(async (provider) => {
        const found: unknown = await strapi.db.query(FILE_UID).findOne({
          where: { ...libraryOf(strapi).condition(), provider },
          orderBy: { id: 'desc' },
        });
        const { id, name } = fileRowSchema.parse(found);
        try {
          const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
          const { length } = await assets.read(id, { maxBytes: config.indexing.maxBytes, signal });
          return passed('storage', `${provider}: read "${name ?? ''}", ${count(length)} bytes.`);
        } catch (error) {
          const known = toImageSearchError(error);
          // Its size says nothing about the storage.
          if (known.code === 'image-too-large')
            return passed('storage', `${provider}: "${name ?? ''}" is there.`);
          return failed(
            'storage',
            `${provider}: ${known.message}`,
            'Check that this server can reach the storage, its key, and indexing.allowedHosts.',
          );
        }
      }),
    );
  } catch (error) {
    return [failed('storage', toImageSearchError(error).message, 'Check the upload plugin.')];
  }
}

async function providersOf(strapi: Core.Strapi): Promise<string[]> {
  const query = createDatabaseTables(strapi)
    .table(strapi.db.metadata.get(FILE_UID).tableName)
    .distinct('provider')
    .whereNotIn('id', trashedFileIds(strapi))
    .limit(MAX_PROVIDERS);
  libraryOf(strapi).narrow(query);
  const rows: unknown = await query;
  return z
    .array(z.object({ provider: z.string() }))
    .parse(rows)
    .map(({ provider }) => provider);
}

const roleSchema = z.object({ name: z.string(), type: z.string().nullish() });
const grantSchema = z.object({ action: z.string(), role: roleSchema.nullish() });
const tokenGrantSchema = z.object({
  action: z.string(),
  token: z.object({ name: z.string() }).nullish(),
});
const tokenSchema = z.object({ name: z.string(), type: z.string() });

/** Who may use which actions of the plugin. */
async function checkPermissions(strapi: Core.Strapi): Promise<Check> {
  try {
    const holders = new Map<string, string[]>();
    const add = (holder: string, action: string): void => {
      const short = action.replace(`plugin::${PLUGIN_ID}.`, '');
      holders.set(holder, [...(holders.get(holder) ?? []), short]);
    };
    let isPublic = false;
    for (const row of await findAll(strapi, 'plugin::users-permissions.permission', 'role')) {
      const { action, role } = grantSchema.parse(row);
      if (!role) continue;
      isPublic ||= role.type === 'public';
      add(`role ${role.name}`, action);
    }
    for (const row of await findAll(strapi, 'admin::api-token-permission', 'token')) {
      const { action, token } = tokenGrantSchema.parse(row);
      if (token) add(`token ${token.name}`, action);
    }
    const tokens: unknown = await strapi.db
      .query('admin::api-token')
      .findMany({ where: { type: { $in: ['full-access', 'read-only'] } } });
    for (const { name, type } of z.array(tokenSchema).parse(tokens)) {
      add(`token ${name}`, type === 'full-access' ? 'everything' : 'every find');
    }
    const editors = new Map<string, string[]>();
    for (const row of await findAll(strapi, 'admin::permission', 'role')) {
      const { action, role } = grantSchema.parse(row);
      const short = Object.entries(adminActions).find(([, uid]) => uid === action)?.[0];
      if (role && short !== undefined)
        editors.set(role.name, [...(editors.get(role.name) ?? []), short]);
    }
    const found = `Content API: ${list(holders)}. Panel: ${list(editors)}.`;
    if (isPublic) {
      return warned(
        'permissions',
        found,
        'The Public role may use the content API: anyone can find every image. If that is not meant, take it away under Settings → Users & Permissions → Roles.',
      );
    }
    return passed('permissions', found);
  } catch (error) {
    return failed('permissions', toImageSearchError(error).message, 'Check config/database.');
  }
}

async function findAll(strapi: Core.Strapi, uid: string, relation: string): Promise<unknown[]> {
  if (!strapi.db.metadata.has(uid)) return [];
  return await strapi.db
    .query(uid)
    .findMany({ where: { action: CONTENT_ACTIONS }, populate: [relation] });
}

function list(holders: ReadonlyMap<string, readonly string[]>): string {
  if (holders.size === 0) return 'nobody';
  return [...holders].map(([holder, actions]) => `${holder} (${actions.join(', ')})`).join(', ');
}

function count(value: number): string {
  return value.toLocaleString('en');
}
