import type { ChromaGrid } from '../images/contract';
import type { SlopedPlane } from './alignment-refinement';
import type { ComparableImage } from './comparable-image';
import type { Alignment } from './contract';
import type { Plane, Rectangle } from './plane';

export interface PlacedImages {
  outer: ComparableImage;
  inner: ComparableImage;
  isMirrored: boolean;
  region: Alignment['region'];
  /** The area that is compared, as fractions of the inner image. */
  common: Rectangle;
}

/** A color without its brightness; 0 is gray. */
interface Chroma {
  blue: number;
  red: number;
}

/** An image has one tone (gray, sepia) when nearly all its colors are this close to each other. */
const ONE_TONE = 10;
const NEARLY_ALL = 0.95;
/** Maximum color shift that a white balance explains. */
const MAX_WHITE_BALANCE_SHIFT = 24;
/** Distance from gray at which a color has a hue. */
const MIN_HUE_STRENGTH = 14;
/** Distance and angle (as cosine) beyond which lighting can't explain the difference between two colors. */
const DIFFERENT_DISTANCE = 32;
const DIFFERENT_ANGLE = Math.cos((40 * Math.PI) / 180);

/**
 * Share of the common area where two images have clearly different hues, 0 to 1: a green apple on a red one of the
 * same outline. A gray or sepia copy agrees with any image, and paler, stronger or uniformly shifted colors don't
 * count.
 */
export function recoloredShare(images: PlacedImages): number {
  const pairs = chromaPairs(images);
  const [ones, others] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
  if (pairs.length === 0 || isOneTone(ones) || isOneTone(others)) return 0;
  const shift = {
    blue: clip(median(pairs.map(([one, other]) => other.blue - one.blue))),
    red: clip(median(pairs.map(([one, other]) => other.red - one.red))),
  };
  const recolored = pairs.filter(([{ blue, red }, other]) =>
    isDifferentColor({ blue: blue + shift.blue, red: red + shift.red }, other),
  );
  return recolored.length / pairs.length;
}

function isDifferentColor(one: Chroma, other: Chroma): boolean {
  const strengths = [Math.hypot(one.blue, one.red), Math.hypot(other.blue, other.red)] as const;
  if (Math.min(...strengths) < MIN_HUE_STRENGTH) return false;
  if (distance(one, other) < DIFFERENT_DISTANCE) return false;
  const product = one.blue * other.blue + one.red * other.red;
  return product < DIFFERENT_ANGLE * strengths[0] * strengths[1];
}

/** Colors at the same positions, the outer image's first. */
function chromaPairs({ common, inner, isMirrored, outer, region }: PlacedImages) {
  const { width, height } = inner.chroma;
  const pairs: [Chroma, Chroma][] = [];
  for (let row = 0; row < height; row += 1) {
    const y = (row + 0.5) / height;
    if (y < common.top || y > common.bottom) continue;
    for (let column = 0; column < width; column += 1) {
      const x = (column + 0.5) / width;
      if (x < common.left || x > common.right) continue;
      const outerX = region.left + x * region.width;
      const outerY = region.top + y * region.height;
      if (outerX < 0 || outerX > 1 || outerY < 0 || outerY > 1) continue;
      const innerX = isMirrored ? 1 - x : x;
      pairs.push([chromaAt(outer.chroma, outerX, outerY), chromaAt(inner.chroma, innerX, y)]);
    }
  }
  return pairs;
}

/** Interpolated between the nearest cells; x and y are fractions of width and height. */
function chromaAt({ width, height, blue, red }: ChromaGrid, x: number, y: number): Chroma {
  const column = within(x * width - 0.5, width - 1);
  const row = within(y * height - 0.5, height - 1);
  const [left, top] = [Math.floor(column), Math.floor(row)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const at = (values: Uint8Array): number => {
    const cell = (cellRow: number, cellColumn: number): number =>
      values[cellRow * width + cellColumn] ?? 128;
    const upper = cell(top, left) + (column - left) * (cell(top, right) - cell(top, left));
    const lower = cell(bottom, left) + (column - left) * (cell(bottom, right) - cell(bottom, left));
    return upper + (row - top) * (lower - upper) - 128;
  };
  return { blue: at(blue), red: at(red) };
}

function within(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}

function isOneTone(colors: readonly Chroma[]): boolean {
  const center = {
    blue: median(colors.map(({ blue }) => blue)),
    red: median(colors.map(({ red }) => red)),
  };
  const near = colors.filter((color) => distance(color, center) <= ONE_TONE);
  return near.length >= NEARLY_ALL * colors.length;
}

function distance(one: Chroma, other: Chroma): number {
  return Math.hypot(one.blue - other.blue, one.red - other.red);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? 0;
}

function clip(shift: number): number {
  return Math.max(-MAX_WHITE_BALANCE_SHIFT, Math.min(MAX_WHITE_BALANCE_SHIFT, shift));
}

/** How similar two whole images are, edge to edge. */
export interface WholeComparison {
  /** -1 to 1. */
  correlation: number;
  /**
   * Largest difference in any window: root mean square after lighting and contrast are evened out, in units of the
   * first image's standard deviation. It catches a logo that hardly affects the correlation.
   */
  largestDifference: number;
}

/** Window side and stride, in pixels. */
const WHOLE_WINDOW = 7;
const WHOLE_STEP = 3;

export function compareWhole(one: ComparableImage, other: ComparableImage): WholeComparison {
  const { width, height } = one.plane;
  const view = { width, height, isMirrored: false };
  const a = one.gray(view);
  const b = other.gray(view);
  const { meanA, meanB, varianceA, varianceB, covariance } = moments(a.values, b.values);
  // A flat image can't be told from another.
  if (varianceA === 0 || varianceB === 0) return { correlation: 0, largestDifference: Infinity };
  const gain = covariance / varianceB;
  const differences = a.values.map(
    (value, place) => value - meanA - gain * ((b.values[place] ?? 0) - meanB),
  );
  return {
    correlation: covariance / Math.sqrt(varianceA * varianceB),
    largestDifference: largestWindow({ width, height, values: differences }) / Math.sqrt(varianceA),
  };
}

interface Moments {
  meanA: number;
  meanB: number;
  varianceA: number;
  varianceB: number;
  covariance: number;
}

function moments(a: Float32Array, b: Float32Array): Moments {
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  for (let place = 0; place < a.length; place += 1) {
    const valueA = a[place] ?? 0;
    const valueB = b[place] ?? 0;
    sumA += valueA;
    sumB += valueB;
    squareA += valueA * valueA;
    squareB += valueB * valueB;
    product += valueA * valueB;
  }
  const meanA = sumA / a.length;
  const meanB = sumB / a.length;
  return {
    meanA,
    meanB,
    varianceA: squareA / a.length - meanA * meanA,
    varianceB: squareB / a.length - meanB * meanB,
    covariance: product / a.length - meanA * meanB,
  };
}

function largestWindow({ width, height, values }: Plane): number {
  let largest = 0;
  for (let top = 0; top === 0 || top + WHOLE_WINDOW <= height; top += WHOLE_STEP) {
    for (let left = 0; left === 0 || left + WHOLE_WINDOW <= width; left += WHOLE_STEP) {
      let [sum, pixels] = [0, 0];
      for (let row = top; row < Math.min(height, top + WHOLE_WINDOW); row += 1) {
        for (let column = left; column < Math.min(width, left + WHOLE_WINDOW); column += 1) {
          sum += (values[row * width + column] ?? 0) ** 2;
          pixels += 1;
        }
      }
      largest = Math.max(largest, sum / pixels);
    }
  }
  return Math.sqrt(largest);
}

/** Window side and stride, in pixels. */
const SHIFT_WINDOW = 9;
const SHIFT_STEP = 3;
/** Mean squared gradient, in its weakest direction, at which a window can be located. */
const MIN_SLOPE = 0.05;
/** Larger shifts mean only that the window has no match nearby. */
const MAX_SHIFT = 2;

/**
 * How far apart the details of two placed images are: root mean square of the shifts of small windows, in pixels of
 * the inner plane; 0 when no window can be located.
 *
 * An edit of the whole image keeps every detail in place. Two photographs of one scene don't: near objects move
 * against the background and people move, by fractions of a thumbnail pixel that correlations hardly notice. A
 * window's shift is a single Lucas–Kanade step (Lucas and Kanade, "An Iterative Image Registration Technique with an
 * Application to Stereo Vision", 1981).
 *
 * @param inner locally normalized
 * @param warped the outer image, locally normalized and warped to the inner one's pixels; NaN where it has none
 * @param within the part of the inner plane to compare, as fractions of its width and height
 */
export function measureLocalShift(
  inner: SlopedPlane,
  warped: Float32Array,
  within: Rectangle,
): number {
  const left = Math.max(1, Math.round(within.left * inner.width));
  const top = Math.max(1, Math.round(within.top * inner.height));
  const right = Math.min(inner.width - 1, Math.round(within.right * inner.width));
  const bottom = Math.min(inner.height - 1, Math.round(within.bottom * inner.height));
  let [squares, windows] = [0, 0];
  for (let row = top; row + SHIFT_WINDOW <= bottom; row += SHIFT_STEP) {
    for (let column = left; column + SHIFT_WINDOW <= right; column += SHIFT_STEP) {
      const shift = shiftOf(inner, warped, row * inner.width + column);
      if (Number.isNaN(shift)) continue;
      squares += Math.min(shift, MAX_SHIFT) ** 2;
      windows += 1;
    }
  }
  return windows > 0 ? Math.sqrt(squares / windows) : 0;
}

/** In pixels; NaN when the window has too little texture. */
function shiftOf(inner: SlopedPlane, warped: Float32Array, corner: number): number {
  const { slopesX, slopesY, values, width } = inner;
  let [xx, xy, yy, rightX, rightY] = [0, 0, 0, 0, 0];
  for (let row = 0; row < SHIFT_WINDOW; row += 1) {
    const start = corner + row * width;
    for (let place = start; place < start + SHIFT_WINDOW; place += 1) {
      const difference = (warped[place] ?? 0) - (values[place] ?? 0);
      const x = slopesX[place] ?? 0;
      const y = slopesY[place] ?? 0;
      xx += x * x;
      xy += x * y;
      yy += y * y;
      rightX += x * difference;
      rightY += y * difference;
    }
  }
  const half = (xx + yy) / 2;
  const determinant = xx * yy - xy * xy;
  const weakest = half - Math.sqrt(Math.max(0, half * half - determinant));
  if (weakest < MIN_SLOPE * SHIFT_WINDOW * SHIFT_WINDOW) return Number.NaN;
  return Math.hypot(yy * rightX - xy * rightY, xx * rightY - xy * rightX) / determinant;
}
