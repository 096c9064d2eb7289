import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ReconcileSchedule } from '../../plugin/src/indexing/reconcile-schedule';
import type { IndexingWorker } from '../../plugin/src/indexing/worker';
import { mutedBy, shutDown, type ShutdownOptions } from '../../server/src/shutdown';
import { IndexingRig } from '../support/indexing-rig';
import { createRecordingLogger } from '../support/recording-logger';

const LONGEST_MS = 5_000;
const forever = new Promise<never>(() => undefined);

let rig: IndexingRig;
let worker: IndexingWorker;
let schedule: ReconcileSchedule;
let remote: { dispose: jest.Mock<() => Promise<void>> };

beforeEach(() => {
  rig = new IndexingRig();
  worker = rig.createWorker();
  schedule = rig.createSchedule();
  remote = { dispose: jest.fn(() => Promise.resolve()) };
});

afterEach(() => {
  jest.restoreAllMocks();
});

async function start(): Promise<void> {
  await rig.uploadMany(6);
  worker.start();
  schedule.start();
  await rig.clock.advance(1_000);
}

/** @returns milliseconds until it was over */
async function stop(
  parts: Partial<ShutdownOptions & { dispose: () => Promise<void> }> = {},
): Promise<number> {
  const { activeSpace, clock, logger, store } = rig;
  let isOver = false;
  const before = clock.now();
  const spaces = {
    stopIndexing: async (graceMs: number) => {
      await Promise.all([worker.stop(graceMs), schedule.stop()]);
    },
    dispose: parts.dispose ?? (() => activeSpace.dispose()),
  };
  const meter = { stop: () => Promise.resolve() };
  const all = { spaces, meter, store, remotes: [remote], logger, clock, ...parts };
  void shutDown(all).then(() => {
    isOver = true;
  });
  await clock.runUntil(() => isOver);
  return clock.now() - before;
}

describe('the shutdown', () => {
  it('is over at once when nothing is under way, and closes everything', async () => {
    await start();
    await rig.untilSettled();
    const dispose = jest.spyOn(rig.store, 'dispose');
    expect(await stop()).toBe(0);
    expect(worker.status().state).toBe('stopped');
    expect(rig.provider.disposals).toBe(1);
    expect(dispose).toHaveBeenCalledTimes(1);
    expect(remote.dispose).toHaveBeenCalledTimes(1);
    expect(rig.logger.at('warn')).toEqual([]);
  });

  it('does not wait for a provider that never opens', async () => {
    rig.openProvider = () => forever;
    await start();
    expect(await stop()).toBe(0);
    expect(worker.status().state).toBe('stopped');
    expect(rig.logger.lines).toEqual([]);
  });

  it('gives back what does not end, in time', async () => {
    rig.provider.onCall = () => forever;
    await start();
    expect(await stop()).toBeLessThan(LONGEST_MS);
    expect(await rig.entries.counts()).toMatchObject({ pending: 6, indexing: 0 });
    expect(rig.logger.at('warn')).toEqual([]);
  });

  it('does not wait for a database that hangs', async () => {
    await start();
    await rig.untilSettled();
    rig.entries.nextDueAt = () => forever;
    rig.entries.list = () => forever;
    worker.wake();
    void schedule.runAgain();
    await rig.clock.advance(0);
    expect(await stop()).toBeLessThan(LONGEST_MS);
    expect(remote.dispose).toHaveBeenCalledTimes(1);
    expect(rig.logger.at('warn')).toHaveLength(1);
  });

  it('does not wait for parts that never close, and closes what comes after them', async () => {
    const stuck = { dispose: () => forever };
    expect(await stop({ ...stuck, store: stuck })).toBeLessThan(LONGEST_MS);
    expect(remote.dispose).toHaveBeenCalledTimes(1);
    expect(rig.logger.at('warn')).toHaveLength(1);
  });

  it('does not reject when a part fails to close', async () => {
    const broken = { dispose: () => Promise.reject(new Error('It is broken.')) };
    expect(await stop({ ...broken, store: broken })).toBeLessThan(LONGEST_MS);
    expect(remote.dispose).toHaveBeenCalledTimes(1);
    expect(rig.logger.at('warn')).toHaveLength(1);
  });
});

describe('a muted logger', () => {
  it('is silent from then on', () => {
    const logger = createRecordingLogger();
    const muting = new AbortController();
    const muted = mutedBy(muting.signal, logger);
    muted.info('before');
    muting.abort();
    muted.error('after');
    expect(logger.lines).toEqual([{ level: 'info', message: 'before' }]);
  });
});
