import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { shutDown, type ShutdownOptions } from '../../../plugin/src/application/lifecycle';
import type { ReconcileSchedule } from '../../../plugin/src/indexing/reconcile';
import type { IndexingWorker } from '../../../plugin/src/indexing/worker';
import { IndexingRig } from '../../support/indexing-rig';

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

/** @returns its duration in milliseconds */
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
  it('ends at once when nothing is in progress, and closes everything', async () => {
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

  it("doesn't wait for a provider that never opens", async () => {
    rig.openProvider = () => forever;
    await start();
    expect(await stop()).toBe(0);
    expect(worker.status().state).toBe('stopped');
    expect(rig.logger.lines).toEqual([]);
  });

  it('releases unfinished work in time', async () => {
    rig.provider.onCall = () => forever;
    await start();
    expect(await stop()).toBeLessThan(LONGEST_MS);
    expect(await rig.entries.counts()).toMatchObject({ pending: 6, indexing: 0 });
    expect(rig.logger.at('warn')).toEqual([]);
  });

  it("doesn't wait for a database that hangs", async () => {
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

  it("doesn't wait for parts that never close, and closes the parts after them", async () => {
    const stuck = { dispose: () => forever };
    expect(await stop({ ...stuck, store: stuck })).toBeLessThan(LONGEST_MS);
    expect(remote.dispose).toHaveBeenCalledTimes(1);
    expect(rig.logger.at('warn')).toHaveLength(1);
  });

  it("doesn't reject when a part fails to close", async () => {
    const broken = { dispose: () => Promise.reject(new Error('It is broken.')) };
    expect(await stop({ ...broken, store: broken })).toBeLessThan(LONGEST_MS);
    expect(remote.dispose).toHaveBeenCalledTimes(1);
    expect(rig.logger.at('warn')).toHaveLength(1);
  });
});
