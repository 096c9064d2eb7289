import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createActiveSpace } from '../../../plugin/src/active-space';
import { Budget } from '../../../plugin/src/billing/budget';
import { budgetConfigSchema } from '../../../plugin/src/billing/contract';
import { meterProvider, UsageMeter } from '../../../plugin/src/billing/usage-meter';
import type { IndexingWorker } from '../../../plugin/src/indexing/worker';
import { IndexingRig } from '../../support/indexing-rig';
import { MemoryUsageRecords } from '../../support/memory-usage-records';
import { plainImage } from '../../support/plain-images';

const PERIOD_MS = 600_000;
const LAST_EVENING = Date.UTC(2026, 0, 31, 23, 20);

let rig: IndexingRig;
let records: MemoryUsageRecords;

beforeEach(async () => {
  rig = new IndexingRig();
  await rig.clock.advance(LAST_EVENING - rig.clock.now());
  records = new MemoryUsageRecords();
});
afterEach(async () => {
  await rig.stopAll();
});

/** A process with a paid model. */
function startProcess(imagesPerMonth: number, life = 'first'): IndexingWorker {
  const { clock, logger, provider, store } = rig;
  const meter = new UsageMeter({ records, logger, clock });
  const settings = budgetConfigSchema.parse({ imagesPerMonth });
  const budget = new Budget({
    records,
    meter,
    logger,
    clock,
    settings,
    isLocal: () => false,
  });
  // A hosted provider reports its own usage; for a local one, the engine counts the same.
  const metered = meterProvider(provider, { meter, isLocal: true, clock });
  const activeSpace = createActiveSpace({
    clock,
    store,
    random: () => 0,
    openProvider: () => Promise.resolve(metered),
  });
  return rig.start({ activeSpace, budget, owner: { host: 'alpha', pid: 1, life } });
}

const sent = (): number => rig.provider.imageCalls.reduce((sum, count) => sum + count, 0);

async function runFor(milliseconds: number): Promise<void> {
  const end = rig.clock.now() + milliseconds;
  await rig.clock.runUntil(() => rig.clock.now() >= end);
}

describe('a budget that runs out in the middle of the queue', () => {
  it('sends exactly as many images as allowed, and says why it pauses', async () => {
    await rig.uploadMany(30);
    const worker = startProcess(10);
    await runFor(PERIOD_MS);
    expect(sent()).toBe(10);
    expect(await rig.entries.counts()).toMatchObject({ indexed: 10, pending: 20, failed: 0 });
    expect(worker.status()).toMatchObject({
      state: 'paused',
      pause: {
        error: { code: 'budget-reached' },
        remainingMs: Date.UTC(2026, 1, 1) - rig.clock.now(),
      },
    });
    expect(rig.logger.at('warn')).toHaveLength(1);
  });

  it('resumes when the month changes', async () => {
    await rig.uploadMany(15);
    const worker = startProcess(10);
    await runFor(3 * PERIOD_MS);
    expect(sent()).toBe(10);
    await runFor(2 * PERIOD_MS);
    expect(sent()).toBe(15);
    expect(worker.status()).toMatchObject({ state: 'idle', pause: null });
  });

  it('stays used up after a restart, and resumes when it is raised', async () => {
    await rig.uploadMany(30);
    await stopAfterPeriod(startProcess(10));
    await stopAfterPeriod(startProcess(10, 'second'));
    expect(sent()).toBe(10);
    await stopAfterPeriod(startProcess(25, 'third'));
    expect(sent()).toBe(25);
  });

  it('is shared by several processes', async () => {
    await rig.uploadMany(60);
    for (const life of ['first', 'second', 'third']) startProcess(30, life);
    await runFor(PERIOD_MS);
    expect(sent()).toBeGreaterThanOrEqual(30);
    // What two others may have under way at the moment of the last look: one batch each, and one that is read ahead.
    const { imagesPerCall } = rig.provider.limits;
    expect(sent()).toBeLessThanOrEqual(30 + 4 * imagesPerCall);
    const before = sent();
    await runFor(PERIOD_MS);
    expect(sent()).toBe(before);
  });
});

describe('images that are unchanged', () => {
  it('cost nothing', async () => {
    await rig.uploadMany(6);
    startProcess(10);
    await rig.untilSettled();
    for (const fileId of [1, 2, 3, 4, 5, 6]) await rig.upload(fileId);
    await rig.untilSettled();
    expect(sent()).toBe(6);
    expect(await records.list('2026-01')).toMatchObject([{ images: 6 }]);
    await rig.upload(7, plainImage('another'));
    await rig.untilSettled();
    expect(sent()).toBe(7);
  });
});

async function stopAfterPeriod(worker: IndexingWorker): Promise<void> {
  await runFor(PERIOD_MS);
  await rig.stop(worker);
}
