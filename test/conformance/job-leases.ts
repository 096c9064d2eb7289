import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';

import { systemClock, type Clock } from '../../plugin/src/clock';
import type { JobClaim, JobLeases, Lease } from '../../plugin/src/lease';
import { hourAgo, inAnHour, range, tomorrow } from './index-entries/situations';

const CALLERS = 12;
const DAY_MS = 86_400_000;

/** The contract of JobLeases; `empty` returns an implementation on this clock, with no job. */
export function describeJobLeases(
  name: string,
  empty: (clock: Pick<Clock, 'now'>) => Promise<JobLeases>,
): void {
  describe(`job leases: ${name}`, () => {
    let jobs: JobLeases;
    /** How far the clock is ahead of the real time. */
    let aheadMs: number;
    beforeEach(async () => {
      aheadMs = 0;
      jobs = await empty({ now: () => systemClock.now() + aheadMs });
    });

    const claim = (lease: Lease, notStartedSince: Date, job = 'compare'): Promise<JobClaim> =>
      jobs.tryClaim({ name: job, lease, notStartedSince });

    it('gives a new job to one of many callers', async () => {
      const leases = range(1, CALLERS).map(() => newLease());
      const claims = await Promise.all(leases.map((lease) => claim(lease, new Date())));
      const winners = leases.filter((_, index) => claims[index]?.kind === 'claimed');
      expect(winners).toHaveLength(1);
      const held = { kind: 'held', leaseToken: winners[0]?.token };
      expect(claims.filter(({ kind }) => kind !== 'claimed')).toEqual(
        range(2, CALLERS - 1).map(() => held),
      );
    });

    it('gives a job that is due again to one of many callers', async () => {
      await finishNew();
      await wait(2);
      const now = new Date();
      const claims = await Promise.all(range(1, CALLERS).map(() => claim(newLease(), now)));
      expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    });

    it("doesn't give out a job that was started since then", async () => {
      await finishNew();
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'done' });
    });

    it('gives out a job that was started before then', async () => {
      await finishNew();
      expect(await claim(newLease(), inAnHour())).toEqual({ kind: 'claimed' });
      expect(await claim(newLease(), inAnHour())).toMatchObject({ kind: 'held' });
    });

    it('counts from the start of the job, not its end', async () => {
      const lease = newLease();
      await claim(lease, hourAgo());
      await wait(2);
      const afterBeginning = new Date();
      await jobs.finish(lease.token);
      expect(await claim(newLease(), afterBeginning)).toEqual({ kind: 'claimed' });
    });

    it('passes on a job whose lease has expired, whenever it was started', async () => {
      const killed = newLease(hourAgo());
      await claim(killed, hourAgo());
      const next = newLease();
      expect(await claim(next, hourAgo())).toEqual({ kind: 'claimed' });
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'held', leaseToken: next.token });
      expect(await jobs.renew({ ...killed, expiresAt: inAnHour() })).toBe(false);
      expect(await jobs.finish(killed.token)).toBe(false);
      expect(await claim(newLease(), inAnHour())).toMatchObject({ kind: 'held' });
    });

    it('gives out a job that was started in the future: the clock was set back', async () => {
      aheadMs = DAY_MS;
      await finishNew();
      aheadMs = 0;
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'claimed' });
      expect(await claim(newLease(), hourAgo())).toMatchObject({ kind: 'held' });
    });

    it('cuts a lease that ends in the far future: the clock was set back', async () => {
      const killed = newLease(tomorrow());
      await claim(killed, hourAgo());
      const soon = new Date(Date.now() + 1_000);
      expect(await claim(newLease(soon), hourAgo())).toMatchObject({ kind: 'held' });
      aheadMs = DAY_MS / 2;
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'claimed' });
    });

    it('keeps jobs with different names separate', async () => {
      const lease = newLease();
      await claim(lease, hourAgo());
      expect(await claim(newLease(), hourAgo(), 'another')).toEqual({ kind: 'claimed' });
      expect(await jobs.finish(lease.token)).toBe(true);
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'done' });
      expect(await claim(newLease(), hourAgo(), 'another')).toMatchObject({ kind: 'held' });
    });

    it('extends a lease, and ends it early', async () => {
      const lease = newLease(hourAgo());
      await claim(lease, hourAgo());
      expect(await jobs.renew({ ...lease, expiresAt: inAnHour() })).toBe(true);
      expect(await claim(newLease(), inAnHour())).toMatchObject({ kind: 'held' });
      expect(await jobs.renew({ ...lease, expiresAt: hourAgo() })).toBe(true);
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'claimed' });
    });

    it('ignores an unknown lease', async () => {
      expect(await jobs.renew(newLease())).toBe(false);
      expect(await jobs.finish(newLease().token)).toBe(false);
    });

    async function finishNew(): Promise<void> {
      const lease = newLease();
      await claim(lease, hourAgo());
      await jobs.finish(lease.token);
    }
  });
}

function newLease(expiresAt = inAnHour()): Lease {
  return { token: `host|1|life|${randomUUID()}`, expiresAt };
}
