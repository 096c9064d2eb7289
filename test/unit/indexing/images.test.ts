import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { expectIndexed } from '../../support/indexed-image';
import { IndexingRig, MAX_ATTEMPTS, MAX_BYTES } from '../../support/indexing-rig';
import { signatureOf } from '../../support/memory-assets';
import { pixelsOf, plainImage, unreadableImage } from '../../support/plain-images';

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig();
});

afterEach(async () => {
  await rig.stopAll();
});

describe('indexing', () => {
  it('embeds every image once, in full batches, and stores the results', async () => {
    const fileIds = await rig.uploadMany(10);
    rig.start();
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([4, 4, 2]);
    for (const fileId of fileIds) {
      const bytes = plainImage(`subject ${String(fileId)}`);
      await expectIndexed(rig, fileId, bytes);
      expect(await rig.entry(fileId)).toMatchObject({
        attempts: 1,
        indexedAt: new Date(rig.clock.now()),
      });
    }
  });

  it('skips an image that is too large', async () => {
    await rig.upload(1, plainImage('x'.repeat(MAX_BYTES)));
    rig.start();
    await rig.untilSettled();
    expect(await rig.entry(1)).toMatchObject({ state: 'skipped', errorCode: 'image-too-large' });
    expect(rig.provider.imageCalls).toEqual([]);
  });
});

describe('an image that is queued again', () => {
  beforeEach(async () => {
    await rig.uploadMany(3);
    rig.start();
    await rig.untilSettled();
    rig.provider.imageCalls.length = 0;
  });

  it("isn't embedded again if its bytes are the same", async () => {
    await rig.clock.advance(60_000);
    await rig.entries.markPending([1, 2, 3]);
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([]);
    await expectIndexed(rig, 2, plainImage('subject 2'));
  });

  it('is embedded again if its bytes have changed', async () => {
    await rig.upload(2, plainImage('another subject'));
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([1]);
    await expectIndexed(rig, 2, plainImage('another subject'));
  });

  it('is embedded again if its vector is lost', async () => {
    await (await rig.collection()).remove([2]);
    await rig.entries.markPending([1, 2, 3]);
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([1]);
    await expectIndexed(rig, 2, plainImage('subject 2'));
  });

  it('is embedded again if its vector belongs to other bytes', async () => {
    const collection = await rig.collection();
    const [stale] = await collection.getMany([1]);
    if (!stale) throw new Error('The first image has no vector.');
    await collection.upsert([{ ...stale, fileId: 2 }]);
    await rig.entries.markPending([2]);
    await rig.untilSettled();
    await expectIndexed(rig, 2, plainImage('subject 2'));
  });

  it('is embedded again if an operator reindexes everything', async () => {
    await rig.entries.markStatesPending(['indexed']);
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([3]);
  });

  it('is embedded again by another model', async () => {
    const young = new HashProvider({ model: 'young' });
    const next = new IndexingRig(young);
    const worker = next.createWorker({
      entries: rig.entries,
      assets: rig.assets,
      clock: rig.clock,
    });
    await rig.stopAll();
    await rig.entries.markPending([1]);
    worker.start();
    await rig.untilSettled();
    await rig.stop(worker);
    expect(young.imageCalls).toEqual([1]);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed' });
  });

  it("isn't found by its previous content when it can no longer be read", async () => {
    await rig.upload(2, unreadableImage());
    await rig.untilSettled();
    expect(await rig.entry(2)).toMatchObject({ state: 'failed', errorCode: 'image-unreadable' });
    expect(await rig.point(2)).toBeNull();
    expect(await rig.point(1)).not.toBeNull();
  });

  it('is retried until its previous vector is removed', async () => {
    const remove = jest
      .spyOn(await rig.collection(), 'remove')
      .mockRejectedValue(failure('store-unavailable', { retryable: true }));
    await rig.upload(2, unreadableImage());
    await rig.clock.advance(60_000);
    expect(await rig.entry(2)).toMatchObject({ errorCode: 'store-unavailable' });
    remove.mockRestore();
    await rig.untilSettled();
    expect(await rig.entry(2)).toMatchObject({ state: 'failed', errorCode: 'image-unreadable' });
    expect(await rig.point(2)).toBeNull();
  });
});

describe('an image that fails', () => {
  it("fails alone if it can't be read", async () => {
    await rig.uploadMany(3);
    await rig.upload(2, unreadableImage());
    rig.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2, failed: 1 });
    expect(await rig.entry(2)).toMatchObject({
      state: 'failed',
      errorCode: 'image-unreadable',
      errorMessage: 'The image is damaged.',
      sourceSignature: signatureOf(unreadableImage()),
    });
    expect(rig.logger.at('warn')).toEqual(['Image "file-2.png" (2) failed: The image is damaged.']);
  });

  it.each(['provider-rejected-input', 'provider-bad-answer'] as const)(
    'fails alone if the provider rejects a whole call with %s',
    async (code) => {
      const bad = plainImage('subject 2');
      rig.provider.onCall = (inputs) => {
        const isBad = inputs.some(
          (input) => 'image' in input && Buffer.from(input.image.data).equals(pixelsOf(bad).data),
        );
        if (isBad) throw failure(code);
      };
      await rig.uploadMany(4);
      rig.start();
      await rig.untilSettled();
      expect(rig.provider.imageCalls).toEqual([4, 1, 1, 1, 1]);
      expect(await rig.entries.counts()).toMatchObject({ indexed: 3, failed: 1 });
      expect(await rig.entry(2)).toMatchObject({ state: 'failed', errorCode: code });
    },
  );

  it('is retried with increasing delays, and indexed once that succeeds', async () => {
    const times: number[] = [];
    rig.assets.onRead = () => {
      times.push(rig.clock.now());
      if (times.length < 4) throw failure('image-unreachable', { retryable: true });
    };
    await rig.upload(1);
    rig.start();
    await rig.untilSettled();
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed', attempts: 4, errorCode: null });
    expect(times.map((time, index) => time - (times[index - 1] ?? time))).toEqual([
      0, 2_500, 5_000, 10_000,
    ]);
  });

  it('fails after its last attempt', async () => {
    let reads = 0;
    rig.assets.onRead = () => {
      reads += 1;
      throw failure('image-unreachable', { retryable: true });
    };
    await rig.upload(1);
    rig.start();
    await rig.untilSettled();
    expect(reads).toBe(MAX_ATTEMPTS);
    expect(await rig.entry(1)).toMatchObject({ state: 'failed', errorCode: 'image-unreachable' });
  });

  it('fails if no attempt ever finishes, as when it kills the process', async () => {
    await rig.upload(1);
    for (let life = 0; life < MAX_ATTEMPTS; life += 1) {
      await rig.entries.claim(1, rig.foreignLease(-1));
      await rig.entries.releaseExpired(new Date(rig.clock.now()));
    }
    rig.start();
    await rig.untilSettled();
    expect(await rig.entry(1)).toMatchObject({
      state: 'failed',
      errorCode: 'unexpected',
      errorMessage: expect.stringContaining('in 8 attempts'),
    });
    expect(rig.provider.imageCalls).toEqual([]);
  });
});
