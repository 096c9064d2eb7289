import { describe, expect, it } from '@jest/globals';
import type { IndexEntries } from '../../../plugin/src/indexing/contract';
import { claimNew, entryOf, hourAgo, idsOf, inAnHour, newLease, picture } from './situations';

export function describeLeases(entries: () => IndexEntries): void {
  describe('releaseExpired', () => {
    it('makes what a lease ran out on due again, the try counted', async () => {
      const expired = await claimNew(entries(), [1, 2], newLease(hourAgo()));
      await claimNew(entries(), [3]);
      expect(await entries().releaseExpired(new Date())).toBe(2);
      expect(await entries().counts()).toMatchObject({ pending: 2, indexing: 1 });
      expect(await entries().complete(1, expired, picture)).toBe(false);
      const claimed = await entries().claim(10, newLease());
      expect(claimed).toMatchObject([
        { fileId: 1, attempts: 2 },
        { fileId: 2, attempts: 2 },
      ]);
    });

    it('answers 0 when no lease ran out', async () => {
      await claimNew(entries(), [1]);
      await entries().markPending([2]);
      expect(await entries().releaseExpired(new Date())).toBe(0);
      expect(await entryOf(entries(), 1)).toMatchObject({ state: 'indexing' });
    });

    it('judges by the time that it is given', async () => {
      await claimNew(entries(), [1]);
      expect(await entries().releaseExpired(new Date(inAnHour().getTime() + 60_000))).toBe(1);
    });

    it('leaves a claim that ended too late its result until another takes over', async () => {
      const token = await claimNew(entries(), [1], newLease(hourAgo()));
      expect(await entries().complete(1, token, picture)).toBe(true);
      expect(await entries().releaseExpired(new Date())).toBe(0);
    });
  });

  describe('renew', () => {
    it('prolongs what the lease still holds and answers how many', async () => {
      const lease = newLease(hourAgo());
      await claimNew(entries(), [1, 2, 3], lease);
      await entries().complete(1, lease.token, picture);
      await entries().markPending([2]);
      expect(await entries().renew({ ...lease, expiresAt: inAnHour() })).toBe(1);
      expect(await entries().releaseExpired(new Date())).toBe(0);
      expect(await entryOf(entries(), 3)).toMatchObject({ state: 'indexing', lease: lease.token });
    });

    it('answers 0 for a lease that holds nothing', async () => {
      await claimNew(entries(), [1], newLease(hourAgo()));
      expect(await entries().renew(newLease())).toBe(0);
      expect(await entries().releaseExpired(new Date())).toBe(1);
    });
  });

  describe('releaseAbandoned', () => {
    it('makes due what is held under the leases that are said to be abandoned', async () => {
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

    it('answers 0 when nothing is claimed', async () => {
      await entries().markPending([1]);
      expect(await entries().releaseAbandoned(() => true)).toBe(0);
    });
  });
}
