import { describe, expect, it } from '@jest/globals';
import type { IndexEntries } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  complete,
  entryOf,
  givenUp,
  idsOf,
  image,
  inAnHour,
  indexNew,
  newLease,
  range,
  triedAgain,
} from './situations';

export function describeMarking(entries: () => IndexEntries): void {
  describe('markPending', () => {
    it('adds a due entry without any results', async () => {
      await entries().markPending([7]);
      expect(await entryOf(entries(), 7)).toEqual({
        fileId: 7,
        state: 'pending',
        priority: 'backfill',
        attempts: 0,
        lease: null,
        errorCode: null,
        errorMessage: null,
        contentHash: null,
        sourceSignature: null,
        indexedAt: null,
      });
      expect(idsOf(await entries().claim(1, newLease()))).toEqual([7]);
    });

    it('adds one entry for a file marked twice, in one call or in two', async () => {
      await entries().markPending([7, 8, 7]);
      await entries().markPending([8]);
      expect(await entries().counts()).toMatchObject({ pending: 2 });
      expect(idsOf((await entries().list({ cursor: null, limit: 10 })).entries)).toEqual([7, 8]);
    });

    it('adds one entry for a file marked many times at once', async () => {
      await Promise.all(range(1, 8).map(() => entries().markPending([7, 8, 9])));
      expect(idsOf((await entries().list({ cursor: null, limit: 10 })).entries)).toEqual([7, 8, 9]);
    });

    it('accepts many files, known and new', async () => {
      await entries().markPending(range(1, 510));
      await entries().markPending(range(301, 300));
      expect(await entries().counts()).toMatchObject({ pending: 600 });
    });

    it('does nothing for no files', async () => {
      await entries().markPending([]);
      expect(await entries().counts()).toMatchObject({ pending: 0 });
    });

    it('resets an indexed entry and keeps the results of its last indexing', async () => {
      await indexNew(entries(), [7]);
      await entries().markPending([7]);
      const entry = await entryOf(entries(), 7);
      expect(entry).toMatchObject({ ...image, state: 'pending', attempts: 0, lease: null });
      expect(entry.indexedAt).toBeInstanceOf(Date);
    });

    it('resets a failed entry, without its error', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, givenUp);
      await entries().markPending([7]);
      expect(await entryOf(entries(), 7)).toMatchObject({
        state: 'pending',
        attempts: 0,
        errorCode: null,
        errorMessage: null,
      });
    });

    it('makes an entry that waits for a retry due at once', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, triedAgain(inAnHour()));
      expect(await entries().claim(1, newLease())).toEqual([]);
      await entries().markPending([7]);
      expect(await entries().claim(1, newLease())).toMatchObject([{ fileId: 7, attempts: 1 }]);
    });

    it('gives a waiting entry the more urgent priority, and a settled one the new priority', async () => {
      const priorityOf = async (fileId: number) => (await entryOf(entries(), fileId)).priority;
      await entries().markPending([7, 8]);
      await entries().markPending([7], 'upload');
      await entries().markPending([7, 8], 'replacement');
      expect([await priorityOf(7), await priorityOf(8)]).toEqual(['upload', 'replacement']);
      await entries().claim(2, newLease());
      await entries().markPending([7, 8]);
      expect([await priorityOf(7), await priorityOf(8)]).toEqual(['upload', 'replacement']);
      const lease = newLease();
      await entries().claim(2, lease);
      await complete(entries(), 7, lease.token);
      await entries().fail(8, lease.token, givenUp);
      await entries().markPending([7, 8]);
      expect([await priorityOf(7), await priorityOf(8)]).toEqual(['backfill', 'backfill']);
    });

    it("revokes a claim's lease, so that its result is discarded", async () => {
      const token = await claimNew(entries(), [7, 8]);
      await entries().markPending([7]);
      const marked = await entryOf(entries(), 7);
      expect(marked).toMatchObject({ state: 'pending', attempts: 0, lease: null });
      expect(await complete(entries(), 7, token)).toBe(false);
      expect(await entries().fail(7, token, givenUp)).toBe(false);
      expect(await entries().release(7, token, inAnHour())).toBe(false);
      expect(await entries().forget(7, token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(marked);
      expect(await complete(entries(), 8, token)).toBe(true);
    });
  });

  describe('markStatesPending', () => {
    it('makes only entries in these states due again', async () => {
      const token = await claimNew(entries(), [1, 2, 3, 4]);
      await complete(entries(), 1, token);
      await entries().fail(2, token, givenUp);
      await entries().fail(3, token, { ...givenUp, next: { state: 'skipped' } });
      expect(await entries().markStatesPending(['failed', 'skipped'])).toBe(2);
      expect(await entries().counts()).toEqual({
        pending: 2,
        indexing: 1,
        indexed: 1,
        skipped: 0,
        failed: 0,
      });
      expect(await entryOf(entries(), 2)).toMatchObject({ attempts: 0, errorCode: null });
      expect(idsOf(await entries().claim(10, newLease()))).toEqual([2, 3]);
    });

    it("clears an entry's content hash, so that it is embedded again", async () => {
      await indexNew(entries(), [7]);
      expect(await entries().markStatesPending(['indexed'])).toBe(1);
      expect(await entryOf(entries(), 7)).toMatchObject({
        ...image,
        state: 'pending',
        contentHash: null,
      });
    });

    it('lets uploads go first', async () => {
      const lease = newLease();
      await entries().markPending([7], 'upload');
      await entries().claim(1, lease);
      await complete(entries(), 7, lease.token);
      await entries().markStatesPending(['indexed']);
      expect(await entryOf(entries(), 7)).toMatchObject({ priority: 'backfill' });
    });

    it('revokes the leases of claims', async () => {
      const token = await claimNew(entries(), [7]);
      expect(await entries().markStatesPending(['indexing'])).toBe(1);
      expect(await complete(entries(), 7, token)).toBe(false);
    });

    it('returns 0 for states without entries, and for no states', async () => {
      await entries().markPending([7]);
      expect(await entries().markStatesPending(['failed'])).toBe(0);
      expect(await entries().markStatesPending([])).toBe(0);
      expect(await entries().counts()).toMatchObject({ pending: 1 });
    });
  });

  describe('makeDue', () => {
    it('makes only waiting entries due at once, with their attempts still counted', async () => {
      const token = await claimNew(entries(), [1, 2, 3, 4]);
      await entries().fail(1, token, triedAgain(inAnHour()));
      await entries().release(2, token, inAnHour());
      await entries().fail(3, token, givenUp);
      expect(await entries().claim(10, newLease())).toEqual([]);
      expect(await entries().makeDue()).toBe(2);
      expect(idsOf(await entries().claim(10, newLease()))).toEqual([1, 2]);
      expect(await entryOf(entries(), 1)).toMatchObject({ attempts: 2 });
      expect(await entryOf(entries(), 2)).toMatchObject({ attempts: 1 });
      expect(await entryOf(entries(), 3)).toMatchObject({ state: 'failed' });
      expect(await entryOf(entries(), 4)).toMatchObject({ state: 'indexing', lease: token });
    });

    it('returns 0 if nothing waits', async () => {
      expect(await entries().makeDue()).toBe(0);
      await entries().markPending([1]);
      expect(await entries().makeDue()).toBe(0);
    });
  });
}
