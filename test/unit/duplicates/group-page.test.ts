import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../plugin/src/clock';
import type { DuplicatePair, PairChoice } from '../../../plugin/src/duplicates/contract';
import {
  groupOfPair,
  pageOfGroups,
  readPartners,
  type GroupPage,
} from '../../../plugin/src/duplicates/groups';
import { sameImageKinds } from '../../../plugin/src/matching/contract';
import { createSeededRandom } from '../../../sample/seeded-random';
import { findings, verdicts } from '../../conformance/duplicate-pairs/situations';
import { range } from '../../conformance/index-entries/situations';
import { MemoryDuplicatePairs } from '../../support/memory-duplicate-pairs';

type Keep = (pairs: readonly DuplicatePair[]) => Promise<DuplicatePair[]>;

const keepAll: Keep = (pairs) => Promise.resolve([...pairs]);

async function allPages(
  pairs: MemoryDuplicatePairs,
  options: Partial<PairChoice> & { limit?: number; keep?: Keep } = {},
): Promise<GroupPage[]> {
  const pages: GroupPage[] = [];
  let cursor: number | null = null;
  do {
    const asked = { status: 'open', limit: 3, keep: keepAll, ...options, cursor } as const;
    const page: GroupPage = await pageOfGroups(pairs, asked);
    expect(await pageOfGroups(pairs, asked)).toEqual(page);
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pages;
}

const groupsOf = (pages: readonly GroupPage[]) =>
  pages.flatMap(({ groups }) =>
    groups.map(({ representative, members }) => [representative, ...members]),
  );

async function recorded(...found: [number, number[]][]): Promise<MemoryDuplicatePairs> {
  const pairs = new MemoryDuplicatePairs(systemClock);
  for (const [fileId, others] of found) await pairs.record([findings(fileId, others)]);
  return pairs;
}

describe('pages of groups', () => {
  it('are one empty page without pairs', async () => {
    expect(await allPages(await recorded())).toEqual([{ groups: [], nextCursor: null }]);
  });

  it.each([
    [
      'found by one copy after another',
      [
        [2, [1]],
        [3, [1]],
        [4, [1, 2]],
      ],
    ],
    [
      'found by the one similar to all',
      [
        [1, [2, 3, 4]],
        [4, [2]],
      ],
    ],
    [
      'the last of which is similar to all others',
      [
        [4, [1, 2, 3]],
        [2, [1]],
      ],
    ],
    [
      'that became similar to the second',
      [
        [2, [1]],
        [3, [2]],
        [4, [2]],
      ],
    ],
  ] as [string, [number, number[]][]][])('put copies into one group, %s', async (_, found) => {
    const groups = groupsOf(await allPages(await recorded(...found)));
    expect(groups.map((files) => files.sort())).toEqual([[1, 2, 3, 4]]);
  });

  it("don't join a chain", async () => {
    const pages = await allPages(await recorded([2, [1]], [3, [2]], [4, [3]], [5, [4]]));
    expect(groupsOf(pages)).toEqual([
      [4, 3, 5],
      [2, 1, 3],
    ]);
  });

  it('place a group by its newest pair', async () => {
    const pairs = await recorded([2, [1]], [12, [11]], [3, [1]]);
    expect(groupsOf(await allPages(pairs))).toEqual([
      [1, 2, 3],
      [11, 12],
    ]);
  });

  it.each(range(1, 12))('lose no pair and repeat none, whatever was found (%d)', async (seed) => {
    const random = createSeededRandom(`groups ${String(seed)}`);
    const pairs = new MemoryDuplicatePairs(systemClock);
    const fileCount = random.integer(5, 60);
    for (let round = 0; round < 40; round += 1) {
      const fileId = random.integer(1, fileCount);
      const others = range(1, fileCount).filter(
        (other) => other !== fileId && random.chance(random.between(0, 0.3)),
      );
      const verdict = random.chance(0.5) ? verdicts.identical : verdicts.sameImage;
      await pairs.record([findings(fileId, others, { verdict })]);
      const { pairs: newest } = await pairs.list({ status: 'open', cursor: null, limit: 3 });
      for (const { id } of newest.filter(() => random.chance(0.2))) {
        await pairs.review(id, { status: 'ignored', userId: null, reviewedAt: new Date() });
      }
      if (random.chance(0.1)) await pairs.removeFiles([random.integer(1, fileCount)]);
    }
    // However much was reviewed and deleted, there is something of each.
    await pairs.record([findings(70, [1, 2, 3], { verdict: verdicts.identical })]);
    const [added] = await pairs.pairsTouching({ fileIds: [70], limit: 1 });
    const review = { status: 'ignored', userId: null, reviewedAt: new Date() } as const;
    await pairs.review(added?.id ?? 0, review);
    for (const choice of [
      { status: 'open' },
      { status: 'open', kind: 'identical' },
      { status: 'ignored' },
    ] as const) {
      const pages = await allPages(pairs, { ...choice, limit: random.integer(1, 5) });
      const expected = await pairs.list({ ...choice, cursor: null, limit: 10_000 });
      const shown = pages.flatMap(({ groups }) => groups.flatMap((group) => group.pairs));
      expect(expected.pairs.length).toBeGreaterThan(0);
      expect(shown.map(({ id }) => id).sort((one, other) => other - one)).toEqual(
        expected.pairs.map(({ id }) => id),
      );
      for (const group of pages.flatMap(({ groups }) => groups)) {
        const { representative, members, pairs: own } = group;
        for (const { id: pairId } of own) {
          expect(await groupOfPair(pairs, { ...choice, pairId, keep: keepAll })).toEqual({
            groups: [group],
            nextCursor: null,
          });
        }
        const partners = own.flatMap(({ fileA, fileB }) =>
          fileA === representative ? [fileB] : fileB === representative ? [fileA] : [],
        );
        expect(partners.sort((one, other) => one - other)).toEqual(members);
      }
    }
  });

  it('group only what the caller may see, and keep reading until the page is full', async () => {
    const pairs = await recorded(
      ...range(1, 20).map((number): [number, number[]] => [number * 2, [number * 2 - 1]]),
    );
    const keep: Keep = (found) => Promise.resolve(found.filter(({ fileA }) => fileA < 8));
    const pages = await allPages(pairs, { keep, limit: 2 });
    expect(groupsOf(pages)).toEqual([
      [7, 8],
      [5, 6],
      [3, 4],
      [1, 2],
    ]);
  });

  it('read a limited number of clusters for a caller who may see nothing', async () => {
    const pairs = await recorded(
      ...range(1, 100).map((number): [number, number[]] => [number * 2, [number * 2 - 1]]),
    );
    const page = await pageOfGroups(pairs, {
      status: 'open',
      cursor: null,
      limit: 2,
      keep: () => Promise.resolve([]),
    });
    expect(page.groups).toEqual([]);
    expect(page.nextCursor).toEqual(expect.any(Number));
    expect(await allPages(pairs, { limit: 2, keep: () => Promise.resolve([]) })).toHaveLength(5);
  });

  it('truncate the group of a file with thousands of copies, and say so', async () => {
    const pairs = await recorded([1, range(2, 5_000)], [6_002, [6_001]]);
    const [page, ...more] = await allPages(pairs);
    expect(more).toEqual([]);
    expect(page?.groups).toMatchObject([
      { representative: 6_001, members: [6_002], hasMore: false },
      { representative: 1, hasMore: true },
    ]);
    expect(page?.groups[1]?.members).toHaveLength(49);
    expect(page?.groups[1]?.pairs).toHaveLength(49);
    const choice = { status: 'open', keep: keepAll } as const;
    const pairId = page?.groups[1]?.pairs[0]?.id ?? 0;
    const found = await groupOfPair(pairs, { ...choice, pairId });
    expect(found.groups).toEqual([page?.groups[1]]);
    // One of thousands that are not told.
    expect((await groupOfPair(pairs, { ...choice, pairId: 1 })).groups).toEqual([]);
  });
});

it("a file's partners are those of the chosen kinds", async () => {
  const pairs = await recorded([1, [2]]);
  await pairs.record([
    findings(1, [3], { verdict: verdicts.edited }),
    findings(4, [1], { verdict: verdicts.identical }),
  ]);
  const partnersOf = async (options: Parameters<typeof readPartners>[2]) =>
    [...((await readPartners(pairs, [1], options)).get(1) ?? [])].sort((a, b) => a - b);
  expect(await partnersOf({ status: 'open' })).toEqual([2, 3, 4]);
  expect(await partnersOf({ status: 'open', kinds: sameImageKinds })).toEqual([2, 4]);
});
