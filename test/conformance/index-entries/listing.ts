import { describe, expect, it } from '@jest/globals';
import type { IndexEntries, IndexState } from '../../../plugin/src/indexing/contract';
import {
  claimNew,
  complete,
  givenUp,
  hourAgo,
  idsOf,
  inAnHour,
  indexNew,
  range,
} from './situations';

export function describeListing(entries: () => IndexEntries): void {
  describe('counts', () => {
    it('counts every state, including those without entries', async () => {
      const none = { pending: 0, indexing: 0, indexed: 0, skipped: 0, failed: 0 };
      expect(await entries().counts()).toEqual(none);
      const token = await claimNew(entries(), range(1, 6));
      await complete(entries(), 1, token);
      await complete(entries(), 2, token);
      await entries().fail(3, token, givenUp);
      await entries().fail(4, token, { ...givenUp, next: { state: 'skipped' } });
      await entries().release(5, token, inAnHour());
      expect(await entries().counts()).toEqual({
        pending: 1,
        indexing: 1,
        indexed: 2,
        skipped: 1,
        failed: 1,
      });
    });
  });

  describe('countIndexed', () => {
    it('counts only indexed entries, all or those since a given time', async () => {
      const token = await claimNew(entries(), range(1, 5));
      await complete(entries(), 1, token);
      await complete(entries(), 2, token);
      await entries().fail(4, token, givenUp);
      expect(await entries().countIndexed()).toBe(2);
      expect(await entries().countIndexedSince(hourAgo())).toBe(2);
      expect(await entries().countIndexedSince(inAnHour())).toBe(0);
    });
  });

  describe('countSearchable', () => {
    it('counts those that were indexed, and wait or are claimed for it to happen again', async () => {
      const token = await claimNew(entries(), range(1, 6));
      for (const fileId of [1, 2, 3, 4]) await complete(entries(), fileId, token);
      await entries().fail(5, token, givenUp);
      const again = await claimNew(entries(), [3, 4]);
      await entries().fail(4, again, givenUp);
      await entries().markPending([2]);
      expect(await entries().countSearchable()).toBe(3);
    });
  });

  describe('nextDueAt', () => {
    it('returns when the first pending entry is due, in the past or future', async () => {
      const token = await claimNew(entries(), [1, 2]);
      const [later, earlier] = [inAnHour(), hourAgo()];
      await entries().release(1, token, later);
      expect(await entries().nextDueAt()).toEqual(later);
      await entries().release(2, token, earlier);
      expect(await entries().nextDueAt()).toEqual(earlier);
    });

    it('returns null if nothing is pending', async () => {
      expect(await entries().nextDueAt()).toBeNull();
      await indexNew(entries(), [1]);
      await claimNew(entries(), [2]);
      expect(await entries().nextDueAt()).toBeNull();
    });
  });

  describe('list', () => {
    it('returns the entries of the requested priorities', async () => {
      await entries().markPending([1, 4]);
      await entries().markPending([2], 'replacement');
      await entries().markPending([3, 5], 'upload');
      const listed = async (cursor: number | null, limit: number) =>
        entries().list({ priorities: ['upload', 'replacement'], cursor, limit });
      expect(idsOf((await listed(null, 10)).entries)).toEqual([2, 3, 5]);
      expect(idsOf((await listed(2, 1)).entries)).toEqual([3]);
    });
  });

  describe('get', () => {
    it('returns the entries that exist and skips the others', async () => {
      await entries().markPending([3, 1]);
      const found = await entries().get([1, 2, 3]);
      expect(new Set(idsOf(found))).toEqual(new Set([1, 3]));
      expect(await entries().get([])).toEqual([]);
    });

    it('accepts many ids', async () => {
      const fileIds = range(1, 510);
      await entries().markPending(fileIds);
      expect(new Set(idsOf(await entries().get(fileIds)))).toEqual(new Set(fileIds));
    });
  });

  describe('list', () => {
    it('walks all entries in the order of their file ids, page by page', async () => {
      const fileIds = [12, 3, 7, 30, 1, 9];
      await entries().markPending(fileIds);
      const sorted = [...fileIds].sort((left, right) => left - right);
      for (const limit of [1, 2, 3, 5, 6, 7, 100]) {
        expect(await walk(entries(), limit)).toEqual(sorted);
      }
    });

    it('walks entries of these states only', async () => {
      const token = await claimNew(entries(), range(1, 9));
      for (const fileId of [2, 4, 6, 8]) await complete(entries(), fileId, token);
      for (const fileId of [3, 9]) await entries().fail(fileId, token, givenUp);
      expect(await walk(entries(), 2, ['indexed', 'failed'])).toEqual([2, 3, 4, 6, 8, 9]);
      expect(await walk(entries(), 2, ['skipped'])).toEqual([]);
    });

    it('continues after the cursor even if its entry was deleted', async () => {
      const token = await claimNew(entries(), [1, 2, 3]);
      const { nextCursor } = await entries().list({ cursor: null, limit: 2 });
      await entries().forget(2, token);
      const { entries: rest } = await entries().list({ cursor: nextCursor, limit: 2 });
      expect(idsOf(rest)).toEqual([3]);
    });

    it('returns one empty page for an empty queue', async () => {
      expect(await entries().list({ cursor: null, limit: 5 })).toEqual({
        entries: [],
        nextCursor: null,
      });
    });
  });
}

async function walk(
  entries: IndexEntries,
  limit: number,
  states?: readonly IndexState[],
): Promise<number[]> {
  const found: number[] = [];
  let cursor: number | null = null;
  do {
    const page = await entries.list({ cursor, limit, ...(states && { states }) });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    found.push(...idsOf(page.entries));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}
