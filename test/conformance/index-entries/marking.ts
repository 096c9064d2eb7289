import { describe, expect, it } from '@jest/globals';
import type { IndexEntries } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  entryOf,
  givenUp,
  idsOf,
  inAnHour,
  indexNew,
  newLease,
  picture,
  range,
  triedAgain,
} from './situations';

export function describeMarking(entries: () => IndexEntries): void {
  describe('markPending', () => {
    it('makes an entry that nothing is known of but that it is due', async () => {
      await entries().markPending([7]);
      expect(await entryOf(entries(), 7)).toEqual({
        fileId: 7,
        state: 'pending',
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

    it('makes one entry of a file that is marked twice, in one call or in two', async () => {
      await entries().markPending([7, 8, 7]);
      await entries().markPending([8]);
      expect(await entries().counts()).toMatchObject({ pending: 2 });
      expect(idsOf((await entries().list({ cursor: null, limit: 10 })).entries)).toEqual([7, 8]);
    });

    it('makes one entry of a file that is marked many times at once', async () => {
      await Promise.all(range(1, 8).map(() => entries().markPending([7, 8, 9])));
      expect(idsOf((await entries().list({ cursor: null, limit: 10 })).entries)).toEqual([7, 8, 9]);
    });

    it('takes many files, known and new', async () => {
      await entries().markPending(range(1, 510));
      await entries().markPending(range(301, 300));
      expect(await entries().counts()).toMatchObject({ pending: 600 });
    });

    it('does nothing for no files', async () => {
      await entries().markPending([]);
      expect(await entries().counts()).toMatchObject({ pending: 0 });
    });

    it('starts an indexed entry anew and keeps what is known of its last indexing', async () => {
      await indexNew(entries(), [7]);
      await entries().markPending([7]);
      const entry = await entryOf(entries(), 7);
      expect(entry).toMatchObject({ ...picture, state: 'pending', attempts: 0, lease: null });
      expect(entry.indexedAt).toBeInstanceOf(Date);
    });

    it('starts a failed entry anew, without its error', async () => {
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

    it('makes an entry that waits for its next try due at once', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, triedAgain(inAnHour()));
      expect(await entries().claim(1, newLease())).toEqual([]);
      await entries().markPending([7]);
      expect(await entries().claim(1, newLease())).toMatchObject([{ fileId: 7, attempts: 1 }]);
    });

    it('takes a claim its lease, so that the result of that claim is discarded', async () => {
      const token = await claimNew(entries(), [7, 8]);
      await entries().markPending([7]);
      const marked = await entryOf(entries(), 7);
      expect(marked).toMatchObject({ state: 'pending', attempts: 0, lease: null });
      expect(await entries().complete(7, token, picture)).toBe(false);
      expect(await entries().fail(7, token, givenUp)).toBe(false);
      expect(await entries().release(7, token, inAnHour())).toBe(false);
      expect(await entries().forget(7, token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(marked);
      expect(await entries().complete(8, token, picture)).toBe(true);
    });
  });

  describe('markStatesPending', () => {
    it('makes entries of these states due again and leaves the others alone', async () => {
      const token = await claimNew(entries(), [1, 2, 3, 4]);
      await entries().complete(1, token, picture);
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

    it('lets an entry forget its content hash, so that it is embedded anew', async () => {
      await indexNew(entries(), [7]);
      expect(await entries().markStatesPending(['indexed'])).toBe(1);
      expect(await entryOf(entries(), 7)).toMatchObject({
        ...picture,
        state: 'pending',
        contentHash: null,
      });
    });

    it('takes claims their leases', async () => {
      const token = await claimNew(entries(), [7]);
      expect(await entries().markStatesPending(['indexing'])).toBe(1);
      expect(await entries().complete(7, token, picture)).toBe(false);
    });

    it('answers 0 for states that no entry has, and for none', async () => {
      await entries().markPending([7]);
      expect(await entries().markStatesPending(['failed'])).toBe(0);
      expect(await entries().markStatesPending([])).toBe(0);
      expect(await entries().counts()).toMatchObject({ pending: 1 });
    });
  });

  describe('makeDue', () => {
    it('makes what waits due at once, its tries still counted, and leaves the rest alone', async () => {
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

    it('answers 0 when nothing waits', async () => {
      expect(await entries().makeDue()).toBe(0);
    });
  });
}
