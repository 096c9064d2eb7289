import { beforeEach, describe, expect, it } from '@jest/globals';
import type {
  DuplicateFinder,
  DuplicateMatch,
  DuplicatePair,
} from '../../../plugin/src/duplicates/contract';
import { createDuplicateFinder } from '../../../plugin/src/duplicates/finder';
import { LibraryComparison } from '../../../plugin/src/duplicates/library-comparison';
import type { PairConfirmation } from '../../../plugin/src/duplicates/pixel-confirmation';
import { PIXEL_VERSION } from '../../../plugin/src/matching/contract';
import { allPairs, verdicts } from '../../conformance/duplicate-pairs/situations';
import { bareTrace, DuplicateWorld, reference } from '../../support/duplicate-world';
import { failure } from '../../support/failures';
import { MemoryDuplicatePairs } from '../../support/memory-duplicate-pairs';

const PASS = 'this pass';

let world: DuplicateWorld;
let pairs: MemoryDuplicatePairs;
/** What the finder was asked for. */
let asked: Parameters<DuplicateFinder['find']>[0][];
/** Whether to go on after a file. */
let onCompared: () => Promise<boolean>;

beforeEach(() => {
  world = new DuplicateWorld();
  pairs = new MemoryDuplicatePairs(world.clock);
  asked = [];
  onCompared = () => Promise.resolve(true);
});

function compareWith(
  find: DuplicateFinder['find'],
  {
    confirmation = ({ verdict }) => Promise.resolve(verdict),
    hasStore = true,
    signal = new AbortController().signal,
  }: { confirmation?: PairConfirmation; hasStore?: boolean; signal?: AbortSignal } = {},
) {
  const comparison = new LibraryComparison({
    traces: world.traces,
    pairs,
    confirmation,
    read: () => Promise.resolve(new Uint8Array()),
    openCollection: async () => (hasStore ? await world.collection() : null),
    finder: {
      find(image, givenSignal) {
        asked.push(image);
        return find(image, givenSignal);
      },
    },
  });
  const pass = { mark: PASS, spaceId: world.spaceId };
  return (...fileIds: number[]) => comparison.compare(fileIds, { pass, signal, onCompared });
}

/** Says that a file is a duplicate of every image, which it is a part of or has as a part. */
const foundAs =
  (match: Pick<DuplicateMatch, 'fileId' | 'contentHash'>): DuplicateFinder['find'] =>
  ({ exceptFileId }) =>
    Promise.resolve(exceptFileId === match.fileId ? [] : [{ ...match, verdict: verdicts.edited }]);

const nothing: DuplicateFinder['find'] = () => Promise.resolve([]);
const left = () => world.traces.notCompared(PASS, 100);
const filesOf = ({ fileA, fileB, contentHashA, contentHashB }: DuplicatePair) => [
  [fileA, contentHashA],
  [fileB, contentHashB],
];

describe('comparing files of a library', () => {
  it('records each pair once, from either side, and marks what it compared', async () => {
    for (const fileId of [1, 2, 3]) await world.add(fileId, bareTrace('same'), null);
    await world.add(4, bareTrace('another'), null);
    const finder = createDuplicateFinder({
      traces: world.traces,
      openCollection: () => world.collection(),
    });
    const compare = compareWith((...image) => finder.find(...image));
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

  it('records and marks what it compared before it was told to yield', async () => {
    for (const fileId of [1, 2, 3]) await world.add(fileId, bareTrace('same'), null);
    onCompared = () => Promise.resolve(false);
    const match = { fileId: 3, contentHash: bareTrace('same').contentHash };
    expect(await compareWith(foundAs(match))(1, 2)).toBe(1);
    expect(await left()).toEqual([2, 3]);
  });

  it('reports which of two is the crop, whichever was compared', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    await compareWith(foundAs({ fileId: 2, contentHash: 'two' }))(1);
    const [asFirst] = await allPairs(pairs);
    expect(asFirst?.verdict).toEqual(verdicts.edited);
    await compareWith(foundAs({ fileId: 1, contentHash: 'one' }))(2);
    const [asSecond] = await allPairs(pairs);
    const { alignment } = verdicts.edited;
    expect(asSecond?.verdict).toEqual({
      ...verdicts.edited,
      alignment: { ...alignment, inner: 'one' },
    });
    for (const pair of [asFirst, asSecond]) {
      expect(pair && filesOf(pair)).toEqual([
        [1, 'one'],
        [2, 'two'],
      ]);
    }
  });

  it('asks the pixels of a pair once, and again after a file was replaced', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    let comparisons = 0;
    const confirmation: PairConfirmation = () => {
      comparisons += 1;
      return Promise.resolve(null);
    };
    const find = foundAs({ fileId: 2, contentHash: 'two' });
    // Each has forgotten what the one before knew.
    await compareWith(find, { confirmation })(1);
    await compareWith(find, { confirmation })(1);
    await compareWith(foundAs({ fileId: 1, contentHash: 'one' }), { confirmation })(2);
    expect(comparisons).toBe(1);
    await world.add(1, bareTrace('another'), 1);
    await compareWith(find, { confirmation })(1);
    expect(comparisons).toBe(2);
    expect(await allPairs(pairs)).toEqual([]);
  });

  it('uses the vector of the current bytes, never an earlier one', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('old'), 1);
    await world.add(2, bareTrace('new'), null);
    await compareWith(nothing)(1, 2);
    expect(asked.map(({ exceptFileId, vector }) => [exceptFileId, vector])).toEqual([
      [1, reference],
      [2, null],
    ]);
  });

  it('compares only bytes if no model is available', async () => {
    await world.add(1, bareTrace('one'), 1);
    await compareWith(nothing, { hasStore: false })(1);
    expect(asked).toMatchObject([{ vector: null }]);
    expect(await left()).toEqual([]);
  });

  it('ignores files without a trace', async () => {
    expect(await compareWith(nothing)(5)).toBe(0);
    expect(asked).toEqual([]);
  });

  it('keeps no pair with a file that was deleted in the meantime', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    const found = foundAs({ fileId: 2, contentHash: 'two' });
    await compareWith(async (image) => {
      await world.traces.remove([2]);
      return found(image);
    })(1);
    expect(await allPairs(pairs)).toEqual([]);
  });

  it('leaves a file that was replaced in the meantime to be compared again', async () => {
    await world.add(1, bareTrace('old'), 1);
    await compareWith(async () => {
      await world.add(1, bareTrace('new'), 1);
      return [];
    })(1);
    expect(await left()).toEqual([1]);
  });

  it('marks nothing when aborted', async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
    const giveUp = new AbortController();
    const compare = compareWith(
      (_image, signal) => {
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

describe('confirming proposed pairs', () => {
  const found = foundAs({ fileId: 2, contentHash: 'two' });
  const pixels = { version: PIXEL_VERSION, differences: { one: [], other: [] } };
  const confirmed = { ...verdicts.edited, pixels };

  beforeEach(async () => {
    await world.add(1, bareTrace('one'), 1);
    await world.add(2, bareTrace('two'), 1);
  });

  it('records nothing that the pixels refute', async () => {
    const compare = compareWith(found, { confirmation: () => Promise.resolve(null) });
    expect(await compare(1)).toBe(0);
    expect(await allPairs(pairs)).toEqual([]);
    expect(await left()).toEqual([2]);
  });

  it('records the verdict of the pixels', async () => {
    await compareWith(found, { confirmation: () => Promise.resolve(confirmed) })(1);
    expect(await allPairs(pairs)).toMatchObject([{ verdict: confirmed }]);
  });

  it('confirms a pair once, from whichever side it is proposed', async () => {
    let times = 0;
    const confirmation = () => {
      times += 1;
      return Promise.resolve(confirmed);
    };
    await compareWith(found, { confirmation })(1);
    await compareWith(foundAs({ fileId: 1, contentHash: 'one' }), { confirmation })(2);
    expect(times).toBe(1);
    expect(await allPairs(pairs)).toMatchObject([{ verdict: confirmed }]);
  });

  it('confirms earlier verdicts again, even if they are no longer proposed', async () => {
    await compareWith(found)(1);
    expect(await allPairs(pairs)).toMatchObject([{ verdict: verdicts.edited }]);
    await compareWith(nothing, { confirmation: () => Promise.resolve(confirmed) })(1);
    expect(await allPairs(pairs)).toMatchObject([{ verdict: confirmed }]);
  });

  it('removes earlier verdicts that the pixels refute, but not reviewed ones', async () => {
    await compareWith(found)(1);
    const refute = { confirmation: () => Promise.resolve(null) };
    const [pair] = await allPairs(pairs);
    const reviewedAt = new Date(world.clock.now());
    await pairs.review(pair?.id ?? 0, { status: 'ignored', userId: null, reviewedAt });
    await compareWith(found, refute)(1);
    expect(await allPairs(pairs)).toMatchObject([{ status: 'ignored' }]);
    await pairs.review(pair?.id ?? 0, { status: 'open', userId: null, reviewedAt });
    await compareWith(nothing, refute)(1);
    expect(await allPairs(pairs)).toEqual([]);
  });

  it('keeps open pairs whose files are missing, replaced or damaged', async () => {
    await compareWith(found)(1);
    const before = await allPairs(pairs);
    for (const code of ['image-missing', 'image-unreadable'] as const) {
      const confirmation = () => Promise.reject(failure(code, { retryable: false }));
      await compareWith(nothing, { confirmation })(1);
      expect(await allPairs(pairs)).toEqual(before);
      expect(await left()).toEqual([2]);
    }
  });

  it.each(['image-unreachable', 'storage-refused', 'storage-unavailable'] as const)(
    'leaves files to be compared again on %s, and does the others',
    async (code) => {
      const down = () => Promise.reject(failure(code, { retryable: true }));
      await world.add(3, bareTrace('three'), 1);
      const onlyOne: DuplicateFinder['find'] = (image, signal) =>
        image.exceptFileId === 1 ? found(image, signal) : nothing(image, signal);
      await compareWith(onlyOne, { confirmation: down })(1, 3);
      expect(await left()).toEqual([1, 2]);
      expect(await allPairs(pairs)).toEqual([]);
      await expect(compareWith(onlyOne, { confirmation: down })(1)).rejects.toThrow();
      await compareWith(onlyOne, { confirmation: () => Promise.resolve(confirmed) })(1);
      expect(await left()).toEqual([2]);
    },
  );
});
