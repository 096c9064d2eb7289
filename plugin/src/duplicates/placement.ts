import type { Plane } from './plane';

/**
 * Where one plane (the inner) lies on another (the outer): what is at (x, y) of the inner is at
 * (left + scaleX · x, top + scaleY · y) of the outer, in pixels from the upper left corner, both scales about 1.
 */
export interface Placement {
  left: number;
  top: number;
  scaleX: number;
  scaleY: number;
}

/** How far outside the outermost pixels' centres something counts as seen. */
const MARGIN = 0.5;

/** The outer plane as the inner one's pixels see it, between pixels as a mean of four; NaN where it shows nothing. */
export function seenThrough(outer: Plane, inner: Plane, placement: Placement): Float32Array {
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
