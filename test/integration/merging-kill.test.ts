import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import {
  mergeBatchesResponseSchema,
  mergeBatchResponseSchema,
  type MergeBatch,
} from '../../plugin/src/contracts/bulk-merging';
import { INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { startDuplicatesApp, verdicts, type DuplicatesApp } from '../support/duplicates-app';
import { createLibrary } from '../support/library';
import { dumpDatabase, journalTables } from '../support/merging-app';
import { createArticle } from '../support/merging-content';
import { pollUntil } from '../support/polling';
import { createDataFolder } from '../support/strapi-app';
import { appFolder } from '../support/strapi-environment';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';
import { sizeOf } from '../support/test-size';

const GROUPS = 3;
const BATCHES = '/image-search/duplicates/batches';
const imageSearch = { indexing: { enabled: false }, duplicates: { trashDays: 30 } };
const folder = path.join(appFolder, 'editorial');

/** Tables that tell what was merged, pairs, which an undo restores under other ids, and bookkeeping. */
const records = [
  ...journalTables,
  'image_search_merge_batches',
  'image_search_merge_batch_groups',
  'image_search_duplicate_pairs',
  'image_search_jobs',
  'image_search_index_entries',
  'strapi_sessions',
  // Renewed at each start.
  'admin_permissions',
  'strapi_core_store_settings',
];

type Contents = Awaited<ReturnType<typeof dumpDatabase>>;

describe('a server that is killed', () => {
  /** A library with a bulk merge that is planned, and one with a bulk merge that is done. */
  let planned: string;
  let merged: string;
  let before: Contents;
  let after: Contents;
  let batchId: number;
  /** All files, and those that are kept. */
  let stored: string[];
  let kept: string[];
  let dataFolder: string;

  beforeAll(async () => {
    planned = await createDataFolder();
    const app = await startDuplicatesApp({ dataFolder: planned, imageSearch });
    kept = [];
    for (let group = 0; group < GROUPS; group += 1) {
      const [first = 0, second = 0] = await app.uploadFiles(2);
      await app.record(second, [first], { verdict: verdicts.identical });
      await app.strapi.db.query(INDEX_ENTRY_UID).updateMany({
        where: { fileId: { $in: [first, second] } },
        data: { state: 'indexed' },
      });
      const [keep, copy] = await app.files([first, second]);
      if (!keep || !copy) throw new Error('Not all are uploaded.');
      kept.push(`${keep.hash}${keep.ext ?? ''}`);
      for (let use = 0; use < 3; use += 1) await createArticle(app, { cover: keep.id });
      await createArticle(app, { cover: copy.id, body: `![](${copy.url})` });
    }
    const { body } = await app.post('duplicates/batches', { kind: 'identical' });
    batchId = mergeBatchResponseSchema.parse(body).data?.id ?? 0;
    expect(await reach(app, 'ready')).toMatchObject({ plan: { groups: GROUPS }, leftOut: [] });
    before = await contentsOf(app);
    stored = await app.storedNames();
    await app.stop();

    merged = await createDataFolder();
    await copyTo(merged, planned);
    const merging = await startDuplicatesApp({ dataFolder: merged, imageSearch });
    await merging.post(`duplicates/batches/${String(batchId)}/merge`, {});
    expect(await reach(merging, 'ended')).toMatchObject(all);
    after = await contentsOf(merging);
    await merging.stop();
  });
  beforeEach(async () => {
    dataFolder = await createDataFolder();
  });
  afterEach(async () => {
    await rm(dataFolder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await rm(planned, { recursive: true, force: true });
    await rm(merged, { recursive: true, force: true });
  });

  const all = { merged: { groups: GROUPS, copies: GROUPS }, leftOut: [], problem: null };

  async function reach(app: DuplicatesApp, state: MergeBatch['state']): Promise<MergeBatch> {
    const read = async () => {
      const { body } = await app.get('duplicates/batches');
      return mergeBatchesResponseSchema.parse(body).data.find(({ id }) => id === batchId);
    };
    const batch = await pollUntil(read, (found) => found?.state === state);
    if (!batch) throw new Error('The bulk merge is gone.');
    return batch;
  }

  /** What becomes of it after the next start. */
  async function startAgain(work: (app: DuplicatesApp) => Promise<void>): Promise<void> {
    const app = await startDuplicatesApp({ dataFolder, imageSearch });
    try {
      await work(app);
    } finally {
      await app.stop();
    }
  }

  const contentsOf = (app: DuplicatesApp) => dumpDatabase(app, { leaveOut: records });

  /** Everything but when files were edited: a merge marks its copies, at another time in each test. */
  function timeless(contents: Contents): Contents {
    const files = (contents.get('files') ?? []) as Record<string, unknown>[];
    return new Map(contents).set(
      'files',
      files.map((file) => ({ ...file, updated_at: null })),
    );
  }

  async function copyTo(target: string, source: string): Promise<void> {
    // What a killed server left must not mix with it.
    await rm(target, { recursive: true, force: true });
    await cp(source, target, { recursive: true });
  }

  /** Lets a server do something until it kills itself before a statement; returns those before. */
  async function runUntilKilled(
    from: string,
    act: (server: StrapiProcess) => Promise<unknown>,
    dies: { before: number },
  ): Promise<string[]> {
    await copyTo(dataFolder, from);
    const env = { DIES_BEFORE_WRITE: String(dies.before) };
    const server = await spawnStrapi({ folder, dataFolder, imageSearch, env });
    const writes: string[] = [];
    server.child.on('message', (message) => {
      writes.push((message as { write: string }).write);
    });
    // The request of a killed server fails, as it should.
    const acting = act(server).catch(() => undefined);
    expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await acting;
    return writes;
  }

  /** The statements that write when nobody stops it. */
  async function writesOf(
    from: string,
    act: (server: StrapiProcess) => Promise<unknown>,
    isDone: (server: StrapiProcess) => Promise<boolean>,
  ): Promise<string[]> {
    await copyTo(dataFolder, from);
    const env = { DIES_BEFORE_WRITE: '-1' };
    const server = await spawnStrapi({ folder, dataFolder, imageSearch, env });
    const writes: string[] = [];
    server.child.on('message', (message) => {
      writes.push((message as { write: string }).write);
    });
    await act(server);
    await pollUntil(() => isDone(server), Boolean);
    await server.kill('SIGTERM');
    return writes;
  }

  /** What the dead server left: no use of a missing file, and no file without its bytes. */
  async function expectNothingLost(): Promise<void> {
    const database = open();
    const dangling = database
      .prepare(
        'select relation.id from files_related_mph relation left join files on files.id = relation.file_id where files.id is null',
      )
      .all();
    const used = database
      .prepare<[], { name: string }>(
        'select distinct files.hash || files.ext name from files_related_mph relation join files on files.id = relation.file_id',
      )
      .all();
    // The dead server's lease ends.
    database.exec('delete from image_search_jobs');
    database.close();
    expect(dangling).toEqual([]);
    expect(used.length).toBeGreaterThanOrEqual(GROUPS);
    const names = await readdir(path.join(dataFolder, 'public/uploads'));
    expect(names).toEqual(expect.arrayContaining(used.map(({ name }) => name)));
    expect(names).toEqual(expect.arrayContaining(kept));
  }

  const open = () => new Database(path.join(dataFolder, 'strapi.sqlite'));

  const change = (server: StrapiProcess, action: 'merge' | 'undo') =>
    createLibrary(server).call('post', `${BATCHES}/${String(batchId)}/${action}`, {});

  const isIn = async (server: StrapiProcess, state: MergeBatch['state']): Promise<boolean> => {
    const { body } = await createLibrary(server).call('get', BATCHES);
    const { data } = mergeBatchesResponseSchema.parse(body);
    return data.some((batch) => batch.id === batchId && batch.state === state);
  };

  /** In CI the first of the statements and one later, otherwise each. */
  function stepsOf(writes: readonly string[]): number[] {
    const steps = writes.map((_, index) => index + 1);
    const every = sizeOf({ ci: Math.ceil((2 * steps.length) / 3), long: 1 });
    return steps.filter((step) => step % every === 1 % every);
  }

  it('while it merges in bulk continues after the next start, and an undo brings all back', async () => {
    const merge = (server: StrapiProcess) => change(server, 'merge');
    const writes = await writesOf(planned, merge, (server) => isIn(server, 'ended'));
    expect(writes.filter((sql) => sql.includes('image_search_merges'))).toHaveLength(GROUPS);
    for (const step of stepsOf(writes)) {
      const done = await runUntilKilled(planned, merge, { before: step });
      expect(done).toEqual(writes.slice(0, step - 1));
      await expectNothingLost();
      await startAgain(async (app) => {
        if (step === 1) {
          // It never heard of it.
          expect(await reach(app, 'ready')).toMatchObject({ canUndo: false });
          await app.post(`duplicates/batches/${String(batchId)}/merge`, {});
        }
        expect(await reach(app, 'ended')).toMatchObject({ ...all, canUndo: true });
        expect(timeless(await contentsOf(app))).toEqual(timeless(after));
        expect(await app.storedNames()).toEqual(stored);
        await app.post(`duplicates/batches/${String(batchId)}/undo`, {});
        const undone = await reach(app, 'undone');
        expect(undone).toMatchObject({ undone: { groups: GROUPS, failed: 0 } });
        expect(await contentsOf(app)).toEqual(before);
      });
    }
  });

  it('while it undoes a bulk merge continues after the next start', async () => {
    const undo = (server: StrapiProcess) => change(server, 'undo');
    const writes = await writesOf(merged, undo, (server) => isIn(server, 'undone'));
    for (const step of stepsOf(writes)) {
      await runUntilKilled(merged, undo, { before: step });
      await expectNothingLost();
      await startAgain(async (app) => {
        const [{ state } = { state: null }] = mergeBatchesResponseSchema.parse(
          (await app.get('duplicates/batches')).body,
        ).data;
        // Killed before it was written that someone asked for it.
        if (state === 'ended') await app.post(`duplicates/batches/${String(batchId)}/undo`, {});
        const undone = await reach(app, 'undone');
        expect(undone).toMatchObject({ undone: { groups: GROUPS, failed: 0 }, canUndo: false });
        expect(await contentsOf(app)).toEqual(before);
        expect(await app.storedNames()).toEqual(stored);
      });
    }
  });

  it('while it empties the trash leaves no copy behind after the next start', async () => {
    const database = new Database(path.join(merged, 'strapi.sqlite'), { readonly: true });
    const merges = database
      .prepare<[], { id: number }>('select id from image_search_merges order by id')
      .all();
    database.close();
    const empty = async (server: StrapiProcess) => {
      const library = createLibrary(server);
      for (const { id } of merges) {
        await library.call('post', `/image-search/duplicates/merges/${String(id)}/empty`, {});
      }
    };
    const writes = await writesOf(merged, empty, () => Promise.resolve(true));
    for (const step of stepsOf(writes)) {
      await runUntilKilled(merged, empty, { before: step });
      await expectNothingLost();
      const due = open();
      due.prepare('update image_search_merged_copies set empties_at = ?').run(Date.now() - 1_000);
      due.close();
      await startAgain(async (app) => {
        const names = await pollUntil(
          () => app.storedNames(),
          (found) => found.length === stored.length - GROUPS,
        );
        expect(names).toEqual(expect.arrayContaining(kept));
        await pollUntil(
          async () => (await app.strapi.db.query('plugin::upload.file').findMany()).length,
          (count) => count === GROUPS,
        );
        const articles = (after.get('articles') ?? []).length;
        expect((await contentsOf(app)).get('articles')).toHaveLength(articles);
      });
    }
  });
});
