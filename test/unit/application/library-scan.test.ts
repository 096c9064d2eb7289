import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LibraryScan } from '../../../plugin/src/application/library-scan';
import {
  IsolatingComparison,
  type LibraryComparison,
  type Pass,
} from '../../../plugin/src/duplicates/library-comparison';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { LeaseOwner } from '../../../plugin/src/lease';
import { range } from '../../conformance/index-entries/situations';
import { bareTrace } from '../../support/duplicate-world';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { MemoryDuplicateScans } from '../../support/memory-duplicate-scans';
import { MemoryImageTraces } from '../../support/memory-image-traces';
import { MemoryJobLeases } from '../../support/memory-job-leases';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

const LEASE_MS = 60_000;
const HOUR_MS = 3_600_000;
const IMAGE_MS = 500;
/** More than are compared silently. */
const MANY = 70;

const owner: LeaseOwner = { host: 'alpha', pid: 1, life: 'first' };

let clock: FakeClock;
let traces: MemoryImageTraces;
let scans: MemoryDuplicateScans;
let jobs: MemoryJobLeases;
let logger: RecordingLogger;
let started: LibraryScan[];
/** Files in the order in which they were compared. */
let compared: number[];
let spaceId: string;
let isBusy: boolean;
/** Runs after each batch, before it is marked. The comparison fails with what it throws. */
let onBatch: (fileIds: readonly number[]) => unknown;

beforeEach(() => {
  clock = createFakeClock();
  traces = new MemoryImageTraces();
  scans = new MemoryDuplicateScans();
  jobs = new MemoryJobLeases(clock);
  logger = createRecordingLogger();
  [started, compared, spaceId, isBusy] = [[], [], 'space', false];
  onBatch = () => undefined;
});
afterEach(async () => {
  await Promise.all(started.map((scan) => scan.stop()));
});

/** Takes half a second per image, and finds one pair in each batch. */
const comparison: Pick<LibraryComparison, 'compare'> = {
  async compare(fileIds, { pass, signal, onCompared }) {
    const done: number[] = [];
    for (const fileId of fileIds) {
      await clock.wait(IMAGE_MS, signal);
      compared.push(fileId);
      done.push(fileId);
      if ((await onCompared?.()) === false) break;
    }
    await onBatch(fileIds);
    await traces.markCompared(await traces.get(done), pass.mark);
    return 1;
  },
};

async function currentPass(): Promise<Pass> {
  const { number } = await scans.read();
  return { mark: `${String(number)}:${spaceId}`, spaceId };
}

/** The scan of a process. */
function startScan(self = owner): LibraryScan {
  const scan = new LibraryScan({
    traces,
    pairs: { counts: () => Promise.resolve({ open: 0, ignored: 0, merged: 0 }) },
    scans,
    jobs,
    currentPass,
    logger,
    clock,
    comparison: new IsolatingComparison({ comparison, traces, logger }),
    isBusy: () => isBusy,
    leaseMs: LEASE_MS,
    owner: self,
  });
  started.push(scan);
  scan.start();
  return scan;
}

async function addFiles(count: number): Promise<void> {
  await traces.put(
    range(1, count).map((fileId) => ({ ...bareTrace(`file ${String(fileId)}`), fileId })),
  );
}

const isEverythingCompared = async (): Promise<boolean> => {
  const { mark } = await currentPass();
  return (await traces.notCompared(mark, 1)).length === 0;
};

const isDone = async (): Promise<boolean> => (await scans.read()).state === 'done';

describe('uncompared images of a library', () => {
  it('are compared silently when there are few', async () => {
    await addFiles(49);
    startScan();
    await clock.runUntil(isEverythingCompared);
    await clock.advance(HOUR_MS);
    expect(compared).toEqual(range(1, 49));
    expect(await scans.read()).toMatchObject({ state: 'never', number: 0 });
  });

  it('start a scan when there are many, from where the marks say', async () => {
    await addFiles(MANY);
    await traces.markCompared(await traces.get(range(1, 10)), (await currentPass()).mark);
    const scan = startScan();
    await clock.runUntil(isDone);
    expect(compared).toEqual(range(11, MANY - 10));
    expect(await scan.describe()).toMatchObject({
      state: 'done',
      done: MANY,
      total: MANY,
      found: 3,
    });
  });

  it('are all images when another model becomes active', async () => {
    await addFiles(MANY);
    startScan();
    await clock.runUntil(isDone);
    spaceId = 'another';
    await clock.runUntil(isEverythingCompared);
    expect(compared).toEqual([...range(1, MANY), ...range(1, MANY)]);
  });

  it('yield to an upload after the image in progress, and lose nothing', async () => {
    await addFiles(MANY);
    startScan();
    await clock.runUntil(() => compared.length === 3);
    isBusy = true;
    await clock.advance(HOUR_MS);
    expect(compared).toEqual(range(1, 3));
    const { mark } = await currentPass();
    expect(await traces.notCompared(mark, MANY)).toEqual(range(4, MANY - 3));
    isBusy = false;
    await clock.runUntil(isDone);
    expect(compared).toEqual(range(1, MANY));
  });

  it('wait while indexing is busy, and yield between batches', async () => {
    isBusy = true;
    await addFiles(MANY);
    startScan();
    await clock.advance(HOUR_MS);
    expect(compared).toEqual([]);
    isBusy = false;
    onBatch = () => {
      isBusy = true;
    };
    await clock.advance(HOUR_MS);
    expect(compared).toEqual(range(1, 20));
    isBusy = false;
    onBatch = () => undefined;
    await clock.runUntil(isDone);
    expect(compared).toEqual(range(1, MANY));
  });

  it('use only a small part of the time', async () => {
    await addFiles(MANY);
    const begunAt = clock.now();
    startScan();
    await clock.runUntil(isDone);
    expect(clock.now() - begunAt).toBeGreaterThanOrEqual(MANY * IMAGE_MS * 3);
  });
});

describe('a requested scan', () => {
  it('compares everything again, once', async () => {
    await addFiles(3);
    const scan = startScan();
    await clock.runUntil(isEverythingCompared);
    expect(await scan.begin()).toMatchObject({ state: 'running', done: 0, total: 3 });
    expect(await scan.begin()).toMatchObject({ state: 'running', done: 0, total: 3 });
    await clock.runUntil(isDone);
    await clock.advance(HOUR_MS);
    expect(compared).toEqual([1, 2, 3, 1, 2, 3]);
    expect(await scan.describe()).toMatchObject({ state: 'done', done: 3, total: 3, found: 1 });
  });

  it('starts at once', async () => {
    const scan = startScan();
    await clock.advance(1);
    await addFiles(1);
    const askedAt = clock.now();
    await scan.begin();
    await clock.runUntil(() => compared.length === 1);
    expect(clock.now() - askedAt).toBe(IMAGE_MS);
  });

  it('ends in an empty library', async () => {
    const scan = startScan();
    await scan.begin();
    await clock.runUntil(isDone);
    expect(await scan.describe()).toMatchObject({ done: 0, total: 0, remainingSeconds: null });
  });

  it('estimates the remaining time while it runs', async () => {
    await addFiles(MANY);
    const scan = startScan();
    await clock.runUntil(() => compared.length > 20);
    const { remainingSeconds } = await scan.describe();
    // 50 remain, at half a second each plus twice that in pauses.
    expect(remainingSeconds).toBe(50 * 1.5);
    await scan.halt();
    expect(await scan.describe()).toMatchObject({ state: 'stopped', remainingSeconds: null });
  });

  it('stays stopped after a restart, and resumes without comparing twice', async () => {
    await addFiles(MANY);
    const scan = startScan();
    onBatch = () => scan.halt();
    await scan.begin();
    const { startedAt } = await scan.describe();
    await clock.advance(HOUR_MS);
    expect(compared).toEqual(range(1, 20));
    await scan.stop();

    onBatch = () => undefined;
    const next = startScan({ ...owner, life: 'second' });
    await clock.advance(HOUR_MS);
    expect(compared).toEqual(range(1, 20));
    expect(await next.describe()).toMatchObject({ state: 'stopped', done: 20, total: MANY });
    expect(await next.begin()).toMatchObject({ state: 'running', done: 20, startedAt });
    await clock.runUntil(isDone);
    expect(compared).toEqual(range(1, MANY));
  });
});

describe('several processes', () => {
  it('compare no image twice', async () => {
    await addFiles(MANY);
    startScan();
    startScan({ host: 'beta', pid: 2, life: 'other' });
    await clock.runUntil(isDone);
    await clock.advance(HOUR_MS);
    expect(compared).toEqual(range(1, MANY));
  });

  it('take over at once from a dead process on this host, and from another host only when its lease has expired', async () => {
    await addFiles(1);
    await claimAs('beta|1|life|token');
    startScan();
    await clock.advance(LEASE_MS - 1);
    expect(compared).toEqual([]);
    await clock.runUntil(isEverythingCompared);

    await addFiles(1);
    await claimAs(`${owner.host}|${String(owner.pid)}|earlier|token`);
    const deadAt = clock.now();
    await clock.runUntil(isEverythingCompared);
    expect(clock.now() - deadAt).toBeLessThan(LEASE_MS / 2);
  });

  async function claimAs(token: string): Promise<void> {
    const expiresAt = new Date(clock.now() + LEASE_MS);
    const claim = await jobs.tryClaim({
      name: 'compare all images',
      lease: { token, expiresAt },
      notStartedSince: new Date(clock.now() + 1),
    });
    expect(claim.kind).toBe('claimed');
  }
});

describe('a failure', () => {
  it.each([
    ['of the store', outage()],
    ['without a known cause', new Error('The store sleeps.')],
    ['of the database', Object.assign(new Error('The store sleeps.'), { code: 'ECONNRESET' })],
  ])('%s is logged once, and the scan continues after it', async (_name, failure) => {
    await addFiles(MANY);
    onBatch = () => Promise.reject(failure);
    const scan = startScan();
    await clock.advance(HOUR_MS);
    expect(logger.at('warn')).toEqual([expect.stringContaining('The store sleeps.')]);
    expect(await scan.describe()).toMatchObject({
      state: 'running',
      done: 0,
      problem: { message: expect.stringContaining('The store sleeps.') },
    });
    onBatch = () => undefined;
    await clock.runUntil(isDone);
    expect(await scan.describe()).toMatchObject({ done: MANY, failed: 0, problem: null });
  });

  it('leaves the job to other processes', async () => {
    await addFiles(1);
    onBatch = () => {
      onBatch = () => undefined;
      throw new Error('The store sleeps.');
    };
    startScan();
    await clock.runUntil(() => compared.length === 1);
    startScan({ host: 'beta', pid: 2, life: 'other' });
    const begunAt = clock.now();
    await clock.runUntil(isEverythingCompared);
    expect(clock.now() - begunAt).toBeLessThan(LEASE_MS / 2);
  });

  it("of a skipped image doesn't keep the scan from finishing", async () => {
    await addFiles(41);
    onBatch = (fileIds) => {
      if (fileIds.includes(41)) throw refusal();
    };
    const scan = startScan();
    await scan.begin();
    await clock.runUntil(isDone);
    expect(await scan.describe()).toMatchObject({ done: 41, failed: 1, problem: null });
    expect(logger.at('warn')).toEqual([expect.stringMatching(/File 41 .* It has no number\./)]);
  });

  it('of one image is counted and reported, and retried by the next scan', async () => {
    await addFiles(MANY);
    onBatch = (fileIds) => {
      if (fileIds.includes(33)) throw new RangeError('It has no edges.');
    };
    const scan = startScan();
    await clock.runUntil(isDone);
    expect(await scan.describe()).toMatchObject({ done: MANY, failed: 1, problem: null });
    expect(logger.at('warn')).toEqual([expect.stringMatching(/File 33 .* It has no edges\./)]);
    await clock.advance(HOUR_MS);
    expect(logger.at('warn')).toHaveLength(1);

    onBatch = () => undefined;
    compared.length = 0;
    expect(await scan.begin()).toMatchObject({ state: 'running', failed: 0 });
    await clock.runUntil(isDone);
    expect(compared).toEqual(range(1, MANY));
    expect(await scan.describe()).toMatchObject({ done: MANY, failed: 0 });
  });
});

function refusal(): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: 'It has no number.',
    retryable: false,
  });
}

function outage(): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: 'The store sleeps.',
    retryable: true,
  });
}
