import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPixelConfirmation } from '../../../plugin/src/duplicates/pixel-confirmation';
import { PixelWorker } from '../../../plugin/src/duplicates/pixel-worker';
import type { ImageTrace } from '../../../plugin/src/matching/contract';
import { fingerprintDistance, toWords } from '../../../plugin/src/matching/fingerprint';
import { tilesOf } from '../../../plugin/src/matching/tiles';
import { createJudge, thresholdsFor, TILE_DISTANCE } from '../../../plugin/src/matching/verdict';
import { traceOf } from '../../bench/duplicates/traces';
import { besideEachOther, patternedImage } from '../../support/collages';
import { reader } from '../images/images';

const judge = createJudge(thresholdsFor({ model: 'any' }));
const comparer = new PixelWorker();
afterAll(() => comparer.stop());

let images: Buffer[];
let traces: ImageTrace[];
beforeAll(async () => {
  images = await Promise.all([1, 2, 3, 4].map((index) => patternedImage(`image ${String(index)}`)));
  traces = await Promise.all(images.map((image) => traceOf(image, reader)));
});

/** Bits in which an image and the closest tile of another differ. */
function closest(collage: ImageTrace, image: ImageTrace): number {
  const words = toWords(image.fingerprint?.bits ?? '');
  const tiles = tilesOf(collage).map(({ fingerprint }) => toWords(fingerprint.bits));
  return Math.min(...tiles.map((tile) => fingerprintDistance(tile, words)));
}

describe('tiles', () => {
  it.each([
    { columns: 2, gap: 0 },
    { columns: 2, gap: 6 },
  ])('of four images in rows of $columns, $gap pixels apart, look like these', async (layout) => {
    const collage = await traceOf(await besideEachOther(images, layout), reader);
    const distances = traces.map((image) => closest(collage, image));
    expect(Math.max(...distances)).toBeLessThanOrEqual(TILE_DISTANCE);
  });

  it('lie where the images are', async () => {
    const collage = await traceOf(await besideEachOther(images.slice(0, 2)), reader);
    const boxes = tilesOf(collage).map(({ box }) => box);
    expect(boxes.length).toBeGreaterThan(0);
    for (const { height, left, width } of boxes) {
      expect(height).toBeGreaterThan(0.9);
      expect(width).toBeCloseTo(0.5, 1);
      expect(Math.min(left, Math.abs(left - 0.5))).toBeLessThan(0.03);
    }
  });

  it('are missing from an image without seams, and without a thumbnail', () => {
    const [image] = traces;
    expect(image && tilesOf(image)).toEqual([]);
    expect(tilesOf({ thumbnail: null })).toEqual([]);
  });
});

describe('an image in a collage', () => {
  it.each([0, 1, 2, 3])(
    'is found and confirmed on the pixels, from both sides (%s)',
    async (place) => {
      const bytes = await besideEachOther(images, { columns: 2, gap: 4 });
      const collage = await traceOf(bytes, reader);
      const [image, trace] = [images[place], traces[place]];
      if (!image || !trace) throw new RangeError('There is no such image.');
      const verdict = judge.judgeTiles(collage, trace);
      expect(verdict).toMatchObject({ kind: 'edited', alignment: { inner: 'other' } });
      expect(judge.judgeTiles(trace, collage)).toMatchObject({ alignment: { inner: 'one' } });
      if (!verdict) return;
      const confirm = createPixelConfirmation({ images: reader, pixels: comparer });
      const sides = {
        one: { trace: collage, read: () => Promise.resolve(bytes) },
        other: { trace, read: () => Promise.resolve(image) },
      };
      const confirmed = await confirm({ ...sides, verdict }, undefined);
      expect(confirmed).toMatchObject({ kind: 'edited' });
      const region = confirmed?.kind === 'edited' ? confirmed.alignment.region : null;
      expect(region?.left).toBeCloseTo(place % 2 === 0 ? 0 : 0.504, 1);
      expect(region?.top).toBeCloseTo(place < 2 ? 0 : 0.504, 1);
    },
  );

  it('is not found in a collage of others', async () => {
    const collage = await traceOf(await besideEachOther(images.slice(1, 3)), reader);
    const [trace] = traces;
    expect(trace && judge.judgeTiles(collage, trace)).toBeNull();
  });

  it('does not make two collages with it duplicates', async () => {
    const [first, second, third] = images;
    if (!first || !second || !third) throw new RangeError('There are no images.');
    const one = await traceOf(await besideEachOther([first, second]), reader);
    const other = await traceOf(await besideEachOther([first, third]), reader);
    expect(judge.judgeTiles(one, other)).toBeNull();
  });
});
