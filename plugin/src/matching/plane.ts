import { LRUCache } from 'lru-cache';
import type { Thumbnail } from '../images/contract';

export interface PlaneSize {
  width: number;
  height: number;
}

/** Gray values of a small image, row by row. */
export interface Plane extends PlaneSize {
  values: Float32Array;
}

/** `right` and `bottom` are exclusive. */
export interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Scales to whole pixels, at least one per side. */
export function scaledSize({ width, height }: PlaneSize, scale: number): PlaneSize {
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

export function toPlane({ width, height, luminance }: Thumbnail): Plane {
  return { width, height, values: new Float32Array(luminance) };
}

export function mirror({ width, height, values }: Plane): Plane {
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    for (let column = 0; column < width; column += 1) {
      result[start + column] = values[start + width - 1 - column] ?? 0;
    }
  }
  return { width, height, values: result };
}

/**
 * Halves both sides, dropping a last odd column or row: each pixel is the mean of four. This is sharper than
 * `resample`, with which 9 more of 6,363 edited images were missed.
 */
export function halve(plane: Plane): Plane {
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

/** The plane at another size: each pixel is the mean of what it covers, or interpolated when enlarging. */
export function resample(plane: Plane, { width, height }: PlaneSize): Plane {
  if (plane.width === width && plane.height === height) return plane;
  const rows = { count: plane.height, stride: plane.width, step: 1 };
  const narrowed = resampleLines(plane.values, rows, { from: plane.width, to: width });
  const columns = { count: width, stride: 1, step: width };
  return {
    width,
    height,
    values: resampleLines(narrowed, columns, { from: plane.height, to: height }),
  };
}

interface Lines {
  count: number;
  /** Distance from one line to the next, and from one value of a line to the next, in the input. */
  stride: number;
  step: number;
}

/** Resamples along rows (step 1) or along columns. */
function resampleLines(
  values: Float32Array,
  { count, stride, step }: Lines,
  { from, to }: { from: number; to: number },
): Float32Array {
  const result = new Float32Array(count * to);
  const resultStride = step === 1 ? to : stride;
  const mixes = mixesFor(from, to);
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

/** The input values that make up one output value. */
interface Mix {
  /** Index of the first input value. */
  first: number;
  /** One weight for each input value; they sum to 1. */
  weights: Float64Array;
}

const KEPT_MIXES = 256;
/**
 * Keyed by input and output length. Thumbnails have few sizes and every search reuses them. The weights depend on
 * nothing else, so all callers can share them.
 */
const knownMixes = new LRUCache<string, Mix[]>({ max: KEPT_MIXES });

function mixesFor(from: number, to: number): Mix[] {
  const key = `${String(from)} ${String(to)}`;
  const known = knownMixes.get(key);
  if (known) return known;
  const mixes = Array.from({ length: to }, (_, position) => mixAt(position, { from, to }));
  knownMixes.set(key, mixes);
  return mixes;
}

function mixAt(position: number, { from, to }: { from: number; to: number }): Mix {
  const scale = from / to;
  // A triangle filter as wide as a step of the coarser grid.
  const reach = Math.max(1, scale);
  const center = (position + 0.5) * scale - 0.5;
  const first = Math.max(0, Math.ceil(center - reach));
  const last = Math.min(from - 1, Math.floor(center + reach));
  const weights = Float64Array.from(
    { length: last - first + 1 },
    (_, index) => reach - Math.abs(first + index - center),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { first, weights: weights.map((weight) => weight / total) };
}

/** Blurs with weights 1, 2, 1 in both directions, which dampens rounding and interpolation noise. */
export function smooth({ width, height, values }: Plane): Plane {
  const rows = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    let before = values[start] ?? 0;
    let here = before;
    for (let place = start; place < start + width; place += 1) {
      const after = place + 1 < start + width ? (values[place + 1] ?? 0) : here;
      rows[place] = (before + 2 * here + after) / 4;
      before = here;
      here = after;
    }
  }
  const result = new Float32Array(values.length);
  for (let row = 0; row < height; row += 1) {
    const up = row > 0 ? -width : 0;
    const down = row + 1 < height ? width : 0;
    for (let place = row * width; place < (row + 1) * width; place += 1) {
      const above = rows[place + up] ?? 0;
      const below = rows[place + down] ?? 0;
      result[place] = (above + 2 * (rows[place] ?? 0) + below) / 4;
    }
  }
  return { width, height, values: result };
}

/** Summed-area table (Crow, 1984): entry (row, column) is the sum of all values above and to the left of it. */
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
 * Each value relative to the mean of its neighborhood, in units of the neighborhood's standard deviation. The result
 * is independent of lighting and contrast, and no part outweighs the others, however bright.
 */
export function normalizeLocally(plane: Plane, radius: number, leastSpread: number): Plane {
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

/**
 * Where the inner plane lies on the outer one: the inner point (x, y) is the outer point (left + scaleX · x, top +
 * scaleY · y), in pixels from the top left corner. Both scales are about 1.
 */
export interface Placement {
  left: number;
  top: number;
  scaleX: number;
  scaleY: number;
}

/** How far beyond the centers of the outermost pixels a point still counts as covered. */
const MARGIN = 0.5;

/** The outer plane sampled bilinearly at the inner one's pixels; NaN where it has none. */
export function warp(outer: Plane, inner: Plane, placement: Placement): Float32Array {
  const { width, height } = inner;
  const { left, top, scaleX, scaleY } = placement;
  const result = new Float32Array(width * height).fill(Number.NaN);
  const furthestColumn = outer.width - 1;
  const furthestRow = outer.height - 1;
  for (let row = 0; row < height; row += 1) {
    const y = top + scaleY * (row + 0.5) - 0.5;
    if (y < -MARGIN || y > furthestRow + MARGIN) continue;
    const upperRow = Math.min(Math.max(0, Math.floor(y)), Math.max(0, furthestRow - 1));
    const lowerPart = Math.min(1, Math.max(0, y - upperRow));
    const down = furthestRow > 0 ? outer.width : 0;
    for (let column = 0; column < width; column += 1) {
      const x = left + scaleX * (column + 0.5) - 0.5;
      if (x < -MARGIN || x > furthestColumn + MARGIN) continue;
      const leftColumn = Math.min(Math.max(0, Math.floor(x)), Math.max(0, furthestColumn - 1));
      const rightPart = Math.min(1, Math.max(0, x - leftColumn));
      const corner = upperRow * outer.width + leftColumn;
      const right = furthestColumn > 0 ? 1 : 0;
      const upper =
        (outer.values[corner] ?? 0) * (1 - rightPart) +
        (outer.values[corner + right] ?? 0) * rightPart;
      const lower =
        (outer.values[corner + down] ?? 0) * (1 - rightPart) +
        (outer.values[corner + down + right] ?? 0) * rightPart;
      result[row * width + column] = upper * (1 - lowerPart) + lower * lowerPart;
    }
  }
  return result;
}
