import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { contentTypes } from './content-types';
import { DUPLICATE_PAIR_UID, IMAGE_TRACE_UID, PLUGIN_ID } from './plugin-id';

/** What 0.1 previews called the table of image traces. */
const FORMER_TRACES = 'image_search_picture_traces';
/** Not in the schema that Strapi has stored, because its sync drops every table in there that is no longer declared. */
const TRACES_TO_MIGRATE = 'image_search_traces_to_migrate';
const FORMER_KINDS = { 'same-picture': 'same-image', variant: 'edited' } as const;

/**
 * Renames what earlier previews stored, before and after Strapi syncs the database. Each step is idempotent: after a
 * crash, the next boot does the rest.
 */
export function registerMigrations(strapi: Core.Strapi): void {
  strapi.hook('strapi::content-types.beforeSync').register(() => saveFormerTraces(strapi));
  strapi.hook('strapi::content-types.afterSync').register(async () => {
    await migrateTraces(strapi);
    await migratePairKinds(strapi);
  });
}

async function saveFormerTraces({ db }: Core.Strapi): Promise<void> {
  if (!(await db.getSchemaConnection().hasTable(FORMER_TRACES))) return;
  if (await db.getSchemaConnection().hasTable(TRACES_TO_MIGRATE)) return;
  await db.getSchemaConnection().renameTable(FORMER_TRACES, TRACES_TO_MIGRATE);
}

/** Moves traces instead of recreating them, which would read every file again. */
async function migrateTraces({ db, log }: Core.Strapi): Promise<void> {
  if (!(await db.getSchemaConnection().hasTable(TRACES_TO_MIGRATE))) return;
  const table = db.metadata.get(IMAGE_TRACE_UID).tableName;
  const former = await db.getConnection(TRACES_TO_MIGRATE).columnInfo();
  const current = await db.getConnection(table).columnInfo();
  const columns = Object.keys(current).filter((name) => name !== 'id' && name in former);
  const missing = db
    .getConnection(TRACES_TO_MIGRATE)
    .select(columns)
    .whereNotIn('file_id', db.getConnection(table).select('file_id'));
  // knex puts no schema before a raw name.
  const schema = db.getSchemaName();
  const into = db.connection.raw(`?? (${columns.map(() => '??').join(', ')})`, [
    schema ? `${schema}.${table}` : table,
    ...columns,
  ]);
  await db.connection(into).insert(missing);
  await db.getSchemaConnection().dropTable(TRACES_TO_MIGRATE);
  log.info(`[image-search] Moved the image traces of an earlier version to ${table}.`);
}

async function migratePairKinds({ db }: Core.Strapi): Promise<void> {
  for (const [former, kind] of Object.entries(FORMER_KINDS)) {
    await db.query(DUPLICATE_PAIR_UID).updateMany({ where: { kind: former }, data: { kind } });
  }
}

const keptTableSchema = z.union([z.string(), z.looseObject({ name: z.string() })]);
const keptTablesSchema = z.array(keptTableSchema).nullable().catch(null);

/**
 * Strapi's sync drops the tables of content types that are gone. These stay, as those of Strapi's own paid features do,
 * so that a plugin that is taken out for a while loses neither decisions nor the bill.
 */
export async function keepTables(strapi: Core.Strapi): Promise<void> {
  const kept = await readKeptTables(strapi);
  const names = new Set(kept.map(nameOf));
  const missing = tablesOf(strapi).filter((table) => !names.has(table));
  if (missing.length > 0)
    await writeKeptTables(strapi, [...kept, ...missing.map((name) => ({ name }))]);
}

/** Lets the sync drop the tables once the plugin is gone. */
export async function releaseTables(strapi: Core.Strapi): Promise<void> {
  const own = new Set(tablesOf(strapi));
  const kept = await readKeptTables(strapi);
  await writeKeptTables(
    strapi,
    kept.filter((table) => !own.has(nameOf(table))),
  );
}

type KeptTable = z.output<typeof keptTableSchema>;

function nameOf(table: KeptTable): string {
  return typeof table === 'string' ? table : table.name;
}

function tablesOf({ db }: Core.Strapi): string[] {
  return Object.keys(contentTypes).map(
    (name) => db.metadata.get(`plugin::${PLUGIN_ID}.${name}`).tableName,
  );
}

async function readKeptTables({ store }: Core.Strapi): Promise<KeptTable[]> {
  return keptTablesSchema.parse(await store.get({ type: 'core', key: 'persisted_tables' })) ?? [];
}

async function writeKeptTables({ store }: Core.Strapi, value: KeptTable[]): Promise<void> {
  await store.set({ type: 'core', key: 'persisted_tables', value });
}
