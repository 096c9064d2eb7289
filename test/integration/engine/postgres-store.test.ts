import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type {
  VectorCollection,
  VectorPoint,
  VectorQuery,
} from '../../../plugin/src/vectors/contract';
import {
  Connection,
  noRows,
  type PostgresSettings,
} from '../../../plugin/src/vectors/postgres/connection';
import { exactHits, search, spaceOf } from '../../conformance/vector-store/points';
import { describeWithServer } from '../../support/describe-with-server';
import { repositoryFolder } from '../../support/paths';
import { pollUntil } from '../../support/polling';
import { postgresWithVectors } from '../../support/postgres-server';
import {
  openPostgresStore,
  runSql,
  startPostgresProxy,
  type OpenedPostgresStore,
  type PostgresProxy,
} from '../../support/postgres-store';
import { createStructuredVectors } from '../../support/structured-vectors';
import { pointOf } from '../../support/vector-points';

const DIMENSIONS = 64;
const space = spaceOf('store', DIMENSIONS);

describeWithServer(postgresWithVectors, 'the store in PostgreSQL', (server) => {
  let settings: PostgresSettings;
  let host: string;
  let proxy: PostgresProxy | null = null;
  const opened: OpenedPostgresStore[] = [];

  beforeAll(async () => {
    const { connection } = await server().createDatabase();
    settings = connection;
    host = connection.host ?? '';
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ store }) => store.dispose()));
    await proxy?.close();
    proxy = null;
    await runSql(settings, 'drop schema if exists image_search cascade');
  });

  function open(given: Record<string, unknown> = {}, access = settings): OpenedPostgresStore {
    const store = openPostgresStore(access, given);
    opened.push(store);
    return store;
  }

  async function openThroughProxy(given: Record<string, unknown> = {}) {
    proxy = await startPostgresProxy(host);
    return { proxy, ...open(given, { ...settings, host: proxy.folder }) };
  }

  describe('with an index', () => {
    const vectors = createStructuredVectors(7, DIMENSIONS);
    const points = Array.from({ length: 3_000 }, (_, index): VectorPoint => {
      const point = pointOf(index + 1, vectors.image());
      if (index % 3 > 0) return point;
      const views = [1, 2].map((number) => ({
        kind: 'part' as const,
        number,
        vector: vectors.image(),
      }));
      return { ...point, views };
    });
    const queries = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? vectors.text() : vectors.image(),
    );

    async function fill(): Promise<VectorCollection> {
      const { store } = open({ hnsw: { from: 1_500 } });
      const collection = await store.ensureSpace(space);
      for (let start = 0; start < points.length; start += 500) {
        await collection.upsert(points.slice(start, start + 500));
      }
      return collection;
    }

    const readGraphs = async () => {
      const [row] = await runSql(settings, 'select graphs from image_search.collections');
      return (row as { graphs: Record<string, { settings: object; recall: number }> }).graphs;
    };
    const untilMeasured = () =>
      pollUntil(readGraphs, (graphs) => 'vectors' in graphs && 'views' in graphs);

    /** Another process, which knows of the index from its first search on. */
    const openAgain = () => open({ hnsw: { from: 1_500 } }).store.ensureSpace(space);

    it('builds it in the background, measures it, and finds nearly all', async () => {
      await fill();
      const graphs = await untilMeasured();
      for (const kind of ['vectors', 'views']) {
        expect(graphs[kind]?.settings).toBeInstanceOf(Object);
        expect(graphs[kind]?.recall).toBeGreaterThanOrEqual(0.995);
      }
      const collection = await openAgain();
      let found = 0;
      for (const vector of queries) {
        const wanted = exactHits(points, vector).slice(0, 20);
        const ids = await search(collection, { vector, limit: 20, isWholeOnly: true });
        found += wanted.filter(({ fileId }) => ids.includes(fileId)).length;
        const again = await search(collection, { vector, limit: 20, isWholeOnly: true });
        expect(again).toEqual(ids);
        const more = await search(collection, { vector, limit: 400, isWholeOnly: true });
        expect(more.slice(0, 20)).toEqual(ids);
        expect(new Set(more).size).toBe(400);
        const every = await collection.search({ vector, limit: 40 });
        expect(every.some(({ view }) => view !== undefined)).toBe(true);
      }
      expect(found / (queries.length * 20)).toBeGreaterThanOrEqual(0.99);
    });

    it('filters through it', async () => {
      await fill();
      await untilMeasured();
      const collection = await openAgain();
      for (const vector of queries.slice(0, 4)) {
        const ranked = exactHits(points, vector).map(({ fileId }) => fileId);
        for (const excludeIds of [ranked.slice(0, 500), ranked.slice(0, 2_950)]) {
          const rest = ranked.filter((id) => !excludeIds.includes(id)).slice(0, 20);
          const filter = { excludeIds };
          const ids = await search(collection, { vector, limit: 20, filter, isWholeOnly: true });
          expect(ids).toHaveLength(20);
          expect(rest.filter((id) => ids.includes(id)).length).toBeGreaterThanOrEqual(19);
        }
        const includeIds = ranked.filter((id) => id % 7 === 0);
        await expect(
          search(collection, { vector, limit: 20, filter: { includeIds }, isWholeOnly: true }),
        ).resolves.toEqual(includeIds.slice(0, 20));
      }
    });

    it('uses it for searches, with and without excluded files', async () => {
      await fill();
      await untilMeasured();
      const scans = async () => {
        const [row] = await runSql(
          settings,
          `select idx_scan::int as scans from pg_stat_user_indexes
           where indexrelname like 'vectors%graph' and pg_stat_clear_snapshot() is not null`,
        );
        return (row as { scans: number }).scans;
      };
      const collection = await openAgain();
      const [vector = new Float32Array()] = queries;
      const before = await pollUntil(scans, (count) => count > 0);
      await collection.search({ vector, limit: 20 });
      await collection.search({ vector, limit: 20, filter: { excludeIds: [1, 2, 3] } });
      await opened.at(-1)?.store.dispose();
      await pollUntil(scans, (count) => count >= before + 2);
    });

    it('answers pages, sorting and facets from the index, and compares all vectors only beyond', async () => {
      await fill();
      await untilMeasured();
      const collection = await openAgain();
      const [vector = new Float32Array()] = queries;
      await collection.search({ vector, limit: 1 });
      const logAll = (setting: string) =>
        runSql(
          settings,
          `alter database ${String(settings.database)} set log_statement = ${setting}`,
        );
      /** Statements that compare every vector, of this search in a process of its own. */
      const comparing = async (limit: number, isWholeOnly = false): Promise<number> => {
        const from = server().log().length;
        const other = await openAgain();
        await expect(other.search({ vector, limit, isWholeOnly })).resolves.toHaveLength(limit);
        await runSql(settings, `select 'searched ${String(limit)}'`);
        const log = await pollUntil(
          () => Promise.resolve(server().log().slice(from)),
          (text) => text.includes(`select 'searched ${String(limit)}'`),
        );
        expect(log).toContain('hnsw.ef_search');
        return log.split(') compared').length - 1;
      };
      await logAll("'all'");
      try {
        for (const limit of [20, 151, 201]) expect(await comparing(limit)).toBe(0);
        for (const limit of [502, 1_002]) expect(await comparing(limit, true)).toBe(0);
        expect(await comparing(2_900)).toBeGreaterThan(0);
      } finally {
        await logAll('default');
      }
    });

    it('finds what is stored after it was built', async () => {
      const collection = await fill();
      await untilMeasured();
      const vector = vectors.text();
      await collection.upsert([pointOf(9_000, vector)]);
      await expect(search(await openAgain(), { vector, limit: 1 })).resolves.toEqual([9_000]);
      await collection.remove([9_000]);
      const [first] = exactHits(points, vector);
      const [hit] = await (await openAgain()).search({ vector, limit: 1, isWholeOnly: true });
      expect(hit?.fileId).toBe(first?.fileId);
    });

    it('builds one again that was left unfinished', async () => {
      await (await fill()).count();
      await untilMeasured();
      await runSql(
        settings,
        `update pg_index set indisvalid = false
         where indexrelid = 'image_search.vectors_1_graph'::regclass`,
      );
      await openAgain();
      await pollUntil(
        () =>
          runSql(
            settings,
            `select indisvalid from pg_index
             where indexrelid = to_regclass('image_search.vectors_1_graph')`,
          ),
        ([row]) => (row as { indisvalid: boolean } | undefined)?.indisvalid === true,
      );
    });
  });

  describe('while an index is due', () => {
    const vectors = createStructuredVectors(5, DIMENSIONS);
    const points = Array.from({ length: 400 }, (_, index) => pointOf(index + 1, vectors.image()));
    const readGraphs = async () => {
      const [row] = await runSql(settings, 'select graphs from image_search.collections');
      return (row as { graphs: object }).graphs;
    };

    it('says once why it cannot be built, and in the health', async () => {
      await (await open().store.ensureSpace(space)).upsert(points);
      await runSql(
        settings,
        `create function refuse() returns event_trigger language plpgsql
           as $$ begin raise 'no indexes on Mondays'; end $$;
         create event trigger refuse on ddl_command_start when tag in ('CREATE INDEX')
           execute function refuse()`,
      );
      try {
        const { logger, store } = open({ hnsw: { from: 100 } });
        const collection = await store.ensureSpace(space);
        const [warning] = await pollUntil(
          () => Promise.resolve(logger.at('warn')),
          ({ length }) => length > 0,
        );
        expect(warning).toContain('no indexes on Mondays');
        await expect(store.checkHealth()).resolves.toMatchObject({
          ok: true,
          message: expect.stringContaining('no indexes on Mondays'),
        });
        await expect(
          collection.search({ vector: vectors.image(), limit: 5 }),
        ).resolves.toHaveLength(5);
      } finally {
        await runSql(settings, 'drop event trigger refuse; drop function refuse');
      }
      await open({ hnsw: { from: 100 } }).store.ensureSpace(space);
      await pollUntil(readGraphs, (graphs) => 'vectors' in graphs);
    });

    it("measures with people's latest searches, texts and images apart", async () => {
      const collection = await open({ hnsw: { from: 100 } }).store.ensureSpace(space);
      await collection.upsert(points);
      const measured = (text: number, image: number) =>
        pollUntil(readGraphs, (graphs) => {
          const { queries } = (graphs as { vectors?: { queries: object } }).vectors ?? {};
          return JSON.stringify(queries) === JSON.stringify({ text, image });
        });
      const searchOften = async (query: Pick<VectorQuery, 'searchedWith'>) => {
        for (let count = 0; count < 20; count += 1) {
          const vector = query.searchedWith === 'text' ? vectors.text() : vectors.image();
          await collection.search({ vector, limit: 3, ...query });
          await collection.search({ vector, limit: 5, ...query });
        }
      };
      await measured(0, 0);
      await searchOften({});
      await searchOften({ searchedWith: 'image' });
      await measured(0, 20);
      await searchOften({ searchedWith: 'text' });
      await measured(20, 20);
    });

    it('measures without a time limit', async () => {
      await (await open({ hnsw: { from: 100 } }).store.ensureSpace(space)).upsert(points);
      await pollUntil(readGraphs, (graphs) => 'vectors' in graphs);
      await runSql(
        settings,
        `update image_search.collections set graphs = '{}';
         alter database ${String(settings.database)} set statement_timeout = '1s'`,
      );
      const lock = await lockVectors();
      const { logger, store } = open({ hnsw: { from: 100 }, timeoutSeconds: 1 });
      try {
        await store.ensureSpace(space);
        await pollUntil(
          () =>
            runSql(
              settings,
              `select from pg_stat_activity where application_name = 'image-search'
               and wait_event_type = 'Lock' and clock_timestamp() - query_start > '2 s'`,
            ),
          ({ length }) => length > 0,
        );
      } finally {
        await runSql(
          settings,
          `alter database ${String(settings.database)} reset statement_timeout`,
        );
        await lock.release();
      }
      await pollUntil(readGraphs, (graphs) => 'vectors' in graphs);
      expect(logger.at('warn')).toEqual([]);
    });
  });

  /** Until `release`, nobody else reads the vectors. */
  async function lockVectors(): Promise<{ release: () => Promise<void> }> {
    const connection = connect({ timeoutSeconds: 60 });
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let holding: Promise<void> = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      holding = connection.transact(async (send) => {
        await send(noRows, 'lock table image_search.vectors_1 in access exclusive mode');
        resolve();
        await released;
      });
      holding.catch(reject);
    });
    return {
      async release() {
        release();
        await holding;
        await connection.dispose();
      },
    };
  }

  function connect({
    connections = 2,
    timeoutSeconds,
  }: {
    connections?: number;
    timeoutSeconds: number;
  }) {
    const connectionsSetting = 'vectors.connections';
    const projectFolder = repositoryFolder;
    return new Connection({
      settings,
      projectFolder,
      connections,
      connectionsSetting,
      timeoutSeconds,
    });
  }

  describe('in trouble', () => {
    it('takes a statement that ran too long for an answer', async () => {
      const { returns, store } = open({ timeoutSeconds: 1 });
      const collection = await store.ensureSpace(space);
      const query = { vector: new Float32Array(DIMENSIONS).fill(0.125), limit: 1 };
      await collection.search(query);
      const lock = await lockVectors();
      try {
        for (let attempt = 0; attempt < 3; attempt += 1) {
          await expect(collection.search(query)).rejects.toMatchObject({
            message: expect.stringContaining('needed more than 1 s'),
            retryable: true,
          });
        }
        await expect(collection.count()).resolves.toBe(0);
      } finally {
        await lock.release();
      }
      await expect(collection.search(query)).resolves.toEqual([]);
      expect(returns()).toBe(0);
    });

    it("takes over no collection of another database's in a shared one", async () => {
      const url = `postgres://${String(settings.user)}@localhost/${String(settings.database)}?host=${encodeURIComponent(host)}`;
      const openFor = (id: string, given: Record<string, unknown>) => {
        const store = openPostgresStore(settings, given, { id, name: id });
        opened.push(store);
        return store.store;
      };
      const point = pointOf(1, new Float32Array(DIMENSIONS).fill(0.125));
      await (await openFor('production', { url }).ensureSpace(space)).upsert([point]);
      // As after an upgrade of the server or a move to another one.
      await runSql(settings, "update image_search.collections set place = 'elsewhere'");
      const staging = openFor('staging', { url });
      await expect(staging.listSpaces()).resolves.toEqual([]);
      await expect((await staging.ensureSpace(space)).count()).resolves.toBe(0);
      await staging.dropSpace(space.id);
      await expect((await openFor('production', { url }).ensureSpace(space)).count()).resolves.toBe(
        1,
      );
      await runSql(settings, "update image_search.collections set place = 'elsewhere'");
      await expect((await openFor('restored', {}).ensureSpace(space)).count()).resolves.toBe(1);
    });

    it('keeps its index when dropping fails', async () => {
      const { store } = open({ hnsw: { from: 10 }, timeoutSeconds: 1 });
      const collection = await store.ensureSpace(space);
      const lock = await lockVectors();
      await expect(store.dropSpace(space.id)).rejects.toMatchObject({ retryable: true });
      await lock.release();
      const vectors = createStructuredVectors(9, DIMENSIONS);
      await collection.upsert(
        Array.from({ length: 50 }, (_, index) => pointOf(index + 1, vectors.image())),
      );
      await pollUntil(
        () => runSql(settings, "select from image_search.collections where graphs ? 'vectors'"),
        ({ length }) => length === 1,
      );
    });

    it('says that its connections are busy, which is no outage', async () => {
      const connection = connect({ connections: 1, timeoutSeconds: 1 });
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const holding = connection.transact(() => released);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await expect(connection.send(noRows, 'select 1')).rejects.toMatchObject({
          code: 'store-unavailable',
          retryable: true,
          message: expect.stringMatching(
            /^All 1 connections .* busy for 1 s\. Raise vectors\.connections\.$/,
          ),
        });
      }
      release();
      await holding;
      await expect(connection.send(noRows, 'select 1')).resolves.toHaveLength(1);
      await connection.dispose();
    });

    it('recreates tables that were dropped, and reports the loss', async () => {
      const { losses, store } = open();
      const collection = await store.ensureSpace(space);
      await collection.upsert([pointOf(1, new Float32Array(DIMENSIONS).fill(0.125))]);
      await runSql(settings, 'drop table image_search.vectors_1');
      await expect(collection.getMany([1])).resolves.toEqual([]);
      expect(losses()).toBe(1);
      await runSql(settings, 'drop schema image_search cascade');
      await expect(collection.count()).resolves.toBe(0);
      expect(losses()).toBe(2);
      await runSql(settings, 'drop extension vector cascade');
      await collection.upsert([pointOf(1, new Float32Array(DIMENSIONS).fill(0.125))]);
      await expect(collection.count()).resolves.toBe(1);
      expect(losses()).toBe(3);
    });

    it('follows an extension that moved, without loss', async () => {
      const { losses, store } = open();
      const collection = await store.ensureSpace(space);
      const vector = new Float32Array(DIMENSIONS).fill(0.125);
      await collection.upsert([pointOf(1, vector)]);
      await runSql(settings, 'create schema elsewhere');
      await runSql(settings, 'alter extension vector set schema elsewhere');
      await expect(search(collection, { vector, limit: 5 })).resolves.toEqual([1]);
      await runSql(settings, 'alter extension vector set schema public');
      await expect(search(collection, { vector, limit: 5 })).resolves.toEqual([1]);
      expect(losses()).toBe(0);
    });

    it('says what to do without the extension', async () => {
      const { connection } = await server().createDatabase();
      await runSql(
        connection,
        'create role visitor login; grant create on database ' +
          String(connection.database) +
          ' to visitor',
      );
      const { store } = open({}, { ...connection, user: 'visitor' });
      const refused = {
        code: 'store-not-installed',
        retryable: false,
        message: expect.stringContaining('Have a superuser run "CREATE EXTENSION vector" there.'),
      };
      await expect(store.ensureSpace(space)).rejects.toMatchObject(refused);
      await expect(store.checkHealth()).resolves.toMatchObject({
        ok: false,
        message: expect.stringContaining('CREATE EXTENSION vector'),
      });
      await runSql(connection, 'create extension vector');
      await expect((await store.ensureSpace(space)).count()).resolves.toBe(0);
    });

    it('never shows a password', async () => {
      const url = 'postgres://somebody:topsecret@127.0.0.1:1/nowhere';
      const { logger, store } = open({ url }, {});
      const { message } = await store.checkHealth();
      expect(message).toContain('127.0.0.1:1/nowhere');
      const error: unknown = await store.listSpaces().catch((reason: unknown) => reason);
      expect(`${message}${String(error)}${JSON.stringify(logger.lines)}`).not.toContain('secret');
    });

    it('fails at once while the server hangs, and notices when it is back', async () => {
      const { proxy: way, returns, store } = await openThroughProxy({ timeoutSeconds: 1 });
      const collection = await store.ensureSpace(space);
      way.setFrozen(true);
      const timeout = { message: expect.stringContaining("didn't answer within 1 s") };
      await expect(collection.count()).rejects.toMatchObject(timeout);
      await expect(collection.count()).rejects.toMatchObject(timeout);
      await expect(collection.count()).rejects.toMatchObject({
        code: 'store-unavailable',
        retryAfterMs: expect.any(Number),
      });
      way.setFrozen(false);
      await pollUntil(
        () => Promise.resolve(returns()),
        (count) => count === 1,
      );
      await expect(collection.count()).resolves.toBe(0);
    });

    it('survives a connection that was cut', async () => {
      const { store } = open();
      const collection = await store.ensureSpace(space);
      await runSql(
        settings,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'image-search' and pid <> pg_backend_pid()`,
      );
      await expect(collection.count()).resolves.toBe(0);
    });

    it('writes the same files from two processes without a deadlock', async () => {
      const collections = await Promise.all(
        [open(), open()].map(({ store }) => store.ensureSpace(space)),
      );
      const random = createStructuredVectors(3, DIMENSIONS);
      const points = Array.from({ length: 60 }, (_, index) => pointOf(index + 1, random.image()));
      await Promise.all(
        Array.from({ length: 40 }, async (_, round) => {
          const collection = collections[round % 2];
          const part = round % 3 === 0 ? points.toReversed() : points;
          if (round % 5 === 4) await collection?.remove(part.map(({ fileId }) => fileId));
          else await collection?.upsert(part);
        }),
      );
      await collections[0]?.upsert(points);
      await expect(collections[1]?.count()).resolves.toBe(60);
      expect(server().log()).not.toContain('deadlock detected');
    });
  });
});
