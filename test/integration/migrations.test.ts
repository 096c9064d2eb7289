import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ImageSearch } from '../../server/src/composition';
import {
  DUPLICATE_PAIR_UID,
  DUPLICATE_REVIEW_UID,
  IMAGE_TRACE_UID,
  INDEX_ENTRY_UID,
  PLUGIN_ID,
} from '../../server/src/plugin-id';
import { describeWithServer } from '../support/describe-with-server';
import { createLibrary, sampleImage } from '../support/library';
import { mariadb } from '../support/mariadb-server';
import { pollUntil } from '../support/polling';
import { productOf } from '../support/search-app';
import { postgres } from '../support/postgres-server';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';

const TRACES = 'image_search_image_traces';
const FORMER_TRACES = 'image_search_picture_traces';
const PAIRS = 'image_search_duplicate_pairs';
const REVIEWS = 'image_search_duplicate_reviews';
const FORMER_REVIEWS = 'image_search_duplicate_decisions';
const ENTRIES = 'image_search_index_entries';
const TRACES_TO_MIGRATE = 'image_search_traces_to_migrate';

/** Gives a database the names of a former preview, in the tables and in the schema that Strapi stored. */
async function makeFormer({ strapi: { db } }: StrapiApp): Promise<void> {
  await db.connection.raw('create table ?? as select * from ??', [FORMER_TRACES, TRACES]);
  await db.connection.schema.dropTable(TRACES);
  await db.connection.schema.alterTable(ENTRIES, (table) => {
    table.dropIndex([], `${ENTRIES}_claim`);
    table.dropColumn('priority');
  });
  await db.connection.raw('create table ?? as select * from ??', [FORMER_REVIEWS, REVIEWS]);
  await db.connection.schema.dropTable(REVIEWS);
  for (const table of [PAIRS, FORMER_REVIEWS]) {
    await db.connection.schema.alterTable(table, (columns) => {
      columns.renameColumn('reviewed_by', 'decided_by');
      columns.renameColumn('reviewed_at', 'decided_at');
    });
  }
  const stored: unknown = await db.connection('strapi_database_schema').first('id', 'schema');
  const { id, schema } = stored as { id: number; schema: unknown };
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  await db
    .connection('strapi_database_schema')
    .where({ id })
    .update({
      schema: text
        .replaceAll(TRACES, FORMER_TRACES)
        .replaceAll(REVIEWS, FORMER_REVIEWS)
        .replaceAll('reviewed_', 'decided_'),
      hash: 'former',
    });
  const pairs = db.query(DUPLICATE_PAIR_UID);
  await pairs.updateMany({ where: { kind: 'same-image' }, data: { kind: 'same-picture' } });
  await pairs.updateMany({ where: { kind: 'edited' }, data: { kind: 'variant' } });
}

async function readRows({ strapi }: StrapiApp) {
  const traces: object[] = await strapi.db
    .query(IMAGE_TRACE_UID)
    .findMany({ orderBy: [{ fileId: 'asc' }] });
  const pairs: { kind: string; reviewedBy: unknown; reviewedAt: unknown }[] = await strapi.db
    .query(DUPLICATE_PAIR_UID)
    .findMany({ orderBy: [{ id: 'asc' }] });
  const reviews: object[] = await strapi.db.query(DUPLICATE_REVIEW_UID).findMany({});
  return {
    pairReviews: pairs.map(({ reviewedAt, reviewedBy }) => ({ reviewedAt, reviewedBy })),
    reviews: reviews.map((row) => ({ ...row, id: null })),
    traces: traces.map((row) => ({ ...row, id: null })),
    kinds: pairs.map(({ kind }) => kind),
  };
}

function describeMigrations(createDatabase?: () => Promise<AppDatabase>): void {
  let dataFolder: string;
  let app: StrapiApp;
  let before: Awaited<ReturnType<typeof readRows>>;
  let database: { database?: AppDatabase };
  const hasTable = (name: string) => app.strapi.db.connection.schema.hasTable(name);

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    database = createDatabase ? { database: await createDatabase() } : {};
    app = await startStrapi({ dataFolder, ...database });
    const library = createLibrary(app);
    const [dog, guitar] = [await sampleImage('dog'), await sampleImage('guitar')];
    await library.upload(dog);
    await library.upload(dog);
    await library.upload(guitar);
    await app.waitUntilIndexed();
    // Found in the background.
    await pollUntil(
      () => app.strapi.db.query(DUPLICATE_PAIR_UID).count({ where: { kind: 'identical' } }),
      (count) => count > 0,
    );
    const [first = 0, second = 0, third = 0] = (await library.entries()).map(
      ({ fileId }) => fileId,
    );
    const [pair] = await productOf(app).pairs.pairsTouching({ fileIds: [first], limit: 1 });
    const reviewedAt = new Date('2026-01-02T03:04:05.000Z');
    await productOf(app).pairs.review(pair?.id ?? 0, { status: 'ignored', userId: 7, reviewedAt });
    // A comparison that still ran would find that the invented pairs are none.
    await app.strapi.plugin(PLUGIN_ID).service<ImageSearch>(PLUGIN_ID).stop();
    await addPair(app, { fileA: first, fileB: third, kind: 'same-image' });
    await addPair(app, { fileA: second, fileB: third, kind: 'edited' });
    before = await readRows(app);
    await makeFormer(app);
    await app.stop();
    app = await startStrapi({
      dataFolder,
      ...database,
      imageSearch: { indexing: { enabled: false } },
    });
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('keeps every trace, pair and review, by their new names', async () => {
    expect(before.traces).toHaveLength(3);
    expect(before.kinds).toEqual(expect.arrayContaining(['identical', 'same-image', 'edited']));
    expect(before.reviews).toMatchObject([{ reviewedBy: 7 }]);
    expect(before.pairReviews).toContainEqual({
      reviewedBy: 7,
      reviewedAt: '2026-01-02T03:04:05.000Z',
    });
    expect(await readRows(app)).toEqual(before);
  });

  it('lets uploads go before what was queued then', async () => {
    const entries: { priority: unknown }[] = await app.strapi.db
      .query(INDEX_ENTRY_UID)
      .findMany({ orderBy: [{ id: 'asc' }] });
    expect(entries.map(({ priority }) => priority)).toEqual([2, 2, 2]);
  });

  it('leaves nothing behind', async () => {
    expect(await hasTable(FORMER_TRACES)).toBe(false);
    expect(await hasTable(FORMER_REVIEWS)).toBe(false);
    expect(await hasTable(TRACES_TO_MIGRATE)).toBe(false);
  });

  it('completes a migration that was interrupted', async () => {
    const { connection } = app.strapi.db;
    await connection.raw('create table ?? as select * from ??', [TRACES_TO_MIGRATE, TRACES]);
    const first: unknown = await connection(TRACES).orderBy('id').first('id');
    await connection(TRACES)
      .where(first as { id: number })
      .delete();
    await app.stop();
    app = await startStrapi({ dataFolder, ...database });
    const after = await readRows(app);
    expect(after.traces).toEqual(expect.arrayContaining(before.traces));
    expect(after.traces).toHaveLength(before.traces.length);
    expect(await hasTable(TRACES_TO_MIGRATE)).toBe(false);
  });

  it('embeds again what is read otherwise now, and nothing else', async () => {
    const entries = app.strapi.db.query(INDEX_ENTRY_UID);
    const traces = app.strapi.db.query(IMAGE_TRACE_UID);
    const [plain, flat, drawing] = (await createLibrary(app).entries()).map(({ fileId }) => fileId);
    const onBlack = { fingerprint: { bits: '0'.repeat(64), quality: 0.5 }, thumbnail: '' };
    await traces.update({ where: { fileId: flat }, data: { fingerprintQuality: 0, onBlack } });
    // Without a hook, which would queue it.
    await app.strapi.db
      .connection('files')
      .where({ id: drawing })
      .update({ mime: 'image/svg+xml' });
    // A file that an earlier version couldn't read.
    const broken = 99;
    const [spaceId] = ((await entries.findMany({})) as { spaceId: string }[]).map(
      (entry) => entry.spaceId,
    );
    await entries.create({
      data: {
        fileId: broken,
        spaceId,
        state: 'failed',
        attempts: 1,
        errorCode: 'image-unreadable',
        priority: 2,
      },
    });
    // A file that has further views now.
    const banner = 98;
    const size = { width: 300, height: 100 };
    await app.strapi.db.connection('files').where({ id: plain }).update({ width: 99, height: 99 });
    await app.strapi.db
      .connection('files')
      .insert({ id: banner, name: 'banner.jpg', mime: 'image/jpeg', ...size });
    await entries.create({
      data: {
        fileId: banner,
        spaceId,
        state: 'indexed',
        attempts: 1,
        priority: 2,
        contentHash: 'a',
      },
    });
    const keyOf = (key: string) => ({ type: 'plugin', name: PLUGIN_ID, key });
    const store = app.strapi.store(keyOf('reader-version'));
    expect(await store.get({})).toBe(2);
    await store.delete({});
    await app.strapi.store(keyOf('views-version')).delete({});
    await app.stop();
    app = await startStrapi({
      dataFolder,
      ...database,
      imageSearch: { indexing: { enabled: false, views: {} } },
    });
    const states = await app.strapi.db
      .query(INDEX_ENTRY_UID)
      .findMany({ orderBy: [{ fileId: 'asc' }] });
    const byFile = Object.fromEntries(
      (states as { fileId: number; state: string; contentHash: string | null }[]).map((entry) => [
        entry.fileId,
        [entry.state, entry.contentHash !== null],
      ]),
    );
    expect(byFile).toEqual({
      [Number(plain)]: ['indexed', true],
      [Number(flat)]: ['pending', false],
      [Number(drawing)]: ['pending', false],
      [broken]: ['pending', false],
      [banner]: ['pending', true],
    });
    const thumbnails = (await app.strapi.db
      .query(IMAGE_TRACE_UID)
      .findMany({ where: { thumbnail: { $null: true } } })) as { fileId: number }[];
    expect(thumbnails.map(({ fileId }) => fileId)).toEqual([drawing]);
  });
}

async function addPair(
  app: StrapiApp,
  pair: { fileA: number; fileB: number; kind: string },
): Promise<void> {
  await app.strapi.db.query(DUPLICATE_PAIR_UID).create({
    data: {
      ...pair,
      contentHashA: 'a',
      contentHashB: 'b',
      evidence: {},
      cluster: pair.fileA,
      status: 'open',
      foundAt: new Date(),
    },
  });
}

describe('a database of a former preview, on SQLite', () => {
  describeMigrations();
});

describeWithServer(postgres, 'a database of a former preview, on PostgreSQL', (server) => {
  describeMigrations(() => server().createDatabase());
});

describeWithServer(mariadb, 'a database of a former preview, on MariaDB', (server) => {
  describeMigrations(() => server().createDatabase());
});
