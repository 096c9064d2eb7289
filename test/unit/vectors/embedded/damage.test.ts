import { mkdir, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import type { VectorStore } from '../../../../plugin/src/vectors/contract';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { createStructuredVectors } from '../../../support/structured-vectors';
import { pointOf } from '../../../support/vector-points';

const space = createVectorSpace({
  provider: 'test',
  model: 'damage',
  dimensions: 64,
  preprocessing: '',
});
const vectors = createStructuredVectors(3, space.dimensions);
const points = Array.from({ length: 500 }, (_, index) => pointOf(index + 1, vectors.image()));
const garbage = Buffer.alloc(20_000, 'not what SQLite wrote ');

describe('a damaged file', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  async function fill(): Promise<VectorStore> {
    const store = await folder.open();
    await (await store.ensureSpace(space)).upsert(points);
    return store;
  }

  /** Names of the files that were set aside, without their journals. */
  async function listSetAside(): Promise<string[]> {
    const names = await readdir(path.dirname(folder.file));
    return names.filter((name) => /^vectors\.sqlite\.damaged-[0-9TZ-]+$/.test(name));
  }

  async function expectFreshStore(store: VectorStore): Promise<void> {
    const collection = await store.ensureSpace(space);
    await expect(collection.count()).resolves.toBe(0);
    await collection.upsert(points);
    await expect(collection.count()).resolves.toBe(500);
    const [setAside] = await listSetAside();
    expect(setAside).toBeDefined();
    expect(folder.logger.at('error')).toEqual([
      expect.stringContaining(`The vector file ${folder.file} is damaged`),
    ]);
    expect(folder.logger.at('error')[0]).toContain(setAside);
    await (await folder.open()).ensureSpace(space);
    expect(await listSetAside()).toHaveLength(1);
  }

  it('that never was a vector file is set aside unchanged', async () => {
    await mkdir(path.dirname(folder.file));
    await writeFile(folder.file, garbage);
    await expectFreshStore(await folder.open());
    const [setAside = ''] = await listSetAside();
    const kept = await readFile(path.join(path.dirname(folder.file), setAside));
    expect(kept.equals(garbage)).toBe(true);
  });

  it.each([
    { what: 'with a wrong header', position: 0, length: 16 },
    { what: 'with garbage in place of its schema', position: 100, length: 2000 },
    { what: 'with garbage in its middle', position: 60_000, length: 20_000 },
  ])('$what is set aside, and a new one created', async ({ position, length }) => {
    await (await fill()).dispose();
    const handle = await open(folder.file, 'r+');
    await handle.write(garbage, 0, length, position);
    await handle.close();
    await expectFreshStore(await folder.open());
  });

  it('stays where it is for a command, whose calls fail', async () => {
    await (await fill()).dispose();
    const { size } = await stat(folder.file);
    await truncate(folder.file, Math.floor(size / 2));
    const store = await folder.open({ keepsDamaged: true });
    await expect(store.listSpaces()).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: false,
    });
    const health = await store.checkHealth();
    expect(health.ok).toBe(false);
    expect(health.message).toContain(`The vector file ${folder.file} is damaged`);
    expect(await listSetAside()).toEqual([]);
  });

  it('is not one whose header is ahead of its length while SQLite finds all pages', async () => {
    const store = await fill();
    const handle = await open(folder.file, 'r+');
    const pages = Buffer.alloc(4);
    pages.writeUInt32BE(1_000_000);
    // As in the middle of a checkpoint: the journal still has the page with the header.
    await handle.write(pages, 0, pages.length, 28);
    await handle.close();
    const health = await store.checkHealth();
    expect(health.ok).toBe(true);
    expect(health.message).not.toContain('damaged');
    expect(await listSetAside()).toEqual([]);
    await expect((await store.ensureSpace(space)).count()).resolves.toBe(500);
  });

  it('that was truncated is set aside, and a new one created', async () => {
    await (await fill()).dispose();
    const { size } = await stat(folder.file);
    await truncate(folder.file, Math.floor(size / 2));
    await expectFreshStore(await folder.open());
  });

  it('that is empty is recreated', async () => {
    await (await fill()).dispose();
    await truncate(folder.file, 0);
    const collection = await (await folder.open()).ensureSpace(space);
    await collection.upsert(points);
    await expect(collection.count()).resolves.toBe(500);
  });

  it.each([
    {
      what: 'its structure',
      sql: `pragma writable_schema = on;
            update sqlite_schema set rootpage = 9999 where name = 'vectors_1';
            pragma schema_version = 4711;`,
    },
    {
      what: 'the length of a vector',
      sql: `update vectors_1 set vector = x'01020304' where file_id = 7`,
    },
    {
      what: 'a number of a vector',
      sql: `update vectors_1 set vector = cast(x'0000c07f' || substr(vector, 5) as blob) where file_id = 7`,
    },
  ])('is also noticed if $what breaks while the store is open', async ({ sql }) => {
    const store = await fill();
    const collection = await store.ensureSpace(space);
    const query = { vector: vectors.text(), limit: 20 };
    await expect(collection.search(query)).resolves.toHaveLength(20);
    const database = new Database(folder.file);
    database.unsafeMode(true);
    database.exec(sql);
    database.close();
    await expect(collection.search(query)).resolves.toEqual([]);
    await collection.upsert(points.slice(0, 30));
    await expect(collection.search(query)).resolves.toHaveLength(20);
    await collection.remove(points.map(({ fileId }) => fileId));
    await expectFreshStore(store);
  });
});
