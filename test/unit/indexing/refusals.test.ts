import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../../plugin/src/errors';
import { failure } from '../../support/failures';
import { IndexingRig } from '../../support/indexing-rig';
import { pixelsOf, plainPicture } from '../../support/plain-pictures';

const HOUR_MS = 3_600_000;
const PICTURES = 200;
/** Pictures that are given up before the provider is taken to be to blame. */
const MOST_REFUSED = 10;

const refusals = [
  ['provider-rejected-input', false],
  ['provider-bad-answer', true],
] as const;

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig();
});

afterEach(async () => {
  await rig.stopAll();
});

function heal(): void {
  rig.provider.onCall = () => undefined;
}

function refusePictures(code: ErrorCode, retryable: boolean): void {
  rig.provider.onCall = (inputs) => {
    if (inputs.some((input) => 'image' in input)) throw failure(code, { retryable });
  };
}

function calls(): number {
  return rig.provider.imageCalls.length + rig.provider.textCalls.length;
}

describe.each(refusals)('a provider that answers everything with %s', (code, retryable) => {
  it('is taken for one that is down: no picture fails, and it is hardly asked', async () => {
    rig.provider.onCall = () => {
      throw failure(code, { retryable });
    };
    await rig.uploadMany(PICTURES);
    const worker = rig.start();
    await rig.clock.advance(HOUR_MS);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 0 });
    expect(calls()).toBeLessThan(100);
    expect(worker.status()).toMatchObject({ state: 'paused', pause: { error: { code } } });
    heal();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: PICTURES });
  });
});

describe.each(refusals)('a provider that answers every picture with %s', (code, retryable) => {
  it('fails the first ones, and then the queue waits with a message that helps', async () => {
    refusePictures(code, retryable);
    await rig.uploadMany(PICTURES);
    const worker = rig.start();
    await rig.clock.advance(HOUR_MS);
    const { failed, indexed } = await rig.entries.counts();
    expect(indexed).toBe(0);
    expect(failed).toBeLessThanOrEqual(MOST_REFUSED);
    expect(calls()).toBeLessThan(150);
    expect(worker.status()).toMatchObject({ state: 'paused', pause: { error: { code } } });
    expect(worker.status().pause?.error.message).toMatch(/every picture.*embedding\.model/);
    heal();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ failed, indexed: PICTURES - failed });
  });

  it('does not lose the vectors that are there', async () => {
    const fileIds = await rig.uploadMany(40);
    const worker = rig.start();
    await rig.untilSettled();
    refusePictures(code, retryable);
    for (const fileId of fileIds) await rig.upload(fileId, plainPicture(`new ${String(fileId)}`));
    worker.wake();
    await rig.clock.advance(HOUR_MS);
    expect(await (await rig.collection()).count()).toBeGreaterThanOrEqual(40 - MOST_REFUSED);
  });
});

describe('pictures that are refused among others that are not', () => {
  it('fail alone, however many they are', async () => {
    const bad = Array.from({ length: 30 }, (_, index) => 1 + 4 * index);
    const refused = new Set(
      bad.map((fileId) =>
        Buffer.from(pixelsOf(plainPicture(`subject ${String(fileId)}`)).data).toString('hex'),
      ),
    );
    rig.provider.onCall = (inputs) => {
      const isRefused = inputs.some(
        (input) => 'image' in input && refused.has(Buffer.from(input.image.data).toString('hex')),
      );
      if (isRefused) throw failure('provider-rejected-input');
    };
    await rig.uploadMany(120);
    const worker = rig.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ failed: 30, indexed: 90 });
    expect(worker.status()).toEqual({ state: 'idle', pause: null });
  });

  it('fail alone when one of them is tried again and again', async () => {
    rig.provider.onCall = (inputs) => {
      if (inputs.some((input) => 'image' in input)) {
        throw failure('provider-bad-answer', { retryable: true });
      }
    };
    await rig.uploadMany(2);
    rig.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ failed: 2 });
  });
});
