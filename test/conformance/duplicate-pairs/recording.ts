import { describe, expect, it } from '@jest/globals';
import type { DuplicatePairs } from '../../../plugin/src/duplicates/contract';
import type { DuplicateVerdict } from '../../../plugin/src/matching/contract';
import { hourAgo, inAnHour, range } from '../index-entries/situations';
import { allPairs, filesOf, findings, hashOf, pairOf, verdicts } from './situations';

export function describeRecording(pairs: () => DuplicatePairs): void {
  const ignore = async (fileA: number, fileB: number): Promise<void> => {
    const { id } = await pairOf(pairs(), fileA, fileB);
    await pairs().review(id, { status: 'ignored', userId: 5, reviewedAt: new Date() });
  };

  describe('record', () => {
    it.each(Object.entries(verdicts))(
      'adds a pair and keeps its evidence: %s',
      async (_, verdict) => {
        expect(await pairs().record([findings(2, [1], { verdict })])).toBe(1);
        const pair = await pairOf(pairs(), 1, 2);
        expect(pair).toEqual({
          id: pair.id,
          cluster: pair.cluster,
          fileA: 1,
          fileB: 2,
          contentHashA: hashOf(1),
          contentHashB: hashOf(2),
          verdict,
          status: 'open',
          foundAt: pair.foundAt,
          reviewedBy: null,
          reviewedAt: null,
        });
        expect(pair.foundAt > hourAgo() && pair.foundAt < inAnHour()).toBe(true);
      },
    );

    it('does nothing without findings', async () => {
      expect(await pairs().record([])).toBe(0);
      expect(await pairs().record([findings(1, [])])).toBe(0);
      expect(await allPairs(pairs())).toEqual([]);
    });

    it('counts a pair once if both files found it', async () => {
      expect(await pairs().record([findings(1, [2, 3]), findings(2, [1])])).toBe(2);
      expect(await pairs().record([findings(2, [1, 3]), findings(3, [1, 2])])).toBe(1);
    });

    it('replaces only the evidence of a known pair', async () => {
      await pairs().record([findings(1, [2], { verdict: verdicts.sameImage })]);
      const before = await pairOf(pairs(), 1, 2);
      expect(await pairs().record([findings(2, [1], { verdict: verdicts.edited })])).toBe(0);
      expect(await pairOf(pairs(), 1, 2)).toEqual({ ...before, verdict: verdicts.edited });
    });

    it("keeps pairs on the same bytes that weren't found this time", async () => {
      await pairs().record([findings(1, [2, 3])]);
      expect(await pairs().record([findings(1, [4])])).toBe(1);
      expect(filesOf(await allPairs(pairs())).sort()).toEqual([
        [1, 2],
        [1, 3],
        [1, 4],
      ]);
    });

    it('keeps where the pixels of a turned and tilted copy differ', async () => {
      const box = { left: 0.25, top: 0, width: 0.5, height: 0.125 };
      const verdict: DuplicateVerdict = {
        ...verdicts.edited,
        similarity: null,
        alignment: { ...verdicts.edited.alignment, quarterTurns: 1, degrees: -2.5 },
        pixels: { version: 1, differences: { one: [box], other: [{ ...box, left: 0 }] } },
      };
      await pairs().record([findings(1, [2], { verdict })]);
      expect((await pairOf(pairs(), 1, 2)).verdict).toEqual(verdict);
    });

    it('deletes open pairs that were refuted on the same bytes, but no reviewed ones', async () => {
      await pairs().record([findings(1, [2, 3, 4])]);
      await ignore(1, 3);
      const refuted = findings(1, [2, 3]).pairs;
      const ofOtherBytes = findings(1, [4], { version: 2 }).pairs;
      const nothing = findings(1, []);
      await pairs().record([{ ...nothing, refuted: [...refuted, ...ofOtherBytes] }]);
      expect(filesOf(await allPairs(pairs())).sort()).toEqual([
        [1, 3],
        [1, 4],
      ]);
    });

    it('keeps a review as long as the bytes stay the same', async () => {
      await pairs().record([findings(1, [2])]);
      await ignore(1, 2);
      const before = await pairOf(pairs(), 1, 2);
      expect(await pairs().record([findings(1, [2], { verdict: verdicts.edited })])).toBe(0);
      expect(await pairs().record([findings(2, [])])).toBe(0);
      expect(await pairOf(pairs(), 1, 2)).toEqual({ ...before, verdict: verdicts.edited });
    });

    it.each([
      ['the first', 1, 2],
      ['the second', 2, 1],
    ])('deletes pairs, reviewed or not, on former bytes of %s file', async (_, file, other) => {
      await pairs().record([findings(file, [other, 3]), findings(other, [3])]);
      await ignore(1, 2);
      await pairs().record([findings(file, [], { version: 2 })]);
      expect(filesOf(await allPairs(pairs()))).toEqual([[other, 3]]);
    });

    it('reopens a pair that was reviewed before a file was replaced', async () => {
      await pairs().record([findings(1, [2])]);
      await ignore(1, 2);
      const before = await pairOf(pairs(), 1, 2);
      expect(await pairs().record([findings(2, [1], { version: 2 })])).toBe(1);
      const after = await pairOf(pairs(), 1, 2);
      expect(after).toMatchObject({ status: 'open', reviewedBy: null, contentHashB: hashOf(2, 2) });
      expect(after.id).toBeGreaterThan(before.id);
    });

    it('reopens a pair when the other file was replaced after the review', async () => {
      await pairs().record([findings(1, [2], { version: 2 })]);
      await ignore(1, 2);
      expect(await pairs().record([findings(2, [1])])).toBe(1);
      expect(await pairOf(pairs(), 1, 2)).toMatchObject({
        status: 'open',
        contentHashA: hashOf(1),
        contentHashB: hashOf(2),
      });
    });

    it('drops pairs on bytes that another finding shows to be outdated', async () => {
      expect(await pairs().record([findings(1, [2, 3]), findings(2, [], { version: 2 })])).toBe(1);
      expect(filesOf(await allPairs(pairs()))).toEqual([[1, 3]]);
    });

    it('leaves merged pairs alone', async () => {
      await pairs().record([findings(1, [2])]);
      await pairs().markMerged({ keptId: 1, removedId: 2, userId: null });
      const before = await allPairs(pairs());
      expect(await pairs().record([findings(1, [2], { verdict: verdicts.edited })])).toBe(0);
      expect(await pairs().record([findings(1, [2], { version: 2 })])).toBe(0);
      expect(await allPairs(pairs())).toEqual(before);
    });

    it('adds and counts a pair once if many find it at the same time', async () => {
      const found = range(1, 8).map((fileId) =>
        findings(
          fileId,
          range(1, 8).filter((other) => other !== fileId),
        ),
      );
      const counts = await Promise.all(found.map((finding) => pairs().record([finding])));
      const open = await allPairs(pairs());
      expect(open).toHaveLength(28);
      expect(new Set(filesOf(open).map(String)).size).toBe(28);
      expect(counts.reduce((sum, count) => sum + count)).toBe(28);
    });

    it('takes hundreds of pairs of one file', async () => {
      expect(await pairs().record([findings(1, range(2, 700))])).toBe(700);
      expect(await pairs().record([findings(1, range(2, 701))])).toBe(1);
    });
  });

  describe('removeFiles', () => {
    it('deletes open and ignored pairs of the files, on either side', async () => {
      await pairs().record([findings(2, [1, 3]), findings(4, [5])]);
      await ignore(1, 2);
      await pairs().removeFiles([2, 99]);
      expect(filesOf(await allPairs(pairs()))).toEqual([[4, 5]]);
    });

    it('keeps merged pairs, and does nothing if there is nothing to delete', async () => {
      await pairs().record([findings(1, [2])]);
      await pairs().markMerged({ keptId: 1, removedId: 2, userId: 5 });
      await pairs().removeFiles([2]);
      await pairs().removeFiles([1]);
      await pairs().removeFiles([]);
      expect(await allPairs(pairs())).toMatchObject([{ fileA: 1, fileB: 2, status: 'merged' }]);
    });
  });
}
