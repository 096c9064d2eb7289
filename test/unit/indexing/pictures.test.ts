import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { expectIndexed } from '../../support/indexed-picture';
import { IndexingRig, MAX_ATTEMPTS, MAX_BYTES } from '../../support/indexing-rig';
import { signatureOf } from '../../support/memory-assets';
import { pixelsOf, plainPicture, unreadablePicture } from '../../support/plain-pictures';

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig();
});

afterEach(async () => {
  await rig.stopAll();
});

describe('indexing', () => {
  it('embeds every picture once, in full calls, and keeps what it found out', async () => {
    const fileIds = await rig.uploadMany(10);
    rig.start();
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([4, 4, 2]);
    for (const fileId of fileIds) {
      const bytes = plainPicture(`subject ${String(fileId)}`);
      await expectIndexed(rig, fileId, bytes);
      expect(await rig.entry(fileId)).toMatchObject({
        attempts: 1,
        indexedAt: new Date(rig.clock.now()),
      });
    }
  });

  it('skips a picture that is too large', async () => {
    await rig.upload(1, plainPicture('x'.repeat(MAX_BYTES)));
    rig.start();
    await rig.untilSettled();
    expect(await rig.entry(1)).toMatchObject({ state: 'skipped', errorCode: 'image-too-large' });
    expect(rig.provider.imageCalls).toEqual([]);
  });
});

describe('a picture that is marked again', () => {
  beforeEach(async () => {
    await rig.uploadMany(3);
    rig.start();
    await rig.untilSettled();
    rig.provider.imageCalls.length = 0;
  });

  it('is not embedded again while its bytes are the same', async () => {
    await rig.clock.advance(60_000);
    await rig.entries.markPending([1, 2, 3]);
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([]);
    await expectIndexed(rig, 2, plainPicture('subject 2'));
  });

  it('is embedded again when its bytes are others', async () => {
    await rig.upload(2, plainPicture('another subject'));
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([1]);
    await expectIndexed(rig, 2, plainPicture('another subject'));
  });

  it('is embedded again when its vector is lost', async () => {
    await (await rig.collection()).remove([2]);
    await rig.entries.markPending([1, 2, 3]);
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([1]);
    await expectIndexed(rig, 2, plainPicture('subject 2'));
  });

  it('is embedded again when its vector is that of other bytes', async () => {
    const collection = await rig.collection();
    const [stale] = await collection.getMany([1]);
    if (!stale) throw new Error('The first picture has no vector.');
    await collection.upsert([{ ...stale, fileId: 2 }]);
    await rig.entries.markPending([2]);
    await rig.untilSettled();
    await expectIndexed(rig, 2, plainPicture('subject 2'));
  });

  it('is embedded again when an operator asks for everything anew', async () => {
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

  it('is not found by what it showed before when it cannot be read any more', async () => {
    await rig.upload(2, unreadablePicture());
    await rig.untilSettled();
    expect(await rig.entry(2)).toMatchObject({ state: 'failed', errorCode: 'image-unreadable' });
    expect(await rig.point(2)).toBeNull();
    expect(await rig.point(1)).not.toBeNull();
  });

  it('is tried again until its former vector could be removed', async () => {
    await rig.upload(2, unreadablePicture());
    rig.assets.onRead = () => {
      rig.store.isDown = true;
    };
    await rig.clock.advance(60_000);
    expect(await rig.entry(2)).toMatchObject({ errorCode: 'store-unavailable' });
    rig.assets.onRead = () => undefined;
    rig.store.isDown = false;
    await rig.untilSettled();
    expect(await rig.entry(2)).toMatchObject({ state: 'failed', errorCode: 'image-unreadable' });
    expect(await rig.point(2)).toBeNull();
  });
});

describe('a picture that fails', () => {
  it('fails alone when it cannot be read', async () => {
    await rig.uploadMany(3);
    await rig.upload(2, unreadablePicture());
    rig.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2, failed: 1 });
    expect(await rig.entry(2)).toMatchObject({
      state: 'failed',
      errorCode: 'image-unreadable',
      errorMessage: 'The picture is damaged.',
      sourceSignature: signatureOf(unreadablePicture()),
    });
    expect(rig.logger.at('warn')).toEqual([
      'Picture "file-2.png" (2) is failed: The picture is damaged.',
    ]);
  });

  it.each(['provider-rejected-input', 'provider-bad-answer'] as const)(
    'fails alone when the provider blames a whole call with %s',
    async (code) => {
      const bad = plainPicture('subject 2');
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

  it('is tried again with growing waits, and indexed when that works', async () => {
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

  it('is given up after its last try', async () => {
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

  it('is given up when it never came to an end, as one that kills the process', async () => {
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
      errorMessage: expect.stringContaining('never came to an end in 8 tries'),
    });
    expect(rig.provider.imageCalls).toEqual([]);
  });
});
