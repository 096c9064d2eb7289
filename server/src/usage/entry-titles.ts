import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import { createDatabaseTables, groupBy, readRows, type DatabaseTables } from './database-tables';
import { titleAttribute } from './entries';
import { contentModels, type Model } from './models';
import { relationTable, toRelationRow, type RelationRow } from './relations';
import { locateUses, toRawUse } from './usage';

/** The newest uses of a file whose titles are words of it; a placeholder may have thousands. */
const MOST_USES = 100;
/** The fields of content types that can use files. */
const FIELDS_WITH_FILES = new Set(['media', 'component', 'dynamiczone']);
const READ_ACTION = 'plugin::content-manager.explorer.read';
/** How long it is remembered which field is a type's title, and which locales there are. */
const REMEMBERED_MS = 60_000;

/** Titles of the entries whose media fields use these files, drafts among them, by file id. */
export async function findEntryTitles(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<Map<number, string>> {
  const tables = createDatabaseTables(strapi);
  const rows = await readNewestUses(tables, fileIds);
  const uses = await locateUses(tables, rows.map(toRawUse));
  return new Map(
    [...groupBy(uses, ({ fileId }) => fileId)].map(([fileId, ofFile]) => [
      fileId,
      [...new Set(ofFile.flatMap(({ title }) => title ?? []))].join(' / '),
    ]),
  );
}

async function readNewestUses(
  tables: DatabaseTables,
  fileIds: readonly number[],
): Promise<RelationRow[]> {
  if (fileIds.length === 0) return [];
  const { name, fileColumn } = relationTable(tables);
  const ranked = tables
    .table(name)
    .select('*')
    .rowNumber('place', (order) => {
      void order.partitionBy(fileColumn).orderBy('id', 'desc');
    })
    .whereIn(fileColumn, fileIds);
  const newest = tables.strapi.db
    .connection(ranked.as('ranked'))
    .where('place', '<=', MOST_USES)
    .orderBy('id');
  const rows = (await readRows(tables.strapi, newest)) as Record<string, unknown>[];
  return rows.map((row) => toRelationRow(tables, row));
}

interface Ability {
  rulesFor(
    action: string,
    subject: string,
    field: string,
  ): { inverted: boolean; conditions?: unknown }[];
}

/** The title of each content type that can use files, and the locales of the project. */
const known = new WeakMap<Core.Strapi, LRUCache<'titles', Promise<Titles>>>();

interface Titles {
  fields: { uid: string; field: string }[];
  locales: string[];
}

/**
 * Whether an administrator may read the titles of all entries that can use files: only then may they be words to
 * search, because which of them matched can't be told.
 *
 * @param ability `ctx.state.userAbility` of an admin request
 */
export async function mayReadEntryTitles(strapi: Core.Strapi, ability: unknown): Promise<boolean> {
  const cache = known.get(strapi) ?? new LRUCache({ max: 1, ttl: REMEMBERED_MS });
  known.set(strapi, cache);
  const reading = cache.get('titles') ?? readTitles(strapi);
  cache.set('titles', reading, { noUpdateTTL: true });
  const { fields, locales } = await reading.catch((error: unknown) => {
    cache.delete('titles');
    throw error;
  });
  return fields.every(({ field, uid }) =>
    (ability as Ability)
      .rulesFor(READ_ACTION, uid, field)
      .some(({ conditions, inverted }) => !inverted && allowsAll(conditions, locales)),
  );
}

async function readTitles(strapi: Core.Strapi): Promise<Titles> {
  const models = contentModels(strapi).filter(
    (model) => model.kind !== 'component' && canUseFiles(model),
  );
  const fields = await Promise.all(
    models.map(async (model) => {
      const field = await titleAttribute(strapi, model);
      return field === undefined ? [] : [{ uid: model.uid, field }];
    }),
  );
  return { fields: fields.flat(), locales: await readLocales(strapi) };
}

function canUseFiles({ attributes }: Model): boolean {
  return Object.values(attributes).some(({ type }) => FIELDS_WITH_FILES.has(type));
}

async function readLocales(strapi: Core.Strapi): Promise<string[]> {
  if ((strapi.plugin('i18n') as unknown) === undefined) return [];
  const locales = await strapi
    .plugin('i18n')
    .service<{ find(): Promise<{ code: string }[]> }>('locales')
    .find();
  return locales.map(({ code }) => code);
}

/** Whether a permission's conditions let all entries pass: a role may be allowed each of the locales by name. */
function allowsAll(conditions: unknown, locales: readonly string[]): boolean {
  if (conditions === undefined || conditions === null) return true;
  const { $and: parts, ...others } = conditions as { $and?: unknown[]; locale?: { $in?: unknown } };
  const allowed = others.locale?.$in;
  const names = Object.keys(others);
  return (
    names.every((name) => name === 'locale') &&
    (names.length === 0 ||
      (Array.isArray(allowed) && locales.every((locale) => allowed.includes(locale)))) &&
    (parts ?? []).every((part) => allowsAll(part, locales))
  );
}
