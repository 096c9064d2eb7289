import { describe, expect, it } from '@jest/globals';
import { clusterPairs, groupPairs } from '../../../plugin/src/duplicates/groups';
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

describe('the clusters of crops of one image', () => {
  const crops = Array.from({ length: 12 }, (_, index) => index + 1);
  /** All overlap but the first and the seventh, and the second and the ninth. */
  const overlapping = crops.flatMap((fileA) =>
    crops
      .filter((fileB) => fileA < fileB)
      .filter((fileB) => ![[1, 7].join(), [2, 9].join()].includes([fileA, fileB].join()))
      .map((fileB) => ({ fileA, fileB })),
  );

  it('are one cluster and one group', () => {
    const { added } = clusterPairs(overlapping, { ofFile: new Map(), sizes: new Map() });
    expect(added).toHaveLength(64);
    expect(new Set(added.map(({ cluster }) => cluster)).size).toBe(1);
    expect(groupPairs(added)).toEqual([
      { representative: 3, members: crops.filter((file) => file !== 3) },
    ]);
  });

  it('are one cluster if they are uploaded one after the other', () => {
    const ofFile = new Map<number, Set<number>>();
    const sizes = new Map<number, number>();
    for (const file of crops) {
      const own = overlapping.filter(({ fileB }) => fileB === file);
      const { added, moved } = clusterPairs(own, { ofFile, sizes });
      expect(moved.size).toBe(0);
      for (const { cluster, fileA, fileB } of added) {
        for (const crop of [fileA, fileB]) {
          ofFile.set(crop, (ofFile.get(crop) ?? new Set()).add(cluster));
        }
        sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
      }
    }
    expect([...sizes]).toEqual([[1, 64]]);
  });

  it('leave out an image that only one of them goes with', () => {
    const { added } = clusterPairs([...overlapping, { fileA: 12, fileB: 13 }], {
      ofFile: new Map(),
      sizes: new Map(),
    });
    expect(new Set(added.map(({ cluster }) => cluster)).size).toBe(2);
  });
});
