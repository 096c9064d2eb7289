import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { OpenSpace } from '../../../plugin/src/active-space';
import type {
  AssetDescription,
  IndexEntry,
  IndexState,
} from '../../../plugin/src/indexing/contract';
import { needsWork, reconcile } from '../../../plugin/src/indexing/reconcile';
import { HashProvider } from '../../support/hash-provider';
import { IndexingRig } from '../../support/indexing-rig';
import { plainPicture, unreadablePicture } from '../../support/plain-pictures';
import { pointOf } from '../../support/vector-points';

const assets = ['no asset', 'the asset it knows', 'a changed asset'] as const;
const entries = [
  'no entry',
  'pending',
  'indexing',
  'indexed',
  'skipped',
  'failed',
  'failed blindly',
] as const;

type AssetCase = (typeof assets)[number];
type EntryCase = (typeof entries)[number];
type Case = [asset: AssetCase, entry: EntryCase, hasVector: boolean | null, hasTrace: boolean];

function assetOf(asset: AssetCase): AssetDescription | null {
  if (asset === 'no asset') return null;
  const signature = asset === 'a changed asset' ? 'changed' : 'known';
  return {
    fileId: 1,
    name: 'file.png',
    mimeType: 'image/png',
    extension: '.png',
    sizeInBytes: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    signature,
  };
}

function entryOf(entry: EntryCase): IndexEntry | null {
  if (entry === 'no entry') return null;
  return {
    fileId: 1,
    state: entry.split(' ')[0] as IndexState,
    attempts: 1,
    lease: null,
    errorCode: null,
    errorMessage: null,
    contentHash: null,
    sourceSignature: entry === 'failed blindly' ? null : 'known',
    indexedAt: null,
  };
}

/** The rules, one after the other: the first that fits decides. */
function isWorkExpected([asset, entry, hasVector, hasTrace]: Case): boolean {
  if (entry === 'pending' || entry === 'indexing') return false;
  if (entry === 'no entry') return asset !== 'no asset' || hasVector === true || hasTrace;
  if (asset === 'no asset') return true;
  if (asset === 'a changed asset') return entry !== 'failed blindly';
  return entry === 'indexed' && (hasVector === false || !hasTrace);
}

const cases = assets.flatMap((asset) =>
  entries.flatMap((entry) =>
    [true, false, null].flatMap((hasVector) =>
      [true, false].map((hasTrace): Case => [asset, entry, hasVector, hasTrace]),
    ),
  ),
);

describe('needsWork', () => {
  it.each(cases)('for %s, %s, a vector: %s, a trace: %s', (...combination) => {
    const [asset, entry, hasVector, hasTrace] = combination;
    const found = { hasVector, hasTrace };
    const sighting = { fileId: 1, asset: assetOf(asset), entry: entryOf(entry), ...found };
    expect(needsWork(sighting)).toBe(isWorkExpected(combination));
  });

  it.each([
    ['image-unreachable', true],
    ['image-unreadable', false],
    ['image-missing', false],
  ] as const)('for a file that failed with %s: %s', (errorCode, isExpected) => {
    const entry = { ...(entryOf('failed') as IndexEntry), errorCode };
    const found = { hasVector: false, hasTrace: true };
    const sighting = { fileId: 1, asset: assetOf('the asset it knows'), entry, ...found };
    expect(needsWork(sighting)).toBe(isExpected);
  });
});

describe('reconcile', () => {
  const PICTURES = 1_200;
  let rig: IndexingRig;
  let space: OpenSpace;

  beforeEach(async () => {
    rig = new IndexingRig(new HashProvider({ limits: { imagesPerCall: 100 } }));
    await rig.uploadMany(PICTURES);
    const worker = rig.start();
    await rig.untilSettled();
    await rig.stop(worker);
    space = await rig.activeSpace.get();
  });

  function run(options: { space?: OpenSpace | null; signal?: AbortSignal } = {}) {
    return reconcile({
      assets: rig.assets,
      entries: rig.entries,
      traces: rig.traces,
      space,
      logger: rig.logger,
      signal: new AbortController().signal,
      ...options,
    });
  }

  async function pendingIds(): Promise<number[]> {
    const page = await rig.entries.list({ states: ['pending'], cursor: null, limit: 5_000 });
    return page.entries.map((entry) => entry.fileId);
  }

  /** One disagreement of every kind, on all pages. */
  async function disturb(): Promise<number[]> {
    const { collection } = space;
    for (const fileId of [3, 600, 1_199]) rig.assets.delete(fileId);
    for (const fileId of [4, 601, 1_198]) rig.assets.put(fileId, plainPicture('replaced'));
    for (const fileId of [1_201, 1_700]) rig.assets.put(fileId, plainPicture('imported'));
    await collection.remove([5, 500, 501, 1_000]);
    const [stray] = await collection.getMany([1]);
    await collection.upsert([9_000, 9_001].map((id) => pointOf(id, stray?.vector ?? fail())));
    return [3, 4, 5, 500, 501, 600, 601, 1_000, 1_198, 1_199, 1_201, 1_700, 9_000, 9_001];
  }

  it('marks nothing while library, queue and vectors agree', async () => {
    expect(await run()).toEqual({ pictures: PICTURES, marked: 0, retried: 0 });
    expect(await pendingIds()).toEqual([]);
    expect(rig.logger.lines.map((line) => line.message)).not.toContainEqual(
      expect.stringContaining('Compared'),
    );
  });

  it('marks what disagrees, on every page, and says how much that is', async () => {
    const disturbed = await disturb();
    expect(await run()).toEqual({
      pictures: PICTURES - 3 + 2,
      marked: disturbed.length,
      retried: 0,
    });
    expect(await pendingIds()).toEqual(disturbed);
    expect(rig.logger.at('info').at(-1)).toBe('Compared 1199 pictures with the index: 14 are due.');
  });

  it('marks nothing a second time, and nothing after the worker is done', async () => {
    await disturb();
    await run();
    expect(await run()).toMatchObject({ marked: 0 });
    rig.start();
    await rig.untilSettled();
    await rig.stopAll();
    expect(await run()).toEqual({ pictures: 1_199, marked: 0, retried: 0 });
    expect(await space.collection.count()).toBe(1_199);
  });

  it('marks more than a page at once', async () => {
    await space.collection.remove(Array.from({ length: PICTURES }, (_, index) => index + 1));
    const describeMany = jest.spyOn(rig.assets, 'describeMany');
    expect(await run()).toEqual({ pictures: PICTURES, marked: PICTURES, retried: 0 });
    expect(await pendingIds()).toHaveLength(PICTURES);
    // A page is asked about at once.
    expect(describeMany).toHaveBeenCalledTimes(3);
  });

  it('marks everything for another space', async () => {
    const young = new HashProvider({ model: 'young' });
    const collection = await rig.store.ensureSpace(young.space);
    expect(await run({ space: { provider: young, collection } })).toMatchObject({
      marked: PICTURES,
    });
  });

  it('looks at no vector without a space', async () => {
    await disturb();
    rig.store.isDown = true;
    await run({ space: null });
    rig.store.isDown = false;
    expect(await pendingIds()).toEqual([3, 4, 600, 601, 1_198, 1_199, 1_201, 1_700]);
  });

  it('leaves alone what failed, until its file changes', async () => {
    await rig.upload(7, unreadablePicture());
    rig.start();
    await rig.untilSettled();
    await rig.stopAll();
    expect(await run()).toMatchObject({ marked: 0 });
    rig.assets.put(7, plainPicture('mended'));
    expect(await run()).toMatchObject({ marked: 1 });
  });

  it('does not mark a picture again that is uploaded and indexed during the walk', async () => {
    rig.assets.onIterate = async (cursor) => {
      if (cursor !== 500) return;
      rig.assets.onIterate = () => undefined;
      await rig.upload(5_000);
      rig.start();
      await rig.untilSettled();
      await rig.stopAll();
    };
    // The queue is read ahead of the library: its pages are used up before the upload.
    const list = rig.entries.list.bind(rig.entries);
    const known = await list({ cursor: null, limit: 5_000 });
    rig.entries.list = (options) => {
      const { cursor } = options;
      return cursor === null ? Promise.resolve({ ...known, nextCursor: null }) : list(options);
    };
    expect(await run()).toEqual({ pictures: PICTURES + 1, marked: 0, retried: 0 });
    expect(await rig.entry(5_000)).toMatchObject({ state: 'indexed', attempts: 1 });
  });

  it('ends without marking more when it is cancelled', async () => {
    await disturb();
    const controller = new AbortController();
    rig.assets.onIterate = (cursor) => {
      if (cursor !== null) controller.abort();
    };
    expect(await run({ signal: controller.signal })).toMatchObject({ marked: 0 });
    expect(await pendingIds()).toEqual([]);
    expect(await run({ signal: AbortSignal.abort() })).toEqual({
      pictures: 0,
      marked: 0,
      retried: 0,
    });
  });

  it('marks nothing that was confirmed after it was cancelled', async () => {
    await disturb();
    const controller = new AbortController();
    const get = rig.entries.get.bind(rig.entries);
    rig.entries.get = (fileIds) => {
      controller.abort();
      return get(fileIds);
    };
    expect(await run({ signal: controller.signal })).toMatchObject({ marked: 0 });
    expect(await pendingIds()).toEqual([]);
  });

  it.each(['library', 'queue', 'store'])(
    'fails as the %s does, and marks nothing',
    async (part) => {
      await disturb();
      const broken = new Error('It is broken.');
      if (part === 'library') rig.assets.onIterate = () => Promise.reject(broken);
      if (part === 'queue') rig.entries.list = () => Promise.reject(broken);
      if (part === 'store') rig.store.isDown = true;
      await expect(run()).rejects.toThrow(part === 'store' ? /down/ : /broken/);
      expect(await rig.entries.counts()).toMatchObject({ pending: 0 });
    },
  );
});

function fail(): never {
  throw new Error('The first picture has no vector.');
}
