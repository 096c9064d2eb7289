import { describe, expect, it } from '@jest/globals';
import type { EntryFailure, IndexEntries } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  entryOf,
  givenUp,
  hourAgo,
  inAnHour,
  newLease,
  picture,
  triedAgain,
} from './situations';

export function describeOutcomes(entries: () => IndexEntries): void {
  describe('complete', () => {
    it('keeps what was found out and ends the lease', async () => {
      const before = Date.now();
      const token = await claimNew(entries(), [7]);
      expect(await entries().complete(7, token, picture)).toBe(true);
      const entry = await entryOf(entries(), 7);
      expect(entry).toEqual({
        ...picture,
        fileId: 7,
        state: 'indexed',
        attempts: 1,
        lease: null,
        errorCode: null,
        errorMessage: null,
        indexedAt: expect.any(Date),
      });
      expect(entry.indexedAt?.getTime()).toBeGreaterThanOrEqual(before);
      expect(entry.indexedAt?.getTime()).toBeLessThanOrEqual(Date.now());
    });

    it('forgets the error of an earlier try', async () => {
      const token = await claimNew(entries(), [7]);
      await entries().fail(7, token, triedAgain(hourAgo()));
      const lease = newLease();
      await entries().claim(1, lease);
      await entries().complete(7, lease.token, picture);
      expect(await entryOf(entries(), 7)).toMatchObject({ errorCode: null, errorMessage: null });
    });
  });

  describe('fail', () => {
    it('makes an entry due again at the time it is given', async () => {
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

    it.each(['failed', 'skipped'] as const)('ends the tries as %s', async (state) => {
      const token = await claimNew(entries(), [7]);
      const failure: EntryFailure = { ...givenUp, next: { state } };
      expect(await entries().fail(7, token, failure)).toBe(true);
      expect(await entryOf(entries(), 7)).toMatchObject({
        state,
        lease: null,
        errorCode: 'image-unreadable',
        errorMessage: 'It is no picture.',
        sourceSignature: givenUp.sourceSignature,
      });
      expect(await entries().nextDueAt()).toBeNull();
      expect(await entries().claim(1, newLease())).toEqual([]);
    });
  });

  describe('release', () => {
    it('gives a claim back unfinished: due as it is told, the try not counted', async () => {
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

  describe('an outcome under a lease that is not held', () => {
    const outcomes: [string, (fileId: number, token: string) => Promise<boolean>][] = [
      ['complete', (fileId, token) => entries().complete(fileId, token, picture)],
      ['fail', (fileId, token) => entries().fail(fileId, token, givenUp)],
      ['release', (fileId, token) => entries().release(fileId, token, hourAgo())],
      ['forget', (fileId, token) => entries().forget(fileId, token)],
    ];

    it.each(outcomes)('%s changes nothing under the lease of another', async (_name, settle) => {
      await claimNew(entries(), [7]);
      const claimed = await entryOf(entries(), 7);
      expect(await settle(7, newLease().token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(claimed);
    });

    it.each(outcomes)('%s changes nothing a second time', async (_name, settle) => {
      const token = await claimNew(entries(), [7]);
      await entries().complete(7, token, picture);
      const indexed = await entryOf(entries(), 7);
      expect(await settle(7, token)).toBe(false);
      expect(await entryOf(entries(), 7)).toEqual(indexed);
    });

    it.each(outcomes)(
      '%s changes nothing when another has claimed since',
      async (_name, settle) => {
        const token = await claimNew(entries(), [7], newLease(hourAgo()));
        await entries().releaseExpired(new Date());
        await entries().claim(1, newLease());
        const claimed = await entryOf(entries(), 7);
        expect(await settle(7, token)).toBe(false);
        expect(await entryOf(entries(), 7)).toEqual(claimed);
      },
    );

    it.each(outcomes)('%s makes no entry of a file that has none', async (_name, settle) => {
      expect(await settle(7, newLease().token)).toBe(false);
      expect(await entries().get([7])).toEqual([]);
    });
  });
}
