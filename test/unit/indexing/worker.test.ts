import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { untilAborted } from '../../support/hash-provider';
import { createGate, IndexingRig, LEASE_MS } from '../../support/indexing-rig';
import { plainPictureReader } from '../../support/plain-pictures';

let rig: IndexingRig;

beforeEach(() => {
  rig = new IndexingRig();
});

afterEach(async () => {
  await rig.stopAll();
});

describe('stop', () => {
  it('lets what is under way end within its grace time, and claims nothing more', async () => {
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

  it('gives back what does not end in time, the try not counted', async () => {
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
    ['a decoding', { hangs: 'decoding' }],
    ['a storage', { hangs: 'storage' }],
  ])('does not wait for %s that cannot be interrupted', async (_name, { hangs }) => {
    const forever = new Promise<never>(() => undefined);
    if (hangs === 'provider') rig.provider.onCall = () => forever;
    if (hangs === 'storage') rig.assets.onRead = () => forever;
    const pictures = hangs === 'decoding' ? { read: () => forever } : plainPictureReader;
    await rig.uploadMany(6);
    const worker = rig.start({ pictures });
    await rig.clock.advance(1_000);
    await rig.stop(worker, 3_000);
    expect(await rig.entries.counts()).toMatchObject({ pending: 6 });
  });

  it('ends an idle worker at once, may be called twice, and lets it start again', async () => {
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
    expect(worker.status()).toEqual({ state: 'stopped', pause: null });
    worker.start();
    await rig.clock.advance(1);
    expect(worker.status()).toEqual({ state: 'idle', pause: null });
    const gate = createGate();
    rig.provider.onCall = () => gate.wait();
    await rig.uploadMany(1);
    await rig.clock.runUntil(() => gate.arrived === 1);
    expect(worker.status()).toEqual({ state: 'working', pause: null });
    gate.open();
  });
});

describe('wake', () => {
  it('has new work begun at once', async () => {
    const worker = rig.start();
    await rig.clock.advance(60_000);
    const before = rig.clock.now();
    await rig.upload(1);
    worker.wake();
    await rig.clock.advance(0);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed', indexedAt: new Date(before) });
  });

  it('is not lost while the queue is looked at', async () => {
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

  it('is not needed: work of another process is noticed within five seconds', async () => {
    rig.start();
    await rig.clock.advance(61_234);
    await rig.upload(1);
    await rig.clock.advance(5_000);
    expect(await rig.entry(1)).toMatchObject({ state: 'indexed' });
  });
});

describe('a lease', () => {
  it('is prolonged while a long batch runs, so that no other takes it', async () => {
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

  it('is prolonged again after that failed once', async () => {
    const gate = createGate();
    rig.provider.onCall = () => gate.wait();
    jest.spyOn(rig.entries, 'renew').mockRejectedValueOnce(new Error('The database is locked.'));
    await rig.uploadMany(1);
    rig.start();
    await rig.clock.advance(3 * LEASE_MS);
    gate.open();
    await rig.untilSettled();
    expect(rig.provider.imageCalls).toEqual([1]);
    expect(rig.logger.at('warn')).toEqual([
      'A lease could not be prolonged: The database is locked.',
    ]);
  });

  it('of a process that died is taken over when it has run out', async () => {
    await rig.uploadMany(2);
    await rig.entries.claim(2, rig.foreignLease(LEASE_MS));
    rig.start();
    await rig.clock.advance(LEASE_MS);
    expect(await rig.entries.counts()).toMatchObject({ indexing: 2 });
    await rig.clock.advance(6_000);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2 });
    expect(await rig.entry(1)).toMatchObject({ attempts: 2 });
  });

  it('of an earlier life of this process is taken over at once', async () => {
    await rig.uploadMany(2);
    const { expiresAt } = rig.foreignLease(LEASE_MS);
    await rig.entries.claim(2, { token: 'alpha|1|before|1', expiresAt });
    rig.start();
    await rig.clock.advance(1);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2 });
    expect(rig.logger.at('info')).toContain('2 pictures of an interrupted run are indexed again.');
  });
});

describe('two workers on one queue', () => {
  it('index every picture once', async () => {
    const owners = ['beta', 'gamma'].map((host) => ({ host, pid: 1, life: 'now' }));
    const fileIds = await rig.uploadMany(50);
    for (const owner of owners) rig.start({ owner });
    await rig.untilSettled();
    expect(rig.provider.imageCalls.reduce((sum, count) => sum + count, 0)).toBe(fileIds.length);
    expect(await rig.entries.counts()).toMatchObject({ indexed: fileIds.length });
  });
});

describe('a worker to whom another is quicker', () => {
  it('goes on with what is left', async () => {
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
    'in %s is told of, and the work goes on',
    async (method) => {
      jest.spyOn(rig.entries, method).mockRejectedValueOnce(locked);
      await rig.uploadMany(5);
      rig.start();
      await rig.untilSettled();
      expect(await rig.entries.counts()).toMatchObject({ indexed: 5 });
      expect(rig.logger.at('error')).toEqual([expect.stringContaining(locked.message)]);
    },
  );

  it('in complete leaves the picture to its lease', async () => {
    jest.spyOn(rig.entries, 'complete').mockRejectedValueOnce(locked);
    await rig.uploadMany(3);
    rig.start();
    await rig.clock.advance(LEASE_MS - 1);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 2, indexing: 1 });
    await rig.clock.advance(10_000);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3 });
    expect(rig.logger.at('info')).toEqual([
      'Indexed 2 pictures in 0.0 s (0 failed tries, 0 removed).',
      'Indexed 1 pictures in 0.0 s (0 failed tries, 0 removed).',
    ]);
  });

  it('altogether does not make the worker ask in a hurry', async () => {
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
  it('keeps pictures in the queue until it is over, in which nothing is lost', async () => {
    let isHeld = true;
    const worker = rig.start({ isHeld: () => Promise.resolve(isHeld) });
    await rig.uploadMany(3);
    worker.wake();
    await rig.clock.advance(60_000);
    expect(await rig.entries.counts()).toMatchObject({ pending: 3, indexing: 0 });
    expect(rig.provider.imageCalls).toEqual([]);
    isHeld = false;
    // Nobody says so: it is noticed.
    await rig.untilSettled();
    expect(await rig.entries.counts()).toMatchObject({ indexed: 3, failed: 0 });
  });
});
