import { describe, expect, it } from '@jest/globals';
import {
  centerOnCanvas,
  resizedSize,
  shrunkSize,
  sufficientCenter,
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
  ])('truncates the longer side of %j to whole pixels: %j', (source, expected) => {
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

  it('squeezes, or keeps the size', () => {
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
  ])('limits the longer side of %j to 512: %j', (source, expected) => {
    expect(shrunkSize(source, 512)).toEqual(expected);
  });
});

describe('sufficientCenter', () => {
  const clip = {
    kind: 'pixels',
    resize: { mode: 'shortest-edge', size: 224 },
    crop: { width: 224, height: 224 },
    kernel: 'cubic',
  } as const;

  it('covers the whole image in usual proportions', () => {
    expect(sufficientCenter({ width: 800, height: 100 }, clip)).toBeNull();
  });

  it('covers the middle of very elongated images', () => {
    expect(sufficientCenter({ width: 30_000, height: 1 }, clip)).toEqual({
      left: 14_996,
      top: 0,
      width: 8,
      height: 1,
    });
  });

  it('covers the whole image when nothing is cropped', () => {
    const { kind, resize, kernel } = clip;
    const uncropped = { kind, resize, kernel };
    expect(sufficientCenter({ width: 30_000, height: 1 }, uncropped)).toBeNull();
  });
});

describe('centerOnCanvas', () => {
  /** One row of pixels in shades of gray. */
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
    expect(shadesOf(centerOnCanvas(raster, { width, height: 1 }, [0, 0, 0]))).toEqual(expected);
  });

  it('fills the rest with the background', () => {
    const { data } = centerOnCanvas(row(9), { width: 1, height: 3 }, [1, 2, 3]);
    expect(Array.from(data)).toEqual([1, 2, 3, 9, 9, 9, 1, 2, 3]);
  });
});
