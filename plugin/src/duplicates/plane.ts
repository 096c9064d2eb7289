import { LRUCache } from 'lru-cache';
import type { Thumbnail } from '../images/contract';

export interface PlaneSize {
  width: number;
  height: number;
}

/** Grey values of a small picture, row by row. */
export interface Plane extends PlaneSize {
  values: Float32Array;
}

/** Ends are left out. */
export interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** To whole pixels, at least one. */
export function scaledSize({ width, height }: PlaneSize, scale: number): PlaneSize {
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

export function planeOf({ width, height, luminance }: Thumbnail): Plane {
  return { width, height, values: new Float32Array(luminance) };
}

export function mirrored({ width, height, values }: Plane): Plane {
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    for (let column = 0; column < width; column += 1) {
      result[start + column] = values[start + width - 1 - column] ?? 0;
    }
  }
  return { width, height, values: result };
}

/**
 * Half as wide and as high, a last odd column or row left out: every pixel is the mean of four. Sharper than what `resampled`
 * makes, with which 9 of 6,363 edited pictures more were not found.
 */
export function halved(plane: Plane): Plane {
  const width = Math.max(1, plane.width >> 1);
  const height = Math.max(1, plane.height >> 1);
  const right = plane.width > 1 ? 1 : 0;
  const down = plane.height > 1 ? plane.width : 0;
  const values = new Float32Array(width * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const corner = 2 * row * plane.width + 2 * column;
      const upper = (plane.values[corner] ?? 0) + (plane.values[corner + right] ?? 0);
      const lower = (plane.values[corner + down] ?? 0) + (plane.values[corner + down + right] ?? 0);
      values[row * width + column] = (upper + lower) / 4;
    }
  }
  return { width, height, values };
}

/** The plane at another size: every pixel is the mean of what it covers, or lies between neighbours when growing. */
export function resampled(plane: Plane, { width, height }: PlaneSize): Plane {
  if (plane.width === width && plane.height === height) return plane;
  const rows = { count: plane.height, stride: plane.width, step: 1 };
  const narrowed = resampledLines(plane.values, rows, { from: plane.width, to: width });
  const columns = { count: width, stride: 1, step: width };
  return {
    width,
    height,
    values: resampledLines(narrowed, columns, { from: plane.height, to: height }),
  };
}

interface Lines {
  count: number;
  /** From the start of a line to that of the next, and from one of its values to the next, before resampling. */
  stride: number;
  step: number;
}

/** Lines that lie across keep their distance; those that lie along get closer with their values. */
function resampledLines(
  values: Float32Array,
  { count, stride, step }: Lines,
  { from, to }: { from: number; to: number },
): Float32Array {
  const result = new Float32Array(count * to);
  const resultStride = step === 1 ? to : stride;
  const mixes = mixesOf(from, to);
  for (const [position, { first, weights }] of mixes.entries()) {
    const end = weights.length;
    for (let line = 0; line < count; line += 1) {
      let sum = 0;
      let place = line * stride + first * step;
      for (let index = 0; index < end; index += 1) {
        sum += (weights[index] ?? 0) * (values[place] ?? 0);
        place += step;
      }
      result[line * resultStride + position * step] = sum;
    }
  }
  return result;
}

/** What a value of a resampled line is mixed of. */
interface Mix {
  /** Where the values begin of which it is mixed. */
  first: number;
  /** One for each of them, together 1. */
  weights: Float64Array;
}

const KEPT_MIXES = 256;
/**
 * By the numbers of values before and after: thumbnails have few sizes, and a search takes many pieces of each. They depend
 * on nothing else, so that all may share them.
 */
const knownMixes = new LRUCache<string, Mix[]>({ max: KEPT_MIXES });

function mixesOf(from: number, to: number): Mix[] {
  const key = `${String(from)} ${String(to)}`;
  const known = knownMixes.get(key);
  if (known) return known;
  const mixes = Array.from({ length: to }, (_, position) => mixAt(position, { from, to }));
  knownMixes.set(key, mixes);
  return mixes;
}

function mixAt(position: number, { from, to }: { from: number; to: number }): Mix {
  const scale = from / to;
  // A triangle as wide as the coarser of both grids.
  const reach = Math.max(1, scale);
  const centre = (position + 0.5) * scale - 0.5;
  const first = Math.max(0, Math.ceil(centre - reach));
  const last = Math.min(from - 1, Math.floor(centre + reach));
  const weights = Float64Array.from(
    { length: last - first + 1 },
    (_, index) => reach - Math.abs(first + index - centre),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { first, weights: weights.map((weight) => weight / total) };
}

/** Softened with weights 1, 2, 1 in both directions: takes the edge off rounding and off pixels between pixels. */
export function smoothed({ width, height, values }: Plane): Plane {
  const rows = new Float32Array(values.length);
  for (let row = 0; row < height; row += 1) {
    const start = row * width;
    for (let column = 0; column < width; column += 1) {
      const here = values[start + column] ?? 0;
      const before = column > 0 ? (values[start + column - 1] ?? 0) : here;
      const after = column < width - 1 ? (values[start + column + 1] ?? 0) : here;
      rows[start + column] = (before + 2 * here + after) / 4;
    }
  }
  const result = new Float32Array(values.length);
  for (let place = 0; place < values.length; place += 1) {
    const here = rows[place] ?? 0;
    const above = place >= width ? (rows[place - width] ?? 0) : here;
    const below = place < values.length - width ? (rows[place + width] ?? 0) : here;
    result[place] = (above + 2 * here + below) / 4;
  }
  return { width, height, values: result };
}

/** Sums over rectangles: entry (row, column) is the sum of all values above and to the left of it. */
export function sumTable(
  { width, height, values }: PlaneSize & { values: ArrayLike<number> },
  isSquared: boolean,
): Float64Array {
  const stride = width + 1;
  const table = new Float64Array(stride * (height + 1));
  for (let row = 0; row < height; row += 1) {
    let sum = 0;
    for (let column = 0; column < width; column += 1) {
      const value = values[row * width + column] ?? 0;
      sum += isSquared ? value * value : value;
      table[(row + 1) * stride + column + 1] = (table[row * stride + column + 1] ?? 0) + sum;
    }
  }
  return table;
}

/** Sum over a rectangle of a plane that is `width` wide. */
export function rectangleSum(
  table: Float64Array,
  width: number,
  { left, top, right, bottom }: Rectangle,
): number {
  const upper = top * (width + 1);
  const lower = bottom * (width + 1);
  return (
    (table[lower + right] ?? 0) -
    (table[lower + left] ?? 0) -
    (table[upper + right] ?? 0) +
    (table[upper + left] ?? 0)
  );
}

/**
 * Every value against the mean of its neighbourhood, in units of the neighbourhood's spread: what is left of a picture
 * does not depend on light and contrast, and no part of it, however glaring, outweighs the others.
 */
export function locallyNormalised(plane: Plane, radius: number, leastSpread: number): Plane {
  const { width, height, values } = plane;
  const sums = sumTable(plane, false);
  const squares = sumTable(plane, true);
  const result = new Float32Array(values.length);
  for (let row = 0; row < height; row += 1) {
    const top = Math.max(0, row - radius);
    const bottom = Math.min(height, row + radius + 1);
    for (let column = 0; column < width; column += 1) {
      const left = Math.max(0, column - radius);
      const right = Math.min(width, column + radius + 1);
      const count = (right - left) * (bottom - top);
      const rectangle = { left, top, right, bottom };
      const mean = rectangleSum(sums, width, rectangle) / count;
      const square = rectangleSum(squares, width, rectangle) / count;
      const spread = Math.sqrt(Math.max(0, square - mean * mean) + leastSpread * leastSpread);
      result[row * width + column] = ((values[row * width + column] ?? 0) - mean) / spread;
    }
  }
  return { width, height, values: result };
}
