import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Lease } from '../../plugin/src/indexing/contract';
import type { JobClaim, JobLeases } from '../../plugin/src/scheduling/contract';
import { hourAgo, inAnHour, range } from './index-entries/situations';

const CALLERS = 12;

/** Every sentence of the contract of JobLeases; `empty` answers an implementation on the real time, with no job. */
export function describeJobLeases(name: string, empty: () => Promise<JobLeases>): void {
  describe(`job leases: ${name}`, () => {
    let jobs: JobLeases;
    beforeEach(async () => {
      jobs = await empty();
    });

    const claim = (lease: Lease, notStartedSince: Date, job = 'compare'): Promise<JobClaim> =>
      jobs.tryClaim({ name: job, lease, notStartedSince });

    it('gives a job that is new to one of many callers', async () => {
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

    it('gives nobody a job that was begun since then', async () => {
      await finishNew();
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'done' });
    });

    it('gives a job anew when it was begun before then', async () => {
      await finishNew();
      expect(await claim(newLease(), inAnHour())).toEqual({ kind: 'claimed' });
      expect(await claim(newLease(), inAnHour())).toMatchObject({ kind: 'held' });
    });

    it('counts from the beginning of the job, not from its end', async () => {
      const lease = newLease();
      await claim(lease, hourAgo());
      await wait(2);
      const afterBeginning = new Date();
      await jobs.finish(lease.token);
      expect(await claim(newLease(), afterBeginning)).toEqual({ kind: 'claimed' });
    });

    it('gives a job on whose lease has run out, whenever it was begun', async () => {
      const killed = newLease(hourAgo());
      await claim(killed, hourAgo());
      const next = newLease();
      expect(await claim(next, hourAgo())).toEqual({ kind: 'claimed' });
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'held', leaseToken: next.token });
      expect(await jobs.renew({ ...killed, expiresAt: inAnHour() })).toBe(false);
      expect(await jobs.finish(killed.token)).toBe(false);
      expect(await claim(newLease(), inAnHour())).toMatchObject({ kind: 'held' });
    });

    it('keeps jobs of other names apart', async () => {
      const lease = newLease();
      await claim(lease, hourAgo());
      expect(await claim(newLease(), hourAgo(), 'another')).toEqual({ kind: 'claimed' });
      expect(await jobs.finish(lease.token)).toBe(true);
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'done' });
      expect(await claim(newLease(), hourAgo(), 'another')).toMatchObject({ kind: 'held' });
    });

    it('prolongs a lease, and ends it early', async () => {
      const lease = newLease(hourAgo());
      await claim(lease, hourAgo());
      expect(await jobs.renew({ ...lease, expiresAt: inAnHour() })).toBe(true);
      expect(await claim(newLease(), inAnHour())).toMatchObject({ kind: 'held' });
      expect(await jobs.renew({ ...lease, expiresAt: hourAgo() })).toBe(true);
      expect(await claim(newLease(), hourAgo())).toEqual({ kind: 'claimed' });
    });

    it('knows nothing of a lease that was never given', async () => {
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
