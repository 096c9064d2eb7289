import type { SlopedPlane } from './alignment-refinement';
import type { Rectangle } from './plane';

/** Side of a window and the step from one to the next, in pixels. */
const WINDOW = 9;
const STEP = 3;
/** Mean square of the slopes, in their weakest direction, from which a window tells where it lies. */
const LEAST_SLOPE = 0.05;
/** A window that found no place near by says no more than that. */
const LONGEST_SHIFT = 2;

/**
 * How far apart the details of two pictures are that lie on each other: root mean square over small windows, in pixels of
 * the inner plane; 0 when there is nothing to go by.
 *
 * What was edited as a whole has all its details in place. Two photographs of one scene have not: what is near has moved
 * against what is far, and people do not keep still, by parts of a thumbnail's pixel that correlations hardly notice. A
 * window's shift is the one by which the two fit best there, by the method of Lucas and Kanade in a single step.
 *
 * @param inner locally normalised
 * @param seen the outer picture, likewise, as the inner one's pixels see it; NaN where it shows nothing
 * @param within the part of the inner plane that is looked at, as parts of its width and height
 */
export function localShift(inner: SlopedPlane, seen: Float32Array, within: Rectangle): number {
  const left = Math.max(1, Math.round(within.left * inner.width));
  const top = Math.max(1, Math.round(within.top * inner.height));
  const right = Math.min(inner.width - 1, Math.round(within.right * inner.width));
  const bottom = Math.min(inner.height - 1, Math.round(within.bottom * inner.height));
  let [squares, windows] = [0, 0];
  for (let row = top; row + WINDOW <= bottom; row += STEP) {
    for (let column = left; column + WINDOW <= right; column += STEP) {
      const shift = shiftOf(inner, seen, row * inner.width + column);
      if (Number.isNaN(shift)) continue;
      squares += Math.min(shift, LONGEST_SHIFT) ** 2;
      windows += 1;
    }
  }
  return windows > 0 ? Math.sqrt(squares / windows) : 0;
}

/** In pixels; NaN when the window shows too little. */
function shiftOf(inner: SlopedPlane, seen: Float32Array, corner: number): number {
  const { slopesX, slopesY, values, width } = inner;
  let [xx, xy, yy, rightX, rightY] = [0, 0, 0, 0, 0];
  for (let row = 0; row < WINDOW; row += 1) {
    const start = corner + row * width;
    for (let place = start; place < start + WINDOW; place += 1) {
      const difference = (seen[place] ?? 0) - (values[place] ?? 0);
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
  if (weakest < LEAST_SLOPE * WINDOW * WINDOW) return Number.NaN;
  return Math.hypot(yy * rightX - xy * rightY, xx * rightY - xy * rightX) / determinant;
}
