import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type {
  ReconcileSchedule,
  ReconcileScheduleOptions,
} from '../../../plugin/src/indexing/reconcile';
import { failure } from '../../support/failures';
import { createGate, IndexingRig, LEASE_MS } from '../../support/indexing-rig';
import { plainImage } from '../../support/plain-images';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let rig: IndexingRig;
let schedules: ReconcileSchedule[];
let onMarked: jest.Mock<() => void>;
/** Times at which the library was compared. */
let walks: number[];

beforeEach(() => {
  rig = new IndexingRig();
  schedules = [];
  onMarked = jest.fn();
  walks = [];
  rig.assets.onIterate = (cursor) => {
    if (cursor === null) walks.push(rig.clock.now());
  };
});

afterEach(async () => {
  await Promise.all(schedules.map((schedule) => schedule.stop()));
});

function createSchedule(
  everyMinutes = 60,
  options: Partial<ReconcileScheduleOptions> = {},
): ReconcileSchedule {
  const schedule = rig.createSchedule({ everyMinutes, onMarked, ...options });
  schedules.push(schedule);
  return schedule;
}

describe('the schedule', () => {
  it('compares at startup and then at the given interval', async () => {
    const started = rig.clock.now();
    createSchedule(10).start();
    await rig.clock.advance(25 * MINUTE_MS);
    expect(walks.map((time) => (time - started) / MINUTE_MS)).toEqual([0, 10, 20]);
  });

  it.each([-DAY_MS, -30 * MINUTE_MS, DAY_MS])(
    'keeps its interval when the clock is set by %d ms',
    async (difference) => {
      createSchedule(60).start();
      await rig.clock.advance(90 * MINUTE_MS);
      expect(walks).toHaveLength(2);
      rig.clock.set(difference);
      const before = rig.clock.elapsed();
      await rig.clock.advance(60 * MINUTE_MS);
      expect(walks.length).toBeGreaterThanOrEqual(3);
      await rig.clock.advance(240 * MINUTE_MS - (rig.clock.elapsed() - before));
      expect(walks.length).toBeGreaterThanOrEqual(6);
      expect(walks.length).toBeLessThanOrEqual(7);
    },
  );

  it("compares at the boot of a process whose clock is behind the last comparison's", async () => {
    rig.clock.set(DAY_MS);
    const former = createSchedule();
    former.start();
    await rig.clock.advance(1);
    await former.stop();
    rig.clock.set(-DAY_MS);
    createSchedule(60, { bootedAt: rig.clock.now() }).start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(2);
  });

  it('starts once', async () => {
    const schedule = createSchedule();
    schedule.start();
    schedule.start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(1);
  });

  it('compares only at startup if the interval is 0', async () => {
    createSchedule(0).start();
    await rig.clock.advance(10_000 * MINUTE_MS);
    expect(walks).toHaveLength(1);
  });

  it('reports when something was queued, and only then', async () => {
    rig.assets.put(1, plainImage('imported'));
    createSchedule(10).start();
    await rig.clock.advance(1);
    expect(onMarked).toHaveBeenCalledTimes(1);
    expect(await rig.entry(1)).toMatchObject({ state: 'pending' });
    await rig.clock.advance(30 * MINUTE_MS);
    expect(onMarked).toHaveBeenCalledTimes(1);
  });

  it('retries five minutes after a comparison failed', async () => {
    rig.assets.put(1, plainImage('imported'));
    const broken = jest
      .spyOn(rig.entries, 'list')
      .mockRejectedValue(new Error('The database is locked.'));
    createSchedule(0).start();
    await rig.clock.advance(5 * MINUTE_MS + 1);
    expect(rig.logger.at('warn')).toHaveLength(2);
    expect(rig.logger.at('warn')[0]).toContain('The database is locked.');
    broken.mockRestore();
    await rig.clock.advance(60 * MINUTE_MS);
    expect(rig.logger.at('warn')).toHaveLength(2);
    expect(onMarked).toHaveBeenCalledTimes(1);
  });

  it('fills the queue without a provider, and checks the vectors once there is one', async () => {
    rig.openProvider = () => Promise.reject(failure('provider-not-installed'));
    rig.assets.put(1, plainImage('imported'));
    createSchedule(0).start();
    await rig.clock.advance(10 * MINUTE_MS);
    expect(await rig.entry(1)).toMatchObject({ state: 'pending' });
    expect(walks.length).toBeGreaterThan(1);
    rig.openProvider = () => Promise.resolve(rig.provider);
    await rig.clock.advance(5 * MINUTE_MS);
    const walked = walks.length;
    await rig.clock.advance(60 * MINUTE_MS);
    expect(walks).toHaveLength(walked);
  });
});

describe('the schedules of several processes', () => {
  const alpha = { host: 'alpha', pid: 1, life: 'alpha' };
  const beta = { host: 'beta', pid: 1, life: 'beta' };

  it('that start together compare once', async () => {
    createSchedule(0, { owner: alpha }).start();
    createSchedule(0, { owner: beta }).start();
    await rig.clock.advance(600 * MINUTE_MS);
    expect(walks).toHaveLength(1);
  });

  it('compare once per interval, whichever is first', async () => {
    const started = rig.clock.now();
    createSchedule(10, { owner: alpha }).start();
    createSchedule(10, { owner: beta }).start();
    await rig.clock.advance(35 * MINUTE_MS);
    expect(walks.map((time) => (time - started) / MINUTE_MS)).toEqual([0, 10, 20, 30]);
  });

  it('compare again after a later one starts', async () => {
    createSchedule(0, { owner: alpha }).start();
    await rig.clock.advance(1);
    createSchedule(0, { owner: beta }).start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(2);
  });

  it('compare again when a schedule starts long after its process', async () => {
    const bootedAt = rig.clock.now();
    createSchedule(0, { owner: alpha, bootedAt }).start();
    await rig.clock.advance(2 * MINUTE_MS);
    createSchedule(0, { owner: beta, bootedAt }).start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(2);
  });

  it('compare different spaces separately', async () => {
    createSchedule(0, { owner: alpha, jobName: () => 'compare one' }).start();
    createSchedule(0, { owner: beta, jobName: () => 'compare another' }).start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(2);
  });

  it('wait for a comparison that takes longer than a lease', async () => {
    const gate = createGate();
    rig.assets.onIterate = (cursor) => {
      if (cursor === null) walks.push(rig.clock.now());
      return gate.wait();
    };
    createSchedule(0, { owner: alpha }).start();
    createSchedule(0, { owner: beta }).start();
    await rig.clock.advance(10 * LEASE_MS);
    gate.open();
    await rig.clock.advance(10 * LEASE_MS);
    expect(walks).toHaveLength(1);
  });

  it('take over from a killed process once its lease has expired', async () => {
    await claimAs('gamma|1|gamma|1');
    const started = rig.clock.now();
    createSchedule(0, { owner: alpha }).start();
    createSchedule(0, { owner: beta }).start();
    await rig.clock.advance(30 * MINUTE_MS);
    expect(walks.map((time) => time - started)).toEqual([LEASE_MS]);
  });

  it('take over at once from a dead process on the same machine', async () => {
    await claimAs('alpha|1|an earlier life|1');
    const started = rig.clock.now();
    createSchedule(0, { owner: alpha }).start();
    await rig.clock.advance(30 * MINUTE_MS);
    expect(walks.map((time) => time - started)).toEqual([0]);
  });

  it('share the retries after a failure', async () => {
    const broken = jest
      .spyOn(rig.entries, 'list')
      .mockRejectedValue(new Error('The database is locked.'));
    createSchedule(0, { owner: alpha }).start();
    createSchedule(0, { owner: beta }).start();
    await rig.clock.advance(4 * MINUTE_MS);
    expect(rig.logger.at('warn')).toHaveLength(1);
    broken.mockRestore();
    await rig.clock.advance(60 * MINUTE_MS);
    expect(rig.logger.at('warn')).toHaveLength(1);
    expect(walks).toHaveLength(2);
  });

  it("take over what one didn't finish before it stopped", async () => {
    const gate = createGate();
    rig.assets.onIterate = (cursor) => {
      if (cursor === null) walks.push(rig.clock.now());
      return gate.wait();
    };
    const first = createSchedule(0, { owner: alpha });
    first.start();
    await rig.clock.advance(1);
    const stopped = first.stop();
    gate.open();
    await stopped;
    createSchedule(0, { owner: beta }).start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(2);
  });

  it('compare on demand regardless of the others', async () => {
    await claimAs('gamma|1|gamma|1');
    expect(await createSchedule().runNow()).toEqual({
      images: 0,
      marked: 0,
      retried: 0,
      orphans: 0,
    });
  });

  async function claimAs(token: string): Promise<void> {
    const now = rig.clock.now();
    const lease = { token, expiresAt: new Date(now + LEASE_MS) };
    await rig.jobs.tryClaim({ name: 'compare', lease, notStartedSince: new Date(now) });
  }
});

describe('runNow', () => {
  it('returns the result without being started', async () => {
    rig.assets.put(1, plainImage('imported'));
    expect(await createSchedule().runNow()).toEqual({
      images: 1,
      marked: 1,
      retried: 0,
      orphans: 0,
    });
  });

  it('joins a comparison in progress', async () => {
    const gate = createGate();
    const schedule = createSchedule();
    rig.assets.onIterate = () => gate.wait();
    schedule.start();
    await rig.clock.advance(0);
    const both = Promise.all([schedule.runNow(), schedule.runNow()]);
    expect(schedule.isRunning()).toBe(true);
    gate.open();
    const [first, second] = await both;
    expect(first).toBe(second);
    expect(gate.arrived).toBe(1);
    await rig.clock.advance(0);
    expect(schedule.isRunning()).toBe(false);
  });

  it('fails like the comparison, and works the next time', async () => {
    const schedule = createSchedule();
    jest.spyOn(rig.entries, 'list').mockRejectedValueOnce(new Error('The database is locked.'));
    await expect(schedule.runNow()).rejects.toThrow('The database is locked.');
    expect(await schedule.runNow()).toEqual({ images: 0, marked: 0, retried: 0, orphans: 0 });
  });
});

describe('runAgain', () => {
  it('starts another comparison after the current one', async () => {
    const gate = createGate();
    const schedule = createSchedule();
    rig.assets.onIterate = (cursor) => {
      if (cursor === null) walks.push(rig.clock.now());
      return gate.wait();
    };
    const first = schedule.runNow();
    const again = schedule.runAgain();
    gate.open();
    await Promise.all([first, again]);
    expect(walks).toHaveLength(2);
  });

  it('logs failures', async () => {
    jest.spyOn(rig.entries, 'list').mockRejectedValueOnce(new Error('The database is locked.'));
    await createSchedule().runAgain();
    expect(rig.logger.at('warn')).toHaveLength(1);
  });
});

describe('stop', () => {
  it('cancels the current comparison', async () => {
    for (let fileId = 1; fileId <= 20; fileId += 1) {
      rig.assets.put(fileId, plainImage(`subject ${String(fileId)}`));
    }
    const gate = createGate();
    rig.assets.onIterate = () => gate.wait();
    const schedule = createSchedule();
    schedule.start();
    await rig.clock.advance(1);
    const stopped = schedule.stop();
    gate.open();
    await stopped;
    expect(await rig.entries.counts()).toMatchObject({ pending: 0 });
    expect(onMarked).not.toHaveBeenCalled();
  });

  it('ends the waiting, and can be called twice or before a start', async () => {
    const schedule = createSchedule();
    schedule.start();
    await rig.clock.advance(1);
    await schedule.stop();
    await schedule.stop();
    await createSchedule().stop();
    await rig.clock.advance(600 * MINUTE_MS);
    expect(walks).toHaveLength(1);
  });
});
