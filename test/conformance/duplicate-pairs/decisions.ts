import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DuplicatePair, DuplicatePairs } from '../../../plugin/src/duplicates/contract';
import { hourAgo, inAnHour, range } from '../index-entries/situations';
import { allPairs, findings, pairOf } from './situations';

const noon = new Date('2026-03-01T12:00:00.000Z');
const later = new Date('2026-03-01T12:30:00.000Z');

export function describeDecisions(pairs: () => DuplicatePairs): void {
  describe('decide', () => {
    let pair: DuplicatePair;
    beforeEach(async () => {
      await pairs().record([findings(1, [2, 3])]);
      pair = await pairOf(pairs(), 1, 2);
    });

    const decide = (status: 'open' | 'ignored', userId: number | null, decidedAt = noon) =>
      pairs().decide(pair.id, { status, userId, decidedAt });

    it('ignores a pair and remembers who and when, and no other pair', async () => {
      const ignored = { ...pair, status: 'ignored', decidedBy: 5, decidedAt: noon };
      expect(await decide('ignored', 5)).toEqual(ignored);
      expect(await pairs().get([pair.id])).toEqual([ignored]);
      expect(await pairOf(pairs(), 1, 3)).toMatchObject({ status: 'open' });
    });

    it('takes a user that is not known', async () => {
      expect(await decide('ignored', null)).toMatchObject({ decidedBy: null, decidedAt: noon });
    });

    it('keeps the name and the moment of the first of two same decisions', async () => {
      await decide('ignored', 5);
      expect(await decide('ignored', 6, later)).toMatchObject({ decidedBy: 5, decidedAt: noon });
    });

    it('takes a decision back, and lets somebody else decide then', async () => {
      await decide('ignored', 5);
      expect(await decide('open', 6, later)).toEqual(pair);
      expect(await decide('ignored', 7, later)).toMatchObject({ decidedBy: 7, decidedAt: later });
    });

    it('changes nothing when an open pair is opened', async () => {
      expect(await decide('open', 5)).toEqual(pair);
    });

    it('does not change a merged pair', async () => {
      await pairs().markMerged({ keptId: 1, removedId: 2, userId: 8 });
      const merged = await pairOf(pairs(), 1, 2);
      expect(await decide('ignored', 5)).toEqual(merged);
      expect(await decide('open', 5)).toEqual(merged);
      expect(merged).toMatchObject({ status: 'merged', decidedBy: 8 });
    });

    it('answers null for a pair that is not there', async () => {
      await pairs().removeFiles([2]);
      expect(await decide('ignored', 5)).toBeNull();
    });

    it('lets the first of several at a time win', async () => {
      const answers = await Promise.all(range(1, 8).map((userId) => decide('ignored', userId)));
      const { decidedBy } = await pairOf(pairs(), 1, 2);
      expect(range(1, 8)).toContain(decidedBy);
      expect(new Set(answers.map((answer) => answer?.decidedBy))).toEqual(new Set([decidedBy]));
    });
  });

  describe('markMerged', () => {
    it('marks the pairs of the kept file with the removed ones, on either side', async () => {
      await pairs().record([findings(3, [1, 2, 4, 5]), findings(1, [4])]);
      const ignored = await pairOf(pairs(), 3, 4);
      await pairs().decide(ignored.id, { status: 'ignored', userId: 5, decidedAt: noon });
      for (const removedId of [1, 4]) {
        await pairs().markMerged({ keptId: 3, removedId, userId: 8 });
      }
      for (const [fileA, fileB] of [
        [1, 3],
        [3, 4],
      ] as const) {
        const { status, decidedBy, decidedAt } = await pairOf(pairs(), fileA, fileB);
        expect({ status, decidedBy }).toEqual({ status: 'merged', decidedBy: 8 });
        expect(decidedAt && decidedAt > hourAgo() && decidedAt < inAnHour()).toBe(true);
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
      expect(await pairOf(pairs(), 1, 2)).toMatchObject({ decidedBy: 8 });
    });

    it('is silent when there is no such pair', async () => {
      await pairs().record([findings(1, [2])]);
      await pairs().markMerged({ keptId: 7, removedId: 1, userId: null });
      await pairs().markMerged({ keptId: 1, removedId: 7, userId: null });
      expect(await allPairs(pairs())).toMatchObject([{ status: 'open' }]);
    });
  });
}
