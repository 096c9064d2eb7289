import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Calibrator } from '../../../plugin/src/application/calibrator';
import { createLease } from '../../../plugin/src/lease';
import { listNullTexts, NULL_TEXTS_VERSION } from '../../../plugin/src/search/relevance/null-texts';
import type { SpaceManager } from '../../../plugin/src/spaces/space-manager';
import { failure } from '../../support/failures';
import type { HashProvider } from '../../support/hash-provider';
import { MemoryCalibrations } from '../../support/memory-calibrations';
import { MemoryDuplicatePairs } from '../../support/memory-duplicate-pairs';
import { SpacesRig } from '../../support/spaces-rig';

const MODEL = 'one';
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

let rig: SpacesRig;
let spaces: SpaceManager;
let records: MemoryCalibrations;
let calibrator: Calibrator;
let canPay: boolean;
let isHeld: boolean;

beforeEach(() => {
  rig = new SpacesRig();
  spaces = rig.start(MODEL);
  records = new MemoryCalibrations();
  calibrator = create();
  canPay = true;
  isHeld = false;
});

afterEach(async () => {
  await calibrator.stop();
  await rig.stopAll();
});

function create(): Calibrator {
  const { clock, jobs, logger, store } = rig;
  return new Calibrator({
    spaces,
    records,
    pairs: new MemoryDuplicatePairs(clock),
    contentHashes: async (_, ids) =>
      (await store.ensureSpace(rig.spaceOf(MODEL))).contentHashesOf(ids),
    canPay: () => Promise.resolve(canPay),
    isHeld: () => Promise.resolve(isHeld),
    jobs,
    leaseMs: MINUTE_MS,
    owner: { host: 'alpha', pid: 1, life: 'calibrator' },
    logger,
    clock,
  });
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function grow(from: number, to: number): Promise<void> {
  await rig.upload(spaces, range(from, to));
  await rig.untilIndexed(MODEL, to);
}

const spaceId = (): string => rig.spaceOf(MODEL).id;
const calibratedFiles = async (): Promise<number | null> =>
  (await records.read(spaceId()))?.files ?? null;

function model(): HashProvider {
  const last = rig.opened.at(-1);
  if (!last) throw new Error('No model was opened.');
  return last.provider;
}

describe('calibration of a space', () => {
  it('waits for a few images', async () => {
    await grow(1, 9);
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBeNull();
    expect(model().textCalls).toEqual([]);
    expect(await calibrator.calibrationOf(spaceId())).toBeNull();
  });

  it('is used at once, and embeds each text once', async () => {
    await grow(1, 12);
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBe(12);
    expect((await calibrator.calibrationOf(spaceId()))?.files).toBe(12);
    const { abstract, nonsense } = listNullTexts();
    expect(model().textCalls.flat()).toEqual([...nonsense, ...abstract]);
  });

  it('is repeated when the library has grown by a quarter, without embedding again', async () => {
    await grow(1, 12);
    await calibrator.runOnce();
    const calls = model().textCalls.length;
    await grow(13, 14);
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBe(12);
    await grow(15, 15);
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBe(15);
    expect(model().textCalls).toHaveLength(calls);
  });

  it('happens by itself', async () => {
    calibrator.start();
    await grow(1, 12);
    await rig.clock.runUntil(async () => (await calibratedFiles()) !== null);
    expect(await calibratedFiles()).toBeGreaterThanOrEqual(10);
  });

  it('reaches other processes within a minute', async () => {
    await grow(1, 12);
    const other = create();
    expect(await other.calibrationOf(spaceId())).toBeNull();
    await calibrator.runOnce();
    expect(await other.calibrationOf(spaceId())).toBeNull();
    await rig.clock.advance(61 * SECOND_MS);
    await other.calibrationOf(spaceId());
    expect((await other.calibrationOf(spaceId()))?.files).toBe(12);
    await other.stop();
  });

  it('continues after a failure where it stopped, five minutes later', async () => {
    await grow(1, 12);
    let calls = 0;
    model().onCall = () => {
      calls += 1;
      if (calls === 3) throw failure('provider-unavailable', { retryable: true });
    };
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBeNull();
    await rig.clock.advance(4 * MINUTE_MS);
    await calibrator.runOnce();
    expect(calls).toBe(3);
    await rig.clock.advance(2 * MINUTE_MS);
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBe(12);
    const embedded = model().textCalls.flat();
    // The request that failed was sent twice.
    expect(embedded.length - new Set(embedded).size).toBe(model().limits.textsPerCall);
  });

  it('waits while the budget is used up or indexing is paused', async () => {
    await grow(1, 12);
    canPay = false;
    await calibrator.runOnce();
    expect(model().textCalls).toEqual([]);
    canPay = true;
    isHeld = true;
    await rig.clock.advance(6 * MINUTE_MS);
    await calibrator.runOnce();
    expect(model().textCalls).toEqual([]);
    isHeld = false;
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBe(12);
  });

  it('stops when another process takes over, and goes on where it stopped', async () => {
    await grow(1, 12);
    const { clock, jobs } = rig;
    const other = createLease(
      { host: 'beta', pid: 1, life: 'other' },
      new Date(clock.now() + 2 * MINUTE_MS),
    );
    const wanted = { name: 'calibrate relevance', lease: other, notStartedSince: new Date(0) };
    let calls = 0;
    model().onCall = async () => {
      calls += 1;
      if (calls !== 3) return;
      const claim = await jobs.tryClaim(wanted);
      if (claim.kind !== 'held') throw new Error('Nothing is calibrated.');
      await jobs.finish(claim.leaseToken);
      const next = { ...wanted, notStartedSince: new Date(clock.now() + 1) };
      expect((await jobs.tryClaim(next)).kind).toBe('claimed');
      await clock.advance(MINUTE_MS);
    };
    await calibrator.runOnce();
    expect(calls).toBe(3);
    expect(await records.readTexts(spaceId())).toBeNull();
    await jobs.finish(other.token);
    await calibrator.runOnce();
    expect(await calibratedFiles()).toBe(12);
  });

  it('is read whole once, and is measured again if it is damaged', async () => {
    await grow(1, 12);
    await calibrator.runOnce();
    const read = records.read.bind(records);
    let reads = 0;
    let isDamaged = false;
    records.readSummary = () => Promise.resolve({ version: NULL_TEXTS_VERSION, files: 12 });
    records.read = (id) => {
      reads += 1;
      return isDamaged ? Promise.resolve(null) : read(id);
    };
    const other = create();
    await other.runOnce();
    await other.runOnce();
    expect(reads).toBe(1);
    isDamaged = true;
    const saved: number[] = [];
    records.save = (_, { files }) => {
      saved.push(files);
      return Promise.resolve();
    };
    const third = create();
    await third.runOnce();
    expect(saved).toEqual([12]);
    await Promise.all([other.stop(), third.stop()]);
  });

  it('is unknown while the database fails', async () => {
    await grow(1, 12);
    records.read = () => Promise.reject(new Error('The database is away.'));
    expect(await calibrator.calibrationOf(spaceId())).toBeNull();
    await calibrator.runOnce();
    expect(model().textCalls).toEqual([]);
  });
});
