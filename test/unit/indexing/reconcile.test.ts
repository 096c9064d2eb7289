import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { OpenSpace } from '../../../plugin/src/active-space';
import type {
  AssetDescription,
  IndexEntry,
  IndexState,
} from '../../../plugin/src/indexing/contract';
import { reasonToIndex, reconcile } from '../../../plugin/src/indexing/reconcile';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { IndexingRig } from '../../support/indexing-rig';
import { plainImage, unreadableImage } from '../../support/plain-images';
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
    priority: 'backfill',
    attempts: 1,
    lease: null,
    errorCode: null,
    errorMessage: null,
    contentHash: null,
    sourceSignature: entry === 'failed blindly' ? null : 'known',
    indexedAt: null,
  };
}

const KNOWN_HASH = 'a'.repeat(64);

function hashOf(hasVector: boolean | null): string | null | undefined {
  if (hasVector === null) return undefined;
  return hasVector ? KNOWN_HASH : null;
}

/** The rules in order: the first match decides. */
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

describe('reasonToIndex', () => {
  it.each(cases)('for %s, %s, a vector: %s, a trace: %s', (...combination) => {
    const [asset, entry, hasVector, hasTrace] = combination;
    const found = { vectorHash: hashOf(hasVector), hasTrace };
    const sighting = { fileId: 1, asset: assetOf(asset), entry: entryOf(entry), ...found };
    expect(reasonToIndex(sighting) !== null).toBe(isWorkExpected(combination));
  });

  it.each([
    ['image-unreachable', true],
    ['storage-refused', true],
    ['image-unreadable', false],
    ['image-missing', false],
  ] as const)('for a file that failed with %s: %s', (errorCode, isExpected) => {
    const entry = { ...(entryOf('failed') as IndexEntry), errorCode };
    const found = { vectorHash: null, hasTrace: true };
    const sighting = { fileId: 1, asset: assetOf('the asset it knows'), entry, ...found };
    expect(reasonToIndex(sighting) !== null).toBe(isExpected);
  });

  it('retries a file that was skipped for a missing decoder once that is installed', () => {
    const entry = {
      ...(entryOf('skipped') as IndexEntry),
      errorCode: 'image-decoder-missing' as const,
    };
    const found = { vectorHash: null, hasTrace: false };
    const sighting = { fileId: 1, asset: assetOf('the asset it knows'), entry, ...found };
    expect(reasonToIndex(sighting)).toBeNull();
    expect(reasonToIndex(sighting, (mimeType) => mimeType.startsWith('image/'))).toBe('to retry');
    const isVideoReaderThere = (mimeType: string): boolean => mimeType.startsWith('video/');
    expect(reasonToIndex(sighting, isVideoReaderThere)).toBeNull();
    expect(reasonToIndex({ ...sighting, asset: null }, () => true)).toBe('deleted');
  });

  it.each([
    ['its own bytes', KNOWN_HASH, null],
    ['other bytes', 'b'.repeat(64), 'with the vector of other bytes'],
    ['bytes that are to be embedded again', null, null],
  ])('compares the vector with the entry: of %s', (_, contentHash, reason) => {
    const entry = { ...(entryOf('indexed') as IndexEntry), contentHash };
    const found = { vectorHash: KNOWN_HASH, hasTrace: true };
    const sighting = { fileId: 1, asset: assetOf('the asset it knows'), entry, ...found };
    expect(reasonToIndex(sighting)).toBe(reason);
  });
});

describe('reconcile', () => {
  const IMAGES = 1_200;
  let rig: IndexingRig;
  let space: OpenSpace;

  beforeEach(async () => {
    rig = new IndexingRig(new HashProvider({ limits: { imagesPerCall: 100 } }));
    await rig.uploadMany(IMAGES);
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
      duplicates: rig.duplicates,
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

  /** One difference of every kind, on all pages. */
  async function disturb(): Promise<{ present: number[]; gone: number[] }> {
    const { collection } = space;
    for (const fileId of [3, 600, 1_199]) rig.assets.delete(fileId);
    for (const fileId of [4, 601, 1_198]) rig.assets.put(fileId, plainImage('replaced'));
    for (const fileId of [1_201, 1_700]) rig.assets.put(fileId, plainImage('imported'));
    await collection.remove([5, 500, 501, 1_000]);
    const [stray] = await collection.getMany([1]);
    await collection.upsert([9_000, 9_001].map((id) => pointOf(id, stray?.vector ?? fail())));
    return {
      present: [4, 5, 500, 501, 601, 1_000, 1_198, 1_201, 1_700],
      gone: [3, 600, 1_199, 9_000, 9_001],
    };
  }

  it('queues nothing while library, queue and vectors agree', async () => {
    expect(await run()).toEqual({ images: IMAGES, marked: 0, retried: 0, orphans: 0 });
    expect(await pendingIds()).toEqual([]);
    expect(rig.logger.lines.map((line) => line.message)).not.toContainEqual(
      expect.stringContaining('Compared'),
    );
  });

  it('queues what differs, on every page, and returns the count', async () => {
    const { present } = await disturb();
    const images = IMAGES - 3 + 2;
    expect(await run()).toEqual({ images, marked: present.length, retried: 0, orphans: 5 });
    expect(await pendingIds()).toEqual(present);
    expect(rig.logger.at('info').slice(-2)).toEqual([
      'Compared 1199 images with the index: 9 to update (3 changed, 4 without a vector, 2 new).',
      '5 files are gone; what is left of them is removed once all others are indexed.',
    ]);
  });

  it('queues what is left of deleted files when all others are indexed', async () => {
    const { gone } = await disturb();
    await run();
    expect(await run()).toMatchObject({ marked: 0, orphans: 5 });
    rig.start();
    await rig.untilSettled();
    await rig.stopAll();
    expect(await run()).toMatchObject({ marked: 5, orphans: 0 });
    expect(await pendingIds()).toEqual(gone);
  });

  it('removes what is left of deleted files even if others fail forever', async () => {
    await rig.upload(7, plainImage('out of reach'));
    rig.assets.onRead = () => {
      throw failure('storage-refused');
    };
    rig.start();
    await rig.untilSettled();
    await rig.stopAll();
    rig.assets.delete(3);
    expect(await run()).toMatchObject({ marked: 2, retried: 1, orphans: 0 });
    expect(await pendingIds()).toEqual([3, 7]);
  });

  it('reuses the vectors of the same bytes for a copy of the database', async () => {
    const { provider } = space;
    const copy = await rig.store.ensureSpace(provider.space);
    const [third] = await copy.getMany([3]);
    await copy.remove([3]);
    await copy.upsert([{ ...(third ?? fail()), fileId: 9_000 }]);
    expect(await run()).toMatchObject({ images: IMAGES, marked: 1 });
    expect(await pendingIds()).toEqual([9_000]);
    expect((await copy.getMany([3]))[0]).toEqual({ ...third, fileId: 3 });
    expect(rig.logger.at('info')).toContain(
      'Vectors that the store has for the same bytes: reused for 1 image(s).',
    );
  });

  it('forgets the pairs of a file that has another row than before', async () => {
    rig.assets.put(4, plainImage('replaced'));
    await run();
    expect(rig.duplicates.forgotten).toEqual([4]);
  });

  it('queues nothing twice, and nothing after the worker is done', async () => {
    await disturb();
    await run();
    expect(await run()).toMatchObject({ marked: 0 });
    for (const marked of [5, 0]) {
      rig.start();
      await rig.untilSettled();
      await rig.stopAll();
      expect(await run()).toMatchObject({ marked });
    }
    expect(await run()).toEqual({ images: 1_199, marked: 0, retried: 0, orphans: 0 });
    expect(await space.collection.count()).toBe(1_199);
  });

  it('queues more than a page at once', async () => {
    await space.collection.remove(Array.from({ length: IMAGES }, (_, index) => index + 1));
    const describeMany = jest.spyOn(rig.assets, 'describeMany');
    expect(await run()).toEqual({ images: IMAGES, marked: IMAGES, retried: 0, orphans: 0 });
    expect(await pendingIds()).toHaveLength(IMAGES);
    // A page is checked at once.
    expect(describeMany).toHaveBeenCalledTimes(3);
  });

  it('queues everything for another space', async () => {
    const young = new HashProvider({ model: 'young' });
    const collection = await rig.store.ensureSpace(young.space);
    expect(await run({ space: { provider: young, collection } })).toMatchObject({
      marked: IMAGES,
    });
  });

  it('checks no vectors without a space', async () => {
    await disturb();
    rig.store.isDown = true;
    await run({ space: null });
    rig.store.isDown = false;
    expect(await pendingIds()).toEqual([4, 601, 1_198, 1_201, 1_700]);
  });

  it('leaves failed files alone until they change', async () => {
    await rig.upload(7, unreadableImage());
    rig.start();
    await rig.untilSettled();
    await rig.stopAll();
    expect(await run()).toMatchObject({ marked: 0 });
    rig.assets.put(7, plainImage('mended'));
    expect(await run()).toMatchObject({ marked: 1 });
  });

  it("doesn't queue an image that is uploaded and indexed during the comparison again", async () => {
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
    expect(await run()).toEqual({ images: IMAGES + 1, marked: 0, retried: 0, orphans: 0 });
    expect(await rig.entry(5_000)).toMatchObject({ state: 'indexed', attempts: 1 });
  });

  it('stops queueing when canceled', async () => {
    await disturb();
    const controller = new AbortController();
    rig.assets.onIterate = (cursor) => {
      if (cursor !== null) controller.abort();
    };
    expect(await run({ signal: controller.signal })).toMatchObject({ marked: 0 });
    expect(await pendingIds()).toEqual([]);
    expect(await run({ signal: AbortSignal.abort() })).toEqual({
      images: 0,
      marked: 0,
      retried: 0,
      orphans: 0,
    });
  });

  it('queues nothing that was confirmed after it was canceled', async () => {
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

  it.each(['library', 'queue', 'store'])('fails like the %s, and queues nothing', async (part) => {
    await disturb();
    const broken = new Error('It is broken.');
    if (part === 'library') rig.assets.onIterate = () => Promise.reject(broken);
    if (part === 'queue') rig.entries.list = () => Promise.reject(broken);
    if (part === 'store') rig.store.isDown = true;
    await expect(run()).rejects.toThrow(part === 'store' ? /down/ : /broken/);
    expect(await rig.entries.counts()).toMatchObject({ pending: 0 });
  });
});

function fail(): never {
  throw new Error('The first image has no vector.');
}
