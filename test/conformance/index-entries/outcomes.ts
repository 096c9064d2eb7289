import { describe, expect, it } from '@jest/globals';
import type { EntryFailure, IndexEntries } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  complete,
  entryOf,
  givenUp,
  hourAgo,
  image,
  inAnHour,
  newLease,
  triedAgain,
} from './situations';

export function describeOutcomes(entries: () => IndexEntries): void {
  describe('complete', () => {
    it('stores the results and ends the lease', async () => {
      const before = Date.now();
      const token = await claimNew(entries(), [7]);
      expect(await complete(entries(), 7, token)).toBe(true);
      const entry = await entryOf(entries(), 7);
      expect(entry).toEqual({
        ...image,
        fileId: 7,
        state: 'indexed',
        priority: 'backfill',
        attempts: 1,
        lease: null,
        errorCode: null,
        errorMessage: null,
        indexedAt: expect.any(Date),
      });
      expect(entry.indexedAt?.getTime()).toBeGreaterThanOrEqual(before);
      expect(entry.indexedAt?.getTime()).toBeLessThanOrEqual(Date.now());
    });

    it('stores the results of each of several entries that still hold their leases', async () => {
      const token = await claimNew(entries(), [3, 7, 8, 9]);
      await entries().markPending([8]);
      const indexed = [9, 8, 7].map((fileId) => ({
        fileId,
        lease: token,
        contentHash: String(fileId).repeat(64),
        sourceSignature: `signature of ${String(fileId)}`,
      }));
      const strange = { ...image, fileId: 3, lease: newLease().token };
      const missing = { ...image, fileId: 5, lease: token };
      const written = await entries().complete([...indexed, strange, missing]);
      expect([...written].sort()).toEqual([7, 9]);
      for (const fileId of written) {
        expect(await entryOf(entries(), fileId)).toMatchObject({
          state: 'indexed',
          lease: null,
          contentHash: String(fileId).repeat(64),
          sourceSignature: `signature of ${String(fileId)}`,
        });
      }
      expect(await entryOf(entries(), 8)).toMatchObject({ state: 'pending', indexedAt: null });
      expect(await entryOf(entries(), 3)).toMatchObject({ state: 'indexing', lease: token });
    });

    it('stores nothing for no entries', async () => {
      await claimNew(entries(), [7]);
      expect(await entries().complete([])).toEqual([]);
      expect(await entryOf(entries(), 7)).toMatchObject({ state: 'indexing' });
    });

    it('clears the error of an earlier attempt', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, triedAgain(hourAgo()));
      const lease = newLease();
      await entries().claim(1, lease);
      await complete(entries(), 7, lease.token);
      expect(await entryOf(entries(), 7)).toMatchObject({ errorCode: null, errorMessage: null });
    });
  });

  describe('fail', () => {
    it('makes an entry due again at the given time', async () => {
      const token = await claimNew(entries(), [7]);
      const dueAt = inAnHour();
      expect(await entries().fail(7, token, triedAgain(dueAt))).toBe(true);
      expect(await entryOf(entries(), 7)).toMatchObject({
        state: 'pending',
        attempts: 1,
        lease: null,
        errorCode: 'provider-unavailable',
        errorMessage: 'It does not answer.',
        sourceSignature: null,
      });
      expect(await entries().nextDueAt()).toEqual(dueAt);
    });

    it.each(['failed', 'skipped'] as const)('ends the attempts as %s', async (state) => {
      const token = await claimNew(entries(), [7]);
      const failure: EntryFailure = { ...givenUp, next: { state } };
      expect(await entries().fail(7, token, failure)).toBe(true);
      expect(await entryOf(entries(), 7)).toMatchObject({
        state,
        lease: null,
        errorCode: 'image-unreadable',
        errorMessage: 'It is no image.',
        sourceSignature: givenUp.sourceSignature,
      });
      expect(await entries().nextDueAt()).toBeNull();
      expect(await entries().claim(1, newLease())).toEqual([]);
    });
  });

  describe('release', () => {
    it('returns an unfinished claim, due at the given time, with the attempt not counted', async () => {
      const token = await claimNew(entries(), [7]);
      expect(await entries().release(7, token, hourAgo())).toBe(true);
      expect(await entryOf(entries(), 7)).toMatchObject({
        state: 'pending',
        attempts: 0,
        lease: null,
        errorCode: null,
      });
      expect(await entries().claim(1, newLease())).toMatchObject([{ fileId: 7, attempts: 1 }]);
    });
  });

  describe('forget', () => {
    it('deletes the entry', async () => {
      const token = await claimNew(entries(), [7, 8]);
      expect(await entries().forget(7, token)).toBe(true);
      expect(await entries().get([7, 8])).toMatchObject([{ fileId: 8 }]);
    });
  });

  describe("an outcome under a lease that isn't held", () => {
    const outcomes: [string, (fileId: number, token: string) => Promise<boolean>][] = [
      ['complete', (fileId, token) => complete(entries(), fileId, token)],
      ['fail', (fileId, token) => entries().fail(fileId, token, givenUp)],
      ['release', (fileId, token) => entries().release(fileId, token, hourAgo())],
      ['forget', (fileId, token) => entries().forget(fileId, token)],
    ];

    it.each(outcomes)('%s changes nothing under another lease', async (_name, settle) => {
      await claimNew(entries(), [7]);
      const claimed = await entryOf(entries(), 7);
      expect(await settle(7, newLease().token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(claimed);
    });

    it.each(outcomes)('%s changes nothing a second time', async (_name, settle) => {
      const token = await claimNew(entries(), [7]);
      await complete(entries(), 7, token);
      const indexed = await entryOf(entries(), 7);
      expect(await settle(7, token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(indexed);
    });

    it.each(outcomes)('%s changes nothing after another claim', async (_name, settle) => {
      const token = await claimNew(entries(), [7], newLease(hourAgo()));
      await entries().releaseExpired(new Date());
      await entries().claim(1, newLease());
      const claimed = await entryOf(entries(), 7);
      expect(await settle(7, token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(claimed);
    });

    it.each(outcomes)('%s adds no entry for a file without one', async (_name, settle) => {
      expect(await settle(7, newLease().token)).toBe(false);
      expect(await entries().get([7])).toEqual([]);
    });
  });
}
