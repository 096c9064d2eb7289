import { describe, expect, it } from '@jest/globals';
import type { EntryFailure, IndexEntries } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  entryOf,
  givenUp,
  hourAgo,
  inAnHour,
  newLease,
  image,
  triedAgain,
} from './situations';

export function describeOutcomes(entries: () => IndexEntries): void {
  describe('complete', () => {
    it('stores the results and ends the lease', async () => {
      const before = Date.now();
      const token = await claimNew(entries(), [7]);
      expect(await entries().complete(7, token, image)).toBe(true);
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

    it('clears the error of an earlier attempt', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, triedAgain(hourAgo()));
      const lease = newLease();
      await entries().claim(1, lease);
      await entries().complete(7, lease.token, image);
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
      ['complete', (fileId, token) => entries().complete(fileId, token, image)],
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
      await entries().complete(7, token, image);
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
