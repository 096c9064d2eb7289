import type { ComparablePicture } from './comparable-picture';
import type { Plane } from './plane';

/** How alike two whole pictures are, edge on edge. */
export interface WholeComparison {
  /** -1 to 1. */
  correlation: number;
  /**
   * Largest difference of a window, as root mean square, once light and contrast are evened out, in units of the
   * first picture's spread: a logo stands out here that hardly moves the correlation.
   */
  largestDifference: number;
}

/** Side of a window and the step from one to the next, in pixels. */
const WINDOW = 7;
const STEP = 3;

export function compareWhole(one: ComparablePicture, other: ComparablePicture): WholeComparison {
  const { width, height } = one.plane;
  const view = { width, height, isMirrored: false };
  const a = one.grey(view);
  const b = other.grey(view);
  const { meanA, meanB, varianceA, varianceB, covariance } = moments(a.values, b.values);
  // One flat picture cannot be told from another.
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
  for (let top = 0; top === 0 || top + WINDOW <= height; top += STEP) {
    for (let left = 0; left === 0 || left + WINDOW <= width; left += STEP) {
      let [sum, pixels] = [0, 0];
      for (let row = top; row < Math.min(height, top + WINDOW); row += 1) {
        for (let column = left; column < Math.min(width, left + WINDOW); column += 1) {
          sum += (values[row * width + column] ?? 0) ** 2;
          pixels += 1;
        }
      }
      largest = Math.max(largest, sum / pixels);
    }
  }
  return Math.sqrt(largest);
}
