import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import type { VectorQuery } from '../../../../plugin/src/vectors/contract';
import {
  Collection,
  createCollectionTables,
} from '../../../../plugin/src/vectors/embedded/collection';
import { openDatabase } from '../../../../plugin/src/vectors/embedded/database';
import { loadDriver, type SqlDatabase } from '../../../../plugin/src/vectors/embedded/driver';
import { indexFileOf, readIndexFile } from '../../../../plugin/src/vectors/embedded/index-file';
import { runToEnd } from '../../../../plugin/src/vectors/embedded/quantized-index';
import { LEADING_FROM } from '../../../../plugin/src/vectors/embedded/recall-keeper';
import { toViewId } from '../../../../plugin/src/vectors/views';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { createLowRankVectors } from '../../../support/low-rank-vectors';
import { pointOf } from '../../../support/vector-points';

const space = createVectorSpace({
  provider: 'test',
  model: 'index file',
  dimensions: 48,
  preprocessing: '',
});
const SIZE = LEADING_FROM + 1_000;
/** Far fewer than it takes to read all vectors. */
const FEW_STEPS = 5;
const made = createLowRankVectors('index file', space.dimensions);

describe('the saved index of a collection', () => {
  let folder: string;
  let file: string;
  let database: SqlDatabase;
  let isCurrent: boolean;
  /** Of collection 1, from which each test starts. */
  let whole: Buffer;
  let collection: Collection;

  function open(number = 1): Collection {
    return new Collection({
      database,
      number,
      space,
      prefilterFrom: 1000,
      file,
      isCurrent: () => isCurrent,
      report: () => undefined,
    });
  }

  function fill(target: Collection, fileIds: readonly number[], views = false): void {
    const points = fileIds.map((fileId) => {
      const { payload } = pointOf(fileId, made.image());
      return views
        ? { fileId, payload, views: [{ kind: 'frame' as const, number: 3 }] }
        : { fileId, payload };
    });
    const count = points.length * (views ? 2 : 1);
    const vectors = new Float32Array(count * space.dimensions);
    for (let position = 0; position < count; position += 1) {
      vectors.set(made.image(), position * space.dimensions);
    }
    target.upsert({ points, vectors });
  }

  function create(number: number): Collection {
    createCollectionTables(database, number);
    database
      .prepare<[number, string]>(
        `insert into spaces (number, database_id, id, provider, model, dimensions, preprocessing)
         values (?, ?, 'space', 'test', 'test', 48, '')`,
      )
      .run(number, String(number));
    const created = open(number);
    for (let first = 1; first < SIZE; first += 1000) {
      fill(
        created,
        Array.from({ length: 1000 }, (_, index) => first + index),
      );
    }
    return created;
  }

  function savedId(): string {
    const row = database
      .prepare<[], { id: string }>('select saved_index id from spaces where number = 1')
      .get();
    return row?.id ?? '';
  }

  /** Everything that is due in the background. */
  function work(target: Collection): number {
    let steps = 0;
    for (let due = target.findWork(); due !== null; due = target.findWork()) steps += runToEnd(due);
    return steps;
  }

  function expectHits(target: Collection): void {
    const queries = Array.from({ length: 16 }, (_, position): VectorQuery => ({
      vector: position % 2 === 0 ? made.text() : made.image(),
      limit: 20,
    }));
    const scanning = new Collection({
      database,
      number: 1,
      space,
      prefilterFrom: Infinity,
      file,
      isCurrent: () => true,
      report: () => undefined,
    });
    const expected = scanning.search(queries);
    const found = target.search(queries);
    const misses = expected.flatMap((hits, position) =>
      hits.filter(({ fileId, score }) =>
        found[position]?.every((hit) => hit.fileId !== fileId || hit.score !== score),
      ),
    );
    expect(misses.length).toBeLessThanOrEqual(0.001 * 16 * 20);
    expect(target.search(queries.map((query) => ({ ...query, isExact: true })))).toEqual(expected);
  }

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'image-search-index-'));
    file = path.join(folder, 'vectors.sqlite');
    database = openDatabase(loadDriver({ projectFolder: process.cwd() }), file);
    isCurrent = true;
    expect(work(create(1))).toBeGreaterThan(SIZE / 1000);
    whole = readFileSync(indexFileOf(file, 1));
  });
  beforeEach(() => {
    isCurrent = true;
    writeFileSync(indexFileOf(file, 1), whole);
    collection = open();
  });
  afterAll(async () => {
    database.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('opens with the leading dimensions, and leaves nothing else behind', async () => {
    expect(work(collection)).toBeLessThan(FEW_STEPS);
    expect(collection.usesLeading).toBe(true);
    expectHits(collection);
    await expect(readdir(folder)).resolves.toEqual([
      'vectors.sqlite',
      'vectors.sqlite-index-1',
      'vectors.sqlite-shm',
      'vectors.sqlite-wal',
    ]);
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1000)],
    ['cut off at its header', (bytes: Buffer) => bytes.subarray(0, 9)],
    ['empty', () => Buffer.alloc(0)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['changed in a header byte', flipped(40)],
    ['changed in a length', flipped(9)],
    ['changed in a key', flipped(20_000)],
    ['changed in a code', flipped(-500_000)],
    ['changed in a leading code', flipped(-1000)],
    ['changed in its checksum', flipped(-2)],
  ])('is not read when the file is %s', (_, change) => {
    const expected = { id: savedId(), dimensions: space.dimensions };
    expect(readIndexFile(indexFileOf(file, 1), expected)?.index.size).toBe(SIZE);
    writeFileSync(indexFileOf(file, 1), change(Buffer.from(whole)));
    expect(readIndexFile(indexFileOf(file, 1), expected)).toBeNull();
  });

  it('is rebuilt when the file is damaged', () => {
    writeFileSync(indexFileOf(file, 1), flipped(-500_000)(Buffer.from(whole)));
    expect(work(collection)).toBeGreaterThan(SIZE / 1000);
    expectHits(collection);
    whole = readFileSync(indexFileOf(file, 1));
    expect(work(open())).toBeLessThan(FEW_STEPS);
  });

  it('is rebuilt when the file is missing or of another collection', () => {
    rmSync(indexFileOf(file, 1));
    expect(work(collection)).toBeGreaterThan(SIZE / 1000);
    work(create(2));
    writeFileSync(indexFileOf(file, 1), readFileSync(indexFileOf(file, 2)));
    collection = open();
    expect(work(collection)).toBeGreaterThan(SIZE / 1000);
    expectHits(collection);
    whole = readFileSync(indexFileOf(file, 1));
  });

  it('is rebuilt when the file is older than the last one saved', () => {
    const older = whole;
    expect(work(collection)).toBeLessThan(FEW_STEPS);
    fill(
      collection,
      Array.from({ length: 900 }, (_, index) => index * 3 + 1),
    );
    expect(work(collection)).toBeGreaterThan(0);
    whole = readFileSync(indexFileOf(file, 1));
    expect(whole.equals(older)).toBe(false);
    writeFileSync(indexFileOf(file, 1), older);
    collection = open();
    expect(work(collection)).toBeGreaterThan(SIZE / 1000);
    expectHits(collection);
    whole = readFileSync(indexFileOf(file, 1));
  });

  it('is brought up to date with what was written since, as after a kill', () => {
    fill(collection, [3, 5, 7, SIZE + 50, SIZE + 51]);
    fill(collection, [11, 12, SIZE + 60], true);
    collection.remove([20, 21, SIZE + 51]);
    const killed = open();
    fill(killed, [5, 13]);
    collection = open();
    expect(work(collection)).toBeLessThan(FEW_STEPS);
    expect(collection.usesLeading).toBe(true);
    expectHits(collection);
    const { vectors } = collection.viewsOf([11]);
    expect(collection.search([{ vector: vectors.slice(), limit: 1 }])[0]?.[0]?.fileId).toBe(11);
    expect(toViewId(11, { kind: 'frame', number: 3 })).toBe(collection.viewsOf([11]).viewIds[0]);
  });

  it('is saved again after many changes only, and not over those of another process', () => {
    work(collection);
    const before = readFileSync(indexFileOf(file, 1));
    fill(collection, [1, 2, 3]);
    work(collection);
    expect(readFileSync(indexFileOf(file, 1)).equals(before)).toBe(true);
    fill(
      collection,
      Array.from({ length: 900 }, (_, index) => index * 3 + 1),
    );
    isCurrent = false;
    runToEnd(collection.save());
    isCurrent = true;
    // The file isn't that of the collection now: nothing vouches for it.
    expect(work(open())).toBeGreaterThan(SIZE / 1000);
    whole = readFileSync(indexFileOf(file, 1));
    expectHits(open());
  });

  it('is not saved when it changes meanwhile', () => {
    work(collection);
    fill(
      collection,
      Array.from({ length: 900 }, (_, index) => index * 5 + 1),
    );
    const before = readFileSync(indexFileOf(file, 1));
    const saving = collection.save();
    expect(saving.next().done).toBe(false);
    fill(collection, [4]);
    runToEnd(saving);
    expect(readFileSync(indexFileOf(file, 1)).equals(before)).toBe(true);
    work(collection);
    expect(readFileSync(indexFileOf(file, 1)).equals(before)).toBe(false);
    whole = readFileSync(indexFileOf(file, 1));
    expect(work(open())).toBeLessThan(FEW_STEPS);
  });
});

describe('the index file of a store', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  it('is written when the store closes, can be deleted, and goes with its space', async () => {
    const query = { vector: made.text(), limit: 20 };
    let store = await folder.open();
    let collection = await store.ensureSpace(space);
    for (let first = 1; first < SIZE; first += 1000) {
      await collection.upsert(
        Array.from({ length: 1000 }, (_, index) => pointOf(first + index, made.image())),
      );
    }
    const hits = await collection.search(query);
    await store.dispose();
    const indexFile = indexFileOf(folder.file, 1);
    expect(existsSync(indexFile)).toBe(true);
    writeFileSync(`${indexFile}.of-a-killed-process`, '');
    for (const isDeleted of [false, true]) {
      if (isDeleted) await rm(indexFile);
      store = await folder.open();
      collection = await store.ensureSpace(space);
      await expect(collection.search(query)).resolves.toEqual(hits);
      expect(existsSync(`${indexFile}.of-a-killed-process`)).toBe(false);
      await store.dispose();
      expect(existsSync(indexFile)).toBe(true);
    }
    store = await folder.open();
    await store.dropSpace(space.id);
    expect(existsSync(indexFile)).toBe(false);
    await store.dispose();
    expect(folder.logger.lines).toEqual([]);
  });
});

function flipped(position: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const place = position < 0 ? bytes.length + position : position;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    return bytes;
  };
}
