import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../../plugin/src/errors';
import { failure } from '../../support/failures';
import { IndexingRig } from '../../support/indexing-rig';
import { pixelsOf, plainImage } from '../../support/plain-images';

const HOUR_MS = 3_600_000;
const IMAGES = 200;
/** Images that fail before the provider is blamed. */
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

function refuseImages(code: ErrorCode, retryable: boolean): void {
  rig.provider.onCall = (inputs) => {
    if (inputs.some((input) => 'image' in input)) throw failure(code, { retryable });
  };
}

function calls(): number {
  return rig.provider.imageCalls.length + rig.provider.textCalls.length;
}

describe.each(refusals)('a provider that fails everything with %s', (code, retryable) => {
  it('counts as down: no image fails, and it is rarely called', async () => {
    rig.provider.onCall = () => {
      throw failure(code, { retryable });
    };
    await rig.uploadMany(IMAGES);
    const worker = rig.start();
    await rig.clock.advance(HOUR_MS);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 0 });
    expect(calls()).toBeLessThan(100);
    expect(worker.status()).toMatchObject({ state: 'paused', pause: { error: { code } } });
    heal();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: IMAGES });
  });
});

describe.each(refusals)('a provider that fails every image with %s', (code, retryable) => {
  it('fails the first images, and then the queue pauses with a helpful message', async () => {
    refuseImages(code, retryable);
    await rig.uploadMany(IMAGES);
    const worker = rig.start();
    await rig.clock.advance(HOUR_MS);
    const { failed, indexed } = await rig.entries.counts();
    expect(indexed).toBe(0);
    expect(failed).toBeLessThanOrEqual(MOST_REFUSED);
    expect(calls()).toBeLessThan(150);
    expect(worker.status()).toMatchObject({ state: 'paused', pause: { error: { code } } });
    expect(worker.status().pause?.error.message).toMatch(/images in a row.*embedding\.model/);
    heal();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ failed, indexed: IMAGES - failed });
  });

  it("doesn't lose existing vectors", async () => {
    const fileIds = await rig.uploadMany(40);
    const worker = rig.start();
    await rig.untilSettled();
    refuseImages(code, retryable);
    for (const fileId of fileIds) await rig.upload(fileId, plainImage(`new ${String(fileId)}`));
    worker.wake();
    await rig.clock.advance(HOUR_MS);
    expect(await (await rig.collection()).count()).toBeGreaterThanOrEqual(40 - MOST_REFUSED);
  });
});

describe('images that are rejected among others that are not', () => {
  it('fail alone, regardless of their number', async () => {
    const bad = Array.from({ length: 30 }, (_, index) => 1 + 4 * index);
    const refused = new Set(
      bad.map((fileId) =>
        Buffer.from(pixelsOf(plainImage(`subject ${String(fileId)}`)).data).toString('hex'),
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
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
  });

  it('fail alone when one of them is retried repeatedly', async () => {
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
