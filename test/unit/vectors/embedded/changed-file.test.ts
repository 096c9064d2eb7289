import { copyFile, readdir, rename, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import type { VectorStore } from '../../../../plugin/src/vectors/contract';
import { createEmbeddedStore } from '../../../../plugin/src/vectors/embedded';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { createStructuredVectors } from '../../../support/structured-vectors';
import { pointOf } from '../../../support/vector-points';

const space = createVectorSpace({
  provider: 'test',
  model: 'changed file',
  dimensions: 64,
  preprocessing: '',
});
const vectors = createStructuredVectors(5, space.dimensions);
const hashOf = (fileId: number): string => String(fileId).padStart(64, '0');
const points = Array.from({ length: 300 }, (_, index) =>
  pointOf(index + 1, vectors.image(), hashOf(index + 1)),
);
const staging = { id: 'staging', name: 'the database of staging' };
const production = { id: 'production', name: 'the database of production' };

let folder: EmbeddedStoreFolder;
let losses: number;
let opened: VectorStore[];

beforeEach(async () => {
  folder = await createEmbeddedStoreFolder();
  losses = 0;
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((store) => store.dispose()));
  await folder.destroy();
});

async function openFilled(): Promise<VectorStore> {
  const store = await folder.open({
    prefilterFrom: 1,
    onLoss: () => {
      losses += 1;
    },
  });
  await (await store.ensureSpace(space)).upsert(points);
  return store;
}

function openFor(database: { id: string; name: string }): VectorStore {
  const store = createEmbeddedStore({
    file: folder.file,
    prefilterFrom: 1000,
    logger: folder.logger,
    database: () => Promise.resolve(database),
  });
  opened.push(store);
  return store;
}

describe('a file that changes while it is open', () => {
  it('is written again when it was deleted, with all vectors', async () => {
    const store = await openFilled();
    await rm(folder.file);
    const health = await store.checkHealth();
    expect(health.ok).toBe(true);
    expect(health.message).toContain('was deleted while it was open');
    expect(losses).toBe(0);
    const collection = await store.ensureSpace(space);
    await expect(collection.search({ vector: vectors.text(), limit: 500 })).resolves.toHaveLength(
      300,
    );
    await collection.remove([1]);
    const reopened = await (await folder.open()).ensureSpace(space);
    await expect(reopened.count()).resolves.toBe(299);
  });

  it('is written again when its whole folder was deleted', async () => {
    const store = await openFilled();
    await rm(path.dirname(folder.file), { recursive: true });
    const collection = await store.ensureSpace(space);
    await expect(collection.count()).resolves.toBe(300);
    await collection.upsert([pointOf(301, vectors.image())]);
    const reopened = await (await folder.open()).ensureSpace(space);
    await expect(reopened.count()).resolves.toBe(301);
  });

  it('is reopened when another one took its place, without the journal of the former', async () => {
    const other = path.join(folder.folder, 'other.sqlite');
    const store = createEmbeddedStore({ file: other, prefilterFrom: 1, logger: folder.logger });
    await (await store.ensureSpace(space)).upsert(points.slice(0, 7));
    await store.dispose();
    const first = await openFilled();
    await rename(other, folder.file);
    const health = await first.checkHealth();
    expect(health.ok).toBe(true);
    expect(health.message).toContain('was replaced while it was open');
    expect(losses).toBe(1);
    const collection = await first.ensureSpace(space);
    await expect(collection.count()).resolves.toBe(7);
    await expect(collection.search({ vector: vectors.text(), limit: 500 })).resolves.toHaveLength(
      7,
    );
    await first.dispose();
    expect(await readdir(path.dirname(folder.file))).toEqual([path.basename(folder.file)]);
  });

  it.each([
    ['to nothing', 0],
    ['to a part', 0.5],
  ])('is set aside when it was cut off %s, within one health check', async (_, share) => {
    const store = await openFilled();
    // Everything is in the file itself, as after a checkpoint.
    const database = new Database(folder.file);
    database.pragma('wal_checkpoint(truncate)');
    const pages = Number(database.pragma('page_count', { simple: true }));
    const pageBytes = Number(database.pragma('page_size', { simple: true }));
    database.close();
    await truncate(folder.file, Math.floor(pages * share) * pageBytes);
    const health = await store.checkHealth();
    expect(health.ok).toBe(true);
    expect(health.message).toContain('is damaged (it was cut off or overwritten)');
    expect(losses).toBe(1);
    const collection = await store.ensureSpace(space);
    await expect(collection.count()).resolves.toBe(0);
    await collection.upsert(points);
    await expect(collection.count()).resolves.toBe(300);
  });
});

describe('a file of several databases', () => {
  it('says whose vectors it has, too', async () => {
    await (await openFor(production).ensureSpace(space)).upsert(points);
    const store = openFor(staging);
    await store.ensureSpace(space);
    expect(folder.logger.at('info')).toEqual([
      `The vector file ${folder.file} also has vectors of the database of production. They aren't changed, and are reused for images with the same bytes.`,
    ]);
    await expect(store.checkHealth()).resolves.toEqual({
      ok: true,
      message: `1 collection stored in ${folder.file}. The file is shared with the database of production.`,
      others: ['the database of production'],
    });
  });

  it('is used by commands as by the database that used it last', async () => {
    await (await openFor(production).ensureSpace(space)).upsert(points);
    await (await openFor(staging).ensureSpace(space)).upsert(points.slice(0, 3));
    await Promise.all(opened.map((store) => store.dispose()));
    const database = new Database(folder.file);
    database.exec(`update databases set seen_at = '2026-01-01' where id = 'production'`);
    database.close();
    const store = await folder.open();
    await expect((await store.ensureSpace(space)).count()).resolves.toBe(3);
  });

  it('of version 1 belongs to the first database that asks for its vectors', async () => {
    await openFilled();
    await folder.open();
    const database = new Database(folder.file);
    database.exec(`
      drop index points_1_hash;
      drop table views_1;
      drop table databases;
      drop table removed_vectors;
      create table former (number integer primary key, id text not null unique, provider text not null,
        model text not null, dimensions integer not null, preprocessing text not null) strict;
      insert into former select number, id, provider, model, dimensions, preprocessing from spaces;
      drop table spaces;
      alter table former rename to spaces;
      pragma user_version = 1;
    `);
    database.close();
    const collection = await openFor(production).ensureSpace(space);
    await expect(collection.count()).resolves.toBe(300);
    await expect(collection.findByContentHash(hashOf(7))).resolves.toMatchObject({
      vector: points[6]?.vector,
    });
    await expect((await openFor(staging).ensureSpace(space)).count()).resolves.toBe(0);
  });
});

describe('the vector of a removed file', () => {
  it('is found by its bytes, but by no search', async () => {
    const store = await openFilled();
    const collection = await store.ensureSpace(space);
    await collection.remove([7]);
    await expect(collection.findByContentHash(hashOf(7))).resolves.toMatchObject({
      vector: points[6]?.vector,
    });
    const hits = await collection.search({ vector: vectors.text(), limit: 500 });
    expect(hits.map(({ fileId }) => fileId)).not.toContain(7);
    await expect(collection.count()).resolves.toBe(299);
  });

  it('is forgotten after a while, and when there are many', async () => {
    const store = await openFilled();
    const collection = await store.ensureSpace(space);
    await collection.remove([7]);
    const database = new Database(folder.file);
    database.exec(`update removed_vectors set removed_at = '2026-01-01'`);
    database.exec(`
      insert into removed_vectors
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 2500)
      select 'a former space', n, '2999-01-01', x'00' from numbers
    `);
    await collection.remove([8]);
    await expect(collection.findByContentHash(hashOf(7))).resolves.toBeNull();
    const count = database.prepare('select count(*) from removed_vectors').pluck().get();
    database.close();
    expect(count).toBe(2000);
  });
});

it('copies of a file keep what they had', async () => {
  await (await openFor(production).ensureSpace(space)).upsert(points);
  await Promise.all(opened.map((store) => store.dispose()));
  const copy = path.join(folder.folder, 'copy.sqlite');
  await copyFile(folder.file, copy);
  const store = createEmbeddedStore({
    file: copy,
    prefilterFrom: 1,
    logger: folder.logger,
    database: () => Promise.resolve(staging),
  });
  opened.push(store);
  const collection = await store.ensureSpace(space);
  await expect(collection.count()).resolves.toBe(0);
  await expect(collection.findByContentHash(hashOf(9))).resolves.toMatchObject({
    vector: points[8]?.vector,
  });
});
