import { describe, expect, it } from '@jest/globals';
import {
  centreOnCanvas,
  resizedSize,
  shrunkSize,
  sufficientCentre,
  type Raster,
} from '../../../plugin/src/images/geometry';

describe('resizedSize', () => {
  it.each([
    // Python: int(224 * 2400 / 1598) and so on.
    [
      { width: 1598, height: 2400 },
      { width: 224, height: 336 },
    ],
    [
      { width: 500, height: 333 },
      { width: 336, height: 224 },
    ],
    [
      { width: 700, height: 467 },
      { width: 335, height: 224 },
    ],
    [
      { width: 86, height: 108 },
      { width: 224, height: 281 },
    ],
    [
      { width: 300, height: 300 },
      { width: 224, height: 224 },
    ],
    [
      { width: 1, height: 1 },
      { width: 224, height: 224 },
    ],
  ])('cuts the longer side of %j to whole pixels: %j', (source, expected) => {
    expect(resizedSize(source, { mode: 'shortest-edge', size: 224 })).toEqual(expected);
  });

  it.each([
    [
      { width: 200, height: 100 },
      { width: 64, height: 32 },
    ],
    [
      { width: 10, height: 20 },
      { width: 32, height: 64 },
    ],
    [
      { width: 10_000, height: 1 },
      { width: 64, height: 1 },
    ],
  ])('fits %j into a box of 64 × 64: %j', (source, expected) => {
    expect(resizedSize(source, { mode: 'fit', width: 64, height: 64 })).toEqual(expected);
  });

  it('squeezes, or leaves alone', () => {
    const source = { width: 30, height: 20 };
    expect(resizedSize(source, { mode: 'exact', width: 7, height: 9 })).toEqual({
      width: 7,
      height: 9,
    });
    expect(resizedSize(source, { mode: 'none' })).toEqual(source);
  });
});

describe('shrunkSize', () => {
  it.each([
    [
      { width: 4000, height: 3000 },
      { width: 512, height: 384 },
    ],
    [
      { width: 100, height: 30 },
      { width: 100, height: 30 },
    ],
    [
      { width: 30_000, height: 1 },
      { width: 512, height: 1 },
    ],
  ])('brings the longer side of %j to at most 512: %j', (source, expected) => {
    expect(shrunkSize(source, 512)).toEqual(expected);
  });
});

describe('sufficientCentre', () => {
  const clip = {
    kind: 'pixels',
    resize: { mode: 'shortest-edge', size: 224 },
    crop: { width: 224, height: 224 },
    kernel: 'cubic',
  } as const;

  it('takes the whole of pictures in usual proportions', () => {
    expect(sufficientCentre({ width: 800, height: 100 }, clip)).toBeNull();
  });

  it('takes the middle of the most elongated ones', () => {
    expect(sufficientCentre({ width: 30_000, height: 1 }, clip)).toEqual({
      left: 14_996,
      top: 0,
      width: 8,
      height: 1,
    });
  });

  it('takes the whole where nothing is cropped', () => {
    const { kind, resize, kernel } = clip;
    const uncropped = { kind, resize, kernel };
    expect(sufficientCentre({ width: 30_000, height: 1 }, uncropped)).toBeNull();
  });
});

describe('centreOnCanvas', () => {
  /** One row of pixels in shades of grey. */
  const row = (...shades: number[]): Raster => ({
    width: shades.length,
    height: 1,
    data: Uint8Array.from(shades.flatMap((shade) => [shade, shade, shade])),
  });
  const shadesOf = ({ data }: Raster): number[] =>
    Array.from(data).filter((_, index) => index % 3 === 0);

  it.each([
    // Left edge of the window: floor((width - crop) / 2), also below zero.
    [row(1, 2, 3, 4), 2, [2, 3]],
    [row(1, 2, 3, 4, 5), 2, [2, 3]],
    [row(1, 2, 3, 4), 3, [1, 2, 3]],
    [row(1, 2), 4, [0, 1, 2, 0]],
    [row(1, 2), 5, [0, 0, 1, 2, 0]],
    [row(1, 2), 2, [1, 2]],
  ])('puts an odd pixel where the reference puts it (case %#)', (raster, width, expected) => {
    expect(shadesOf(centreOnCanvas(raster, { width, height: 1 }, [0, 0, 0]))).toEqual(expected);
  });

  it('fills what stays free with the background', () => {
    const { data } = centreOnCanvas(row(9), { width: 1, height: 3 }, [1, 2, 3]);
    expect(Array.from(data)).toEqual([1, 2, 3, 9, 9, 9, 1, 2, 3]);
  });
});
