import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ImageSearchError } from '../../../plugin/src/errors';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { IndexingRig, MAX_ATTEMPTS } from '../../support/indexing-rig';
import { pixelsOf, plainImage } from '../../support/plain-images';

const HOUR_MS = 3_600_000;
/** Many times longer than all attempts of an image take. */
const OUTAGE_MS = 4 * HOUR_MS;
const HIDDEN = 'hunter2';

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig(new HashProvider({ limits: { concurrentCalls: 2 } }));
});

afterEach(async () => {
  await rig.stopAll();
});

function breakProvider(error: ImageSearchError): void {
  rig.provider.onCall = () => {
    throw error;
  };
}

function healProvider(): void {
  rig.provider.onCall = () => undefined;
}

async function expectAllIndexed(count: number): Promise<void> {
  await rig.untilSettled();
  expect(await rig.entries.counts()).toEqual({
    pending: 0,
    indexing: 0,
    indexed: count,
    skipped: 0,
    failed: 0,
  });
  expect(await (await rig.collection()).count()).toBe(count);
}

describe('a provider that is down', () => {
  it('costs no image an attempt, however long it lasts, and is rarely called', async () => {
    breakProvider(failure('provider-unavailable', { retryable: true }));
    await rig.uploadMany(30);
    const worker = rig.start();
    await rig.clock.advance(OUTAGE_MS);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 0 });
    expect(rig.provider.imageCalls.length).toBeLessThan(120);
    expect(worker.status()).toMatchObject({
      state: 'paused',
      pause: { error: { code: 'provider-unavailable' } },
    });
    healProvider();
    await expectAllIndexed(30);
    const { entries } = await rig.entries.list({ cursor: null, limit: 100 });
    expect(new Set(entries.map((entry) => entry.attempts))).toEqual(new Set([1]));
    expect(rig.logger.at('info')).toContain('Indexing resumed.');
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
  });

  it('is tried with one image after a pause, then with full batches if that succeeds', async () => {
    breakProvider(failure('provider-unauthorized'));
    await rig.uploadMany(9);
    rig.start();
    await rig.clock.advance(60_000);
    rig.provider.imageCalls.length = 0;
    healProvider();
    await expectAllIndexed(9);
    expect(rig.provider.imageCalls.slice(0, 2)).toEqual([1, 4]);
  });

  it('is left alone for as long as it requests', async () => {
    const retryAfterMs = 600_000;
    breakProvider(failure('provider-unavailable', { retryable: true, retryAfterMs }));
    await rig.uploadMany(30);
    const worker = rig.start();
    await rig.clock.advance(1);
    const calls = rig.provider.imageCalls.length;
    expect(calls).toBeLessThanOrEqual(3);
    await rig.clock.advance(retryAfterMs - 1_000);
    expect(rig.provider.imageCalls).toHaveLength(calls);
    expect(worker.status().pause?.remainingMs).toBeLessThanOrEqual(1_000);
    healProvider();
    await expectAllIndexed(30);
  });

  it('is logged once, and again only when it changes or comes back', async () => {
    breakProvider(failure('provider-unauthorized', { message: 'The key is refused.' }));
    await rig.uploadMany(30);
    rig.start();
    await rig.clock.advance(500);
    expect(rig.logger.lines).toEqual([
      {
        level: 'error',
        message: 'Indexing paused for 1 s; uploads still work. The key is refused.',
      },
    ]);
    await rig.clock.advance(HOUR_MS);
    expect(rig.logger.at('error')).toHaveLength(1);
    breakProvider(failure('provider-unauthorized', { message: 'The account is closed.' }));
    await rig.clock.advance(HOUR_MS);
    expect(rig.logger.at('error')).toHaveLength(2);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0 });
    healProvider();
    await expectAllIndexed(30);
    breakProvider(failure('provider-unauthorized', { message: 'The account is closed.' }));
    await rig.upload(31);
    await rig.clock.advance(HOUR_MS);
    expect(rig.logger.at('error')).toHaveLength(3);
  });

  it('is retried at once when an operator requests it', async () => {
    const retryAfterMs = HOUR_MS;
    breakProvider(failure('provider-unavailable', { retryable: true, retryAfterMs }));
    await rig.uploadMany(5);
    const worker = rig.start();
    await rig.clock.advance(2_000);
    const asked = rig.clock.now();
    healProvider();
    worker.wake();
    await rig.clock.advance(1_000);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 0 });
    for (const fileId of [1, 2, 3, 4, 5]) await rig.entries.markPending([fileId]);
    worker.retryNow();
    await expectAllIndexed(5);
    expect(rig.clock.now() - asked).toBeLessThan(HOUR_MS / 2);
  });

  it("can't be opened: the queue waits, and resumes once it can", async () => {
    rig.openProvider = () => Promise.reject(failure('provider-not-installed'));
    await rig.uploadMany(5);
    const worker = rig.start();
    await rig.clock.advance(2 * HOUR_MS);
    expect(await rig.entries.counts()).toMatchObject({ pending: 5 });
    expect(rig.logger.at('error')).toHaveLength(1);
    expect(worker.status()).toMatchObject({
      state: 'paused',
      pause: { error: { code: 'provider-not-installed' } },
    });
    rig.openProvider = () => Promise.resolve(rig.provider);
    await expectAllIndexed(5);
  });
});

describe('a store that is down', () => {
  it('costs no image an attempt', async () => {
    await rig.collection();
    await rig.activeSpace.get();
    rig.store.isDown = true;
    await rig.uploadMany(30);
    const worker = rig.start();
    await rig.clock.advance(OUTAGE_MS);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 0 });
    expect(worker.status()).toMatchObject({ pause: { error: { code: 'store-unavailable' } } });
    rig.store.isDown = false;
    await expectAllIndexed(30);
  });

  it('costs no attempt of an image that is compared with its vector or removed', async () => {
    await rig.uploadMany(12);
    const worker = rig.start();
    await rig.untilSettled();
    rig.store.isDown = true;
    rig.provider.imageCalls.length = 0;
    await rig.entries.markPending([1, 2, 3, 4, 5, 6]);
    for (const fileId of [7, 8, 9, 10, 11, 12]) await rig.remove(fileId);
    await rig.clock.advance(OUTAGE_MS);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 0 });
    expect(worker.status()).toMatchObject({ pause: { error: { code: 'store-unavailable' } } });
    rig.store.isDown = false;
    await expectAllIndexed(6);
    expect(rig.provider.imageCalls).toEqual([]);
  });
});

describe('a storage that fails', () => {
  const isStoredThere = (fileId: number): boolean => fileId <= 20;

  it('fails the files that it refuses, and the others are indexed without a pause', async () => {
    rig.assets.onRead = (fileId) => {
      if (isStoredThere(fileId)) throw failure('storage-refused');
    };
    await rig.uploadMany(30);
    const worker = rig.start();
    await rig.clock.advance(500);
    expect(await rig.entries.counts()).toMatchObject({ failed: 20, indexed: 10 });
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
  });

  it('costs no file an attempt while its requests pause, and the others are indexed', async () => {
    rig.assets.onRead = (fileId) => {
      if (isStoredThere(fileId)) throw failure('storage-unavailable', { retryAfterMs: 60_000 });
    };
    await rig.uploadMany(30);
    const worker = rig.start();
    await rig.clock.advance(500);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 10 });
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
    await rig.clock.advance(OUTAGE_MS);
    expect(await rig.entries.counts()).toMatchObject({ failed: 0, indexed: 10 });
    rig.assets.onRead = () => undefined;
    await expectAllIndexed(30);
  });
});

describe('a batch', () => {
  it('counts as one failure, regardless of how many of its images fail', async () => {
    await rig.uploadMany(4);
    const worker = rig.start();
    await rig.untilSettled();
    rig.store.isDown = true;
    await rig.entries.markPending([1, 2, 3, 4]);
    worker.wake();
    await rig.clock.advance(1);
    expect(await rig.entries.claim(4, rig.foreignLease())).toEqual([]);
    expect(worker.status().pause).toBeNull();
  });
});

describe('an image that breaks the provider each time', () => {
  const poison = plainImage('poison');

  beforeEach(() => {
    rig.provider.onCall = (inputs) => {
      const isPoisoned = inputs.some(
        (input) => 'image' in input && Buffer.from(input.image.data).equals(pixelsOf(poison).data),
      );
      if (isPoisoned) throw failure('provider-unavailable', { retryable: true });
    };
  });

  it('fails, and the others are indexed', async () => {
    await rig.uploadMany(30);
    await rig.upload(17, poison);
    const worker = rig.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 29, failed: 1 });
    expect(await rig.entry(17)).toMatchObject({
      state: 'failed',
      attempts: MAX_ATTEMPTS,
      errorCode: 'provider-unavailable',
    });
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
  });

  it("doesn't delay later uploads", async () => {
    await rig.upload(1, poison);
    const worker = rig.start();
    await rig.clock.advance(60_000);
    expect(await rig.entry(1)).toMatchObject({ state: 'pending' });
    await rig.upload(2);
    worker.wake();
    await rig.clock.advance(1);
    expect(await rig.entry(2)).toMatchObject({ state: 'indexed' });
  });

  it("doesn't keep the queue from resuming after an outage", async () => {
    const breakOnPoison = rig.provider.onCall;
    breakProvider(failure('provider-unavailable', { retryable: true }));
    await rig.upload(1, poison);
    const worker = rig.start();
    await rig.clock.advance(HOUR_MS);
    expect(worker.status().state).toBe('paused');
    rig.provider.onCall = breakOnPoison;
    await rig.untilSettled();
    expect(await rig.entry(1)).toMatchObject({ state: 'failed', attempts: MAX_ATTEMPTS });
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
  });

  it("isn't blamed while the provider is down for others too", async () => {
    breakProvider(failure('provider-unavailable', { retryable: true }));
    await rig.upload(1);
    rig.start();
    await rig.clock.advance(OUTAGE_MS);
    expect(await rig.entry(1)).toMatchObject({ state: 'pending', attempts: 0 });
  });
});

describe('the log', () => {
  it('shows messages, never their causes', async () => {
    const cause = new Error(`Authorization: Bearer ${HIDDEN}`);
    const error = Object.assign(failure('provider-unavailable', { retryable: true }), { cause });
    breakProvider(error);
    rig.assets.onRead = (fileId) => {
      if (fileId === 3) throw Object.assign(failure('image-unreadable'), { cause });
    };
    await rig.uploadMany(6);
    rig.start();
    await rig.clock.advance(HOUR_MS);
    expect(rig.logger.at('error')).not.toEqual([]);
    expect(rig.logger.at('warn')).not.toEqual([]);
    expect(JSON.stringify(rig.logger.lines)).not.toContain(HIDDEN);
  });

  it('reports what was done, once it is done', async () => {
    await rig.uploadMany(10);
    rig.start();
    await rig.clock.advance(60_000);
    expect(rig.logger.at('info')).toEqual([
      'Indexed 10 images in 0.0 s (0 unchanged, 0 failed attempts, 0 removed).',
    ]);
  });
});
