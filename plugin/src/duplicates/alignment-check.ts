import { seenThrough, type Placement } from './placement';
import { rectangleSum, sumTable, type Plane, type PlaneSize, type Rectangle } from './plane';

/** What two pictures that lie on each other have in common, seen through small windows. */
export interface Agreement {
  /** The rectangle that the two have in common, as parts of the inner picture's width and height. */
  common: Rectangle;
  /** Part of the inner picture that it is, 0 to 1. */
  covered: number;
  /** Windows in there in which either picture shows something. */
  windows: number;
  /** Part of those `windows` in which both pictures show the same, 0 to 1. */
  matching: number;
  /** Median of the correlations in those `windows`, -1 to 1. */
  correlation: number;
  /** Matching windows of the rectangle as part of all in which either picture shows something, 0 to 1. */
  overall: number;
}

/** Side of a window and the step from one to the next, in pixels. */
const WINDOW = 7;
const STEP = 3;
/** Spread of grey values, their slope taken off, from which a window shows something. */
const LEAST_SPREAD = 4;
/** Correlation from which both show the same in a window. */
const SAME = 0.85;
/** Most that is trimmed off each side to get rid of what was added there, as part of the windows in a row or column. */
const MOST_TRIMMED = 0.35;
/** What a window that differs costs when the rectangle is chosen; one that agrees gains 1. */
const DIFFERENCE_COST = 2;

/**
 * Compares window by window. Within each, mean and slope are taken off before the correlation: light, contrast and the
 * shades of a sky or a background say nothing. Borders, banners and logos lie along the sides: of the rectangles that
 * are left when the sides are trimmed, the one with most agreement is described.
 */
export function checkPlacement(outer: Plane, inner: Plane, placement: Placement): Agreement {
  const seen = seenThrough(outer, inner, placement);
  const grid = correlate(inner, seen);
  const best = bestRectangle(grid);
  const correlations: number[] = [];
  for (let row = best.top; row < best.bottom; row += 1) {
    for (let column = best.left; column < best.right; column += 1) {
      const correlation = grid.values[row * grid.width + column] ?? Number.NaN;
      if (!Number.isNaN(correlation)) correlations.push(correlation);
    }
  }
  correlations.sort((left, right) => left - right);
  const windows = correlations.length;
  const matching = correlations.filter((correlation) => correlation >= SAME).length;
  const all = grid.values.filter((correlation) => !Number.isNaN(correlation)).length;
  const area = (best.right - best.left) * (best.bottom - best.top);
  return {
    common: {
      left: best.left / grid.width,
      top: best.top / grid.height,
      right: best.right / grid.width,
      bottom: best.bottom / grid.height,
    },
    covered: area / (grid.width * grid.height),
    windows,
    matching: windows > 0 ? matching / windows : 0,
    correlation: correlations[windows >> 1] ?? 0,
    overall: all > 0 ? matching / all : 0,
  };
}

/** Correlation per window; NaN where there is nothing to be seen. */
function correlate(inner: Plane, seen: Float32Array): Plane {
  const width = Math.max(1, Math.floor((inner.width - WINDOW) / STEP) + 1);
  const height = Math.max(1, Math.floor((inner.height - WINDOW) / STEP) + 1);
  const values = new Float32Array(width * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      values[row * width + column] = windowCorrelation(inner, seen, {
        left: column * STEP,
        top: row * STEP,
      });
    }
  }
  return { width, height, values };
}

function bestRectangle(grid: Plane): Rectangle {
  const gains = Float32Array.from(grid.values, (correlation) => {
    if (Number.isNaN(correlation)) return 0;
    return correlation >= SAME ? 1 : -DIFFERENCE_COST;
  });
  const table = sumTable({ ...grid, values: gains }, false);
  let best = { left: 0, top: 0, right: grid.width, bottom: grid.height };
  let most = rectangleSum(table, grid.width, best);
  for (const rectangle of trimmedRectangles(grid)) {
    const gain = rectangleSum(table, grid.width, rectangle);
    if (gain <= most) continue;
    best = rectangle;
    most = gain;
  }
  return best;
}

function* trimmedRectangles({ width, height }: PlaneSize): Generator<Rectangle> {
  const mostColumns = Math.floor(width * MOST_TRIMMED);
  const mostRows = Math.floor(height * MOST_TRIMMED);
  for (let top = 0; top <= mostRows; top += 1) {
    for (let bottom = height; bottom >= height - mostRows; bottom -= 1) {
      for (let left = 0; left <= mostColumns; left += 1) {
        for (let right = width; right >= width - mostColumns; right -= 1) {
          if (left < right && top < bottom) yield { left, top, right, bottom };
        }
      }
    }
  }
}

const HALF = (WINDOW - 1) / 2;
const PIXELS = WINDOW * WINDOW;
/** Sum of the squared distances of a window's pixels from its middle column. */
const SPREAD_OF_PLACES = (WINDOW * (HALF * (HALF + 1) * (2 * HALF + 1))) / 3;
const LEAST_ENERGY = LEAST_SPREAD * LEAST_SPREAD * PIXELS;

function windowCorrelation(
  { width, values }: Plane,
  seen: Float32Array,
  { left, top }: { left: number; top: number },
): number {
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  let [slopeAX, slopeAY, slopeBX, slopeBY] = [0, 0, 0, 0];
  for (let row = 0; row < WINDOW; row += 1) {
    const start = (top + row) * width + left;
    for (let column = 0; column < WINDOW; column += 1) {
      const a = values[start + column] ?? 0;
      const b = seen[start + column] ?? 0;
      sumA += a;
      sumB += b;
      squareA += a * a;
      squareB += b * b;
      product += a * b;
      slopeAX += a * (column - HALF);
      slopeAY += a * (row - HALF);
      slopeBX += b * (column - HALF);
      slopeBY += b * (row - HALF);
    }
  }
  const energyA = squareA - sumA ** 2 / PIXELS - (slopeAX ** 2 + slopeAY ** 2) / SPREAD_OF_PLACES;
  const energyB = squareB - sumB ** 2 / PIXELS - (slopeBX ** 2 + slopeBY ** 2) / SPREAD_OF_PLACES;
  // NaN, where the outer picture shows nothing, falls through all of this.
  if (energyA < LEAST_ENERGY && energyB < LEAST_ENERGY) return Number.NaN;
  const slopes = (slopeAX * slopeBX + slopeAY * slopeBY) / SPREAD_OF_PLACES;
  const shared = product - (sumA * sumB) / PIXELS - slopes;
  // A window that only one of them fills must not agree by chance with the noise of the other.
  const least = LEAST_ENERGY / 16;
  return shared / Math.sqrt(Math.max(energyA, least) * Math.max(energyB, least));
}
