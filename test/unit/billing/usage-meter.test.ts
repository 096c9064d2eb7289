import { beforeEach, describe, expect, it } from '@jest/globals';
import { UsageMeter } from '../../../plugin/src/billing/usage-meter';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { MemoryUsageRecords } from '../../support/memory-usage-records';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

const model = { provider: 'openai', model: 'hosted' };

let clock: FakeClock;
let records: MemoryUsageRecords;
let logger: RecordingLogger;
let meter: UsageMeter;

beforeEach(() => {
  clock = createFakeClock(Date.UTC(2026, 0, 31, 23, 59, 57));
  records = new MemoryUsageRecords();
  logger = createRecordingLogger();
  meter = new UsageMeter({ records, logger, clock });
});

describe('usage', () => {
  it('is written every few seconds, regardless of the number of searches', async () => {
    for (let search = 0; search < 100; search += 1) meter.count(model, { texts: 1 });
    expect(records.additions).toBe(0);
    await clock.advance(5_000);
    expect(records.additions).toBe(1);
    meter.count(model, { texts: 1 });
    await clock.advance(5_000);
    expect(records.additions).toBe(2);
    expect(await records.list('2026-01')).toMatchObject([{ texts: 100 }]);
  });

  it('counts toward the month in which it happened', async () => {
    meter.count(model, { images: 1 });
    await clock.advance(4_000);
    meter.count(model, { images: 2 });
    await clock.advance(5_000);
    expect(await records.list('2026-01')).toMatchObject([{ images: 1 }]);
    expect(await records.list('2026-02')).toMatchObject([{ images: 2 }]);
  });

  it('is written once by concurrent writes', async () => {
    meter.count(model, { images: 1 });
    await Promise.all([meter.write(), meter.write()]);
    expect(records.additions).toBe(1);
    expect(await records.list('2026-01')).toMatchObject([{ images: 1 }]);
  });

  it('is kept and logged while the database is unavailable', async () => {
    records.failure = new Error('The disk is full.');
    meter.count(model, { images: 1 });
    await clock.advance(15_000);
    expect(logger.at('warn')).toEqual([expect.stringContaining('The disk is full.')]);
    await expect(meter.write()).rejects.toThrow('The disk is full.');
    records.failure = undefined;
    await clock.advance(5_000);
    expect(await records.list('2026-01')).toMatchObject([{ images: 1 }]);
  });

  it('is written on shutdown, without waiting', async () => {
    meter.count(model, { images: 1 });
    await meter.stop();
    expect(await records.list('2026-01')).toMatchObject([{ images: 1 }]);
  });
});
