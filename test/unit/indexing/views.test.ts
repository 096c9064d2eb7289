import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import type { IndexingBudget } from '../../../plugin/src/billing/contract';
import type { IndexingWorkerOptions } from '../../../plugin/src/indexing/worker';
import { failure } from '../../support/failures';
import { IndexingRig } from '../../support/indexing-rig';
import { noise } from '../images/images';

let rig: IndexingRig;
let long: Buffer;
const reader = createImageReader({ maxBytes: 1e7, maxPixels: 1e7, timeoutMs: 20_000 });

beforeEach(async () => {
  rig = new IndexingRig();
  long = await noise(400, 100).png().toBuffer();
});
afterEach(() => rig.stopAll());

function start(options: Partial<IndexingWorkerOptions> = {}) {
  const views = { parts: 5, frames: 4, pages: 0, videoFrames: 0 };
  return rig.start({ images: reader, maxBytes: 1e7, views, ...options });
}

async function viewsOf(fileId: number): Promise<number[]> {
  const views = await (await rig.collection()).viewsOf([fileId]);
  return (views.get(fileId) ?? []).map(({ number }) => number);
}

const embedded = (): number => rig.provider.imageCalls.reduce((sum, count) => sum + count, 0);

it('stores a vector of each view, in calls of the size that the provider allows', async () => {
  await rig.upload(1, long);
  await rig.upload(2, await noise(100, 100).png().toBuffer());
  start();
  await rig.untilSettled();
  await expect(viewsOf(1)).resolves.toEqual([1, 2, 3, 4, 5]);
  await expect(viewsOf(2)).resolves.toEqual([]);
  expect(embedded()).toBe(7);
  expect(rig.provider.imageCalls.every((count) => count <= rig.provider.limits.imagesPerCall)).toBe(
    true,
  );
});

it('embeds only what is missing when a file deserves more views, and nothing twice', async () => {
  await rig.upload(1, long);
  const before = start({ views: { parts: 0, frames: 0, pages: 0, videoFrames: 0 } });
  await rig.untilSettled();
  await rig.stop(before);
  const whole = await rig.point(1);
  expect(embedded()).toBe(1);
  start();
  await rig.entries.markPending([1]);
  await rig.untilSettled();
  expect(embedded()).toBe(6);
  await expect(viewsOf(1)).resolves.toEqual([1, 2, 3, 4, 5]);
  expect(await rig.point(1)).toEqual(whole);
  await rig.entries.markPending([1]);
  await rig.untilSettled();
  // The same bytes in another file.
  await rig.upload(2, long);
  await rig.untilSettled();
  expect(embedded()).toBe(6);
  await expect(viewsOf(2)).resolves.toEqual([1, 2, 3, 4, 5]);
});

it('keeps a file searchable when the provider rejects one of its parts', async () => {
  await rig.upload(1, long);
  rig.provider.onCall = (inputs) => {
    if (inputs.some((input) => 'image' in input) && inputs.length > 1) {
      throw failure('provider-rejected-input', { retryable: false });
    }
  };
  start();
  await rig.untilSettled();
  expect(await rig.entries.counts()).toMatchObject({ indexed: 1, failed: 0 });
  expect(await rig.point(1)).toBeDefined();
  await expect(viewsOf(1)).resolves.toEqual([]);
});

it('does not compare a file with all others again because it has more views', async () => {
  await rig.upload(1, long);
  const before = start({ views: { parts: 0, frames: 0, pages: 0, videoFrames: 0 } });
  await rig.untilSettled();
  await rig.stop(before);
  rig.duplicates.told.length = 0;
  start();
  await rig.entries.markPending([1]);
  await rig.untilSettled();
  await expect(viewsOf(1)).resolves.toEqual([1, 2, 3, 4, 5]);
  expect(rig.duplicates.told).toEqual([]);
  await rig.upload(1, await noise(200, 100).png().toBuffer());
  await rig.untilSettled();
  expect(rig.duplicates.told.map(({ fileIds, what }) => [what, ...fileIds])).toEqual([
    ['beforeIndexing', 1],
    ['indexed', 1],
  ]);
});

it('forgets the views of a file that was replaced', async () => {
  await rig.upload(1, long);
  start();
  await rig.untilSettled();
  await rig.upload(1, await noise(100, 100).png().toBuffer());
  await rig.untilSettled();
  await expect(viewsOf(1)).resolves.toEqual([]);
});

it('counts views for the budget, and embeds the rest when that is raised', async () => {
  let left = 4;
  const budget: IndexingBudget = {
    share: (images) => Promise.resolve({ images: Math.min(images, left), release }),
    pause: () => null,
  };
  const release = (): Promise<void> => Promise.resolve();
  rig.provider.onCall = (inputs) => {
    left -= inputs.length;
  };
  await rig.upload(1, long);
  start({ budget });
  await rig.clock.runUntil(() => Promise.resolve(left <= 0));
  await rig.clock.runUntil(async () => (await rig.entry(1))?.state === 'pending');
  expect(embedded()).toBe(5);
  await expect(viewsOf(1)).resolves.toEqual([1, 2, 3, 4]);
  // It is found meanwhile, and known to be.
  await expect(rig.entries.countSearchable()).resolves.toBe(1);
  left = 100;
  await rig.untilSettled();
  expect(embedded()).toBe(6);
  await expect(viewsOf(1)).resolves.toEqual([1, 2, 3, 4, 5]);
});
