import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failure } from '../../support/failures';
import { IndexingRig } from '../../support/indexing-rig';
import { plainImage, unreadableImage } from '../../support/plain-images';

describe('while the model is down', () => {
  let rig: IndexingRig;
  let reads: number[];
  let isDown: boolean;

  beforeEach(() => {
    rig = new IndexingRig();
    reads = [];
    isDown = true;
    const open = rig.openProvider;
    rig.openProvider = async () => {
      if (isDown) throw failure('provider-unavailable', { retryable: true });
      return open();
    };
    rig.assets.onRead = (fileId) => {
      reads.push(fileId);
    };
  });
  afterEach(async () => {
    await rig.stopAll();
  });

  it('images are read and traced once, without spending an attempt', async () => {
    const fileIds = await rig.uploadMany(60);
    rig.start();
    await rig.clock.advance(60_000);
    expect([...reads].sort((one, other) => one - other)).toEqual(fileIds);
    expect([...rig.traces.written].sort((one, other) => one - other)).toEqual(fileIds);
    expect(rig.duplicates.told.every(({ what }) => what === 'traced')).toBe(true);
    expect(rig.duplicates.told.flatMap((told) => told.fileIds)).toHaveLength(60);
    const { entries } = await rig.entries.list({ cursor: null, limit: 100 });
    expect(entries).toHaveLength(60);
    for (const entry of entries) expect(entry).toMatchObject({ state: 'pending', attempts: 0 });
  });

  it('a few are read at a time', async () => {
    await rig.uploadMany(60);
    rig.start();
    await rig.clock.advance(1);
    expect(reads).toHaveLength(20);
  });

  it('uploads are read before a backfill', async () => {
    await rig.backfill(Array.from({ length: 60 }, (_, index) => index + 1));
    rig.start();
    await rig.clock.advance(1);
    await rig.upload(100);
    await rig.clock.advance(250);
    expect(reads.indexOf(100)).toBe(20);
  });

  it('a replaced image is read again, an unreadable one is not', async () => {
    await rig.upload(1);
    await rig.upload(2, unreadableImage());
    rig.start();
    await rig.clock.advance(30_000);
    expect(reads).toEqual([1, 2]);
    await rig.upload(1, plainImage('another subject'));
    await rig.clock.advance(30_000);
    expect(reads).toEqual([1, 2, 1]);
    expect(rig.traces.written).toEqual([1, 1]);
  });

  it('a deleted image leaves no trace', async () => {
    await rig.uploadMany(2);
    rig.start();
    await rig.clock.advance(10_000);
    await rig.remove(1);
    await rig.clock.advance(10_000);
    expect(await rig.traces.get([1, 2])).toMatchObject([{ fileId: 2 }]);
  });

  it('all are embedded once it is available, with the existing traces', async () => {
    const fileIds = await rig.uploadMany(3);
    rig.start();
    await rig.clock.advance(10_000);
    isDown = false;
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3 });
    expect(rig.traces.written).toEqual(fileIds);
    const spaceId = rig.provider.space.id;
    expect(rig.duplicates.told).toContainEqual({ what: 'beforeIndexing', fileIds: [1], spaceId });
    expect(rig.duplicates.told).toContainEqual({ what: 'indexed', fileIds: [1], spaceId });
  });
});
