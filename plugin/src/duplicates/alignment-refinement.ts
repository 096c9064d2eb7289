import { solveSymmetric } from './linear-system';
import { seenThrough, type Placement } from './placement';
import { locallyNormalised, type Plane } from './plane';

/** A locally normalised plane and how fast its values change to the right and downwards. */
export interface SlopedPlane extends Plane {
  slopesX: Float32Array;
  slopesY: Float32Array;
}

const NEIGHBOURHOOD = 4;
const LEAST_SPREAD = 4;
const MOST_STEPS = 10;
/** A step that moves no pixel further than this ends the refinement. */
const SMALL_STEP = 0.03;
/** Difference of locally normalised values at which a pixel counts for half: such are logos, texts, borders. */
const HALVING_DIFFERENCE = 0.6;
/** Part of the inner plane that must lie on the outer one. */
const LEAST_SEEN = 0.5;
/** Furthest that the scale may go from where it started, as a factor. */
const MOST_STRETCH = 1.15;
/**
 * Mean weight of the pixels that a placement must have won by its third step to be refined further. Of 1,362 placements that
 * were confirmed in the end the lowest had 0.63 there; of those of unrelated pictures 19 in 20 never rise above 0.66, half not
 * above 0.58.
 */
const LEAST_FIT = 0.61;
const STEPS_TO_FIT = 2;
/** Left, width, top, height. */
const UNKNOWNS = 4;

export function normalisedForRefinement(plane: Plane): SlopedPlane {
  const normalised = locallyNormalised(plane, NEIGHBOURHOOD, LEAST_SPREAD);
  const { width, height, values } = normalised;
  const slopesX = new Float32Array(values.length);
  const slopesY = new Float32Array(values.length);
  for (let row = 1; row < height - 1; row += 1) {
    for (let place = row * width + 1; place < (row + 1) * width - 1; place += 1) {
      slopesX[place] = ((values[place + 1] ?? 0) - (values[place - 1] ?? 0)) / 2;
      slopesY[place] = ((values[place + width] ?? 0) - (values[place - width] ?? 0)) / 2;
    }
  }
  return { ...normalised, slopesX, slopesY };
}

/**
 * Moves and stretches a placement to where the inner plane fits the outer one best: the method of Lucas and Kanade in
 * its inverse compositional form (Baker and Matthews, "Lucas-Kanade 20 Years On", 2004), with weights by which pixels
 * that differ badly count less. Null when it runs away or gets nowhere.
 */
export function refinePlacement(
  outer: Plane,
  inner: SlopedPlane,
  start: Placement,
): Placement | null {
  const { width, height } = inner;
  let { left, top, scaleX, scaleY } = start;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const best = bestChange(inner, seenThrough(outer, inner, { left, top, scaleX, scaleY }));
    if (best === null) return null;
    if (step >= STEPS_TO_FIT && best.fit < LEAST_FIT) return null;
    const [moveX = 0, growX = 0, moveY = 0, growY = 0] = best.change;
    // The change is one of the inner plane about its centre: its inverse goes before the placement.
    scaleX /= 1 + growX;
    scaleY /= 1 + growY;
    left -= scaleX * (moveX - (growX * width) / 2);
    top -= scaleY * (moveY - (growY * height) / 2);
    if (isStretched(scaleX / start.scaleX) || isStretched(scaleY / start.scaleY)) return null;
    const furthest = Math.max(
      Math.abs(moveX) + (Math.abs(growX) * width) / 2,
      Math.abs(moveY) + (Math.abs(growY) * height) / 2,
    );
    if (furthest < SMALL_STEP) break;
  }
  return { left, top, scaleX, scaleY };
}

function isStretched(factor: number): boolean {
  return !(factor < MOST_STRETCH && factor > 1 / MOST_STRETCH);
}

interface Step {
  /** Shift and growth along x, then along y. */
  change: Float64Array;
  /** Mean weight of the pixels before the step, 0 to 1. */
  fit: number;
}

/** What brings the inner plane nearest to what is seen through it; null when too little is seen or nothing to go by. */
function bestChange(inner: SlopedPlane, seen: Float32Array): Step | null {
  const { width, height, values, slopesX, slopesY } = inner;
  let [xx, xa, xy, xb, aa, ay, ab, yy, yb, bb] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  let [rightX, rightA, rightY, rightB] = [0, 0, 0, 0];
  let [pixels, weights] = [0, 0];
  for (let row = 1; row < height - 1; row += 1) {
    const armY = row + 0.5 - height / 2;
    for (let column = 1; column < width - 1; column += 1) {
      const place = row * width + column;
      const difference = (seen[place] ?? 0) - (values[place] ?? 0);
      if (Number.isNaN(difference)) continue;
      pixels += 1;
      const relative = difference / HALVING_DIFFERENCE;
      const weight = 1 / (1 + relative * relative);
      weights += weight;
      const armX = column + 0.5 - width / 2;
      const x = slopesX[place] ?? 0;
      const y = slopesY[place] ?? 0;
      const wxx = weight * x * x;
      const wxy = weight * x * y;
      const wyy = weight * y * y;
      xx += wxx;
      xa += wxx * armX;
      aa += wxx * armX * armX;
      xy += wxy;
      xb += wxy * armY;
      ay += wxy * armX;
      ab += wxy * armX * armY;
      yy += wyy;
      yb += wyy * armY;
      bb += wyy * armY * armY;
      const pullX = weight * x * difference;
      const pullY = weight * y * difference;
      rightX += pullX;
      rightA += pullX * armX;
      rightY += pullY;
      rightB += pullY * armY;
    }
  }
  if (pixels < LEAST_SEEN * width * height) return null;
  const normal = Float64Array.of(xx, xa, xy, xb, xa, aa, ay, ab, xy, ay, yy, yb, xb, ab, yb, bb);
  const right = Float64Array.of(rightX, rightA, rightY, rightB);
  const change = solveSymmetric(normal, right, UNKNOWNS);
  return change && { change, fit: weights / pixels };
}
