import { beforeEach, describe, expect, it } from '@jest/globals';
import { Budget } from '../../../plugin/src/billing/budget';
import {
  budgetConfigSchema,
  noFigures,
  type UsageFigures,
} from '../../../plugin/src/billing/contract';
import { UsageMeter } from '../../../plugin/src/billing/usage-meter';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { MemoryUsageRecords } from '../../support/memory-usage-records';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

const model = { provider: 'openai', model: 'hosted' };
const LAST_HOUR = Date.UTC(2026, 0, 31, 23);
const FEBRUARY = Date.UTC(2026, 1, 1);

let clock: FakeClock;
let records: MemoryUsageRecords;
let logger: RecordingLogger;

beforeEach(() => {
  clock = createFakeClock(LAST_HOUR);
  records = new MemoryUsageRecords();
  logger = createRecordingLogger();
});

/** A process with these settings; all of them share the records. */
function startProcess(settings: object): { budget: Budget; meter: UsageMeter } {
  const meter = new UsageMeter({ records, logger, clock });
  const budget = new Budget({
    records,
    meter,
    logger,
    clock,
    settings: budgetConfigSchema.parse(settings),
    isLocal: (provider) => provider === 'clip',
  });
  return { budget, meter };
}

async function use(figures: Partial<UsageFigures>, month = '2026-01'): Promise<void> {
  await records.add({ ...model, month }, { ...noFigures, ...figures });
}

async function grantedOf(budget: Budget, images: number): Promise<number> {
  const share = await budget.share(images);
  await share.release();
  return share.images;
}

describe('without a limit', () => {
  it('everything may be sent, without reading the records', async () => {
    const { budget } = startProcess({});
    records.list = () => Promise.reject(new Error('asked'));
    expect(await grantedOf(budget, 8)).toBe(8);
    expect(await budget.affordableImages()).toBeNull();
    expect(budget.pause()).toBeNull();
  });
});

describe('a budget in images', () => {
  it('allows what remains, down to the last image', async () => {
    const { budget } = startProcess({ imagesPerMonth: 10 });
    await use({ images: 7 });
    expect(await budget.affordableImages()).toBe(3);
    expect(await grantedOf(budget, 8)).toBe(3);
    expect(await grantedOf(budget, 2)).toBe(2);
    await use({ images: 3 });
    expect(await grantedOf(budget, 8)).toBe(0);
  });

  it("isn't spent twice by requests in progress in one process", async () => {
    const { budget, meter } = startProcess({ imagesPerMonth: 10 });
    const first = await budget.share(8);
    const second = await budget.share(8);
    expect([first.images, second.images]).toEqual([8, 2]);
    expect(await grantedOf(budget, 8)).toBe(0);
    expect(budget.pause()).toBeNull();
    // Some of the first were unchanged.
    meter.count(model, { images: 5 });
    await first.release();
    expect(await grantedOf(budget, 8)).toBe(3);
  });

  it('counts what other processes used, as soon as they finish', async () => {
    const one = startProcess({ imagesPerMonth: 10 });
    const other = startProcess({ imagesPerMonth: 10 });
    const share = await one.budget.share(8);
    one.meter.count(model, { images: 8 });
    await share.release();
    expect(await grantedOf(other.budget, 8)).toBe(2);
  });

  it("doesn't count local models or other months", async () => {
    const { budget } = startProcess({ imagesPerMonth: 10 });
    await use({ images: 100 }, '2025-12');
    await records.add(
      { provider: 'clip', model: 'local', month: '2026-01' },
      { ...noFigures, images: 100 },
    );
    expect(await grantedOf(budget, 8)).toBe(8);
  });

  it('that is used up logs once why, what to set and when indexing resumes, and then resumes', async () => {
    const { budget } = startProcess({ imagesPerMonth: 10 });
    await use({ images: 12 });
    for (let look = 0; look < 3; look += 1) expect(await grantedOf(budget, 8)).toBe(0);
    const pause = budget.pause();
    expect(pause?.until).toBe(FEBRUARY);
    expect(pause?.error).toMatchObject({ code: 'budget-reached' });
    expect(logger.at('warn')).toEqual([
      'Indexing pauses until 2026-02-01T00:00:00.000Z: the budget of 10 images for hosted models is used up. Raise budget.imagesPerMonth to resume earlier; searches still work.',
    ]);
    await clock.advance(3_600_000);
    expect(budget.pause()).toBeNull();
    expect(await grantedOf(budget, 8)).toBe(8);
    expect(logger.at('info')).toEqual(['The budget covers images again; indexing resumes.']);
    await use({ images: 10 }, '2026-02');
    expect(await grantedOf(budget, 8)).toBe(0);
    expect(logger.at('warn')).toHaveLength(2);
  });

  it('applies to a process that starts later, until it is raised', async () => {
    await use({ images: 10 });
    expect(await grantedOf(startProcess({ imagesPerMonth: 10 }).budget, 8)).toBe(0);
    expect(await grantedOf(startProcess({ imagesPerMonth: 20 }).budget, 8)).toBe(8);
  });

  it('of zero pauses from the start', async () => {
    const { budget } = startProcess({ imagesPerMonth: 0 });
    expect(await grantedOf(budget, 8)).toBe(0);
    expect(budget.pause()).not.toBeNull();
  });
});

describe('a budget in money', () => {
  it('is spent by images', async () => {
    const { budget } = startProcess({ moneyPerMonth: 1, pricePerThousandImages: 100 });
    expect(await grantedOf(budget, 8)).toBe(8);
    await use({ images: 7 });
    expect(await budget.affordableImages()).toBe(3);
    await use({ images: 3 });
    expect(await grantedOf(budget, 8)).toBe(0);
    expect(budget.pause()?.error.message).toMatch(/1 USD.*budget\.moneyPerMonth/);
  });

  it('is spent by tokens, including those of searches', async () => {
    const { budget } = startProcess({
      moneyPerMonth: 1,
      pricePerMillionTokens: 1,
      currency: 'EUR',
    });
    expect(await grantedOf(budget, 8)).toBe(8);
    await use({ images: 50, imageTokens: 500_000, texts: 3, textTokens: 450_000 });
    expect(await grantedOf(budget, 8)).toBe(5);
    await use({ texts: 1, textTokens: 50_000 });
    expect(await grantedOf(budget, 8)).toBe(0);
    expect(budget.pause()?.error.message).toMatch(/1 EUR/);
  });

  it('uses the cost that the provider reports, whatever the price', async () => {
    const { budget } = startProcess({ moneyPerMonth: 1, pricePerThousandImages: 0 });
    await use({ images: 100, cost: 0.99 });
    expect(await grantedOf(budget, 8)).toBe(1);
    await use({ images: 1, cost: 0.01 });
    expect(await grantedOf(budget, 8)).toBe(0);
  });

  it("that can't be measured logs a warning once", async () => {
    const { budget } = startProcess({ moneyPerMonth: 1, pricePerMillionTokens: 1 });
    await use({ images: 10, unstatedRequests: 2 });
    for (let look = 0; look < 2; look += 1) expect(await grantedOf(budget, 8)).toBe(8);
    expect(logger.at('warn')).toHaveLength(1);
    expect(logger.at('warn')[0]).toContain('budget.pricePerThousandImages');
  });

  it('requires a price', () => {
    const result = budgetConfigSchema.safeParse({ moneyPerMonth: 5 });
    expect(result.error?.issues).toMatchObject([
      { path: ['moneyPerMonth'], message: expect.stringContaining('pricePerThousandImages') },
    ]);
  });
});

it('both limits apply, whichever is reached first', async () => {
  const { budget } = startProcess({
    imagesPerMonth: 5,
    moneyPerMonth: 1,
    pricePerThousandImages: 100,
  });
  expect(await grantedOf(budget, 8)).toBe(5);
  await use({ images: 5 });
  expect(budget.pause()).toBeNull();
  expect(await grantedOf(budget, 8)).toBe(0);
  expect(budget.pause()?.error.message).toContain('budget.imagesPerMonth');
});
