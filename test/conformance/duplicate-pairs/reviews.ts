import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DuplicatePair, DuplicatePairs } from '../../../plugin/src/duplicates/contract';
import { hourAgo, inAnHour, range } from '../index-entries/situations';
import { allPairs, findings, hashOf, pairOf, verdicts, type ReviewedFiles } from './situations';

const noon = new Date('2026-03-01T12:00:00.000Z');
const later = new Date('2026-03-01T12:30:00.000Z');

export function describeReviews(pairs: () => DuplicatePairs, files: ReviewedFiles): void {
  describe('review', () => {
    let pair: DuplicatePair;
    beforeEach(async () => {
      await pairs().record([findings(1, [2, 3])]);
      pair = await pairOf(pairs(), 1, 2);
    });

    const review = (status: 'open' | 'ignored', userId: number | null, reviewedAt = noon) =>
      pairs().review(pair.id, { status, userId, reviewedAt });

    it('ignores one pair and records who and when', async () => {
      const ignored = { ...pair, status: 'ignored', reviewedBy: 5, reviewedAt: noon };
      expect(await review('ignored', 5)).toEqual(ignored);
      expect(await pairs().get([pair.id])).toEqual([ignored]);
      expect(await pairOf(pairs(), 1, 3)).toMatchObject({ status: 'open' });
    });

    it('accepts an unknown user', async () => {
      expect(await review('ignored', null)).toMatchObject({ reviewedBy: null, reviewedAt: noon });
    });

    it('keeps the user and time of the first of two equal reviews', async () => {
      await review('ignored', 5);
      expect(await review('ignored', 6, later)).toMatchObject({ reviewedBy: 5, reviewedAt: noon });
    });

    it('reopens a pair, and lets someone else review it', async () => {
      await review('ignored', 5);
      expect(await review('open', 6, later)).toEqual(pair);
      expect(await review('ignored', 7, later)).toMatchObject({ reviewedBy: 7, reviewedAt: later });
    });

    it('does nothing for a pair that is open already', async () => {
      expect(await review('open', 5)).toEqual(pair);
    });

    it("doesn't change a merged pair", async () => {
      await pairs().markMerged({ keptId: 1, removedId: 2, userId: 8 });
      const merged = await pairOf(pairs(), 1, 2);
      expect(await review('ignored', 5)).toEqual(merged);
      expect(await review('open', 5)).toEqual(merged);
      expect(merged).toMatchObject({ status: 'merged', reviewedBy: 8 });
    });

    it('holds for the bytes, whichever files have them later, in any order', async () => {
      await review('ignored', 5);
      await pairs().removeFiles([1, 2]);
      const [hashA, hashB] = [pair.contentHashA, pair.contentHashB];
      const moved = (fileA: number, fileB: number, hashes: [string, string]) => ({
        fileId: fileA,
        contentHash: hashes[0],
        pairs: [
          {
            fileA,
            fileB,
            contentHashA: hashes[0],
            contentHashB: hashes[1],
            verdict: verdicts.sameImage,
          },
        ],
      });
      expect(await pairs().record([moved(21, 22, [hashB, hashA])])).toBe(0);
      const found = await pairOf(pairs(), 21, 22);
      expect(found).toMatchObject({ status: 'ignored', reviewedBy: 5, reviewedAt: noon });
      await pairs().review(found.id, { status: 'open', userId: 5, reviewedAt: later });
      await pairs().removeFiles([21, 22]);
      expect(await pairs().record([moved(31, 32, [hashA, hashB])])).toBe(1);
      expect(await pairOf(pairs(), 31, 32)).toMatchObject({ status: 'open', reviewedBy: null });
    });

    it('holds if one of the files is uploaded again, but not for a further copy', async () => {
      const [one, other, again] = [9_001, 9_002, 9_003];
      const withOther = (fileId: number) => ({
        fileId,
        contentHash: hashOf(one),
        pairs: [
          {
            fileA: Math.min(fileId, other),
            fileB: Math.max(fileId, other),
            contentHashA: hashOf(fileId < other ? one : other),
            contentHashB: hashOf(fileId < other ? other : one),
            verdict: verdicts.sameImage,
          },
        ],
      });
      await files.add(one, hashOf(one));
      await files.add(other, hashOf(other));
      await pairs().record([withOther(one)]);
      const { id } = await pairOf(pairs(), one, other);
      await pairs().review(id, { status: 'ignored', userId: 5, reviewedAt: noon });
      expect(await pairs().record([withOther(again)])).toBe(1);
      await pairs().removeFiles([one, again]);
      await files.remove(one);
      expect(await pairs().record([withOther(again)])).toBe(0);
      expect(await pairOf(pairs(), other, again)).toMatchObject({ status: 'ignored' });
      await files.remove(other);
    });

    it("doesn't hold for other files that have the same ids", async () => {
      await review('ignored', 5);
      await pairs().removeFiles([1, 2]);
      expect(await pairs().record([findings(1, [2], { version: 2 })])).toBe(1);
      expect(await pairOf(pairs(), 1, 2)).toMatchObject({ status: 'open', reviewedBy: null });
    });

    it('returns null for a missing pair', async () => {
      await pairs().removeFiles([2]);
      expect(await review('ignored', 5)).toBeNull();
    });

    it('lets the first of several concurrent reviews win', async () => {
      const answers = await Promise.all(range(1, 8).map((userId) => review('ignored', userId)));
      const { reviewedBy } = await pairOf(pairs(), 1, 2);
      expect(range(1, 8)).toContain(reviewedBy);
      expect(new Set(answers.map((answer) => answer?.reviewedBy))).toEqual(new Set([reviewedBy]));
    });
  });

  describe('markMerged', () => {
    it('marks the pairs of the kept file with the removed ones, on either side', async () => {
      await pairs().record([findings(3, [1, 2, 4, 5]), findings(1, [4])]);
      const ignored = await pairOf(pairs(), 3, 4);
      await pairs().review(ignored.id, { status: 'ignored', userId: 5, reviewedAt: noon });
      for (const removedId of [1, 4]) {
        await pairs().markMerged({ keptId: 3, removedId, userId: 8 });
      }
      for (const [fileA, fileB] of [
        [1, 3],
        [3, 4],
      ] as const) {
        const { status, reviewedBy, reviewedAt } = await pairOf(pairs(), fileA, fileB);
        expect({ status, reviewedBy }).toEqual({ status: 'merged', reviewedBy: 8 });
        expect(reviewedAt && reviewedAt > hourAgo() && reviewedAt < inAnHour()).toBe(true);
      }
      for (const [fileA, fileB] of [
        [2, 3],
        [3, 5],
        [1, 4],
      ] as const) {
        expect(await pairOf(pairs(), fileA, fileB)).toMatchObject({ status: 'open' });
      }
    });

    it('keeps who merged first', async () => {
      await pairs().record([findings(1, [2])]);
      await pairs().markMerged({ keptId: 1, removedId: 2, userId: 8 });
      await pairs().markMerged({ keptId: 2, removedId: 1, userId: 9 });
      expect(await pairOf(pairs(), 1, 2)).toMatchObject({ reviewedBy: 8 });
    });

    it('ignores a missing pair', async () => {
      await pairs().record([findings(1, [2])]);
      await pairs().markMerged({ keptId: 7, removedId: 1, userId: null });
      await pairs().markMerged({ keptId: 1, removedId: 7, userId: null });
      expect(await allPairs(pairs())).toMatchObject([{ status: 'open' }]);
    });
  });

  describe('restore', () => {
    const withoutIds = (found: readonly DuplicatePair[]) =>
      found
        .map((pair) => ({ ...pair, id: 0, cluster: 0, foundAt: noon }))
        .sort((one, other) => one.fileA - other.fileA || one.fileB - other.fileB);

    it('puts removed pairs back with their reviews', async () => {
      await pairs().record([findings(2, [1, 3, 4])]);
      const { id } = await pairOf(pairs(), 2, 3);
      await pairs().review(id, { status: 'ignored', userId: 5, reviewedAt: noon });
      const before = await allPairs(pairs());
      await pairs().markMerged({ keptId: 1, removedId: 2, userId: 8 });
      await pairs().removeFiles([2]);
      await pairs().restore(before);
      const after = await allPairs(pairs());
      expect(withoutIds(after)).toEqual(withoutIds(before));
      expect(new Set(after.map(({ cluster }) => cluster)).size).toBe(1);
    });

    it('leaves pairs that were found or reviewed since', async () => {
      await pairs().record([findings(1, [2])]);
      const before = await allPairs(pairs());
      const [pair] = before;
      await pairs().review(pair?.id ?? 0, { status: 'ignored', userId: 6, reviewedAt: later });
      await pairs().restore(before);
      expect(await allPairs(pairs())).toMatchObject([{ status: 'ignored', reviewedBy: 6 }]);
      await pairs().restore([]);
    });
  });
}
