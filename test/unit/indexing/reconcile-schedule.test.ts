import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ReconcileSchedule } from '../../../plugin/src/indexing/reconcile-schedule';
import { failure } from '../../support/failures';
import { createGate, IndexingRig } from '../../support/indexing-rig';
import { plainPicture } from '../../support/plain-pictures';

const MINUTE_MS = 60_000;

let rig: IndexingRig;
let schedules: ReconcileSchedule[];
let onMarked: jest.Mock<() => void>;
/** When the library was walked. */
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

function createSchedule(everyMinutes = 60): ReconcileSchedule {
  const { activeSpace, assets, clock, entries, logger } = rig;
  const schedule = new ReconcileSchedule({
    activeSpace,
    assets,
    clock,
    entries,
    everyMinutes,
    logger,
    onMarked,
  });
  schedules.push(schedule);
  return schedule;
}

describe('the schedule', () => {
  it('compares at the start and then as often as it is told', async () => {
    const started = rig.clock.now();
    createSchedule(10).start();
    await rig.clock.advance(25 * MINUTE_MS);
    expect(walks.map((time) => (time - started) / MINUTE_MS)).toEqual([0, 10, 20]);
  });

  it('is started once', async () => {
    const schedule = createSchedule();
    schedule.start();
    schedule.start();
    await rig.clock.advance(1);
    expect(walks).toHaveLength(1);
  });

  it('compares at the start only when it is told 0', async () => {
    createSchedule(0).start();
    await rig.clock.advance(10_000 * MINUTE_MS);
    expect(walks).toHaveLength(1);
  });

  it('tells when something was marked, and only then', async () => {
    rig.assets.put(1, plainPicture('imported'));
    createSchedule(10).start();
    await rig.clock.advance(1);
    expect(onMarked).toHaveBeenCalledTimes(1);
    expect(await rig.entry(1)).toMatchObject({ state: 'pending' });
    await rig.clock.advance(30 * MINUTE_MS);
    expect(onMarked).toHaveBeenCalledTimes(1);
  });

  it('tries again after five minutes when a comparison failed', async () => {
    rig.assets.put(1, plainPicture('imported'));
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

  it('fills the queue without a provider, and looks at the vectors when there is one', async () => {
    rig.openProvider = () => Promise.reject(failure('provider-not-installed'));
    rig.assets.put(1, plainPicture('imported'));
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

describe('runNow', () => {
  it('answers what was found, without a start', async () => {
    rig.assets.put(1, plainPicture('imported'));
    expect(await createSchedule().runNow()).toEqual({ pictures: 1, marked: 1 });
  });

  it('joins a comparison that is under way', async () => {
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
    expect(schedule.isRunning()).toBe(false);
  });

  it('fails as the comparison does, and works the next time', async () => {
    const schedule = createSchedule();
    jest.spyOn(rig.entries, 'list').mockRejectedValueOnce(new Error('The database is locked.'));
    await expect(schedule.runNow()).rejects.toThrow('The database is locked.');
    expect(await schedule.runNow()).toEqual({ pictures: 0, marked: 0 });
  });
});

describe('runAgain', () => {
  it('begins another comparison after the one that is under way', async () => {
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

  it('logs what fails', async () => {
    jest.spyOn(rig.entries, 'list').mockRejectedValueOnce(new Error('The database is locked.'));
    await createSchedule().runAgain();
    expect(rig.logger.at('warn')).toHaveLength(1);
  });
});

describe('stop', () => {
  it('cancels the comparison that is under way', async () => {
    for (let fileId = 1; fileId <= 20; fileId += 1) {
      rig.assets.put(fileId, plainPicture(`subject ${String(fileId)}`));
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

  it('ends the waiting, and may be called twice or before a start', async () => {
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
