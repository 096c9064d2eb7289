import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  MAX_REFUTED,
  type FileTrace,
  type ImageTraces,
} from '../../plugin/src/duplicates/contract';
import type { ImageTrace } from '../../plugin/src/matching/contract';
import { traceOf as readTrace } from '../bench/duplicates/traces';
import { besideEachOther, patternedImage } from '../support/collages';
import { reader } from '../unit/images/images';
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

/** Three photographs under the ids 1 to 3, and a collage of the latter two under 4. */
async function collageFiles(): Promise<FileTrace[]> {
  const images = await Promise.all(
    [0, 1, 2].map((index) => patternedImage(`tile ${String(index)}`)),
  );
  const collage = await besideEachOther(images.slice(1));
  return Promise.all(
    [...images, collage].map(async (bytes, index) => ({
      ...(await readTrace(bytes, reader)),
      fileId: index + 1,
    })),
  );
}

function byId(traces: readonly FileTrace[]): FileTrace[] {
  return [...traces].sort((one, other) => one.fileId - other.fileId);
}

function ascending(ids: readonly number[]): number[] {
  return [...ids].sort((one, other) => one - other);
}

/** The contract of ImageTraces; `empty` returns an implementation with no trace in it. */
export function describeImageTraces(name: string, empty: () => Promise<ImageTraces>): void {
  describe(`image traces: ${name}`, () => {
    let traces: ImageTraces;
    beforeEach(async () => {
      traces = await empty();
    });

    it('stores traces, including unknown values', async () => {
      const unknown = { ...traceOf(8), fingerprint: null, thumbnail: null };
      const onBlack = { fingerprint: { bits: 'f'.repeat(64), quality: 0.5 }, thumbnail: 'B' };
      const clear = { ...traceOf(9), onBlack };
      await traces.put([traceOf(7), unknown, clear]);
      expect(byId(await traces.get([8, 9, 7, 7, 10]))).toEqual([traceOf(7), unknown, clear]);
      await traces.put([traceOf(9)]);
      expect(await traces.get([9])).toEqual([traceOf(9)]);
    });

    it('replaces by file; the last of two wins', async () => {
      await traces.put([traceOf(7), traceOf(8)]);
      await traces.put([traceOf(7, hashOf('b')), traceOf(7, hashOf('c'))]);
      expect(byId(await traces.get([7, 8]))).toEqual([traceOf(7, hashOf('c')), traceOf(8)]);
      expect((await traces.counts(FIRST_PASS)).total).toBe(2);
    });

    it('does nothing without files', async () => {
      await traces.put([]);
      await traces.remove([]);
      await traces.unmark([]);
      expect(await traces.markFailed([], FIRST_PASS)).toBe(0);
      await traces.markCompared([], FIRST_PASS);
      expect(await traces.get([])).toEqual([]);
      expect(await traces.counts(FIRST_PASS)).toEqual({ total: 0, compared: 0 });
      expect(await traces.notCompared(FIRST_PASS, ALL)).toEqual([]);
      expect(await traces.listIds(null, 5)).toEqual({ ids: [], nextCursor: null });
    });

    it('accepts and returns many at a time', async () => {
      const fileIds = range(1, 700);
      await traces.put(fileIds.map((fileId) => traceOf(fileId)));
      expect(await traces.get(fileIds)).toHaveLength(700);
      await traces.remove(fileIds.slice(0, 600));
      expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual(range(601, 100));
    });

    it('removes traces and ignores missing ones', async () => {
      await traces.put([traceOf(7), traceOf(8)]);
      await traces.remove([7, 9]);
      await traces.remove([7]);
      expect(await traces.get([7, 8])).toEqual([traceOf(8)]);
    });

    it('keeps what documents say, apart from what is compared', async () => {
      await traces.put([{ ...traceOf(7), text: 'Überblick 年次' }, traceOf(8)]);
      expect(await traces.get([7])).toEqual([traceOf(7)]);
      expect(await traces.textsOf([7, 8, 9])).toEqual(new Map([[7, 'Überblick 年次']]));
      await traces.put([traceOf(7, hashOf('b'))]);
      expect(await traces.textsOf([7])).toEqual(new Map());
    });

    it('keeps the text that a reader recognized, and knows what it has not read', async () => {
      const [reader, other] = ['tesseract-1:eng', 'tesseract-1:deu+eng'];
      await traces.put([7, 8, 9].map((fileId) => traceOf(fileId)));
      await traces.put([{ ...traceOf(6), text: 'a document' }]);
      expect(await traces.notRecognized(reader, { after: 0, limit: 3 })).toEqual([6, 7, 8]);
      expect(await traces.notRecognized(reader, { after: 8, limit: 3 })).toEqual([9]);
      const read = (fileId: number) => ({ fileId, contentHash: hashOf('a') });
      await traces.markRecognized(read(6), { reader });
      await traces.markRecognized(read(7), { reader, text: 'INVOICE 4711' });
      await traces.markRecognized(read(8), { reader, text: '' });
      await traces.markRecognized({ fileId: 9, contentHash: hashOf('b') }, { reader, text: 'No.' });
      expect(await traces.notRecognized(reader, { after: 0, limit: ALL })).toEqual([9]);
      expect(await traces.textsOf([6, 7, 8, 9])).toEqual(
        new Map([
          [6, 'a document'],
          [7, 'INVOICE 4711'],
        ]),
      );
      expect(await traces.notRecognized(other, { after: 0, limit: ALL })).toEqual([6, 7, 8, 9]);
      await traces.put([traceOf(7, hashOf('b'))]);
      expect(await traces.notRecognized(reader, { after: 0, limit: ALL })).toEqual([7, 9]);
      expect(await traces.textsOf([7])).toEqual(new Map());
    });

    it('tells what was read in part only', async () => {
      await traces.put([{ ...traceOf(7), isPartial: true }, traceOf(8)]);
      const found = byId(await traces.get([7, 8]));
      expect(found.map(({ isPartial = false }) => isPartial)).toEqual([true, false]);
    });

    it('lists ids in ascending order, page by page', async () => {
      await traces.put([9, 3, 7, 5].map((fileId) => traceOf(fileId)));
      expect(await traces.listIds(null, 3)).toEqual({ ids: [3, 5, 7], nextCursor: 7 });
      expect(await traces.listIds(7, 3)).toEqual({ ids: [9], nextCursor: null });
    });

    it('finds files with the same bytes, lowest ids first', async () => {
      await traces.put([9, 3, 7].map((fileId) => traceOf(fileId)));
      await traces.put([traceOf(5, hashOf('b'))]);
      expect(await traces.withContentHash(hashOf('a'), 10)).toEqual([3, 7, 9]);
      expect(await traces.withContentHash(hashOf('a'), 2)).toEqual([3, 7]);
      expect(await traces.withContentHash(hashOf('c'), 10)).toEqual([]);
    });

    it('finds images in collages, and collages of images', async () => {
      const files = await collageFiles();
      const [, first, second, collage] = files;
      await traces.put(files);
      const sharing = async (trace: ImageTrace | undefined): Promise<number[]> =>
        ascending(trace ? await traces.sharingTiles(trace, 10) : []);
      expect(await sharing(collage)).toEqual(expect.arrayContaining([2, 3]));
      expect(await sharing(collage)).not.toContain(1);
      expect(await sharing(first)).toContain(4);
      expect(await sharing(second)).toContain(4);
      expect(await traces.sharingTiles(collage ?? traceOf(4), 1)).toHaveLength(1);
    });

    it('finds a collage of new contents after an image was replaced', async () => {
      const [other, first, , collage] = await collageFiles();
      if (!other || !first || !collage) throw new Error('There are no files.');
      await traces.put([{ ...other, fileId: 2 }, collage]);
      expect(await traces.sharingTiles(collage, 10)).not.toContain(2);
      await traces.put([first]);
      expect(await traces.sharingTiles(collage, 10)).toContain(2);
    });

    it('remembers refuted duplicates by bytes, from either side, up to a number', async () => {
      const file = (fileId: number, digit: string) => ({ fileId, contentHash: hashOf(digit) });
      const others = [file(2, 'b'), file(3, 'c')];
      const refuted = async (version = 1) =>
        ascending([...(await traces.refutedAmong(file(1, 'a'), others, version))]);
      await traces.put([traceOf(1), traceOf(2, hashOf('b')), traceOf(3, hashOf('c'))]);
      expect(await refuted()).toEqual([]);
      await traces.rememberRefuted(file(1, 'a'), [hashOf('b')], 1);
      await traces.rememberRefuted(file(3, 'c'), [hashOf('a')], 1);
      await traces.rememberRefuted(file(1, 'd'), [hashOf('c')], 2);
      await traces.rememberRefuted(file(9, 'a'), [hashOf('c')], 1);
      expect(await refuted()).toEqual([2, 3]);
      expect(await refuted(2)).toEqual([]);
      // Indexed again with the same bytes.
      await traces.put([traceOf(1)]);
      expect(await refuted()).toEqual([2, 3]);
      await traces.put([traceOf(1, hashOf('d'))]);
      expect(await traces.refutedAmong(file(1, 'd'), others, 1)).toEqual(new Set());
      await traces.put([traceOf(1)]);
      await traces.remove([3]);
      await traces.put([traceOf(3, hashOf('c'))]);
      expect(await refuted()).not.toContain(3);
      const many = range(1, MAX_REFUTED).map((number) => String(number).padEnd(64, '-'));
      for (const hash of many) await traces.rememberRefuted(file(1, 'a'), [hash], 1);
      expect(await refuted()).toEqual([]);
    });

    describe('passes', () => {
      beforeEach(async () => {
        await traces.put([1, 2, 3].map((fileId) => traceOf(fileId)));
      });

      const compared = (...fileIds: number[]) =>
        fileIds.map((fileId) => ({ fileId, contentHash: hashOf('a') }));

      it('begin with every image to be compared', async () => {
        expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual([1, 2, 3]);
        expect(await traces.notCompared(FIRST_PASS, 2)).toHaveLength(2);
        expect(await traces.counts(FIRST_PASS)).toEqual({ total: 3, compared: 0 });
      });

      it('end when every image is marked', async () => {
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

      it("don't count files that were replaced or deleted", async () => {
        await traces.put([traceOf(2, hashOf('b'))]);
        await traces.markCompared(compared(1, 2, 4), FIRST_PASS);
        expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual([2, 3]);
        expect(await traces.get([4])).toEqual([]);
      });

      it('skip failed images, even after they were replaced', async () => {
        await traces.put([traceOf(2, hashOf('b'))]);
        expect(await traces.markFailed([2, 3, 4], FIRST_PASS)).toBe(2);
        expect(await traces.notCompared(FIRST_PASS, ALL)).toEqual([1]);
        expect(ascending(await traces.notCompared(SECOND_PASS, ALL))).toEqual([1, 2, 3]);
        expect(await traces.get([4])).toEqual([]);
      });

      it('compare rewritten and unmarked images again', async () => {
        await traces.markCompared(compared(1, 2, 3), FIRST_PASS);
        await traces.put([traceOf(1)]);
        await traces.unmark([2, 9]);
        expect(ascending(await traces.notCompared(FIRST_PASS, ALL))).toEqual([1, 2]);
      });
    });
  });
}
