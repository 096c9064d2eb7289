import { describe, expect, it } from '@jest/globals';
import { groupPairs } from '../../../plugin/src/duplicates/groups';
import { createSeededRandom } from '../../../sample/seeded-random';

const pairs = (...given: [number, number][]) => given.map(([fileA, fileB]) => ({ fileA, fileB }));

describe('grouping pairs', () => {
  it('returns nothing for no pairs', () => {
    expect(groupPairs([])).toEqual([]);
    expect(groupPairs(pairs([3, 3]))).toEqual([]);
  });

  it('groups copies of one image', () => {
    expect(groupPairs(pairs([1, 2], [1, 3], [2, 3], [8, 9]))).toEqual([
      { representative: 1, members: [2, 3] },
      { representative: 8, members: [9] },
    ]);
  });

  it('uses the file similar to both as representative of two dissimilar files', () => {
    expect(groupPairs(pairs([1, 2], [2, 3]))).toEqual([{ representative: 2, members: [1, 3] }]);
  });

  it("doesn't join the ends of a chain, and loses none of its pairs", () => {
    expect(groupPairs(pairs([1, 2], [2, 3], [3, 4], [4, 5]))).toEqual([
      { representative: 2, members: [1, 3] },
      { representative: 4, members: [3, 5] },
    ]);
  });

  it('covers every pair, and only joins pairs, in any order', () => {
    const random = createSeededRandom('pairs');
    const given = Array.from({ length: 300 }, () => ({
      fileA: random.integer(1, 100),
      fileB: random.integer(1, 100),
    })).filter(({ fileA, fileB }) => fileA !== fileB);
    const groups = groupPairs(given);
    const key = (one: number, other: number): string => `${String(one)} ${String(other)}`;
    const known = new Set(
      given.flatMap(({ fileA, fileB }) => [key(fileA, fileB), key(fileB, fileA)]),
    );
    const covered = given.map(
      ({ fileA, fileB }) =>
        groups.filter(({ representative, members }) => {
          const files = [representative, ...members];
          return files.includes(fileA) && files.includes(fileB);
        }).length,
    );
    expect(Math.min(...covered)).toBeGreaterThanOrEqual(1);
    const strangers = groups.flatMap(({ representative, members }) =>
      members.filter((member) => !known.has(key(representative, member))),
    );
    expect(strangers).toEqual([]);
    expect(groupPairs(given.toReversed())).toEqual(groups);
  });

  it('handles thousands of copies of one image', () => {
    const copies = Array.from({ length: 5_000 }, (_, index): [number, number] => [1, index + 2]);
    expect(groupPairs(pairs(...copies))).toMatchObject([{ representative: 1 }]);
  });
});
