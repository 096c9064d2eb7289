import { describe, expect, it } from '@jest/globals';
import type { IndexEntries, IndexEntry } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  entryOf,
  hourAgo,
  idsOf,
  inAnHour,
  indexNew,
  newLease,
  range,
} from './situations';

const MINUTE_MS = 60_000;

export function describeClaims(entries: () => IndexEntries): void {
  describe('claim', () => {
    it('leases due entries to the caller and counts the attempt', async () => {
      await entries().markPending([7]);
      const lease = newLease();
      const claimed = await entries().claim(10, lease);
      expect(claimed).toMatchObject([
        { fileId: 7, state: 'indexing', attempts: 1, lease: lease.token },
      ]);
      expect(claimed).toEqual([await entryOf(entries(), 7)]);
    });

    it('returns at most the requested number', async () => {
      await entries().markPending(range(1, 5));
      expect(await entries().claim(3, newLease())).toHaveLength(3);
      expect(await entries().claim(3, newLease())).toHaveLength(2);
      expect(await entries().claim(3, newLease())).toEqual([]);
    });

    it('returns the entries that have been due longest first', async () => {
      const token = await claimNew(entries(), [1, 2, 3]);
      const base = hourAgo().getTime();
      await entries().release(1, token, new Date(base + 2 * MINUTE_MS));
      await entries().release(2, token, new Date(base));
      await entries().release(3, token, new Date(base + MINUTE_MS));
      await entries().markPending([4]);
      expect(idsOf(await entries().claim(2, newLease()))).toEqual([2, 3]);
      expect(idsOf(await entries().claim(2, newLease()))).toEqual([1, 4]);
    });

    it('returns uploads first, then replaced files, then all others', async () => {
      await entries().markPending([1, 2]);
      await entries().markPending([3, 4], 'replacement');
      await entries().markPending([5, 6], 'upload');
      expect(idsOf(await entries().claim(3, newLease()))).toEqual([5, 6, 3]);
      expect(idsOf(await entries().claim(3, newLease()))).toEqual([4, 1, 2]);
    });

    it('returns the requested number of the oldest entries whatever their priority', async () => {
      const token = await claimNew(entries(), [1, 2, 3]);
      const base = hourAgo().getTime();
      for (const fileId of [1, 2, 3]) {
        await entries().release(fileId, token, new Date(base + fileId * MINUTE_MS));
      }
      await entries().markPending([4, 5, 6], 'upload');
      const claimed = idsOf(await entries().claim(3, newLease(), 1));
      expect(claimed.sort((left, right) => left - right)).toEqual([1, 4, 5]);
      expect(idsOf(await entries().claim(1, newLease(), 1))).toEqual([2]);
      expect(idsOf(await entries().claim(5, newLease(), 5))).toEqual([6, 3]);
    });

    it('skips urgent entries that are due later', async () => {
      await entries().markPending([1], 'upload');
      const lease = newLease();
      await entries().claim(1, lease);
      await entries().release(1, lease.token, inAnHour());
      await entries().markPending([2]);
      expect(idsOf(await entries().claim(2, newLease()))).toEqual([2]);
    });

    it('skips entries that are due later, leased or finished', async () => {
      await indexNew(entries(), [1]);
      const token = await claimNew(entries(), [2, 3]);
      await entries().release(2, token, inAnHour());
      expect(await entries().claim(10, newLease())).toEqual([]);
    });

    it('counts attempts since the entry was last marked', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, {
        code: 'unexpected',
        message: 'It failed.',
        next: { state: 'pending', dueAt: hourAgo() },
        sourceSignature: null,
      });
      expect(await entries().claim(1, newLease())).toMatchObject([{ fileId: 7, attempts: 2 }]);
      await entries().markPending([7]);
      expect(await entries().claim(1, newLease())).toMatchObject([{ fileId: 7, attempts: 1 }]);
    });

    it('never leases an entry twice to concurrent callers', async () => {
      const fileIds = range(1, 60);
      await entries().markPending(fileIds);
      const claimed = await Promise.all(range(1, 6).map(() => claimUntilEmpty(entries())));
      const leased = claimed.flat();
      expect(idsOf(leased).sort((left, right) => left - right)).toEqual(fileIds);
      expect(leased.map((entry) => entry.attempts)).toEqual(fileIds.map(() => 1));
      const { entries: kept } = await entries().list({ cursor: null, limit: 100 });
      const tokenOf = new Map(leased.map((entry) => [entry.fileId, entry.lease]));
      expect(kept.map((entry) => entry.lease)).toEqual(fileIds.map((id) => tokenOf.get(id)));
    });
  });
}

/** As one of several workers; an empty answer while something is due means that another was quicker. */
async function claimUntilEmpty(entries: IndexEntries): Promise<IndexEntry[]> {
  const claimed: IndexEntry[] = [];
  while ((await entries.counts()).pending > 0)
    claimed.push(...(await entries.claim(7, newLease())));
  return claimed;
}
