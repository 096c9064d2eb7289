import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { VectorQuery } from '../../../../plugin/src/vectors/contract';
import { QuantizedIndex, runToEnd } from '../../../../plugin/src/vectors/embedded/quantized-index';
import {
  LEADING_FROM,
  RecallKeeper,
  type RecallSubject,
} from '../../../../plugin/src/vectors/embedded/recall-keeper';
import { dotProduct } from '../../../../plugin/src/vectors/similarity';
import { createLowRankVectors } from '../../../support/low-rank-vectors';

const DIMENSIONS = 64;
const made = createLowRankVectors('recall', DIMENSIONS);

describe('RecallKeeper', () => {
  const vectors = new Map<number, Float32Array>();
  let index: QuantizedIndex;
  let keeper: RecallKeeper;
  /** How many of the best hits searches by leading dimensions miss. */
  let missed: number;
  let subject: RecallSubject;

  function searchExactly({ vector, limit }: VectorQuery): number[] {
    return index
      .findCandidates({ vector, limit })
      .fileIds.map((fileId) => ({
        fileId,
        score: dotProduct(vector, vectors.get(fileId) ?? vector),
      }))
      .sort((left, right) => right.score - left.score)
      .slice(0, limit)
      .map(({ fileId }) => fileId);
  }

  function add(count: number): void {
    const first = vectors.size + 1;
    for (let fileId = first; fileId < first + count; fileId += 1) {
      vectors.set(fileId, made.image());
      index.set(fileId, vectors.get(fileId) ?? made.image());
    }
  }

  function keep(): number {
    return runToEnd(keeper.keep(subject));
  }

  beforeAll(() => {
    const sample = Array.from({ length: 500 }, made.image);
    index = QuantizedIndex.learn(sample, LEADING_FROM);
    add(LEADING_FROM - 1);
  });
  beforeEach(() => {
    keeper = new RecallKeeper();
    missed = 0;
    subject = { index, searchExactly, search: (query) => searchExactly(query).slice(missed) };
  });

  it('leaves small collections to exact searches', () => {
    expect(index.size).toBe(LEADING_FROM - 1);
    expect(keeper.isDue(index.size)).toBe(false);
    expect(keep()).toBe(0);
    expect(keeper.wantedOf(index.size)).toBeNull();
  });

  it('decides from what stored vectors and stand-ins for texts need', () => {
    if (index.size < LEADING_FROM) add(1);
    expect(keeper.isDue(index.size)).toBe(true);
    expect(keep()).toBeGreaterThan(40);
    expect(keeper.isDue(index.size)).toBe(false);
    expect(keeper.wantedOf(index.size)).toBeGreaterThanOrEqual(1024);
    expect(keeper.wantedOf(index.size)).toBeLessThanOrEqual(LEADING_FROM / 8);
    expect(keeper.settings?.measuredAt).toBe(index.size);
  });

  it('checks real queries, and compares more points when they miss hits', () => {
    keep();
    const before = keeper.wantedOf(index.size) ?? NaN;
    keeper.noteQuery({ vector: made.text(), limit: 5, searchedWith: 'text' });
    keeper.noteQuery({ vector: made.text(), limit: 5 });
    expect(keeper.isDue(index.size)).toBe(true);
    expect(keep()).toBe(1);
    expect(keeper.wantedOf(index.size)).toBe(before);
    missed = 1;
    keeper.noteQuery({ vector: made.image(), limit: 5, searchedWith: 'image' });
    keep();
    expect(keeper.wantedOf(index.size)).toBe(2 * before);
    expect(keeper.isDue(index.size)).toBe(false);
  });

  it('compares all points when too many would be needed, until the collection has changed', () => {
    keep();
    missed = 2;
    for (let query = 0; query < 5; query += 1) {
      keeper.noteQuery({ vector: made.text(), limit: 20, searchedWith: 'text' });
      keep();
    }
    expect(keeper.wantedOf(index.size)).toBeNull();
    expect(index.hasLeading).toBe(false);
    expect(keeper.isDue(index.size)).toBe(false);
    keeper.noteChanges(index.size * 0.6);
    expect(keeper.isDue(index.size)).toBe(true);
    missed = 0;
    keep();
    expect(keeper.wantedOf(index.size)).not.toBeNull();
  });

  it('compares more points when many searches find their margin thin', () => {
    keep();
    const before = keeper.wantedOf(index.size) ?? NaN;
    for (let search = 0; search < 64; search += 1) keeper.noteSearch(search % 5 === 0, index.size);
    expect(keeper.wantedOf(index.size)).toBe(before);
    for (let search = 0; search < 64; search += 1) keeper.noteSearch(search % 2 === 0, index.size);
    expect(keeper.wantedOf(index.size)).toBe(2 * before);
  });

  it('checks one of many queries only, once it has checked some', () => {
    keep();
    let checks = 0;
    for (let query = 0; query < 200; query += 1) {
      keeper.noteQuery({ vector: made.text(), limit: 20, searchedWith: 'text' });
      if (!keeper.isDue(index.size)) continue;
      checks += 1;
      keep();
    }
    expect(checks).toBe(16 + 3);
  });

  it('learns again when the collection has changed, and measures again when it has grown', () => {
    keep();
    const { wanted = NaN, measuredAt = NaN } = keeper.settings ?? {};
    keeper.noteChanges(index.size / 2 + 1);
    expect(keeper.isDue(index.size)).toBe(true);
    expect(keep()).toBeGreaterThan(40);
    expect(keeper.isDue(index.size)).toBe(false);
    add(measuredAt * 0.6);
    expect(keeper.wantedOf(index.size)).toBe(Math.ceil((wanted * index.size) / measuredAt));
    expect(keeper.isDue(index.size)).toBe(true);
    expect(keep()).toBe(40);
    expect(keeper.settings?.measuredAt).toBe(index.size);
  });
});
