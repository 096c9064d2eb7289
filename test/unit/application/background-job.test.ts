import { describe, expect, it } from '@jest/globals';
import { BackgroundJob } from '../../../plugin/src/application/background-job';
import { createLease, type LeaseOwner } from '../../../plugin/src/lease';
import { createFakeClock } from '../../support/fake-clock';
import { MemoryJobLeases } from '../../support/memory-job-leases';
import { createRecordingLogger } from '../../support/recording-logger';

const JOB = 'some work';
const LEASE_MS = 60_000;
const POLL_MS = 600_000;

function ownerOf(host: string): LeaseOwner {
  return { host, pid: process.pid, life: `${host}-life` };
}

function setUp(run: (signal: AbortSignal) => Promise<void>, isDue = true) {
  const clock = createFakeClock();
  const jobs = new MemoryJobLeases(clock);
  const logger = createRecordingLogger();
  const createJob = (host: string) =>
    new BackgroundJob({
      name: JOB,
      isDue: () => Promise.resolve(isDue),
      pollMs: POLL_MS,
      run,
      warnings: { failed: 'It failed.', unfinished: 'It ends after the next start.' },
      jobs,
      leaseMs: LEASE_MS,
      owner: ownerOf(host),
      logger,
      clock,
    });
  return { clock, jobs, logger, createJob };
}

describe('a background job', () => {
  it('runs in one process at a time, and again afterwards', async () => {
    let runs = 0;
    let finish = (): void => undefined;
    const { createJob } = setUp(() => {
      runs += 1;
      return new Promise((resolve) => (finish = resolve));
    });
    const first = createJob('a').runOnce();
    await createJob('b').runOnce();
    expect(runs).toBe(1);
    finish();
    await first;
    const again = createJob('b').runOnce();
    await Promise.resolve();
    while (runs < 2) await Promise.resolve();
    finish();
    await again;
  });

  it('claims nothing while nothing is due', async () => {
    let runs = 0;
    const { clock, createJob, jobs } = setUp(() => {
      runs += 1;
      return Promise.resolve();
    }, false);
    await createJob('a').runOnce();
    const lease = createLease(ownerOf('b'), new Date(clock.now() + LEASE_MS));
    const claim = await jobs.tryClaim({ name: JOB, lease, notStartedSince: new Date(0) });
    expect([runs, claim.kind]).toEqual([0, 'claimed']);
  });

  it('takes over from a process of this host that died', async () => {
    let runs = 0;
    const { clock, createJob, jobs } = setUp(() => {
      runs += 1;
      return Promise.resolve();
    });
    const dead = { ...ownerOf('a'), life: 'an earlier one' };
    const lease = createLease(dead, new Date(clock.now() + LEASE_MS));
    await jobs.tryClaim({ name: JOB, lease, notStartedSince: new Date(clock.now() + 1) });
    await createJob('b').runOnce();
    expect(runs).toBe(0);
    await createJob('a').runOnce();
    expect(runs).toBe(1);
  });

  it('ends when another process took over its lease', async () => {
    const { clock, createJob, jobs } = setUp(
      (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve();
          });
        }),
    );
    const job = createJob('a').runOnce();
    // As after a long pause of the whole process.
    await clock.advance(1);
    const wanted = createLease(ownerOf('b'), new Date(clock.now() + LEASE_MS));
    const claim = await jobs.tryClaim({ name: JOB, lease: wanted, notStartedSince: new Date(0) });
    if (claim.kind === 'held') await jobs.finish(claim.leaseToken);
    await clock.advance(LEASE_MS);
    await job;
  });

  it('warns of a failure, and tries again later', async () => {
    let runs = 0;
    const { clock, createJob, logger } = setUp(() => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('The database is gone.')) : Promise.resolve();
    });
    const job = createJob('a');
    job.start();
    await clock.advance(1);
    expect(logger.at('warn').join()).toContain('The database is gone.');
    await clock.advance(POLL_MS);
    expect(runs).toBe(2);
    await job.stop();
  });

  it('runs at once when it is woken, and once more when it was woken meanwhile', async () => {
    let runs = 0;
    const { clock, createJob } = setUp(() => {
      runs += 1;
      if (runs === 2) job.wake();
      return Promise.resolve();
    });
    const job = createJob('a');
    job.start();
    await clock.advance(1);
    expect(runs).toBe(1);
    job.wake();
    await clock.advance(1);
    expect(runs).toBe(3);
    await job.stop();
  });

  it('stops within five seconds though its work hangs', async () => {
    const { clock, createJob, logger } = setUp(() => new Promise(() => undefined));
    const job = createJob('a');
    job.start();
    await clock.advance(1);
    let isStopped = false;
    const stopped = job.stop().then(() => (isStopped = true));
    await clock.advance(3_900);
    expect(isStopped).toBe(false);
    await clock.advance(1_000);
    expect(isStopped).toBe(true);
    await stopped;
    expect(logger.at('warn').join()).toContain('after the next start');
  });
});
