import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  CHECKED_BEYOND_PAGE,
  collectPage,
  LISTED_AT_A_TIME,
  SMALL_SET,
} from '../../../plugin/src/search/page';
import type { VectorCollection, VectorHit } from '../../../plugin/src/vectors/contract';
import { createSeededRandom } from '../../../sample/seeded-random';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import { randomUnitVector } from '../../support/random-vectors';
import { pointOf } from '../../support/vector-points';

const INDEXED = 3_000;
const random = createSeededRandom('page');
const query = randomUnitVector(random, 8);
const indexedIds = Array.from({ length: INDEXED }, (_, index) => index + 1);
/** Visible files that aren't indexed, enough to make the visible set large. */
const unindexedIds = Array.from({ length: SMALL_SET + 1 }, (_, index) => INDEXED + 1 + index);
/** Enough to be listed in three parts. */
const manyUnindexedIds = Array.from(
  { length: 2 * LISTED_AT_A_TIME },
  (_, index) => INDEXED + 1 + index,
);

let store: MemoryVectorStore;
let collection: VectorCollection;
let ranking: VectorHit[];
/** Those least like the query. */
let farIds: Set<number>;

beforeAll(async () => {
  store = new MemoryVectorStore();
  collection = await store.ensureSpace(new HashProvider().space);
  await collection.upsert(indexedIds.map((id) => pointOf(id, randomUnitVector(random, 8))));
  ranking = await collection.search({ vector: query, limit: INDEXED });
  farIds = new Set(ranking.slice(CHECKED_BEYOND_PAGE + 500).map(({ fileId }) => fileId));
});

interface Question {
  start: number;
  limit: number;
  excludeIds?: number[];
  minimumScore?: number;
}

function ask(visible: MemoryVisibleFiles, question: Question, signal?: AbortSignal) {
  return collectPage({
    collection,
    visible,
    vector: query,
    excludeIds: [],
    minimumScore: undefined,
    signal,
    ...question,
  });
}

/** That page of the whole ranking. */
function expectedPage(isVisible: (fileId: number) => boolean, question: Question) {
  const { start, limit, excludeIds = [], minimumScore = -1 } = question;
  const hits = ranking.filter(
    ({ fileId, score }) =>
      isVisible(fileId) && !excludeIds.includes(fileId) && score >= minimumScore,
  );
  return {
    hits: hits.slice(start, start + limit),
    next: hits[start + limit] ?? null,
    nearest: hits.slice(0, 1),
  };
}

const questions: Question[] = [
  { start: 0, limit: 1 },
  { start: 0, limit: 25 },
  { start: 25, limit: 25 },
  { start: 0, limit: 100 },
  { start: 990, limit: 100 },
  { start: INDEXED - 1, limit: 1 },
  { start: INDEXED, limit: 1 },
  { start: 1_000_000_000, limit: 100 },
  { start: 0, limit: 25, excludeIds: [17, 4] },
  { start: 0, limit: 25, minimumScore: 0.8 },
  { start: 0, limit: 25, minimumScore: 0.999999 },
];

const isRare = (fileId: number): boolean => fileId <= INDEXED && fileId % 1_000 === 0;
const isCommon = (fileId: number): boolean => fileId <= INDEXED && fileId % 3 === 0;
const isIndexed = (fileId: number): boolean => fileId <= INDEXED;
const isFar = (fileId: number): boolean => farIds.has(fileId);

const callers: [string, (fileId: number) => boolean, () => MemoryVisibleFiles][] = [
  ['sees all files', isIndexed, () => new MemoryVisibleFiles([...indexedIds, ...unindexedIds])],
  [
    'sees all files, two thirds of which are deleted',
    isCommon,
    () => new MemoryVisibleFiles(indexedIds.filter(isCommon)),
  ],
  ['no longer sees any file', () => false, () => new MemoryVisibleFiles([])],
  [
    'sees a small set',
    isCommon,
    () => new MemoryVisibleFiles(indexedIds, indexedIds.filter(isCommon)),
  ],
  ['asks for an empty set', () => false, () => new MemoryVisibleFiles(indexedIds, [])],
  ['asks for a large set that is a third of the index', isCommon, () => largeSet(isCommon)],
  ['asks for a large set that is a thousandth of the index', isRare, () => largeSet(isRare)],
  [
    'sees a large set of those least like the query',
    isFar,
    () => largeSet(isFar, manyUnindexedIds),
  ],
];

function largeSet(
  isVisible: (fileId: number) => boolean,
  others: readonly number[] = unindexedIds,
): MemoryVisibleFiles {
  const all = [...indexedIds, ...others];
  return new MemoryVisibleFiles(
    all,
    all.filter((id) => isVisible(id) || id > INDEXED),
  );
}

describe.each(callers)('collectPage for a caller that %s', (_name, isVisible, visible) => {
  it.each(questions)('returns the correct page for %j', async (question) => {
    expect(await ask(visible(), question)).toEqual(expectedPage(isVisible, question));
  });

  it('returns the same page each time', async () => {
    const question = { start: 5, limit: 10 };
    expect(await ask(visible(), question)).toEqual(await ask(visible(), question));
  });

  it('returns pages that add up to the whole ranking', async () => {
    const found: number[] = [];
    for (let start = 0, hasMore = true; hasMore; start += 400) {
      const page = await ask(visible(), { start, limit: 400 });
      found.push(...page.hits.map((hit) => hit.fileId));
      hasMore = page.next !== null;
    }
    expect(found).toEqual(ranking.map((hit) => hit.fileId).filter(isVisible));
  });
});

describe('collectPage', () => {
  it.each([
    [3, 2, true],
    [3, 3, false],
    [3, 4, false],
    [0, 1, false],
  ])('with %i visible hits and a page of %i has more: %s', async (count, limit, hasMore) => {
    const visible = new MemoryVisibleFiles(indexedIds, indexedIds.slice(0, count));
    const { next } = await ask(visible, { start: 0, limit });
    expect(next !== null).toBe(hasMore);
  });

  it('checks little more than a page if everything is visible', async () => {
    const visible = new MemoryVisibleFiles(indexedIds);
    await ask(visible, { start: 0, limit: 25 });
    expect(visible.askedAbout).toEqual([26]);
  });

  it('checks little more than the best hit beyond the last page', async () => {
    const visible = new MemoryVisibleFiles(indexedIds);
    await ask(visible, { start: INDEXED, limit: 25 });
    expect(visible.askedAbout).toEqual([1]);
  });

  it.each([
    [{ start: 0, limit: 25 }, 26],
    [{ start: 200, limit: 100 }, 301],
  ])('checks each of the best hits once, then lists visible files: %j', async (page, wanted) => {
    const visible = largeSet(isFar, manyUnindexedIds);
    const search = jest.spyOn(collection, 'search');
    await ask(visible, page);
    const checked = visible.askedAbout.reduce((sum, count) => sum + count, 0);
    expect(checked).toBe(wanted + CHECKED_BEYOND_PAGE);
    expect(visible.listedAfter).toHaveLength(3);
    expect(search).toHaveBeenCalledTimes(2 + 3);
    expect(
      search.mock.calls.every(
        ([{ limit, filter }]) =>
          limit <= wanted + CHECKED_BEYOND_PAGE &&
          (filter?.includeIds?.length ?? 0) <= LISTED_AT_A_TIME,
      ),
    ).toBe(true);
    search.mockRestore();
  });

  it('lists no files if the best hits fill the page', async () => {
    const visible = largeSet(isCommon);
    await ask(visible, { start: 0, limit: 100 });
    expect(visible.listedAfter).toEqual([]);
  });

  it('returns every file once across pages, even if the store misses some at first', async () => {
    // Like an approximate store: some of the first hits are missing and follow later.
    const exact = collection.search.bind(collection);
    const search = jest.spyOn(collection, 'search').mockImplementation(async (asked) => {
      if (asked.filter?.includeIds) return exact(asked);
      const all = await exact({ ...asked, limit: INDEXED });
      const near = all.slice(0, 150).filter((_, position) => position % 10 !== 3);
      return [...near, ...all.filter((hit) => !near.includes(hit))].slice(0, asked.limit);
    });
    const seen: number[] = [];
    for (let start = 0, hasMore = true; hasMore; start += 10) {
      const page = await ask(largeSet(isCommon), { start, limit: 10 });
      seen.push(...page.hits.map((hit) => hit.fileId));
      hasMore = page.next !== null;
    }
    search.mockRestore();
    expect(seen.toSorted((a, b) => a - b)).toEqual(indexedIds.filter(isCommon));
  });

  it('stops between two lists when aborted', async () => {
    const visible = largeSet(isFar, manyUnindexedIds);
    const left = new AbortController();
    const listIdsAfter = visible.listIdsAfter.bind(visible);
    jest.spyOn(visible, 'listIdsAfter').mockImplementation((...given) => {
      left.abort();
      return listIdsAfter(...given);
    });
    const asked = ask(visible, { start: 0, limit: 25 }, left.signal);
    await expect(asked).rejects.toMatchObject({ code: 'aborted' });
    expect(visible.listedAfter).toEqual([0]);
  });

  it.each([
    ['every file', () => new MemoryVisibleFiles([...indexedIds, ...unindexedIds])],
    ['a large set', () => largeSet(isRare)],
  ])('queries the store once if no more of %s scores high enough', async (_name, visible) => {
    const search = jest.spyOn(collection, 'search');
    await ask(visible(), { start: 0, limit: 25, minimumScore: 0.97 });
    expect(search).toHaveBeenCalledTimes(1);
    search.mockRestore();
  });

  it('returns nothing from an empty collection', async () => {
    const empty = await new MemoryVectorStore().ensureSpace(new HashProvider().space);
    const page = await collectPage({
      collection: empty,
      visible: new MemoryVisibleFiles(indexedIds),
      vector: query,
      excludeIds: [],
      minimumScore: undefined,
      start: 0,
      limit: 25,
    });
    expect(page).toEqual({ hits: [], next: null, nearest: [] });
  });

  it('fails like the store', async () => {
    store.isDown = true;
    const asked = ask(new MemoryVisibleFiles(indexedIds), { start: 0, limit: 25 });
    await expect(asked).rejects.toMatchObject({
      code: failure('store-unavailable').code,
      retryable: true,
    });
    store.isDown = false;
  });
});
