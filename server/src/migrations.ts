import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { parseConfig, viewLimitsOf } from '../../plugin/src/config';
import { LONG_RATIO } from '../../plugin/src/images/contract';
import { indexPriorities } from '../../plugin/src/indexing/contract';
import { contentTypes } from './content-types';
import {
  DUPLICATE_PAIR_UID,
  DUPLICATE_REVIEW_UID,
  FILE_UID,
  IMAGE_TRACE_UID,
  INDEX_ENTRY_UID,
  PLUGIN_ID,
} from './plugin-id';
import { createSpaceRecords } from './repositories/space-records';

/** Tables that 0.1 previews called otherwise. */
const FORMER_TABLES = [
  {
    former: 'image_search_picture_traces',
    // Not in the schema that Strapi has stored, because its sync drops every table in there that is no longer declared.
    kept: 'image_search_traces_to_migrate',
    uid: IMAGE_TRACE_UID,
    key: 'file_id',
  },
  {
    former: 'image_search_duplicate_decisions',
    kept: 'image_search_reviews_to_migrate',
    uid: DUPLICATE_REVIEW_UID,
    key: 'hashes',
  },
] as const;
/** Columns that 0.1 previews called otherwise. */
const FORMER_COLUMNS = { decided_by: 'reviewed_by', decided_at: 'reviewed_at' } as const;
/** Which version of the image reader the index was made with: raised when `queueImagesReadOtherwise` has work. */
const READER_VERSION = 2;
const LAST_PRIORITY = indexPriorities.length - 1;
const FORMER_KINDS = { 'same-picture': 'same-image', variant: 'edited' } as const;

/**
 * Renames what earlier previews stored, before and after Strapi syncs the database. Each step is idempotent: after a
 * crash, the next boot does the rest.
 */
export function registerMigrations(strapi: Core.Strapi): void {
  strapi.hook('strapi::content-types.beforeSync').register(() => keepFormerNames(strapi));
  strapi.hook('strapi::content-types.afterSync').register(async () => {
    await migrateTables(strapi);
    await migratePairKinds(strapi);
    await queueImagesReadOtherwise(strapi);
    await queueImagesWithViews(strapi);
  });
}

async function keepFormerNames({ db }: Core.Strapi): Promise<void> {
  for (const { former, kept } of FORMER_TABLES) {
    if (!(await db.getSchemaConnection().hasTable(former))) continue;
    if (await db.getSchemaConnection().hasTable(kept)) continue;
    await db.getSchemaConnection().renameTable(former, kept);
  }
  const pairs = db.metadata.get(DUPLICATE_PAIR_UID).tableName;
  for (const table of [pairs, ...FORMER_TABLES.map(({ kept }) => kept)]) {
    if (!(await db.getSchemaConnection().hasTable(table))) continue;
    for (const [former, name] of Object.entries(FORMER_COLUMNS)) {
      if (!(await db.getSchemaConnection().hasColumn(table, former))) continue;
      await db.getSchemaConnection().alterTable(table, (columns) => {
        columns.renameColumn(former, name);
      });
    }
  }
}

/** Moves rows instead of recreating them: for new traces every file would be read again, and reviews would be lost. */
async function migrateTables({ db, log }: Core.Strapi): Promise<void> {
  for (const { key, kept, uid } of FORMER_TABLES) {
    if (!(await db.getSchemaConnection().hasTable(kept))) continue;
    const table = db.metadata.get(uid).tableName;
    const former = await db.getConnection(kept).columnInfo();
    const current = await db.getConnection(table).columnInfo();
    const columns = Object.keys(current).filter((name) => name !== 'id' && name in former);
    const missing = db
      .getConnection(kept)
      .select(columns)
      .whereNotIn(key, db.getConnection(table).select(key));
    // knex puts no schema before a raw name.
    const schema = db.getSchemaName();
    const into = db.connection.raw(`?? (${columns.map(() => '??').join(', ')})`, [
      schema ? `${schema}.${table}` : table,
      ...columns,
    ]);
    await db.connection(into).insert(missing);
    await db.getSchemaConnection().dropTable(kept);
    log.info(`[image-search] Moved the rows of an earlier version to ${table}.`);
  }
}

async function migratePairKinds({ db }: Core.Strapi): Promise<void> {
  for (const [former, kind] of Object.entries(FORMER_KINDS)) {
    await db.query(DUPLICATE_PAIR_UID).updateMany({ where: { kind: former }, data: { kind } });
  }
}

/** Types that were read wrongly, all or in part. */
const REREAD_TYPES = ['image/svg+xml', 'image/tiff', 'image/gif', 'image/webp'];
/** Of these, types of which only images that looked flat were. */
const FLAT_TYPES = ['image/gif', 'image/webp'];
/** A fingerprint's quality up to which an image may have looked flat. */
const FLAT_QUALITY = 0.25;

/**
 * Queues, once, the images that an earlier version of the reader saw otherwise, so that nothing else is embedded again:
 * the space stays the same. Those are SVG and TIFF files, animations and transparent images that looked flat, and what
 * couldn't be read.
 */
async function queueImagesReadOtherwise(strapi: Core.Strapi): Promise<void> {
  const { db, log } = strapi;
  const store = strapi.store({ type: 'plugin', name: PLUGIN_ID, key: 'reader-version' });
  const version = z
    .number()
    .catch(1)
    .parse(await store.get({}));
  if (version >= READER_VERSION) return;
  const traces = () => db.getConnection(db.metadata.get(IMAGE_TRACE_UID).tableName);
  const files = () => db.getConnection(db.metadata.get(FILE_UID).tableName).select('id');
  const flat = () => traces().select('file_id').where('fingerprint_quality', '<=', FLAT_QUALITY);
  // Derived: MySQL updates no table that a subquery of the same statement reads itself.
  const flatIds = db.connection.select('file_id').from(flat().as('flat'));
  const flatTypes = files().whereIn('mime', FLAT_TYPES).whereIn('id', flatIds);
  const others = files().whereIn(
    'mime',
    REREAD_TYPES.filter((type) => !FLAT_TYPES.includes(type)),
  );
  const reread = { $or: [{ fileId: { $in: others } }, { fileId: { $in: flatTypes } }] };
  const transparent = { fileId: { $in: flat().whereNotNull('on_black') } };
  const pending = { state: 'pending', attempts: 0, dueAt: new Date(), priority: LAST_PRIORITY };
  const entries = db.query(INDEX_ENTRY_UID);
  const { count } = await entries.updateMany({
    where: { state: 'indexed', $or: [reread, transparent] },
    // Without its hash an entry is embedded again even if its bytes are the same.
    data: { ...pending, contentHash: null },
  });
  const { count: unread } = await entries.updateMany({
    where: { errorCode: { $in: ['image-unreadable', 'image-unsupported'] } },
    data: { ...pending, errorCode: null, errorMessage: null },
  });
  // Without a thumbnail it is read again. Duplicates are told by the white ground as before.
  await db.query(IMAGE_TRACE_UID).updateMany({ where: reread, data: { thumbnail: null } });
  await store.set({ value: READER_VERSION });
  if (count + unread === 0) return;
  log.info(
    `[image-search] Images are read better now: ${String(count)} will be embedded again, and ${String(unread)} that couldn't be read are retried.`,
  );
}

/** Which views the index was made with: raised when `queueImagesWithViews` has work. */
const VIEWS_VERSION = 1;

/**
 * Queues, once, indexed files that have more views than an earlier version stored: long images, and animations. They
 * keep their hashes, so only the missing views are embedded, and searches find them meanwhile.
 */
async function queueImagesWithViews(strapi: Core.Strapi): Promise<void> {
  const { db, log } = strapi;
  const store = strapi.store({ type: 'plugin', name: PLUGIN_ID, key: 'views-version' });
  const version = z
    .number()
    .catch(0)
    .parse(await store.get({}));
  if (version >= VIEWS_VERSION) return;
  const spaceIds = await spacesWithViews(strapi);
  // In the text: PostgreSQL takes a bound number beside an integer column for an integer.
  const isLonger = `?? >= ${String(LONG_RATIO)} * ??`;
  const files = db
    .getConnection(db.metadata.get(FILE_UID).tableName)
    .select('id')
    .where('mime', 'image/gif')
    .orWhereRaw(isLonger, ['width', 'height'])
    .orWhereRaw(isLonger, ['height', 'width']);
  const { count } = await db.query(INDEX_ENTRY_UID).updateMany({
    where: { state: 'indexed', spaceId: { $in: spaceIds }, fileId: { $in: files } },
    data: { state: 'pending', attempts: 0, dueAt: new Date(), priority: LAST_PRIORITY },
  });
  await store.set({ value: VIEWS_VERSION });
  if (count === 0) return;
  log.info(
    `[image-search] Long images and animations are found by their parts and frames now: those of ${String(count)} files will be embedded.`,
  );
}

/** Spaces whose files may have further views: by default none of a hosted model, which would cost money. */
async function spacesWithViews(strapi: Core.Strapi): Promise<string[]> {
  const config = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
  const records = await createSpaceRecords(strapi).list();
  return records.flatMap(({ space }) => {
    const { frames, parts } = viewLimitsOf(config, space.provider);
    return parts > 1 || frames > 0 ? [space.id] : [];
  });
}

const keptTableSchema = z.union([z.string(), z.looseObject({ name: z.string() })]);
const keptTablesSchema = z.array(keptTableSchema).nullable().catch(null);

/**
 * Strapi's sync drops the tables of content types that are gone. These stay, as those of Strapi's own paid features do,
 * so that a plugin that is taken out for a while loses neither reviews nor usage.
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
