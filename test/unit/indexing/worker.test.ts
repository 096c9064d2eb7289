import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { failure } from '../../support/failures';
import { untilAborted } from '../../support/hash-provider';
import { createGate, IndexingRig, LEASE_MS, MAX_ATTEMPTS } from '../../support/indexing-rig';
import { plainImage, plainImageReader } from '../../support/plain-images';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig();
});

afterEach(async () => {
  await rig.stopAll();
});

describe('stop', () => {
  it('lets work in progress finish within the grace period, and claims nothing more', async () => {
    const gate = createGate();
    rig.provider.onCall = () => gate.wait();
    await rig.uploadMany(20);
    const worker = rig.start();
    await rig.clock.runUntil(() => gate.arrived === 1);
    const { indexing } = await rig.entries.counts();
    const stopped = worker.stop(10_000);
    await rig.clock.advance(5_000);
    gate.open();
    await stopped;
    expect(await rig.entries.counts()).toMatchObject({
      indexed: indexing,
      indexing: 0,
      pending: 20 - indexing,
    });
    expect(worker.status().state).toBe('stopped');
  });

  it("releases what doesn't finish in time, without counting the attempt", async () => {
    rig.provider.onCall = (_inputs, signal) => untilAborted(signal);
    await rig.uploadMany(6);
    const worker = rig.start();
    await rig.clock.runUntil(() => rig.provider.imageCalls.length > 0);
    await rig.stop(worker, 3_000);
    const { entries } = await rig.entries.list({ cursor: null, limit: 10 });
    expect(entries.map(({ state, attempts, lease }) => ({ state, attempts, lease }))).toEqual(
      Array.from({ length: 6 }, () => ({ state: 'pending', attempts: 0, lease: null })),
    );
    expect(rig.logger.lines).toEqual([]);
  });

  it.each([
    ['a provider', { hangs: 'provider' }],
    ['an image decoder', { hangs: 'decoding' }],
    ['a storage', { hangs: 'storage' }],
  ])("doesn't wait for %s that can't be interrupted", async (_name, { hangs }) => {
    const forever = new Promise<never>(() => undefined);
    if (hangs === 'provider') rig.provider.onCall = () => forever;
    if (hangs === 'storage') rig.assets.onRead = () => forever;
    const images = hangs === 'decoding' ? { read: () => forever } : plainImageReader;
    await rig.uploadMany(6);
    const worker = rig.start({ images });
    await rig.clock.advance(1_000);
    await rig.stop(worker, 3_000);
    expect(await rig.entries.counts()).toMatchObject({ pending: 6 });
  });

  it('stops an idle worker at once, can be called twice, and allows a restart', async () => {
    const worker = rig.start();
    await rig.clock.advance(20_000);
    await Promise.all([worker.stop(1_000), worker.stop(1_000)]);
    await worker.stop(1_000);
    await rig.uploadMany(3);
    worker.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3 });
  });
});

describe('status', () => {
  it('is stopped, idle or working', async () => {
    const worker = rig.createWorker();
    expect(worker.status()).toMatchObject({ state: 'stopped', pause: null });
    worker.start();
    await rig.clock.advance(1);
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
    const gate = createGate();
    rig.provider.onCall = () => gate.wait();
    await rig.uploadMany(1);
    await rig.clock.runUntil(() => gate.arrived === 1);
    expect(worker.status()).toMatchObject({ state: 'working', pause: null });
    gate.open();
  });
});

describe('wake', () => {
  it('starts new work at once', async () => {
    const worker = rig.start();
    await rig.clock.advance(60_000);
    const before = rig.clock.now();
    await rig.upload(1);
    worker.wake();
    await rig.clock.advance(0);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed', indexedAt: new Date(before) });
  });

  it("isn't lost while the queue is being read", async () => {
    const worker = rig.start();
    await rig.clock.advance(1);
    const before = rig.clock.now();
    const nextDueAt = rig.entries.nextDueAt.bind(rig.entries);
    jest.spyOn(rig.entries, 'nextDueAt').mockImplementationOnce(async () => {
      const dueAt = await nextDueAt();
      await rig.upload(1);
      worker.wake();
      return dueAt;
    });
    worker.wake();
    await rig.clock.advance(0);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed', indexedAt: new Date(before) });
  });

  it("isn't required: work from another process is noticed within five seconds", async () => {
    rig.start();
    await rig.clock.advance(61_234);
    await rig.upload(1);
    await rig.clock.advance(5_000);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed' });
  });
});

describe('a lease', () => {
  it('is renewed during a long batch, so no other worker takes it', async () => {
    const gate = createGate();
    rig.provider.onCall = () => gate.wait();
    await rig.uploadMany(3);
    rig.start();
    await rig.clock.runUntil(() => gate.arrived === 1);
    const other = rig.start({ owner: { host: 'beta', pid: 1, life: 'other' } });
    await rig.clock.advance(20 * LEASE_MS);
    expect(other.status().state).toBe('idle');
    gate.open();
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([3]);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed', attempts: 1 });
  });

  it('is renewed again after one failure', async () => {
    const gate = createGate();
    rig.provider.onCall = () => gate.wait();
    jest.spyOn(rig.entries, 'renew').mockRejectedValueOnce(new Error('The database is locked.'));
    await rig.uploadMany(1);
    rig.start();
    await rig.clock.advance(3 * LEASE_MS);
    gate.open();
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([1]);
    expect(rig.logger.at('warn')).toEqual(["A lease couldn't be renewed: The database is locked."]);
  });

  it('of a dead process is taken over once it has expired', async () => {
    await rig.uploadMany(2);
    await rig.entries.claim(2, rig.foreignLease(LEASE_MS));
    rig.start();
    await rig.clock.advance(LEASE_MS);
    expect(await rig.entries.counts()).toMatchObject({ indexing: 2 });
    await rig.clock.advance(6_000);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2 });
    expect(await rig.entry(1)).toMatchObject({ attempts: 2 });
  });

  it('of an earlier run of this process is taken over at once', async () => {
    await rig.uploadMany(2);
    const { expiresAt } = rig.foreignLease(LEASE_MS);
    await rig.entries.claim(2, { token: 'alpha|1|before|1', expiresAt });
    rig.start();
    await rig.clock.advance(1);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2 });
    expect(rig.logger.at('info')).toContain('Resuming 2 images of an interrupted run.');
  });
});

describe('two workers on one queue', () => {
  it('index every image once', async () => {
    const owners = ['beta', 'gamma'].map((host) => ({ host, pid: 1, life: 'now' }));
    const fileIds = await rig.uploadMany(50);
    for (const owner of owners) rig.start({ owner });
    await rig.untilSettled();
    expect(rig.provider.imageCalls.reduce((sum, count) => sum + count, 0)).toBe(fileIds.length);
    expect(await rig.entries.counts()).toMatchObject({ indexed: fileIds.length });
  });
});

describe('a worker that loses a race', () => {
  it('continues with the rest', async () => {
    jest.spyOn(rig.entries, 'claim').mockResolvedValueOnce([]);
    await rig.uploadMany(5);
    rig.start();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 5 });
  });
});

describe('a database that fails', () => {
  const locked = new Error('The database is locked.');

  it.each(['releaseAbandoned', 'releaseExpired', 'nextDueAt', 'claim'] as const)(
    'in %s is logged, and the work continues',
    async (method) => {
      jest.spyOn(rig.entries, method).mockRejectedValueOnce(locked);
      await rig.uploadMany(5);
      rig.start();
      await rig.untilSettled();
      expect(await rig.entries.counts()).toMatchObject({ indexed: 5 });
      expect(rig.logger.at('error')).toEqual([expect.stringContaining(locked.message)]);
    },
  );

  it('in complete leaves the batch to its lease', async () => {
    jest.spyOn(rig.entries, 'complete').mockRejectedValueOnce(locked);
    await rig.uploadMany(3);
    rig.start();
    await rig.clock.advance(LEASE_MS - 1);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 0, indexing: 3 });
    await rig.clock.advance(10_000);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3 });
    expect(rig.logger.at('error')).toEqual([
      "The index entries of files 1, 2, 3 couldn't be written: The database is locked.",
    ]);
    expect(rig.logger.at('info')).toEqual([
      'Indexed 3 images in 0.0 s (3 with known vectors, 0 unchanged, 0 failed attempts, 0 removed).',
    ]);
  });

  it("altogether doesn't make the worker retry in a tight loop", async () => {
    await rig.uploadMany(3);
    const nextDueAt = jest.spyOn(rig.entries, 'nextDueAt').mockRejectedValue(locked);
    rig.start();
    await rig.clock.advance(60_000);
    expect(nextDueAt.mock.calls.length).toBeLessThanOrEqual(13);
    nextDueAt.mockRestore();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3 });
  });
});

describe('a hold', () => {
  it('keeps images in the queue until it ends, and loses none', async () => {
    let isHeld = true;
    const worker = rig.start({ isHeld: () => Promise.resolve(isHeld) });
    await rig.uploadMany(3);
    worker.wake();
    await rig.clock.advance(60_000);
    expect(await rig.entries.counts()).toMatchObject({ pending: 3, indexing: 0 });
    expect(rig.provider.imageCalls).toEqual([]);
    isHeld = false;
    // The worker notices without being told.
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3, failed: 0 });
  });
});

describe('a clock that is set', () => {
  it.each([-DAY_MS, DAY_MS])(
    'by %d ms delays no retry by more than the longest one',
    async (difference) => {
      const fails = () => Promise.reject(failure('image-unreachable', { retryable: true }));
      rig.assets.onRead = fails;
      await rig.uploadMany(3);
      rig.start({
        policy: { maxAttempts: MAX_ATTEMPTS, firstRetryMs: 5_000, longestRetryMs: HOUR_MS },
      });
      await rig.clock.runUntil(async () => (await rig.entry(1))?.errorCode !== null);
      rig.assets.onRead = () => undefined;
      rig.clock.set(difference);
      const setAt = rig.clock.elapsed();
      await rig.untilSettled();
      expect(await rig.entries.counts()).toMatchObject({ indexed: 3 });
      expect(rig.clock.elapsed() - setAt).toBeLessThanOrEqual(HOUR_MS + 10_000);
    },
  );

  it('back frees what a killed process had claimed within minutes', async () => {
    await rig.uploadMany(2);
    await rig.entries.claim(2, rig.foreignLease());
    rig.clock.set(-DAY_MS);
    rig.start();
    const setAt = rig.clock.elapsed();
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2 });
    expect(rig.clock.elapsed() - setAt).toBeLessThanOrEqual(LEASE_MS + 120_000);
  });

  it.each([-DAY_MS, DAY_MS])('by %d ms keeps the pause after an outage', async (difference) => {
    rig.provider.onCall = () => Promise.reject(failure('provider-unauthorized'));
    await rig.uploadMany(2);
    const worker = rig.start();
    await rig.clock.runUntil(() => worker.status().state === 'paused');
    const before = worker.status().pause?.remainingMs ?? 0;
    rig.provider.onCall = () => undefined;
    rig.clock.set(difference);
    expect(worker.status().pause?.remainingMs).toBe(before);
    const setAt = rig.clock.elapsed();
    await rig.untilSettled();
    expect(rig.clock.elapsed() - setAt).toBeLessThanOrEqual(HOUR_MS + 10_000);
  });
});

describe('a backfill', () => {
  const BACKFILL = Array.from({ length: 200 }, (_, index) => index + 1);
  /** Images per batch. */
  const BATCH = 4;
  const EMBEDDING_MS = 1_000;

  beforeEach(async () => {
    rig.provider.onCall = (_inputs, signal) =>
      rig.clock.wait(EMBEDDING_MS, signal ?? new AbortController().signal);
    await rig.backfill(BACKFILL);
  });

  const isIndexed = async (fileId: number): Promise<boolean> =>
    (await rig.entry(fileId))?.state === 'indexed';
  const claims = (): number => rig.provider.imageCalls.length;

  it('lets an upload go first: it is in the next batch that is claimed', async () => {
    rig.start();
    await rig.clock.runUntil(() => claims() === 1);
    await rig.upload(500);
    await rig.clock.runUntil(() => isIndexed(500));
    const { indexed } = await rig.entries.counts();
    // What was claimed before, and its own batch.
    expect(indexed).toBeLessThanOrEqual(3 * BATCH);
  });

  it('lets a replaced file go before it, but after uploads', async () => {
    rig.start();
    await rig.clock.runUntil(() => claims() === 1);
    rig.assets.put(150, plainImage('another subject'));
    await rig.entries.markPending([150], 'replacement');
    for (const fileId of [501, 502, 503, 504, 505, 506]) await rig.upload(fileId);
    await rig.clock.runUntil(() => isIndexed(506));
    expect(await isIndexed(150)).toBe(false);
    await rig.clock.runUntil(() => isIndexed(150));
    expect((await rig.entries.counts()).indexed).toBeLessThanOrEqual(6 * BATCH);
  });

  it.each([
    ['batches', BATCH],
    ['single images', 1],
  ])("doesn't starve while uploads never end, in %s", async (_what, imagesPerCall) => {
    rig.provider.limits.imagesPerCall = imagesPerCall;
    rig.start();
    let next = 1_000;
    await rig.clock.runUntil(async () => {
      for (let more = 0; more < imagesPerCall; more += 1) await rig.upload((next += 1));
      return (await rig.entries.get(BACKFILL)).every(({ state }) => state === 'indexed');
    });
    // A quarter of the places are its own.
    expect(claims()).toBeLessThanOrEqual((BACKFILL.length / imagesPerCall) * 4 + 4);
  });
});
