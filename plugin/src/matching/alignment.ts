import { refinePlacement } from './alignment-refinement';
import { type Guess, screenGuesses, searchAlignment } from './alignment-search';
import type { ComparableImage } from './comparable-image';
import { measureLocalShift, recoloredShare } from './comparison';
import type { Alignment, Box } from './contract';
import { closeTurns, isClose, isMirrorClose, type QuarterTurns } from './fingerprint';
import {
  type Placement,
  type Plane,
  type PlaneSize,
  type Rectangle,
  rectangleSum,
  scaledSize,
  sumTable,
  warp,
} from './plane';
import { placeOf, register, warpAffine } from './registration';

export interface AlignmentBounds {
  covered: number;
  matching: number;
  correlation: number;
  disagreement: number;
}

/**
 * Minimum number of textured windows; fewer prove nothing. With only a few, as in drawings on a plain background,
 * outlines agree by chance, so nearly all must match.
 */
const MIN_WINDOWS = 16;
const MANY_WINDOWS = 40;
const MIN_MATCHING_OF_FEW = 0.95;
/** Share of all textured windows that must match, however well the chosen rectangle does. */
const MIN_OVERALL = 0.4;
/** Share of the common area that may have different colors. */
const MAX_RECOLORED = 0.1;
const FINGERPRINT_BITS = 256;
/** Shortest side of an image that is aligned, in pixels. */
const MIN_SIDE = 10;

/**
 * Finds how two images lie on each other and whether they show the same there. Returns null unless they do within
 * the bounds.
 *
 * Fingerprints that are close enough suggest a placement edge to edge, which is tried before a search.
 */
export function align(
  one: ComparableImage,
  other: ComparableImage,
  bounds: AlignmentBounds,
): Alignment | null {
  const upright = findConfirmed({
    one,
    other,
    guesses: guessesFromFingerprints(one, other),
    bounds,
  });
  if (upright !== null) return upright;
  const turned = alignTurned(one, other, bounds);
  if (turned !== null) return turned;
  const guesses = screenGuesses(one, other, searchAlignment(one, other));
  return findConfirmed({ one, other, guesses, bounds });
}

/**
 * How an image lies on another that has it as a tile, refined if their thumbnails are large enough.
 *
 * @param job.distance number of bits, of 256, in which the fingerprints of the tile and of the inner image differ
 */
export function alignTile(job: {
  outer: ComparableImage;
  inner: ComparableImage;
  side: Alignment['inner'];
  box: Box;
  distance: number;
}): Alignment {
  const { box, distance, inner, outer, side } = job;
  const [left, top] = [box.left * outer.plane.width, box.top * outer.plane.height];
  const scale = Math.sqrt(
    ((box.width * outer.plane.width) / inner.plane.width) *
      ((box.height * outer.plane.height) / inner.plane.height),
  );
  const guess: Guess = { inner: side, isMirrored: false, scale, left, top, score: 1 };
  const refined = confirm(outer, inner, guess);
  if (refined && refined.agreement.overall >= MIN_OVERALL) return refined.alignment;
  return {
    inner: side,
    isMirrored: false,
    region: {
      left: round(box.left),
      top: round(box.top),
      width: round(box.width),
      height: round(box.height),
    },
    covered: 1,
    matching: round(1 - distance / FINGERPRINT_BITS),
    // Unrelated fingerprints differ in half of the bits.
    correlation: round(1 - (2 * distance) / FINGERPRINT_BITS),
  };
}

/** Edge to edge after quarter turns, if the fingerprints suggest it. */
function alignTurned(
  one: ComparableImage,
  other: ComparableImage,
  bounds: AlignmentBounds,
): Alignment | null {
  for (const { isMirrored, quarterTurns } of closeTurns(one.fingerprint, other.fingerprint)) {
    const upright = other.turned(quarterTurns);
    const guesses = [edgeToEdge(one, upright, isMirrored)];
    const found = findConfirmed({ one, other: upright, guesses, bounds });
    // Turned first and mirrored then is mirrored first and turned the other way.
    const clockwise = isMirrored ? ((4 - quarterTurns) as QuarterTurns) : quarterTurns;
    if (found) return { ...found, quarterTurns: clockwise };
  }
  return null;
}

/** Edge to edge, if the fingerprints suggest it. */
function guessesFromFingerprints(one: ComparableImage, other: ComparableImage): Guess[] {
  const guesses: Guess[] = [];
  if (isClose(one.fingerprint, other.fingerprint)) guesses.push(edgeToEdge(one, other, false));
  if (isMirrorClose(one.fingerprint, other.fingerprint)) {
    guesses.push(edgeToEdge(one, other, true));
  }
  return guesses;
}

function edgeToEdge(one: ComparableImage, other: ComparableImage, isMirrored: boolean): Guess {
  const scale = Math.min(
    one.plane.width / other.plane.width,
    one.plane.height / other.plane.height,
  );
  return { inner: 'other', isMirrored, scale, left: 0, top: 0, score: 1 };
}

function findConfirmed(job: {
  one: ComparableImage;
  other: ComparableImage;
  guesses: readonly Guess[];
  bounds: AlignmentBounds;
}): Alignment | null {
  const { one, other, guesses, bounds } = job;
  for (const guess of guesses) {
    const [outer, inner] = guess.inner === 'other' ? [one, other] : [other, one];
    const upright = confirm(outer, inner, guess);
    if (upright === null) continue;
    for (const found of [upright, () => tilt(outer, inner, guess, upright)]) {
      const confirmation = typeof found === 'function' ? found() : found;
      if (confirmation && isConfirmed({ outer, inner, bounds, confirmation })) {
        return confirmation.alignment;
      }
    }
  }
  return null;
}

function isConfirmed(job: {
  outer: ComparableImage;
  inner: ComparableImage;
  bounds: AlignmentBounds;
  confirmation: Confirmation;
}): boolean {
  const { bounds, inner, outer } = job;
  const { agreement, alignment, shiftWithin } = job.confirmation;
  const { common } = agreement;
  if (!isWithin(agreement, bounds)) return false;
  if (!(disagreement(agreement, shiftWithin(common)) <= bounds.disagreement)) return false;
  const { isMirrored, region } = alignment;
  return recoloredShare({ outer, inner, isMirrored, region, common }) <= MAX_RECOLORED;
}

/** Share of all textured windows that must match upright before a tilt is tried. */
const MIN_OVERALL_TO_TILT = 0.1;
/** Largest tilt, in degrees. */
const MAX_TILT = 12;

/** The same placement, turned by a few degrees to where it fits best; null when that isn't much. */
function tilt(
  outer: ComparableImage,
  inner: ComparableImage,
  guess: Guess,
  upright: Confirmation,
): Confirmation | null {
  if (upright.agreement.overall < MIN_OVERALL_TO_TILT) return null;
  const { isMirrored } = guess;
  const size = scaledSize(inner.plane, guess.scale);
  const ground = { ...sizeOf(outer.plane), isMirrored: false };
  const piece = { ...size, isMirrored };
  const start = {
    a: (inner.plane.width * guess.scale) / size.width,
    b: 0,
    c: guess.left,
    d: 0,
    e: (inner.plane.height * guess.scale) / size.height,
    f: guess.top,
  };
  const [below, above] = [outer.gray(ground), inner.gray(piece)];
  const placement = register(below, above, start);
  if (placement === null) return null;
  const { degrees, region } = placeOf(placement, { outer: outer.plane, inner: size });
  if (!(Math.abs(degrees) <= MAX_TILT)) return null;
  const agreement = measureAgreement(above, warpAffine(below, above, placement));
  const { correlation, covered, matching } = agreement;
  const normalized = warpAffine(outer.normalized(ground), above, placement);
  return {
    alignment: {
      inner: guess.inner,
      isMirrored,
      region,
      ...(degrees !== 0 && { degrees }),
      covered: round(covered),
      matching: round(matching),
      correlation: round(correlation),
    },
    agreement,
    shiftWithin: (part) => measureLocalShift(inner.normalized(piece), normalized, part),
  };
}

function isWithin(agreement: Agreement, bounds: AlignmentBounds): boolean {
  const { windows } = agreement;
  const matching = windows < MANY_WINDOWS ? MIN_MATCHING_OF_FEW : bounds.matching;
  return (
    windows >= MIN_WINDOWS &&
    agreement.overall >= MIN_OVERALL &&
    agreement.covered >= bounds.covered &&
    agreement.matching >= matching &&
    agreement.correlation >= bounds.correlation
  );
}

/** Edits leave a little of each disagreement; much of two or three means another photograph. */
function disagreement({ correlation, matching }: Agreement, shift: number): number {
  return 1 - correlation + (1 - matching) + shift;
}

interface Confirmation {
  alignment: Alignment;
  agreement: Agreement;
  /** See `measureLocalShift`. */
  shiftWithin: (part: Rectangle) => number;
}

/** The exact placement and how well it agrees; null when refinement fails. */
function confirm(
  outer: ComparableImage,
  inner: ComparableImage,
  guess: Guess,
): Confirmation | null {
  const { isMirrored, scale } = guess;
  const size = {
    width: Math.round(inner.plane.width * scale),
    height: Math.round(inner.plane.height * scale),
  };
  if (Math.min(size.width, size.height) < MIN_SIDE) return null;
  const ground = { ...sizeOf(outer.plane), isMirrored: false };
  const piece = { ...size, isMirrored };
  const [below, above] = [outer.normalized(ground), inner.normalized(piece)];
  const placement = refinePlacement(below, above, {
    left: guess.left,
    top: guess.top,
    scaleX: (inner.plane.width * scale) / size.width,
    scaleY: (inner.plane.height * scale) / size.height,
  });
  if (placement === null) return null;
  const agreement = measureAgreement(
    inner.gray(piece),
    warp(outer.gray(ground), inner.gray(piece), placement),
  );
  const { covered, matching, correlation } = agreement;
  const region = regionOf(placement, { outer: outer.plane, inner: size });
  return {
    alignment: {
      inner: guess.inner,
      isMirrored,
      region,
      covered: round(covered),
      matching: round(matching),
      correlation: round(correlation),
    },
    agreement,
    shiftWithin: (part) => measureLocalShift(above, warp(below, above, placement), part),
  };
}

function sizeOf({ width, height }: PlaneSize): PlaneSize {
  return { width, height };
}

function regionOf(
  { left, top, scaleX, scaleY }: Placement,
  { outer, inner }: { outer: PlaneSize; inner: PlaneSize },
): Alignment['region'] {
  return {
    left: round(left / outer.width),
    top: round(top / outer.height),
    width: round((scaleX * inner.width) / outer.width),
    height: round((scaleY * inner.height) / outer.height),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** How well two placed images agree, window by window. */
interface Agreement {
  /** The rectangle both share, as fractions of the inner image's width and height. */
  common: Rectangle;
  /** Share of the inner image's area, 0 to 1. */
  covered: number;
  /** Number of windows in the rectangle that are textured in either image. */
  windows: number;
  /** Share of those windows that match, 0 to 1. */
  matching: number;
  /** Median correlation of those windows, -1 to 1. */
  correlation: number;
  /** Matching windows in the rectangle as a share of all textured windows, 0 to 1. */
  overall: number;
}

/** Window side and stride, in pixels. */
const WINDOW = 7;
const STEP = 3;
/** Standard deviation of gray values, slope removed, at which a window is textured. */
const MIN_SPREAD = 4;
/** Correlation at which a window matches. */
const MATCHING_CORRELATION = 0.85;
/** Maximum trimmed off each side to remove additions, as a share of the windows in a row or column. */
const MAX_TRIMMED = 0.35;
/** What a mismatch costs when the rectangle is chosen; a match gains 1. */
const MISMATCH_COST = 2;

/**
 * Compares window by window. Each window's mean and slope are removed before the correlation, so lighting, contrast
 * and the shading of a sky or background don't count. Borders, banners and logos lie along the sides, so the sides
 * are trimmed to the rectangle with the most agreement, which is the one described.
 */
function measureAgreement(inner: Plane, warped: Float32Array): Agreement {
  const grid = correlateWindows(inner, warped);
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
  const matching = correlations.filter((correlation) => correlation >= MATCHING_CORRELATION).length;
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

/** Correlation per window; NaN where neither image is textured. */
function correlateWindows(inner: Plane, warped: Float32Array): Plane {
  const width = Math.max(1, Math.floor((inner.width - WINDOW) / STEP) + 1);
  const height = Math.max(1, Math.floor((inner.height - WINDOW) / STEP) + 1);
  const values = new Float32Array(width * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      values[row * width + column] = windowCorrelation(inner, warped, {
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
    return correlation >= MATCHING_CORRELATION ? 1 : -MISMATCH_COST;
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
  const mostColumns = Math.floor(width * MAX_TRIMMED);
  const mostRows = Math.floor(height * MAX_TRIMMED);
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
const POSITION_SPREAD = (WINDOW * (HALF * (HALF + 1) * (2 * HALF + 1))) / 3;
const MIN_ENERGY = MIN_SPREAD * MIN_SPREAD * PIXELS;

function windowCorrelation(
  { width, values }: Plane,
  warped: Float32Array,
  { left, top }: { left: number; top: number },
): number {
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  let [slopeAX, slopeAY, slopeBX, slopeBY] = [0, 0, 0, 0];
  for (let row = 0; row < WINDOW; row += 1) {
    const start = (top + row) * width + left;
    for (let column = 0; column < WINDOW; column += 1) {
      const a = values[start + column] ?? 0;
      const b = warped[start + column] ?? 0;
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
  const energyA = squareA - sumA ** 2 / PIXELS - (slopeAX ** 2 + slopeAY ** 2) / POSITION_SPREAD;
  const energyB = squareB - sumB ** 2 / PIXELS - (slopeBX ** 2 + slopeBY ** 2) / POSITION_SPREAD;
  // NaN, where the outer image has no pixels, passes through all of this.
  if (energyA < MIN_ENERGY && energyB < MIN_ENERGY) return Number.NaN;
  const slopes = (slopeAX * slopeBX + slopeAY * slopeBY) / POSITION_SPREAD;
  const shared = product - (sumA * sumB) / PIXELS - slopes;
  // A window that is textured in only one image must not match the other's noise by chance.
  const least = MIN_ENERGY / 16;
  return shared / Math.sqrt(Math.max(energyA, least) * Math.max(energyB, least));
}
