import { solveSymmetric } from './alignment-refinement';
import { halve, normalizeLocally, type Plane, type PlaneSize } from './plane';

/**
 * Where the inner plane lies on the outer one: the inner point (x, y) is the outer point (a·x + b·y + c, d·x + e·y +
 * f), in pixels from the top left corner.
 */
export interface Affine {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
}

/** Longest side of the planes on which registration starts and ends, in pixels. */
const COARSEST_EDGE = 80;
const FINEST_EDGE = 720;
const MAX_STEPS = 8;
/** A step that moves no pixel farther than this, in pixels of its level, is the last of the level. */
const FINAL_STEP = 0.03;
const NEIGHBORHOOD = 4;
const MIN_SPREAD = 4;
/** Difference of locally normalized values at which a pixel counts half. */
const HALVING_DIFFERENCE = 0.6;
const MIN_OVERLAP = 0.1;
/** How far a corner may move in all, as a share of the longer side. */
const MAX_MOVE = 0.12;
const UNKNOWNS = 6;

/**
 * Moves a placement to where the inner plane fits the outer one best, from coarse to fine. Returns null when it
 * diverges or too little overlaps.
 *
 * The method is Lucas–Kanade in its inverse compositional form with an affine warp (Baker and Matthews, "Lucas-Kanade
 * 20 Years On: A Unifying Framework", 2004), with weights that count pixels with large differences less.
 */
export function register(outer: Plane, inner: Plane, start: Affine): Affine | null {
  const levels: { outer: Plane; inner: Plane; scale: number }[] = [];
  for (let level = { outer, inner, scale: 1 }; ;) {
    levels.push(level);
    if (Math.max(level.inner.width, level.inner.height) < 2 * COARSEST_EDGE) break;
    level = { outer: halve(level.outer), inner: halve(level.inner), scale: level.scale * 2 };
  }
  let placement = start;
  for (const [index, { scale, ...planes }] of levels.reverse().entries()) {
    if (Math.max(planes.inner.width, planes.inner.height) > FINEST_EDGE) break;
    const level = {
      outer: normalizeLocally(planes.outer, NEIGHBORHOOD, MIN_SPREAD),
      inner: normalizeLocally(planes.inner, NEIGHBORHOOD, MIN_SPREAD),
    };
    const known = rescaled(placement, 1 / scale);
    const refined = index === 0 ? refineFirst(level, known) : refine(level, known);
    if (refined === null) return null;
    placement = rescaled(refined.placement, scale);
  }
  const isNear =
    farthestMove(start, placement, inner) <= MAX_MOVE * Math.max(inner.width, inner.height);
  return isNear ? placement : start;
}

/** A placement as an upright rectangle of the outer image, in fractions of it, that is turned about its center. */
export interface Place {
  region: { left: number; top: number; width: number; height: number };
  /** Clockwise. */
  degrees: number;
}

export function placeOf(
  { a, b, c, d, e, f }: Affine,
  { inner, outer }: { inner: PlaneSize; outer: PlaneSize },
): Place {
  const [x, y] = [inner.width / 2, inner.height / 2];
  const width = (Math.hypot(a, d) * inner.width) / outer.width;
  const height = (Math.hypot(b, e) * inner.height) / outer.height;
  const round = (value: number): number => Math.round(value * 1_000) / 1_000;
  return {
    region: {
      left: round((a * x + b * y + c) / outer.width - width / 2),
      top: round((d * x + e * y + f) / outer.height - height / 2),
      width: round(width),
      height: round(height),
    },
    degrees: Math.round(Math.atan2(d, a) * (1_800 / Math.PI)) / 10,
  };
}

export function placementOf(
  { degrees, region }: Place,
  { inner, outer }: { inner: PlaneSize; outer: PlaneSize },
): Affine {
  const radians = (degrees * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  const scaleX = (region.width * outer.width) / inner.width;
  const scaleY = (region.height * outer.height) / inner.height;
  const turned = { a: scaleX * cosine, b: -scaleY * sine, d: scaleX * sine, e: scaleY * cosine };
  const [x, y] = [inner.width / 2, inner.height / 2];
  return {
    ...turned,
    c: (region.left + region.width / 2) * outer.width - turned.a * x - turned.b * y,
    f: (region.top + region.height / 2) * outer.height - turned.d * x - turned.e * y,
  };
}

/** Both planes shrunk or enlarged by the same factor. */
function rescaled(placement: Affine, factor: number): Affine {
  return { ...placement, c: placement.c * factor, f: placement.f * factor };
}

function farthestMove(one: Affine, other: Affine, { height, width }: Plane): number {
  const corners = [0, width].flatMap((x) => [0, height].map((y) => ({ x, y })));
  return Math.max(
    ...corners.map(({ x, y }) =>
      Math.hypot(
        (one.a - other.a) * x + (one.b - other.b) * y + one.c - other.c,
        (one.d - other.d) * x + (one.e - other.e) * y + one.f - other.f,
      ),
    ),
  );
}

interface Fit {
  placement: Affine;
  /** See `Step`. */
  misfit: number;
}

/** Locally normalized. */
type Level = Record<'outer' | 'inner', Plane>;

/** Misfit at which other tilts are tried, in degrees: sparse images fit badly in many places. */
const BAD_MISFIT = 0.3;
const TILTS = [-6, -3, 3, 6];

/** How far edge to edge may be from the start to be tried as well, as a share of the longer side. */
const NEAR_WHOLE = 0.08;

/** The best of the starts, edge to edge if that is near, and tilts if none fits. */
function refineFirst(level: Level, start: Affine): Fit | null {
  const { inner, outer } = level;
  const whole: Affine = {
    a: outer.width / inner.width,
    b: 0,
    c: 0,
    d: 0,
    e: outer.height / inner.height,
    f: 0,
  };
  const side = Math.max(inner.width, inner.height);
  const isWhole = farthestMove(start, whole, inner) <= NEAR_WHOLE * side;
  const best = bestFit(level, isWhole ? [whole, start] : [start]);
  if (best === null || best.misfit < BAD_MISFIT) return best;
  const tilted = bestFit(
    level,
    TILTS.map((degrees) => tiltedBy(degrees, start, inner)),
  );
  return tilted && tilted.misfit < best.misfit ? tilted : best;
}

function bestFit(level: Level, starts: readonly Affine[]): Fit | null {
  const fits = starts.map((start) => refine(level, start)).filter((fit) => fit !== null);
  return fits.sort((one, other) => one.misfit - other.misfit)[0] ?? null;
}

/** The same place, turned clockwise about its center. */
function tiltedBy(degrees: number, { a, b, c, d, e, f }: Affine, inner: PlaneSize): Affine {
  const radians = (degrees * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  const [x, y] = [inner.width / 2, inner.height / 2];
  const turned = {
    a: cosine * a - sine * d,
    b: cosine * b - sine * e,
    d: sine * a + cosine * d,
    e: sine * b + cosine * e,
  };
  return {
    ...turned,
    c: a * x + b * y + c - turned.a * x - turned.b * y,
    f: d * x + e * y + f - turned.d * x - turned.e * y,
  };
}

/** Share of the misfit that unequal scales or a shear must remove: on sparse images they fit anything. */
const AFFINE_GAIN = 0.03;

function refine(level: Level, start: Affine): Fit | null {
  const similar = converge(level, start, true);
  if (similar === null) return null;
  const affine = converge(level, similar.placement, false);
  return affine && affine.misfit < (1 - AFFINE_GAIN) * similar.misfit ? affine : similar;
}

function converge({ inner, outer }: Level, start: Affine, isSimilarity: boolean): Fit | null {
  let placement = start;
  let best: Fit = { placement: start, misfit: Infinity };
  const result = new Float32Array(inner.values.length);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const found = bestChange(inner, warpAffine(outer, inner, placement, { result }), isSimilarity);
    if (found === null) return null;
    // Sparse drawings may lead astray: the best placement counts, not the last.
    if (found.misfit < best.misfit) best = { placement, misfit: found.misfit };
    else if (found.misfit > 1.02 * best.misfit) break;
    const { change } = found;
    placement = compose(placement, change, inner);
    const [moveX = 0, xx = 0, xy = 0, moveY = 0, yx = 0, yy = 0] = change;
    const farthest = Math.max(
      Math.abs(moveX) + (Math.abs(xx) * inner.width + Math.abs(xy) * inner.height) / 2,
      Math.abs(moveY) + (Math.abs(yx) * inner.width + Math.abs(yy) * inner.height) / 2,
    );
    if (!Number.isFinite(farthest)) return null;
    if (farthest < FINAL_STEP) break;
  }
  return best;
}

/** The placement after the inverse of a change of the inner plane about its center. */
function compose(placement: Affine, change: Float64Array, { height, width }: Plane): Affine {
  const [moveX = 0, xx = 0, xy = 0, moveY = 0, yx = 0, yy = 0] = change;
  const [centerX, centerY] = [width / 2, height / 2];
  const determinant = (1 + xx) * (1 + yy) - xy * yx;
  const inverse = {
    a: (1 + yy) / determinant,
    b: -xy / determinant,
    d: -yx / determinant,
    e: (1 + xx) / determinant,
  };
  const c = centerX - inverse.a * (centerX + moveX) - inverse.b * (centerY + moveY);
  const f = centerY - inverse.d * (centerX + moveX) - inverse.e * (centerY + moveY);
  return {
    a: placement.a * inverse.a + placement.b * inverse.d,
    b: placement.a * inverse.b + placement.b * inverse.e,
    c: placement.a * c + placement.b * f + placement.c,
    d: placement.d * inverse.a + placement.e * inverse.d,
    e: placement.d * inverse.b + placement.e * inverse.e,
    f: placement.d * c + placement.e * f + placement.f,
  };
}

interface Step {
  /** Shift and growth along x and y for x, then for y. */
  change: Float64Array;
  /** How badly the textured parts fit before the step: mean robust difference, 0 to 1. */
  misfit: number;
}

/** Null with too little overlap or texture. */
function bestChange(inner: Plane, warped: Float32Array, isSimilarity: boolean): Step | null {
  const { height, values, width } = inner;
  // Weighted products of the gradients, by the arms that they are multiplied with.
  const moments = { xx: new Float64Array(6), xy: new Float64Array(6), yy: new Float64Array(6) };
  const right = new Float64Array(UNKNOWNS);
  let [pixels, textured, misfit] = [0, 0, 0];
  for (let row = 1; row < height - 1; row += 1) {
    const armY = row + 0.5 - height / 2;
    // Of this row; the vertical arm is the same for all of it.
    let [xx, xxA, xxAA, xy, xyA, xyAA] = [0, 0, 0, 0, 0, 0];
    let [yy, yyA, yyAA, toX, toXA, toY, toYA] = [0, 0, 0, 0, 0, 0, 0];
    for (let place = row * width + 1; place < (row + 1) * width - 1; place += 1) {
      const difference = (warped[place] ?? 0) - (values[place] ?? 0);
      if (Number.isNaN(difference)) continue;
      pixels += 1;
      const x = ((values[place + 1] ?? 0) - (values[place - 1] ?? 0)) / 2;
      const y = ((values[place + width] ?? 0) - (values[place - width] ?? 0)) / 2;
      if (x * x + y * y < 0.0025) continue;
      const relative = difference / HALVING_DIFFERENCE;
      const weight = 1 / (1 + relative * relative);
      // Flat parts fit everywhere.
      textured += 1;
      misfit += 1 - weight;
      const armX = place - row * width + 0.5 - width / 2;
      const weightX = weight * x;
      const weightY = weight * y;
      const productXX = weightX * x;
      const productXY = weightX * y;
      const productYY = weightY * y;
      xx += productXX;
      xxA += productXX * armX;
      xxAA += productXX * armX * armX;
      xy += productXY;
      xyA += productXY * armX;
      xyAA += productXY * armX * armX;
      yy += productYY;
      yyA += productYY * armX;
      yyAA += productYY * armX * armX;
      toX += weightX * difference;
      toXA += weightX * difference * armX;
      toY += weightY * difference;
      toYA += weightY * difference * armX;
    }
    addRow(moments.xx, armY, [xx, xxA, xxAA]);
    addRow(moments.xy, armY, [xy, xyA, xyAA]);
    addRow(moments.yy, armY, [yy, yyA, yyAA]);
    for (const [index, sum] of [toX, toXA, toX * armY, toY, toYA, toY * armY].entries()) {
      right[index] = (right[index] ?? 0) + sum;
    }
  }
  const normal = normalOf(moments);
  if (pixels < MIN_OVERLAP * width * height) return null;
  dampen(normal, inner);
  const change = isSimilarity
    ? solveSimilarity(normal, right)
    : solveSymmetric(normal, right, UNKNOWNS);
  return change && { change, misfit: misfit / Math.max(1, textured) };
}

/** Sums over the image: of 1, both arms, and their squares and product. */
type Moments = Float64Array;

function addRow(moments: Moments, armY: number, [sum, byX, byXX]: [number, number, number]): void {
  for (const [index, value] of [
    sum,
    byX,
    sum * armY,
    byXX,
    byX * armY,
    sum * armY ** 2,
  ].entries()) {
    moments[index] = (moments[index] ?? 0) + value;
  }
}

/** The lower triangle of the normal equations, in the order of `Step.change`. */
function normalOf({ xx, xy, yy }: Record<'xx' | 'xy' | 'yy', Moments>): Float64Array {
  /** Which moment the product of two arms is: of none, the horizontal and the vertical one. */
  const products = [
    [0, 1, 2],
    [1, 3, 4],
    [2, 4, 5],
  ] as const;
  const normal = new Float64Array(UNKNOWNS * UNKNOWNS);
  for (let one = 0; one < UNKNOWNS; one += 1) {
    for (let other = 0; other <= one; other += 1) {
      const moments = other >= 3 ? yy : one >= 3 ? xy : xx;
      const index = products[one % 3]?.[other % 3] ?? 0;
      normal[one * UNKNOWNS + other] = moments[index] ?? 0;
    }
  }
  return normal;
}

/** The unknowns of `Step.change` by shift along x, shift along y, growth and clockwise turn. */
const SIMILARITY: readonly (readonly number[])[] = [
  [1, 0, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, -1],
  [0, 1, 0, 0],
  [0, 0, 0, 1],
  [0, 0, 1, 0],
];

/** The best change that keeps proportions and angles. */
function solveSimilarity(normal: Float64Array, right: Float64Array): Float64Array | null {
  const size = 4;
  const entry = (row: number, column: number): number =>
    normal[Math.max(row, column) * UNKNOWNS + Math.min(row, column)] ?? 0;
  const reduced = new Float64Array(size * size);
  const target = new Float64Array(size);
  for (const [row, ofRow] of SIMILARITY.entries()) {
    for (let one = 0; one < size; one += 1) {
      target[one] = (target[one] ?? 0) + (ofRow[one] ?? 0) * (right[row] ?? 0);
      for (const [column, ofColumn] of SIMILARITY.entries()) {
        for (let other = 0; other < size; other += 1) {
          const index = one * size + other;
          reduced[index] =
            (reduced[index] ?? 0) + (ofRow[one] ?? 0) * entry(row, column) * (ofColumn[other] ?? 0);
        }
      }
    }
  }
  const found = solveSymmetric(reduced, target, size);
  if (found === null) return null;
  return Float64Array.from(SIMILARITY, (row) =>
    row.reduce((sum, share, index) => sum + share * (found[index] ?? 0), 0),
  );
}

/** Share of the texture that counts as evidence for no change: directions without texture stay as they are. */
const DAMPING = 0.01;

function dampen(normal: Float64Array, { height, width }: Plane): void {
  const texture = ((normal[0] ?? 0) + (normal[3 * UNKNOWNS + 3] ?? 0)) / 2;
  const arms = [1, width ** 2 / 12, height ** 2 / 12, 1, width ** 2 / 12, height ** 2 / 12];
  for (const [index, arm] of arms.entries()) {
    const place = index * (UNKNOWNS + 1);
    normal[place] = (normal[place] ?? 0) + DAMPING * texture * arm;
  }
}

/** How far beyond the centers of the outermost pixels a point still counts as covered by default. */
const MARGIN = 0.75;

/** The outer plane sampled bilinearly at the inner one's pixels; NaN where it has none. Written to `result`. */
export function warpAffine(
  outer: Plane,
  { height, width }: { width: number; height: number },
  { a, b, c, d, e, f }: Affine,
  { margin = MARGIN, result = new Float32Array(width * height) } = {},
): Float32Array {
  const lastX = outer.width - 1;
  const lastY = outer.height - 1;
  const values = outer.values;
  for (let row = 0; row < height; row += 1) {
    let x = a * 0.5 + b * (row + 0.5) + c - 0.5;
    let y = d * 0.5 + e * (row + 0.5) + f - 0.5;
    for (let place = row * width; place < (row + 1) * width; place += 1, x += a, y += d) {
      if (x < -margin || y < -margin || x > lastX + margin || y > lastY + margin) {
        result[place] = Number.NaN;
        continue;
      }
      if (x >= 0 && y >= 0 && x < lastX && y < lastY) {
        // The usual case: four pixels around, none of them beyond an edge.
        const column = Math.trunc(x);
        const line = Math.trunc(y);
        const toRight = x - column;
        const toBottom = y - line;
        const first = line * outer.width + column;
        const upperLeft = values[first] ?? 0;
        const upper = upperLeft + toRight * ((values[first + 1] ?? 0) - upperLeft);
        const lowerLeft = values[first + outer.width] ?? 0;
        const lower = lowerLeft + toRight * ((values[first + outer.width + 1] ?? 0) - lowerLeft);
        result[place] = upper + toBottom * (lower - upper);
        continue;
      }
      const left = Math.min(Math.max(0, Math.floor(x)), Math.max(0, lastX - 1));
      const top = Math.min(Math.max(0, Math.floor(y)), Math.max(0, lastY - 1));
      const right = Math.min(1, Math.max(0, x - left));
      const down = Math.min(1, Math.max(0, y - top));
      const corner = top * outer.width + left;
      const next = lastX > 0 ? 1 : 0;
      const below = lastY > 0 ? outer.width : 0;
      const upper =
        (values[corner] ?? 0) + right * ((values[corner + next] ?? 0) - (values[corner] ?? 0));
      const lowerLeft = values[corner + below] ?? 0;
      const lower = lowerLeft + right * ((values[corner + below + next] ?? 0) - lowerLeft);
      result[place] = upper + down * (lower - upper);
    }
  }
  return result;
}
