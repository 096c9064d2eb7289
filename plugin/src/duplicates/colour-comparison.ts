import type { ChromaGrid } from '../images/contract';
import type { ComparablePicture } from './comparable-picture';
import type { Alignment } from './contract';
import type { Rectangle } from './plane';

export interface LyingPictures {
  outer: ComparablePicture;
  inner: ComparablePicture;
  isMirrored: boolean;
  region: Alignment['region'];
  /** Where the two are compared, as parts of the inner picture. */
  common: Rectangle;
}

/** A colour without its light, 0 for grey. */
interface Chroma {
  blue: number;
  red: number;
}

/** Colours of a picture that lie within this distance of each other, nearly all, are one tone or none: grey, sepia. */
const ONE_TONE = 10;
const NEARLY_ALL = 0.95;
/** Most that another white balance shifts all colours. */
const MOST_SHIFT = 24;
/** Distance from grey at which a colour has a hue. */
const COLOURED = 14;
/** Distance and angle (cosine) from which two colours are not one in another light. */
const OTHER_DISTANCE = 32;
const OTHER_ANGLE = Math.cos((40 * Math.PI) / 180);

/**
 * Part of what two pictures have in common where they have clearly different hues, 0 to 1: a green apple on a red one
 * of the same outline. A picture in one tone, as grey copies are, agrees with any; so do colours that are paler or
 * stronger, and those that are all shifted alike.
 */
export function repaintedPart(pictures: LyingPictures): number {
  const pairs = chromaPairs(pictures);
  const [ones, others] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
  if (pairs.length === 0 || isOneTone(ones) || isOneTone(others)) return 0;
  const shift = {
    blue: clipped(median(pairs.map(([one, other]) => other.blue - one.blue))),
    red: clipped(median(pairs.map(([one, other]) => other.red - one.red))),
  };
  const repainted = pairs.filter(([{ blue, red }, other]) =>
    isOtherColour({ blue: blue + shift.blue, red: red + shift.red }, other),
  );
  return repainted.length / pairs.length;
}

function isOtherColour(one: Chroma, other: Chroma): boolean {
  const strengths = [Math.hypot(one.blue, one.red), Math.hypot(other.blue, other.red)] as const;
  if (Math.min(...strengths) < COLOURED) return false;
  if (distance(one, other) < OTHER_DISTANCE) return false;
  const product = one.blue * other.blue + one.red * other.red;
  return product < OTHER_ANGLE * strengths[0] * strengths[1];
}

/** Colours at the same places, the outer picture's first. */
function chromaPairs({ common, inner, isMirrored, outer, region }: LyingPictures) {
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

/** Between the nearest cells; the place is given as parts of width and height. */
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

function isOneTone(colours: readonly Chroma[]): boolean {
  const centre = {
    blue: median(colours.map(({ blue }) => blue)),
    red: median(colours.map(({ red }) => red)),
  };
  const near = colours.filter((colour) => distance(colour, centre) <= ONE_TONE);
  return near.length >= NEARLY_ALL * colours.length;
}

function distance(one: Chroma, other: Chroma): number {
  return Math.hypot(one.blue - other.blue, one.red - other.red);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? 0;
}

function clipped(shift: number): number {
  return Math.max(-MOST_SHIFT, Math.min(MOST_SHIFT, shift));
}
