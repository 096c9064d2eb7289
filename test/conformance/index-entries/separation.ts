import { describe, expect, it } from '@jest/globals';
import type { IndexEntries } from '../../../plugin/src/indexing/contract';
import { claimNew, entryOf, idsOf, indexNew, newLease, picture } from './situations';

export function describeSeparation(
  entries: () => IndexEntries,
  ofAnotherSpace: () => IndexEntries,
): void {
  describe('queues of two spaces', () => {
    it('hold the same file apart', async () => {
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

    it('answer claims, changes of states and due times of their own alone', async () => {
      const other = ofAnotherSpace();
      await other.markPending([7, 8]);
      expect(await entries().claim(10, newLease())).toEqual([]);
      expect(await entries().nextDueAt()).toBeNull();
      const token = await claimNew(entries(), [7]);
      expect(idsOf(await other.claim(1, newLease()))).toEqual([7]);
      expect(await entries().complete(7, token, picture)).toBe(true);
      expect(await entries().markStatesPending(['pending', 'indexing', 'indexed'])).toBe(1);
      expect(await other.counts()).toMatchObject({ pending: 1, indexing: 1 });
      expect(await other.complete(8, token, picture)).toBe(false);
    });
  });
}
