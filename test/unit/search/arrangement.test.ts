import { beforeEach, describe, expect, it } from '@jest/globals';
import { arrangePage } from '../../../plugin/src/search/arrangement';
import {
  MOST_COUNTED_HITS,
  MOST_SORTED,
  type SearchRequest,
} from '../../../plugin/src/search/contract';
import type { RankedHit } from '../../../plugin/src/search/hybrid';
import { createSeededRandom } from '../../../sample/seeded-random';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import { toUnitLength } from '../../support/random-vectors';
import { pointOf } from '../../support/vector-points';

type Arrangement = Partial<
  Pick<
    SearchRequest,
    'start' | 'limit' | 'collapse' | 'diversity' | 'facets' | 'groupBy' | 'groupSize' | 'sort'
  >
>;

/** Files 1, 2, 3, … in this order, unless a test says otherwise. */
let ranking: RankedHit[];
let pairs: [number, number][];
let vectors: Map<number, Float32Array>;
let visible: MemoryVisibleFiles;
/** Limits that the ranking was asked with. */
let asked: number[];
let excludeIds: number[];

const hitOf = (fileId: number, relevance: number | null = null): RankedHit => ({
  fileId,
  score: 1 / fileId,
  matchedBy: ['image'],
  relevance,
});

beforeEach(() => {
  ranking = Array.from({ length: 40 }, (_, index) => hitOf(index + 1));
  pairs = [];
  vectors = new Map();
  visible = new MemoryVisibleFiles(ranking.map(({ fileId }) => fileId));
  asked = [];
  excludeIds = [];
});

function arrange({ limit = 10, start = 0, ...request }: Arrangement) {
  return arrangePage(
    { start, limit, ...request },
    {
      rank: (page) => {
        asked.push(page.limit);
        return Promise.resolve({
          hits: ranking.slice(page.start, page.start + page.limit),
          hasMore: ranking.length > page.start + page.limit,
          bestScore: 1,
          bestRelevance: null,
        });
      },
      visible,
      excludeIds,
      duplicatesOf: (fileIds) => {
        const partners = new Map<number, Set<number>>();
        const wanted = new Set(fileIds);
        for (const [one, other] of [...pairs, ...pairs.map(([a, b]) => [b, a] as const)]) {
          if (!wanted.has(one)) continue;
          partners.set(one, (partners.get(one) ?? new Set<number>()).add(other));
        }
        return Promise.resolve(partners);
      },
      collection: {
        getMany: (fileIds) =>
          Promise.resolve(
            fileIds.flatMap((fileId) => {
              const vector = vectors.get(fileId);
              return vector ? [pointOf(fileId, vector)] : [];
            }),
          ),
      },
    },
  );
}

async function readAll(request: Arrangement, limit = 7): Promise<RankedHit[]> {
  const hits: RankedHit[] = [];
  for (let start = 0, hasMore = true; hasMore; start += limit) {
    const page = await arrange({ ...request, start, limit });
    hits.push(...page.hits);
    hasMore = page.hasMore;
  }
  return hits;
}

const idsOf = (hits: readonly RankedHit[]): number[] => hits.map(({ fileId }) => fileId);

describe('without either', () => {
  it('is the page of the ranking', async () => {
    const page = await arrange({ start: 5, limit: 3 });
    expect(idsOf(page.hits)).toEqual([6, 7, 8]);
    expect(page.hits[0]).not.toHaveProperty('duplicateCount');
    expect(asked).toEqual([3]);
  });
});

describe('collapse', () => {
  it('shows the best of known duplicates, with their number', async () => {
    pairs = [
      [1, 2],
      [1, 5],
      [9, 8],
    ];
    const { hits } = await arrange({ collapse: true });
    expect(idsOf(hits)).toEqual([1, 3, 4, 6, 7, 8, 10, 11, 12, 13]);
    expect(hits.map(({ duplicateCount }) => duplicateCount)).toEqual([
      2, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    ]);
  });

  it('counts what lies on later pages, and only what the caller may find', async () => {
    pairs = [
      [1, 40],
      [1, 39],
    ];
    visible.delete(39);
    expect((await arrange({ collapse: true, limit: 2 })).hits[0]?.duplicateCount).toBe(1);
  });

  it('folds into what is shown alone: a chain of versions keeps its ends', async () => {
    pairs = [
      [1, 2],
      [2, 3],
    ];
    const { hits } = await arrange({ collapse: true, limit: 3 });
    expect(idsOf(hits)).toEqual([1, 3, 4]);
    expect(hits.map(({ duplicateCount }) => duplicateCount)).toEqual([1, 0, 0]);
  });

  it('counts a file that two hits have in common for the first of them', async () => {
    pairs = [
      [1, 5],
      [2, 5],
    ];
    const { hits } = await arrange({ collapse: true, limit: 3 });
    expect(idsOf(hits)).toEqual([1, 2, 3]);
    expect(hits.map(({ duplicateCount }) => duplicateCount)).toEqual([1, 0, 0]);
    const second = await arrange({ collapse: true, start: 1, limit: 1 });
    expect(second.hits).toMatchObject([{ fileId: 2, duplicateCount: 0 }]);
  });

  it('counts no file that the search leaves out', async () => {
    pairs = [
      [1, 40],
      [1, 39],
    ];
    excludeIds = [40];
    ranking = ranking.slice(0, 39);
    expect((await arrange({ collapse: true })).hits[0]?.duplicateCount).toBe(1);
  });

  it('looks at 25,000 hits at most, and ends there', async () => {
    ranking = Array.from({ length: 30_000 }, (_, index) => hitOf(index + 1));
    pairs = ranking.slice(1, 25_000).map(({ fileId }) => [1, fileId]);
    visible = new MemoryVisibleFiles(idsOf(ranking));
    const request = { collapse: true, limit: 100, start: 10_000 };
    expect(await arrange(request)).toMatchObject({ hits: [], hasMore: false });
    expect(asked).toEqual([10_151, 20_302, 25_000]);
    const first = await arrange({ ...request, start: 0 });
    expect(first).toMatchObject({ hits: [{ fileId: 1 }], hasMore: false });
    expect(Math.max(...asked)).toBe(25_000);
  });

  it.each([1, 3, 7, 40])('neither repeats nor misses a file on pages of %i', async (limit) => {
    const random = createSeededRandom('pairs');
    pairs = Array.from({ length: 15 }, () => {
      const one = random.integer(1, 39);
      return [one, random.integer(one + 1, 40)];
    });
    const all = idsOf(await readAll({ collapse: true }, limit));
    expect(all).toEqual(idsOf((await arrange({ collapse: true, limit: 100 })).hits));
    expect(new Set(all).size).toBe(all.length);
    const missing = idsOf(ranking).filter((fileId) => !all.includes(fileId));
    for (const fileId of missing) {
      const hasBetter = pairs.some(
        (pair) =>
          pair.includes(fileId) && pair.some((other) => other < fileId && all.includes(other)),
      );
      expect(hasBetter).toBe(true);
    }
  });

  it('looks deeper when most hits are folded', async () => {
    ranking = Array.from({ length: 400 }, (_, index) => hitOf(index + 1));
    visible = new MemoryVisibleFiles(idsOf(ranking));
    pairs = ranking.slice(1, 300).map(({ fileId }) => [1, fileId]);
    const page = await arrange({ collapse: true, limit: 5 });
    expect(idsOf(page.hits)).toEqual([1, 301, 302, 303, 304]);
    expect(page).toMatchObject({ hasMore: true });
    expect(page.hits[0]?.duplicateCount).toBe(299);
    expect(asked.length).toBeGreaterThan(1);
  });
});

describe('diversity', () => {
  /** Three kinds of images: the first ten files, the next ten, and the rest. */
  beforeEach(() => {
    const random = createSeededRandom('kinds');
    for (const { fileId } of ranking) {
      const kind = Math.min(2, Math.floor((fileId - 1) / 10));
      const values = [0, 1, 2].map((axis) => (axis === kind ? 1 : 0) + random.between(0, 0.1));
      vectors.set(fileId, toUnitLength(values));
    }
  });

  const kindsOf = (hits: readonly RankedHit[]): number =>
    new Set(hits.map(({ fileId }) => Math.min(2, Math.floor((fileId - 1) / 10)))).size;

  it('puts other kinds of images among the first, more so the higher it is', async () => {
    expect(kindsOf((await arrange({ limit: 5 })).hits)).toBe(1);
    const { hits } = await arrange({ limit: 5, diversity: 0.5 });
    expect(hits[0]?.fileId).toBe(1);
    expect(kindsOf(hits)).toBe(3);
    const most = await arrange({ limit: 3, diversity: 1 });
    expect(kindsOf(most.hits)).toBe(3);
  });

  it('keeps the order at next to nothing', async () => {
    expect(idsOf(await readAll({ diversity: 1e-6 }))).toEqual(idsOf(ranking));
  });

  it.each([0.3, 0.7, 1])('neither repeats nor misses a file at %f', async (diversity) => {
    const all = idsOf(await readAll({ diversity }));
    expect(all).toHaveLength(ranking.length);
    expect(new Set(all).size).toBe(ranking.length);
  });

  it('leaves weak hits behind the others', async () => {
    ranking = ranking.map(({ fileId }) => hitOf(fileId, fileId <= 15 ? 0.6 : 0.1));
    const all = idsOf(await readAll({ diversity: 1 }));
    expect(Math.max(...all.slice(0, 15))).toBe(15);
    expect(all.slice(15)).toEqual(idsOf(ranking).slice(15));
  });

  it('rearranges the first 80 hits, and lets others work in between', async () => {
    const random = createSeededRandom('many');
    ranking = Array.from({ length: 200 }, (_, index) => hitOf(index + 1));
    for (const { fileId } of ranking) {
      vectors.set(fileId, toUnitLength([0, 1, 2].map(() => random.between(0, 1))));
    }
    let turns = 0;
    let isDone = false;
    const takeTurn = (): void => {
      turns += 1;
      if (!isDone) setImmediate(takeTurn);
    };
    setImmediate(takeTurn);
    const { hits } = await arrange({ diversity: 0.8, limit: 200 });
    isDone = true;
    // 80 × 79 / 2 comparisons, 400 at a time.
    expect(turns).toBeGreaterThanOrEqual(7);
    expect(idsOf(hits.slice(0, 80))).not.toEqual(idsOf(ranking.slice(0, 80)));
    expect(idsOf(hits.slice(80))).toEqual(idsOf(ranking.slice(80)));
  });

  it('goes with collapse', async () => {
    pairs = [[1, 2]];
    const all = idsOf(await readAll({ diversity: 0.5, collapse: true }));
    expect(all).not.toContain(2);
    expect(all).toHaveLength(ranking.length - 1);
  });

  it('moves no hits without vectors', async () => {
    vectors.clear();
    expect(idsOf(await readAll({ diversity: 0.9 }))).toEqual(idsOf(ranking));
  });
});

describe('a sort', () => {
  const sort = [{ field: 'name', isDescending: true }] as const;

  it('orders the relevant hits, and leaves out the others', async () => {
    ranking = ranking.map(({ fileId }) => hitOf(fileId, fileId % 2 === 0 ? 0.6 : 0.4));
    const { hasMore, hits } = await arrange({ sort, limit: 5, start: 5 });
    expect(idsOf(hits)).toEqual([30, 28, 26, 24, 22]);
    expect(hasMore).toBe(true);
    const all = idsOf(await readAll({ sort }));
    expect(all).toEqual(Array.from({ length: 20 }, (_, index) => 40 - 2 * index));
  });

  it('orders the nearest hits while nobody knows which are relevant', async () => {
    ranking = Array.from({ length: 300 }, (_, index) => hitOf(index + 1));
    visible = new MemoryVisibleFiles(idsOf(ranking));
    const all = idsOf(await readAll({ sort }));
    expect(all).toEqual(Array.from({ length: 100 }, (_, index) => 100 - index));
  });

  it('goes with collapse', async () => {
    pairs = [[1, 2]];
    ranking = ranking.map(({ fileId }) => hitOf(fileId, fileId <= 4 ? 0.9 : 0.1));
    expect(idsOf(await readAll({ sort, collapse: true }))).toEqual([4, 3, 1]);
  });
});

describe('facets', () => {
  it('count the relevant hits of all pages', async () => {
    ranking = ranking.map(({ fileId }) => hitOf(fileId, fileId <= 15 ? 0.6 : 0.4));
    visible.delete(2);
    const { facets, hits } = await arrange({ facets: ['type', 'folder'], limit: 3, start: 3 });
    expect(idsOf(hits)).toEqual([4, 5, 6]);
    expect(facets).toEqual({
      type: [
        { value: 'image/jpeg', count: 8 },
        { value: 'image/png', count: 6 },
      ],
      folder: [
        { value: 0, count: 8 },
        { value: 1, count: 6 },
      ],
      counted: 14,
      isLowerBound: false,
    });
  });

  it('are lower bounds when more hits are relevant than are counted', async () => {
    const count = MOST_COUNTED_HITS + 1;
    ranking = Array.from({ length: count }, (_, index) => hitOf(index + 1, 0.9));
    visible = new MemoryVisibleFiles(idsOf(ranking));
    expect((await arrange({ facets: ['year'] })).facets).toMatchObject({
      counted: MOST_COUNTED_HITS,
      isLowerBound: true,
    });
    // All those beyond are weak.
    ranking = ranking.map(({ fileId }) => hitOf(fileId, fileId < 900 ? 0.9 : 0.1));
    expect((await arrange({ facets: ['year'] })).facets).toMatchObject({
      counted: 899,
      isLowerBound: false,
    });
  });

  it('count the nearest hits while nobody knows which are relevant', async () => {
    expect((await arrange({ facets: ['type'] })).facets).toMatchObject({
      counted: 40,
      isLowerBound: false,
    });
    ranking = Array.from({ length: 101 }, (_, index) => hitOf(index + 1));
    visible = new MemoryVisibleFiles(idsOf(ranking));
    expect((await arrange({ facets: ['type'] })).facets).toMatchObject({
      counted: 100,
      isLowerBound: true,
    });
  });

  it('count files, also those that are folded', async () => {
    pairs = [[1, 2]];
    const page = await arrange({ facets: ['type'], collapse: true, limit: 40 });
    expect(page.hits).toHaveLength(39);
    expect(page.facets?.counted).toBe(40);
  });

  it('cost nothing unless they are asked for', async () => {
    expect(await arrange({ limit: 5 })).not.toHaveProperty('facets');
    expect(asked).toEqual([5]);
  });
});

describe('groups', () => {
  const membersOf = ({ fileId, group }: RankedHit): number[] => [
    fileId,
    ...idsOf(group?.others ?? []),
  ];

  it('of folders have the best hits of each, in the order of the best', async () => {
    const { hasMore, hits } = await arrange({ groupBy: 'folder', groupSize: 4, limit: 2 });
    expect(hits.map(membersOf)).toEqual([
      [1, 2, 3, 4],
      [10, 11, 12, 13],
    ]);
    expect(hits.map(({ group }) => [group?.value, group?.count])).toEqual([
      [null, 9],
      [1, 10],
    ]);
    expect(hasMore).toBe(true);
  });

  it('neither repeat nor miss a relevant hit on any page', async () => {
    ranking = ranking.map(({ fileId }) => hitOf(fileId, fileId % 2 === 0 ? 0.6 : 0.1));
    const hits = await readAll({ groupBy: 'folder', groupSize: 20 }, 2);
    expect(hits.map(({ group }) => group?.value)).toEqual([null, 1, 2, 3, 4]);
    const all = hits.flatMap(membersOf);
    expect(all).toEqual(Array.from({ length: 20 }, (_, index) => 2 * index + 2));
    expect(asked.every((limit) => limit === MOST_SORTED)).toBe(true);
  });

  it('of duplicates have each file once, with the better of its versions', async () => {
    pairs = [
      [1, 5],
      [5, 6],
      [2, 9],
    ];
    const hits = await readAll({ groupBy: 'duplicates', groupSize: 20 });
    expect(hits.slice(0, 2).map(membersOf)).toEqual([
      [1, 5],
      [2, 9],
    ]);
    expect(hits.find(({ fileId }) => fileId === 6)?.group).toEqual({
      value: 6,
      count: 1,
      others: [],
    });
    const all = hits.flatMap(membersOf);
    expect([...all].sort((one, other) => one - other)).toEqual(idsOf(ranking));
  });

  it('leave out what the caller may not see, and go with a sort and collapse', async () => {
    visible.delete(12);
    pairs = [[20, 21]];
    const sort = [{ field: 'name', isDescending: true }] as const;
    const hits = await readAll({ groupBy: 'folder', groupSize: 20, sort, collapse: true });
    expect(hits.map(({ group }) => group?.value)).toEqual([4, 3, 2, 1, null]);
    expect(membersOf(hits[2] ?? hitOf(0))).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 20]);
    expect(hits[2]?.group?.others.at(-1)?.duplicateCount).toBe(1);
    expect(hits.flatMap(membersOf)).not.toContain(12);
  });

  it.each([
    [{ groupBy: 'folder', diversity: 0.3 }, /^diversity: /],
    [{ groupBy: 'duplicates', collapse: true }, /^collapse: /],
    [{ groupSize: 2 }, /^groupSize: needs groupBy/],
  ] as const)('refuse what means nothing with them (%j)', async (request, message) => {
    await expect(arrange(request)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(message),
    });
    expect(asked).toEqual([]);
  });
});
