import { beforeEach, describe, expect, it } from '@jest/globals';
import type {
  DuplicateFinder,
  DuplicateMatch,
  DuplicatePair,
} from '../../../plugin/src/duplicates/contract';
import { createDuplicateFinder } from '../../../plugin/src/duplicates/finder';
import { LibraryComparison } from '../../../plugin/src/duplicates/library-comparison';
import { allPairs, verdicts } from '../../conformance/duplicate-pairs/situations';
import { bareTrace, DuplicateWorld, reference } from '../../support/duplicate-world';
import { MemoryDuplicatePairs } from '../../support/memory-duplicate-pairs';

const PASS = 'this pass';

let world: DuplicateWorld;
let pairs: MemoryDuplicatePairs;
/** What the finder was asked for. */
let asked: Parameters<DuplicateFinder['find']>[0][];

beforeEach(() => {
  world = new DuplicateWorld();
  pairs = new MemoryDuplicatePairs(world.clock);
  asked = [];
});

function compareWith(
  find: DuplicateFinder['find'],
  { hasStore = true, signal = new AbortController().signal } = {},
) {
  const comparison = new LibraryComparison({
    traces: world.traces,
    pairs,
    openCollection: async () => (hasStore ? await world.collection() : null),
    finder: {
      find(picture, givenSignal) {
        asked.push(picture);
        return find(picture, givenSignal);
      },
    },
  });
  const pass = { mark: PASS, spaceId: world.spaceId };
  return (...fileIds: number[]) => comparison.compare(fileIds, { pass, signal });
}

/** Says that a file is a duplicate of every picture, which it is a part of or has as a part. */
const foundAs =
  (match: Pick<DuplicateMatch, 'fileId' | 'contentHash'>): DuplicateFinder['find'] =>
  ({ exceptFileId }) =>
    Promise.resolve(exceptFileId === match.fileId ? [] : [{ ...match, verdict: verdicts.variant }]);

const nothing: DuplicateFinder['find'] = () => Promise.resolve([]);
const left = () => world.traces.notCompared(PASS, 100);
const filesOf = ({ fileA, fileB, contentHashA, contentHashB }: DuplicatePair) => [
  [fileA, contentHashA],
  [fileB, contentHashB],
];

describe('comparing files of a library', () => {
  it('puts each pair on record once, from whichever side, and marks what it compared', async () => {
    for (const fileId of [1, 2, 3]) await world.add(fileId, bareTrace('same'), null);
    await world.add(4, bareTrace('another'), null);
    const finder = createDuplicateFinder({
      traces: world.traces,
      openCollection: () => world.collection(),
    });
    const compare = compareWith((...picture) => finder.find(...picture));
    expect(await compare(3)).toBe(2);
    expect(await left()).toEqual([1, 2, 4]);
    expect(await compare(1, 2, 3, 4)).toBe(1);
    expect(await left()).toEqual([]);
    expect((await allPairs(pairs)).map(({ fileA, fileB }) => [fileA, fileB]).sort()).toEqual([
      [1, 2],
      [1, 3],
      [2, 3],
    ]);
  });

  it('tells which of two is the part, whichever was compared', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    await compareWith(foundAs({ fileId: 2, contentHash: 'two' }))(1);
    const [asFirst] = await allPairs(pairs);
    expect(asFirst?.verdict).toEqual(verdicts.variant);
    await compareWith(foundAs({ fileId: 1, contentHash: 'one' }))(2);
    const [asSecond] = await allPairs(pairs);
    const { alignment } = verdicts.variant;
    expect(asSecond?.verdict).toEqual({
      ...verdicts.variant,
      alignment: { ...alignment, inner: 'one' },
    });
    for (const pair of [asFirst, asSecond]) {
      expect(pair && filesOf(pair)).toEqual([
        [1, 'one'],
        [2, 'two'],
      ]);
    }
  });

  it('uses the vector of the present bytes, and none of earlier ones', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('old'), 1);
    await world.add(2, bareTrace('new'), null);
    await compareWith(nothing)(1, 2);
    expect(asked.map(({ exceptFileId, vector }) => [exceptFileId, vector])).toEqual([
      [1, reference],
      [2, null],
    ]);
  });

  it('goes by the bytes alone when no model answers', async () => {
    await world.add(1, bareTrace('one'), 1);
    await compareWith(nothing, { hasStore: false })(1);
    expect(asked).toMatchObject([{ vector: null }]);
    expect(await left()).toEqual([]);
  });

  it('knows nothing of files without a trace', async () => {
    expect(await compareWith(nothing)(5)).toBe(0);
    expect(asked).toEqual([]);
  });

  it('keeps no pair with a file that was deleted meanwhile', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    const found = foundAs({ fileId: 2, contentHash: 'two' });
    await compareWith(async (picture) => {
      await world.traces.remove([2]);
      return found(picture);
    })(1);
    expect(await allPairs(pairs)).toEqual([]);
  });

  it('leaves a file that was replaced meanwhile to be compared again', async () => {
    await world.add(1, bareTrace('old'), 1);
    await compareWith(async () => {
      await world.add(1, bareTrace('new'), 1);
      return [];
    })(1);
    expect(await left()).toEqual([1]);
  });

  it('marks nothing when it is given up', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    const giveUp = new AbortController();
    const compare = compareWith(
      (_picture, signal) => {
        giveUp.abort(new Error('Given up.'));
        signal?.throwIfAborted();
        return Promise.resolve([]);
      },
      { signal: giveUp.signal },
    );
    await expect(compare(1, 2).catch(() => 'rejected')).resolves.toBe('rejected');
    expect(asked).toHaveLength(1);
    expect(await left()).toEqual([1, 2]);
  });
});
