import { cp, readFile, rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readStoredEntries, readStoredIds } from '../support/index-files';
import { createLibrary, sampleImages } from '../support/library';
import { pollUntil } from '../support/polling';
import { createDataFolder } from '../support/strapi-app';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';
import { sizeOf } from '../support/test-size';

const IMAGES = sizeOf({ ci: 96, long: 120 });
const UPLOADS_AT_ONCE = 24;
/** Strapi itself takes some of it. */
const LONGEST_END_MS = 10_000;

describe('a server that ends in the middle of indexing', () => {
  /** A library of images that are all waiting; every test has a copy of it. */
  let preparedFolder: string;
  let dataFolder: string;
  /** Ascending. */
  let fileIds: number[];

  beforeAll(async () => {
    preparedFolder = await createDataFolder();
    dataFolder = preparedFolder;
    const images = await sampleImages(IMAGES);
    const server = await start({ enabled: false });
    const library = createLibrary(server);
    fileIds = [];
    for (let first = 0; first < IMAGES; first += UPLOADS_AT_ONCE) {
      const files = await library.upload(...images.slice(first, first + UPLOADS_AT_ONCE));
      fileIds.push(...files.map(({ id }) => id));
    }
    fileIds.sort((a, b) => a - b);
    await server.kill('SIGTERM');
    expect(readStoredEntries(dataFolder)).toMatchObject(
      fileIds.map((fileId) => ({ fileId, state: 'pending', attempts: 0 })),
    );
  });
  beforeEach(async () => {
    dataFolder = await createDataFolder();
    await cp(preparedFolder, dataFolder, { recursive: true });
  });
  afterEach(async () => {
    await rm(dataFolder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await rm(preparedFolder, { recursive: true, force: true });
  });

  function start(indexing: { enabled: boolean }): Promise<StrapiProcess> {
    return spawnStrapi({
      dataFolder,
      imageSearch: { indexing: { concurrency: 1, ...indexing } },
      env: { LOG_LEVEL: 'info' },
    });
  }

  /** Starts a server and lets it index some of the images. */
  async function startAndIndex(atLeast: number): Promise<StrapiProcess> {
    const server = await start({ enabled: true });
    await pollUntil(
      () => server.readStatus(),
      ({ counts }) => counts.indexed >= atLeast,
      { intervalMs: 0 },
    );
    return server;
  }

  /** What was done when the server ended; fails unless that was in the middle. */
  function readDone(): ReturnType<typeof readStoredEntries> {
    const done = readStoredEntries(dataFolder).filter(({ state }) => state === 'indexed');
    expect(done.length).toBeGreaterThan(0);
    expect(done.length).toBeLessThan(IMAGES);
    return done;
  }

  /** Starts a server that does the rest, and holds what it leaves against what was there before. */
  async function expectAllIndexedOnce(done: ReturnType<typeof readStoredEntries>): Promise<void> {
    const server = await start({ enabled: true });
    const status = await server.waitUntilIndexed();
    expect(status).toMatchObject({
      total: IMAGES,
      counts: { indexed: IMAGES, pending: 0, indexing: 0, skipped: 0, failed: 0 },
    });
    const library = createLibrary(server);
    expect((await library.entries()).map(({ fileId }) => fileId)).toEqual(fileIds);
    expect(await library.reindex('missing')).toBe(0);
    await server.kill('SIGTERM');
    const entries = readStoredEntries(dataFolder);
    expect(entries.map(({ fileId }) => fileId)).toEqual(fileIds);
    expect(entries).toEqual(expect.arrayContaining(done));
    expect(await readStoredIds(dataFolder)).toEqual(fileIds);
  }

  it.each(sizeOf({ ci: [2], long: [1, 2] }))(
    'killed %i times in a row, loses nothing and does nothing twice',
    async (times) => {
      let done: ReturnType<typeof readDone> = [];
      for (let time = 1; time <= times; time += 1) {
        const server = await startAndIndex(done.length + 10);
        const processes = await childrenOf(server.child.pid);
        expect(await server.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
        // The model's process must not outlive what it works for.
        await pollUntil(
          () => Promise.resolve(processes.filter(isAlive)),
          (alive) => alive.length === 0,
        );
        const doneBefore = done;
        done = readDone();
        expect(done).toEqual(expect.arrayContaining(doneBefore));
      }
      await expectAllIndexedOnce(done);
    },
  );

  it('stopped, ends soon, returns its claims, and continues at the next start', async () => {
    const server = await startAndIndex(10);
    const timeout = AbortSignal.timeout(LONGEST_END_MS);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(timeout.aborted).toBe(false);
    const done = readDone();
    const rest = readStoredEntries(dataFolder).filter(({ state }) => state !== 'indexed');
    expect(rest).toHaveLength(IMAGES - done.length);
    for (const entry of rest) {
      expect(entry).toMatchObject({ state: 'pending', attempts: 0, lease: null });
    }
    await expectAllIndexedOnce(done);
  });
});

/** Ids of the processes that a process has started; known on Linux only. */
async function childrenOf(pid = 0): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const list = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  const children = list.trim().split(' ').map(Number);
  expect(children.length).toBeGreaterThan(0);
  return children;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
