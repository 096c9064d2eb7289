import { describe, expect, it } from '@jest/globals';
import type { IndexEntries } from '../../../plugin/src/indexing/contract';
import { claimNew, complete, entryOf, idsOf, indexNew, newLease } from './situations';

export function describeSeparation(
  entries: () => IndexEntries,
  ofAnotherSpace: () => IndexEntries,
): void {
  describe('queues of two spaces', () => {
    it('keep entries of the same file separate', async () => {
      const other = ofAnotherSpace();
      await indexNew(entries(), [7]);
      expect(await other.get([7])).toEqual([]);
      await other.markPending([7, 8]);
      expect(await entryOf(entries(), 7)).toMatchObject({ state: 'indexed' });
      expect(await entries().counts()).toMatchObject({ indexed: 1, pending: 0 });
      expect(await other.counts()).toMatchObject({ indexed: 0, pending: 2 });
      expect((await other.list({ cursor: null, limit: 10 })).entries).toHaveLength(2);
      expect((await entries().list({ cursor: null, limit: 10 })).entries).toHaveLength(1);
    });

    it('keep claims, states and due times separate', async () => {
      const other = ofAnotherSpace();
      await other.markPending([7, 8]);
      expect(await entries().claim(10, newLease())).toEqual([]);
      expect(await entries().nextDueAt()).toBeNull();
      const token = await claimNew(entries(), [7]);
      expect(idsOf(await other.claim(1, newLease()))).toEqual([7]);
      expect(await complete(entries(), 7, token)).toBe(true);
      expect(await entries().markStatesPending(['pending', 'indexing', 'indexed'])).toBe(1);
      expect(await other.counts()).toMatchObject({ pending: 1, indexing: 1 });
      expect(await complete(other, 8, token)).toBe(false);
    });
  });
}
