import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import type { VectorQuery } from '../../../../plugin/src/vectors/contract';
import {
  Collection,
  createCollectionTables,
} from '../../../../plugin/src/vectors/embedded/collection';
import { openDatabase } from '../../../../plugin/src/vectors/embedded/database';
import { loadDriver, type SqlDatabase } from '../../../../plugin/src/vectors/embedded/driver';
import { runToEnd } from '../../../../plugin/src/vectors/embedded/quantized-index';
import { LEADING_FROM } from '../../../../plugin/src/vectors/embedded/recall-keeper';
import { createLowRankVectors } from '../../../support/low-rank-vectors';
import { pointOf } from '../../../support/vector-points';

const space = createVectorSpace({
  provider: 'test',
  model: 'leading',
  dimensions: 64,
  preprocessing: '',
});
const SIZE = LEADING_FROM + 2_000;

describe('a collection that is searched by leading dimensions', () => {
  const made = createLowRankVectors('collection', space.dimensions);
  const queries = Array.from({ length: 24 }, (_, position): VectorQuery => ({
    vector: position % 2 === 0 ? made.text() : made.image(),
    limit: 20,
    searchedWith: position % 2 === 0 ? 'text' : 'image',
  }));
  let folder: string;
  let database: SqlDatabase;
  let collection: Collection;

  function open(): Collection {
    return new Collection({
      database,
      number: 1,
      space,
      prefilterFrom: 1000,
      file: path.join(folder, 'vectors.sqlite'),
      isCurrent: () => true,
      report: () => undefined,
    });
  }

  function upsert(fileIds: readonly number[]): void {
    const points = fileIds.map((fileId) => {
      const { payload, vector } = pointOf(fileId, made.image());
      return { fileId, payload, vector };
    });
    const vectors = new Float32Array(points.length * space.dimensions);
    for (const [position, { vector }] of points.entries()) {
      vectors.set(vector, position * space.dimensions);
    }
    collection.upsert({ points, vectors });
  }

  /** Everything that is due in the background. */
  function work(): number {
    let steps = 0;
    for (let due = collection.findWork(); due !== null; due = collection.findWork()) {
      steps += runToEnd(due);
    }
    return steps;
  }

  function expectRecall(shape: Partial<VectorQuery> = {}): void {
    const asked = queries.map((query) => ({ ...query, ...shape }));
    const exact = collection.search(asked.map((query) => ({ ...query, isExact: true })));
    const found = collection.search(asked);
    const flat = found.flatMap((hits, position) =>
      hits.filter(({ fileId }) => exact[position]?.some((hit) => hit.fileId === fileId)),
    );
    expect(exact.flat().length).toBeGreaterThan(0);
    expect(flat.length / exact.flat().length).toBeGreaterThanOrEqual(0.999);
    expect(found.map((hits) => hits.length)).toEqual(exact.map((hits) => hits.length));
  }

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'image-search-leading-'));
    database = openDatabase(
      loadDriver({ projectFolder: process.cwd() }),
      path.join(folder, 'vectors.sqlite'),
    );
    createCollectionTables(database, 1);
    collection = open();
    for (let first = 1; first < SIZE; first += 1000) {
      upsert(Array.from({ length: 1000 }, (_, index) => first + index));
    }
  });
  afterAll(async () => {
    database.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is prepared in the background, in small steps', () => {
    expect(collection.usesLeading).toBe(false);
    expect(work()).toBeGreaterThan(SIZE / 1000);
    expect(collection.usesLeading).toBe(true);
  });

  it('finds what an exact search finds, with filters and without', () => {
    expectRecall();
    expectRecall({ limit: 200 });
    expectRecall({ minimumScore: 0.7 });
    expectRecall({ filter: { excludeIds: Array.from({ length: 500 }, (_, index) => index * 7) } });
    expectRecall({ filter: { includeIds: Array.from({ length: 9000 }, (_, index) => index * 2) } });
  });

  it('only adds hits at the end for a larger limit, far beyond the first ones too', () => {
    for (const query of queries.slice(0, 4)) {
      const [all = []] = collection.search([{ ...query, limit: 2_000 }]);
      expect(new Set(all.map(({ fileId }) => fileId)).size).toBe(2_000);
      for (const limit of [1, 20, 256, 257, 1_000]) {
        expect(collection.search([{ ...query, limit }])).toEqual([all.slice(0, limit)]);
      }
    }
  });

  it('follows changes, and learns again after many', () => {
    upsert(Array.from({ length: 3000 }, (_, index) => index * 5 + 1));
    collection.remove(Array.from({ length: 1000 }, (_, index) => index * 3 + 2));
    expectRecall();
    upsert(Array.from({ length: 16_000 }, (_, index) => SIZE + index));
    expectRecall();
    expect(work()).toBeGreaterThan(40);
    expect(collection.usesLeading).toBe(true);
    expectRecall();
  });

  it('is opened while it is written to', () => {
    collection = open();
    let changes = 0;
    for (let due = collection.findWork(); due !== null; due = collection.findWork()) {
      while (due.next().done !== true) {
        changes += 1;
        // Then it is saved, which writes would interrupt.
        if (changes > 100) continue;
        upsert([changes * 11, SIZE * 2 + changes]);
        collection.remove([changes * 13]);
        // A search waits for the rest.
        if (changes === 10) expectRecall();
      }
    }
    expect(changes).toBeGreaterThan(20);
    expectRecall();
  });
});
