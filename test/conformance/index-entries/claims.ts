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
    it('leases what is due to the caller and counts the try', async () => {
      await entries().markPending([7]);
      const lease = newLease();
      const claimed = await entries().claim(10, lease);
      expect(claimed).toMatchObject([
        { fileId: 7, state: 'indexing', attempts: 1, lease: lease.token },
      ]);
      expect(claimed).toEqual([await entryOf(entries(), 7)]);
    });

    it('answers at most as many as it was asked for', async () => {
      await entries().markPending(range(1, 5));
      expect(await entries().claim(3, newLease())).toHaveLength(3);
      expect(await entries().claim(3, newLease())).toHaveLength(2);
      expect(await entries().claim(3, newLease())).toEqual([]);
    });

    it('answers what has been due for longest first', async () => {
      const token = await claimNew(entries(), [1, 2, 3]);
      const base = hourAgo().getTime();
      await entries().release(1, token, new Date(base + 2 * MINUTE_MS));
      await entries().release(2, token, new Date(base));
      await entries().release(3, token, new Date(base + MINUTE_MS));
      await entries().markPending([4]);
      expect(idsOf(await entries().claim(2, newLease()))).toEqual([2, 3]);
      expect(idsOf(await entries().claim(2, newLease()))).toEqual([1, 4]);
    });

    it('leaves alone what falls due later, is leased, or is done', async () => {
      await indexNew(entries(), [1]);
      const token = await claimNew(entries(), [2, 3]);
      await entries().release(2, token, inAnHour());
      expect(await entries().claim(10, newLease())).toEqual([]);
    });

    it('counts the tries from the last marking on', async () => {
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

    it('never leases an entry twice, however many claim at once', async () => {
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
