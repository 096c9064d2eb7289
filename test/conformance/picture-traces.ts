import { beforeEach, describe, expect, it } from '@jest/globals';
import type { FileTrace, PictureTraces } from '../../plugin/src/duplicates/contract';
import { range } from './index-entries/situations';

const FIRST_PASS = '1:clip-one-512';
const SECOND_PASS = '2:clip-one-512';
const ALL = 1_000;

function traceOf(fileId: number, contentHash = hashOf('a')): FileTrace {
  return {
    fileId,
    contentHash,
    fingerprint: { bits: '0123456789abcdef'.repeat(4), quality: 0.123456 },
    thumbnail: 'A'.repeat(2_000),
    width: 4_000,
    height: 3_000,
  };
}

function hashOf(digit: string): string {
  return digit.repeat(64);
}

function byId(traces: readonly FileTrace[]): FileTrace[] {
  return [...traces].sort((one, other) => one.fileId - other.fileId);
}

function ascending(ids: readonly number[]): number[] {
  return [...ids].sort((one, other) => one - other);
}

/** Every sentence of the contract of PictureTraces; `empty` answers an implementation with no trace in it. */
export function describePictureTraces(name: string, empty: () => Promise<PictureTraces>): void {
  describe(`picture traces: ${name}`, () => {
    let traces: PictureTraces;
    beforeEach(async () => {
      traces = await empty();
    });

    it('keeps what it is given, also what is not known', async () => {
      const unknown = { ...traceOf(8), fingerprint: null, thumbnail: null };
      const onBlack = { fingerprint: { bits: 'f'.repeat(64), quality: 0.5 }, thumbnail: 'B' };
      const clear = { ...traceOf(9), onBlack };
      await traces.put([traceOf(7), unknown, clear]);
      expect(byId(await traces.get([8, 9, 7, 7, 10]))).toEqual([traceOf(7), unknown, clear]);
      await traces.put([traceOf(9)]);
      expect(await traces.get([9])).toEqual([traceOf(9)]);
    });

    it('replaces by file; the last of two counts', async () => {
      await traces.put([traceOf(7), traceOf(8)]);
      await traces.put([traceOf(7, hashOf('b')), traceOf(7, hashOf('c'))]);
      expect(byId(await traces.get([7, 8]))).toEqual([traceOf(7, hashOf('c')), traceOf(8)]);
      expect((await traces.counts(FIRST_PASS)).total).toBe(2);
    });

    it('does nothing for nothing', async () => {
      await traces.put([]);
      await traces.remove([]);
      await traces.unmark([]);
      expect(await traces.giveUp([], FIRST_PASS)).toBe(0);
      await traces.markCompared([], FIRST_PASS);
      expect(await traces.get([])).toEqual([]);
      expect(await traces.counts(FIRST_PASS)).toEqual({ total: 0, compared: 0 });
      expect(await traces.notCompared(FIRST_PASS, ALL)).toEqual([]);
      expect(await traces.listIds(null, 5)).toEqual({ ids: [], nextCursor: null });
    });

    it('takes and answers many at a time', async () => {
      const fileIds = range(1, 700);
      await traces.put(fileIds.map((fileId) => traceOf(fileId)));
      expect(await traces.get(fileIds)).toHaveLength(700);
      await traces.remove(fileIds.slice(0, 600));
      expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual(range(601, 100));
    });

    it('removes, and is silent on what is missing', async () => {
      await traces.put([traceOf(7), traceOf(8)]);
      await traces.remove([7, 9]);
      await traces.remove([7]);
      expect(await traces.get([7, 8])).toEqual([traceOf(8)]);
    });

    it('lists ids in ascending order, page by page', async () => {
      await traces.put([9, 3, 7, 5].map((fileId) => traceOf(fileId)));
      expect(await traces.listIds(null, 3)).toEqual({ ids: [3, 5, 7], nextCursor: 7 });
      expect(await traces.listIds(7, 3)).toEqual({ ids: [9], nextCursor: null });
    });

    it('finds files of the same bytes, the lowest ids first', async () => {
      await traces.put([9, 3, 7].map((fileId) => traceOf(fileId)));
      await traces.put([traceOf(5, hashOf('b'))]);
      expect(await traces.withContentHash(hashOf('a'), 10)).toEqual([3, 7, 9]);
      expect(await traces.withContentHash(hashOf('a'), 2)).toEqual([3, 7]);
      expect(await traces.withContentHash(hashOf('c'), 10)).toEqual([]);
    });

    describe('passes', () => {
      beforeEach(async () => {
        await traces.put([1, 2, 3].map((fileId) => traceOf(fileId)));
      });

      const compared = (...fileIds: number[]) =>
        fileIds.map((fileId) => ({ fileId, contentHash: hashOf('a') }));

      it('begin with everything still to be compared', async () => {
        expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual([1, 2, 3]);
        expect(await traces.notCompared(FIRST_PASS, 2)).toHaveLength(2);
        expect(await traces.counts(FIRST_PASS)).toEqual({ total: 3, compared: 0 });
      });

      it('end when everything is marked', async () => {
        await traces.markCompared(compared(1, 3), FIRST_PASS);
        expect(await traces.notCompared(FIRST_PASS, ALL)).toEqual([2]);
        expect(await traces.counts(FIRST_PASS)).toEqual({ total: 3, compared: 2 });
        await traces.markCompared(compared(2), FIRST_PASS);
        expect(await traces.notCompared(FIRST_PASS, ALL)).toEqual([]);
      });

      it.each([
        ['a later', FIRST_PASS, SECOND_PASS],
        ['an earlier', SECOND_PASS, FIRST_PASS],
      ])('do not count what %s one compared', async (_name, before, now) => {
        await traces.markCompared(compared(1, 2, 3), before);
        expect(ascending(await traces.notCompared(now, ALL))).toEqual([1, 2, 3]);
        await traces.markCompared(compared(2), now);
        expect(ascending(await traces.notCompared(now, ALL))).toEqual([1, 3]);
        expect(await traces.counts(before)).toEqual({ total: 3, compared: 2 });
      });

      it('do not count files whose bytes are others by now, or that are gone', async () => {
        await traces.put([traceOf(2, hashOf('b'))]);
        await traces.markCompared(compared(1, 2, 4), FIRST_PASS);
        expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual([2, 3]);
        expect(await traces.get([4])).toEqual([]);
      });

      it('leave out what was given up, whatever its bytes are by now', async () => {
        await traces.put([traceOf(2, hashOf('b'))]);
        expect(await traces.giveUp([2, 3, 4], FIRST_PASS)).toBe(2);
        expect(await traces.notCompared(FIRST_PASS, ALL)).toEqual([1]);
        expect(ascending(await traces.notCompared(SECOND_PASS, ALL))).toEqual([1, 2, 3]);
        expect(await traces.get([4])).toEqual([]);
      });

      it('compare again what was written anew or unmarked', async () => {
        await traces.markCompared(compared(1, 2, 3), FIRST_PASS);
        await traces.put([traceOf(1)]);
        await traces.unmark([2, 9]);
        expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual([1, 2]);
      });
    });
  });
}
