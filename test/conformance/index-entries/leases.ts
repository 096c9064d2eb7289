import { describe, expect, it } from '@jest/globals';
import type { IndexEntries } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  complete,
  entryOf,
  hourAgo,
  idsOf,
  inAnHour,
  newLease,
  tomorrow,
} from './situations';

export function describeLeases(entries: () => IndexEntries): void {
  describe('releaseExpired', () => {
    it('makes entries with an expired lease due again, with the attempt counted', async () => {
      const expired = await claimNew(entries(), [1, 2], newLease(hourAgo()));
      await claimNew(entries(), [3]);
      expect(await entries().releaseExpired(new Date())).toBe(2);
      expect(await entries().counts()).toMatchObject({ pending: 2, indexing: 1 });
      expect(await complete(entries(), 1, expired)).toBe(false);
      const claimed = await entries().claim(10, newLease());
      expect(claimed).toMatchObject([
        { fileId: 1, attempts: 2 },
        { fileId: 2, attempts: 2 },
      ]);
    });

    it('returns 0 if no lease has expired', async () => {
      await claimNew(entries(), [1]);
      await entries().markPending([2]);
      expect(await entries().releaseExpired(new Date())).toBe(0);
      expect(await entryOf(entries(), 1)).toMatchObject({ state: 'indexing' });
    });

    it('uses the given time', async () => {
      await claimNew(entries(), [1]);
      expect(await entries().releaseExpired(new Date(inAnHour().getTime() + 60_000))).toBe(1);
    });

    it('accepts a late result until another claim takes over', async () => {
      const token = await claimNew(entries(), [1], newLease(hourAgo()));
      expect(await complete(entries(), 1, token)).toBe(true);
      expect(await entries().releaseExpired(new Date())).toBe(0);
    });
  });

  describe('limitTimes', () => {
    it('ends leases that a clock left in the future, and no others', async () => {
      const soon = newLease(new Date(Date.now() + 1_000));
      await claimNew(entries(), [1], soon);
      await claimNew(entries(), [2], newLease(tomorrow()));
      const expiry = new Date(Date.now() + 60_000);
      await entries().limitTimes({ due: inAnHour(), expiry });
      expect(await entries().releaseExpired(new Date(Date.now() + 30_000))).toBe(1);
      expect(await entryOf(entries(), 2)).toMatchObject({ state: 'indexing' });
      expect(await entries().releaseExpired(new Date(expiry.getTime() + 1))).toBe(1);
    });

    it('brings due times forward that a clock left in the future, and no others', async () => {
      const token = await claimNew(entries(), [1, 2]);
      await entries().release(1, token, tomorrow());
      const soon = new Date(Date.now() + 60_000);
      await entries().limitTimes({ due: soon, expiry: inAnHour() });
      expect(await entries().nextDueAt()).toEqual(soon);
      const sooner = new Date(Date.now() + 30_000);
      await entries().release(2, token, sooner);
      await entries().limitTimes({ due: soon, expiry: inAnHour() });
      expect(await entries().nextDueAt()).toEqual(sooner);
      expect(await entryOf(entries(), 1)).toMatchObject({ state: 'pending', attempts: 0 });
    });
  });

  describe('renew', () => {
    it('renews the entries that the lease still holds and returns how many', async () => {
      const lease = newLease(hourAgo());
      await claimNew(entries(), [1, 2, 3], lease);
      await complete(entries(), 1, lease.token);
      await entries().markPending([2]);
      expect(await entries().renew({ ...lease, expiresAt: inAnHour() })).toBe(1);
      expect(await entries().releaseExpired(new Date())).toBe(0);
      expect(await entryOf(entries(), 3)).toMatchObject({ state: 'indexing', lease: lease.token });
    });

    it('returns 0 for a lease that holds nothing', async () => {
      await claimNew(entries(), [1], newLease(hourAgo()));
      expect(await entries().renew(newLease())).toBe(0);
      expect(await entries().releaseExpired(new Date())).toBe(1);
    });
  });

  describe('releaseAbandoned', () => {
    it('makes entries of abandoned leases due', async () => {
      const dead = [newLease(), newLease()];
      for (const [index, lease] of dead.entries()) {
        await claimNew(entries(), [2 * index + 1, 2 * index + 2], lease);
      }
      const living = await claimNew(entries(), [9]);
      await entries().markPending([10]);
      const asked: string[] = [];
      const released = await entries().releaseAbandoned((token) => {
        asked.push(token);
        return token !== living;
      });
      expect(released).toBe(4);
      expect(new Set(asked)).toEqual(new Set([...dead.map(({ token }) => token), living]));
      expect(await entryOf(entries(), 1)).toMatchObject({
        state: 'pending',
        attempts: 1,
        lease: null,
      });
      expect(await entryOf(entries(), 9)).toMatchObject({ state: 'indexing', lease: living });
      expect(new Set(idsOf(await entries().claim(10, newLease())))).toEqual(
        new Set([1, 2, 3, 4, 10]),
      );
    });

    it('returns 0 if nothing is claimed', async () => {
      await entries().markPending([1]);
      expect(await entries().releaseAbandoned(() => true)).toBe(0);
    });
  });
}
