import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../sample/seeded-random';
import {
  CALIBRATION_UID,
  EMBEDDING_USAGE_UID,
  DUPLICATE_REVIEW_UID,
  DUPLICATE_PAIR_UID,
  DUPLICATE_SCAN_UID,
  FILE_UID,
  INDEX_ENTRY_UID,
  JOB_UID,
  IMAGE_TRACE_UID,
  SPACE_UID,
} from '../../server/src/plugin-id';
import { createCalibrations } from '../../server/src/repositories/calibrations';
import { createDatabaseIdentity } from '../../server/src/repositories/database-identity';
import { createDuplicatePairs } from '../../server/src/repositories/duplicate-pairs';
import { createDuplicateScans } from '../../server/src/repositories/duplicate-scans';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import type { ImageSearch } from '../../server/src/composition';
import { createIndexEntries } from '../../server/src/repositories/index-entries';
import { createJobLeases } from '../../server/src/repositories/jobs';
import { createSpaceRecords } from '../../server/src/repositories/space-records';
import { createUsageRecords } from '../../server/src/repositories/usage-records';
import { describeWithServer } from '../support/describe-with-server';
import { bareTrace } from '../support/duplicate-world';
import { mariadb } from '../support/mariadb-server';
import { postgres } from '../support/postgres-server';
import { createRecordingLogger } from '../support/recording-logger';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';
import { describeCalibrations } from './calibrations';
import { describeDuplicatePairs } from './duplicate-pairs';
import { allPairs, filesOf, findings } from './duplicate-pairs/situations';
import { describeDuplicateScans } from './duplicate-scans';
import { describeImageTraces } from './image-traces';
import { describeIndexEntries } from './index-entries';
import { newLease, image, range } from './index-entries/situations';
import { describeJobLeases } from './job-leases';
import { describeSpaceRecords } from './space-records';
import { describeUsageRecords } from './usage-records';

const nothing = (): Promise<void> => Promise.resolve();

/** Everything that is kept in Strapi's own database, in one boot of Strapi. */
function describeRepositories(
  createDatabase?: () => Promise<AppDatabase>,
): () => StrapiApp['strapi'] {
  let app: StrapiApp | undefined;
  const strapi = (): StrapiApp['strapi'] => {
    if (app === undefined) throw new Error('Strapi is not running yet.');
    return app.strapi;
  };

  beforeAll(async () => {
    const database = await createDatabase?.();
    app = await startStrapi({
      ...(database && { database }),
      imageSearch: { indexing: { enabled: false } },
    });
    // What the plugin itself would write, such as its model's space, is no part of the contracts.
    await app.strapi.plugin('image-search').service<ImageSearch>('image-search').stop();
  });
  afterAll(async () => {
    await app?.stop();
  });

  describeIndexEntries("in Strapi's database", {
    open: nothing,
    empty: async () => {
      await strapi().db.query(INDEX_ENTRY_UID).deleteMany({});
      return createIndexEntries(strapi(), { spaceId: () => 'here' });
    },
    ofAnotherSpace: () => createIndexEntries(strapi(), { spaceId: () => 'elsewhere' }),
    close: nothing,
  });
  describeSpaceRecords("in Strapi's database", {
    open: nothing,
    empty: async () => {
      await strapi().db.query(SPACE_UID).deleteMany({});
      return createSpaceRecords(strapi());
    },
    close: nothing,
  });
  describeJobLeases("in Strapi's database", async (clock) => {
    await strapi().db.query(JOB_UID).deleteMany({});
    return createJobLeases(strapi(), clock);
  });
  describeCalibrations("in Strapi's database", async () => {
    await strapi().db.query(CALIBRATION_UID).deleteMany({});
    return createCalibrations(strapi());
  });
  it.each([
    { figures: { version: 'first' } },
    {
      figures: {
        version: 1,
        files: 12,
        texts: [0],
        pairs: [0, 0, 0],
        images: [],
        neutral: 'AAAA',
        nonsense: '',
        center: '',
      },
    },
    { figures: null },
  ])('a calibration of which only %j is left counts as missing', async (damaged) => {
    const rows = strapi().db.query(CALIBRATION_UID);
    await rows.deleteMany({});
    await rows.create({
      data: { spaceId: 'one', version: 1, files: 12, nonsense: 1, vectors: 'AAAA', ...damaged },
    });
    const records = createCalibrations(strapi());
    expect(await records.read('one')).toBeNull();
    expect(await records.readTexts('one')).toBeNull();
    expect(await records.readSummary('one')).toEqual({ version: 1, files: 12 });
  });
  describeUsageRecords("in Strapi's database", async () => {
    await strapi().db.query(EMBEDDING_USAGE_UID).deleteMany({});
    return createUsageRecords(strapi());
  });
  describeDuplicatePairs(
    "in Strapi's database",
    async () => {
      await strapi().db.query(DUPLICATE_PAIR_UID).deleteMany({});
      await strapi().db.query(DUPLICATE_REVIEW_UID).deleteMany({});
      return createDuplicatePairs(strapi());
    },
    {
      async add(fileId, contentHash) {
        const name = `${String(fileId)}.png`;
        const data = {
          id: fileId,
          name,
          hash: name,
          ext: '.png',
          mime: 'image/png',
          size: 1,
          url: name,
          provider: 'local',
        };
        await strapi().db.query(FILE_UID).create({ data });
        await createImageTraces(strapi()).put([{ ...bareTrace(contentHash), fileId }]);
      },
      async remove(fileId) {
        await strapi()
          .db.query(FILE_UID)
          .deleteMany({ where: { id: fileId } });
        await createImageTraces(strapi()).remove([fileId]);
      },
    },
  );
  describeDuplicateScans("in Strapi's database", async () => {
    await strapi().db.query(DUPLICATE_SCAN_UID).deleteMany({});
    return createDuplicateScans(strapi());
  });
  describeImageTraces("in Strapi's database", async () => {
    await strapi().db.query(IMAGE_TRACE_UID).deleteMany({});
    return createImageTraces(strapi());
  });

  it('counts failures in a scan that an earlier version started', async () => {
    const query = strapi().db.query(DUPLICATE_SCAN_UID);
    await query.deleteMany({});
    const scans = createDuplicateScans(strapi());
    const now = new Date();
    const { number } = await scans.begin({ restart: true, now });
    await query.updateMany({ where: {}, data: { failed: null } });
    expect(await scans.read()).toMatchObject({ failed: 0 });
    for (const failed of [2, 1]) {
      await scans.reportProgress(number, { found: 0, failed, perMinute: null, problem: null, now });
    }
    expect(await scans.read()).toMatchObject({ failed: 3 });
  });

  it("skips a trace that can't be parsed, and logs it once", async () => {
    const logger = createRecordingLogger();
    await strapi().db.query(IMAGE_TRACE_UID).deleteMany({});
    const traces = createImageTraces(strapi(), logger);
    await traces.put([1, 2].map((fileId) => ({ ...bareTrace('same'), fileId })));
    await strapi()
      .db.query(IMAGE_TRACE_UID)
      .updateMany({ where: { fileId: 1 }, data: { width: null } });
    for (let reading = 0; reading < 2; reading += 1) {
      expect(await traces.get([1, 2])).toMatchObject([{ fileId: 2 }]);
    }
    expect(await traces.notCompared('pass', 10)).toHaveLength(2);
    expect(logger.at('warn')).toEqual([expect.stringContaining('width')]);
  });

  it("skips a pair that can't be parsed, logs it once, and can find it again", async () => {
    const logger = createRecordingLogger();
    await strapi().db.query(DUPLICATE_PAIR_UID).deleteMany({});
    const pairs = createDuplicatePairs(strapi(), { logger });
    await pairs.record([findings(1, [2, 3, 4])]);
    const [newest, ...others] = await allPairs(pairs);
    const spoil = (id: number) =>
      strapi()
        .db.query(DUPLICATE_PAIR_UID)
        .updateMany({ where: { id }, data: { evidence: {} } });
    const ignored = others[0]?.id ?? 0;
    await pairs.review(ignored, { status: 'ignored', userId: 1, reviewedAt: new Date() });
    await spoil(newest?.id ?? 0);
    await spoil(ignored);
    const page = await pairs.list({ status: 'open', cursor: null, limit: 1 });
    expect(page).toEqual({ pairs: [], nextCursor: newest?.id });
    expect(await pairs.list({ status: 'open', cursor: page.nextCursor, limit: 1 })).toMatchObject({
      pairs: [{ id: others[1]?.id }],
      nextCursor: null,
    });
    expect(await pairs.record([findings(1, [2, 3, 4])])).toBe(1);
    expect(await pairs.list({ status: 'open', cursor: null, limit: 10 })).toMatchObject({
      pairs: [{ fileB: newest?.fileB }, { id: others[1]?.id }],
    });
    expect(await pairs.counts()).toEqual({ open: 1, ignored: 1, merged: 0 });
    expect(logger.at('warn')).toHaveLength(2);
  });
  return strapi;
}

describe('SQLite', () => {
  const strapi = describeRepositories();

  it('claims by ranges of an index, and never sorts or walks what waits', async () => {
    const { connection } = strapi().db;
    const entries = createIndexEntries(strapi(), { spaceId: () => 'here' });
    await entries.markPending(range(1, 3));
    const statements: { sql: string; bindings: readonly unknown[] }[] = [];
    const note = (statement: { sql: string; bindings?: readonly unknown[] }): void => {
      const { bindings, sql } = statement;
      // The transaction's own have none.
      if (bindings) statements.push({ sql, bindings });
    };
    connection.on('query', note);
    await entries.claim(3, newLease(), 1);
    connection.off('query', note);
    const reads = statements.filter(({ sql }) => sql.includes('limit'));
    expect(reads.length).toBeGreaterThan(1);
    for (const { sql, bindings } of statements) {
      const explained: unknown = await connection.raw(`explain query plan ${sql}`, [...bindings]);
      const plan = JSON.stringify(explained);
      expect(plan).not.toContain('SCAN');
      if (sql.includes('limit')) expect(plan).not.toContain('TEMP B-TREE');
      if (sql.startsWith('update')) expect(plan).toMatch(/INTEGER PRIMARY KEY|_lease \(lease/);
    }
  });
});
for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, kind.name, (server) => {
    const strapi = describeRepositories(() => server().createDatabase());

    it('knows a copy of the database by its place, and a renewed connection by its id', async () => {
      const logger = createRecordingLogger();
      const identify = () => createDatabaseIdentity(strapi(), logger)();
      const original = await identify();
      expect(await identify()).toEqual(original);
      const table = () => strapi().db.getConnection('image_search_database');
      await table().update({ location: 'where it was dumped' });
      const copy = await identify();
      expect(copy.id).not.toBe(original.id);
      expect(logger.lines.map(({ message }) => message)).toEqual([
        expect.stringContaining('is a copy'),
      ]);
      expect(await identify()).toEqual(copy);
      // Earlier versions couldn't tell where it was.
      await table().update({ location: null });
      expect(await identify()).toEqual(copy);
    });

    it('gives concurrent claims their full share each', async () => {
      await strapi().db.query(INDEX_ENTRY_UID).deleteMany({});
      const entries = createIndexEntries(strapi(), { spaceId: () => 'here' });
      await entries.markPending(range(1, 200));
      const claims = await Promise.all(range(1, 10).map(() => entries.claim(20, newLease())));
      expect(claims.map((claimed) => claimed.length)).toEqual(range(1, 10).map(() => 20));
      expect(new Set(claims.flat().map(({ fileId }) => fileId)).size).toBe(200);
    });

    it("doesn't deadlock between claims, markings, renewals and results", async () => {
      await strapi().db.query(INDEX_ENTRY_UID).deleteMany({});
      const entries = createIndexEntries(strapi(), { spaceId: () => 'here' });
      const random = createSeededRandom('markings');
      const fileIds = range(1, 100);
      await entries.markPending(fileIds);
      await Promise.all(
        range(1, 8).map(async () => {
          for (let round = 0; round < 6; round += 1) {
            const lease = newLease();
            const claimed = await entries.claim(10, lease);
            await entries.renew(lease);
            await entries.markPending(fileIds.filter(() => random.chance(0.3)));
            await entries.complete(
              claimed.map(({ fileId }) => ({ ...image, fileId, lease: lease.token })),
            );
            await entries.makeDue();
          }
        }),
      );
      expect(await entries.list({ cursor: null, limit: 1_000 })).toMatchObject({
        entries: fileIds.map((fileId) => ({ fileId })),
      });
      if (kind === postgres) expect(server().log()).not.toContain('deadlock detected');
    });

    it("doesn't deadlock between findings, reviews, merges and deletions", async () => {
      await strapi().db.query(DUPLICATE_PAIR_UID).deleteMany({});
      const pairs = createDuplicatePairs(strapi());
      const random = createSeededRandom('pairs');
      const fileIds = range(1, 20);
      await Promise.all(
        range(1, 8).map(async (version) => {
          for (const fileId of version % 3 ? fileIds : fileIds.toReversed()) {
            const others = fileIds.filter((other) => other !== fileId && random.chance(0.5));
            await pairs.record([findings(fileId, others, { version: version % 2 })]);
            const { pairs: open } = await pairs.list({ status: 'open', cursor: null, limit: 5 });
            for (const { id } of open) {
              await pairs.review(id, { status: 'ignored', userId: 1, reviewedAt: new Date() });
            }
            await pairs.markMerged({ keptId: fileId, removedId: version, userId: 1 });
            await pairs.removeFiles([random.integer(1, 20)]);
          }
        }),
      );
      const found = await allPairs(pairs);
      expect(found.length).toBeGreaterThan(0);
      expect(new Set(filesOf(found).map(String)).size).toBe(found.length);
      if (kind === postgres) expect(server().log()).not.toContain('deadlock detected');
    });
  });
}
