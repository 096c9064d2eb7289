import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hashContent } from '../../../plugin/src/images/trace';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { IndexingRig } from '../../support/indexing-rig';
import { plainImage, plainImageReader, unreadableImage } from '../../support/plain-images';

let rig: IndexingRig;
/** Whether each read requested a trace. */
let reads: boolean[];

const images = {
  read: ((bytes, options) => {
    reads.push(options.fingerprint === true);
    return plainImageReader.read(bytes, options);
  }) satisfies typeof plainImageReader.read,
};

beforeEach(() => {
  rig = new IndexingRig();
  reads = [];
});

afterEach(async () => {
  await rig.stopAll();
});

async function indexAll(): Promise<void> {
  rig.start({ images });
  await rig.untilSettled();
  reads.length = 0;
  rig.traces.written.length = 0;
  rig.provider.imageCalls.length = 0;
  rig.duplicates.told.length = 0;
}

describe('indexing', () => {
  it('stores a trace of every image, once', async () => {
    const fileIds = await rig.uploadMany(6);
    rig.start();
    await rig.untilSettled();
    expect(rig.traces.written).toEqual(fileIds);
    const [trace] = await rig.traces.get([3]);
    expect(trace).toEqual({
      fileId: 3,
      contentHash: await hashContent(plainImage('subject 3')),
      fingerprint: { bits: expect.stringMatching(/^[0-9a-f]{64}$/), quality: 0.5 },
      thumbnail: expect.any(String),
      width: 2,
      height: 2,
    });
  });

  it('announces images before and after their vectors are stored', async () => {
    await rig.uploadMany(2);
    rig.start();
    await rig.untilSettled();
    const spaceId = rig.provider.space.id;
    expect(rig.duplicates.told).toEqual([
      { what: 'beforeIndexing', fileIds: [1, 2], spaceId },
      { what: 'indexed', fileIds: [1, 2], spaceId },
    ]);
  });

  it('neither writes nor reads the trace of an unchanged image again', async () => {
    await rig.uploadMany(2);
    await indexAll();
    await rig.entries.markPending([1, 2]);
    await rig.untilSettled();
    expect(rig.traces.written).toEqual([]);
    expect(reads).toEqual([]);
    expect(rig.duplicates.told).toEqual([]);
  });

  it('creates no second trace for another model', async () => {
    await rig.uploadMany(1);
    await indexAll();
    const next = new IndexingRig(new HashProvider({ model: 'young' }));
    await rig.stopAll();
    const { assets, clock, entries, traces } = rig;
    const worker = next.createWorker({ ...{ assets, clock, entries, traces }, images });
    await entries.markPending([1]);
    worker.start();
    await rig.untilSettled();
    await rig.stop(worker);
    expect(reads).toEqual([false]);
    expect(traces.written).toEqual([]);
  });

  it('creates the trace of an image that was indexed without one, without embedding it', async () => {
    await rig.uploadMany(2);
    await indexAll();
    await rig.traces.remove([2]);
    await rig.entries.markPending([1, 2]);
    await rig.untilSettled();
    expect(rig.traces.written).toEqual([2]);
    expect(reads).toEqual([true]);
    expect(rig.provider.imageCalls).toEqual([]);
    expect(await rig.entry(2)).toMatchObject({ state: 'indexed' });
    expect(rig.duplicates.told).toContainEqual({
      what: 'indexed',
      fileIds: [2],
      spaceId: rig.provider.space.id,
    });
  });

  it('recreates a trace in an outdated format', async () => {
    await rig.uploadMany(1);
    await indexAll();
    const [trace] = await rig.traces.get([1]);
    if (!trace) throw new Error('There is no trace.');
    await rig.traces.put([{ ...trace, thumbnail: 'AAAA' }]);
    await rig.entries.markPending([1]);
    await rig.untilSettled();
    expect(await rig.traces.get([1])).toEqual([trace]);
  });

  it('creates the trace of changed bytes', async () => {
    await rig.uploadMany(1);
    await indexAll();
    const bytes = plainImage('another subject');
    await rig.upload(1, bytes);
    await rig.untilSettled();
    expect(await rig.traces.get([1])).toMatchObject([{ contentHash: await hashContent(bytes) }]);
  });

  it("stores the trace of an image that the model can't embed now", async () => {
    rig.provider.onCall = () => {
      throw failure('provider-unavailable', { retryable: true });
    };
    await rig.uploadMany(1);
    rig.start();
    await rig.clock.advance(1_000);
    expect(await rig.entry(1)).toMatchObject({ state: 'pending' });
    expect(rig.traces.written).toEqual([1]);
  });

  it('writes no trace of bytes that were replaced in the meantime', async () => {
    await rig.upload(1);
    let isReplaced = false;
    rig.assets.onRead = async () => {
      if (isReplaced) return;
      isReplaced = true;
      await rig.entries.markPending([1]);
    };
    rig.start();
    await rig.untilSettled();
    expect(rig.traces.written).toEqual([1]);
  });

  it('leaves no trace of a deleted file', async () => {
    await rig.uploadMany(2);
    await indexAll();
    await rig.remove(1);
    await rig.untilSettled();
    expect(await rig.traces.get([1, 2])).toMatchObject([{ fileId: 2 }]);
  });

  it('leaves no trace of a file whose deletion went unnoticed', async () => {
    await rig.uploadMany(2);
    await indexAll();
    rig.assets.delete(1);
    await (await rig.collection()).remove([1]);
    await rig.entries.clear();
    await rig.entries.markPending([2]);
    await rig.untilSettled();
    expect(await rig.createSchedule().runNow()).toMatchObject({ marked: 1 });
    await rig.untilSettled();
    expect(await rig.traces.get([1, 2])).toMatchObject([{ fileId: 2 }]);
  });

  it('leaves no trace of an image that was replaced by an unreadable one', async () => {
    await rig.uploadMany(1);
    await indexAll();
    await rig.upload(1, unreadableImage());
    await rig.untilSettled();
    expect(await rig.entry(1)).toMatchObject({ state: 'failed' });
    expect(await rig.traces.get([1])).toEqual([]);
  });

  it('has no trace of an unreadable image', async () => {
    await rig.upload(1, unreadableImage());
    rig.start();
    await rig.untilSettled();
    expect(rig.traces.written).toEqual([]);
  });
});
