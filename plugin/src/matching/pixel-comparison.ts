import { colorDifferenceOf } from './color-difference';
import type { Box, CopyQuality } from './contract';
import { editedSide, graySide, whatLiesAround } from './copy-quality';
import { classifyRegions, type DifferingRegion } from './differing-regions';
import { type Plane, type PlaneSize, type Rectangle, smooth } from './plane';
import { type Affine, placementOf, placeOf, register, warpAffine } from './registration';
import {
  type Cell,
  cellsOf,
  fitColor,
  fitTone,
  matchColorChange,
  matchOneTone,
  matchPlanes,
  type Planes,
  type Tone,
  withinGamut,
} from './tone-matching';

/** Interleaved RGB, one byte per channel. */
export interface Pixels extends PlaneSize {
  data: Uint8Array;
}

/** Two decoded images, and how one lies on the other. */
export interface PlacedPixels {
  outer: Pixels;
  inner: Pixels;
  isMirrored: boolean;
  /** See `Alignment`. */
  quarterTurns: 0 | 1 | 2 | 3;
  /** Approximate place of the turned inner image, as fractions of the outer one. */
  region: Box;
  /** Its approximate further clockwise tilt about its center; 0 when missing. */
  degrees?: number;
}

/** What the pixels of two placed images say. */
export interface PixelComparison {
  /**
   * - `same`: nothing visible differs, and there is enough detail to tell.
   * - `edited`: what differs is of a kind that edits make, and the rest proves that it is one image.
   * - `different`: anything else.
   */
  outcome: 'same' | 'edited' | 'different';
  /** Exact place of the turned inner image; null when it couldn't be found. */
  region: Box | null;
  /** Clockwise tilt of the turned inner image. */
  degrees: number;
  /** Parts that differ, the same parts in the same order. */
  differences: { outer: Box[]; inner: Box[] };
  /** Indices of those in which one image is blurred. */
  blurred: number[];
  /** See `CopyQuality`; `one` is the outer image. */
  edited: CopyQuality['edited'];
  gray: CopyQuality['gray'];
  /** See `PixelEvidence`. */
  hasOtherColors: boolean;
  /** Largest difference in structure of any block in units of its contrast; copies stay below 1. */
  largestDifference: number;
}

/** Block side and stride, in pixels. */
const BLOCK = 16;
const STEP = 8;
/** Contrast added to both sides, in gray levels, so that noise on flat areas doesn't count. */
const NOISE = 6;
/**
 * Residual of a block in units of its contrast at which its structure differs. JPEG of quality 15, WebP of quality 40
 * and ±15 % of light stay below 0.85; changed letters, bars and lines are above 4.
 */
const STRUCTURE = 1.25;
/**
 * Differences in mean luminance and in color, in levels, that light, compression and rounding don't explain, and how much
 * they grow with the strength of the color: strong colors leave the gamut when they get stronger. With few tones, copies
 * stay below 7 and 11, and a slightly other paint is all that tells two products.
 */
const LIMITS = {
  manyTones: { luminance: 22, color: 17, growth: 0.1 },
  fewTones: { luminance: 14, color: 11, growth: 0.05 },
};
/** Standard deviation of a block, in gray levels, at which it has detail. */
const DETAIL = 6;
const AGREEMENT = 0.75;
/** Detailed blocks that must agree, and their share of all detailed ones. */
const MIN_DETAILED = 12;
const MIN_DETAILED_SHARE = 0.4;
/** Share of all detailed blocks, covered ones too: what is left of an onion below an orange is a round outline. */
const MIN_UNCOVERED_SHARE = 0.25;
const MIN_OVERLAP = 0.3;
/** How far a corner of a whole image may lie from the other's corner, as a share of the longer side. */
const WHOLE_TOLERANCE = 0.012;

/** A block of both images after tone and color were matched. */
export interface Block {
  /** Top left corner, in pixels of the inner image. */
  left: number;
  top: number;
  /** Standard deviations of gray values. */
  deviationOne: number;
  deviationOther: number;
  correlation: number;
  /** Residual in units of the lesser contrast. */
  structure: number;
  luminance: number;
  color: number;
  /** Strength of the more colorful side. */
  strength: number;
  isDifferent: boolean;
}

/**
 * Compares two placed images where they overlap, block by block: structure, luminance and color, after registering
 * them to a fraction of a pixel and matching the light of the whole image within natural bounds.
 */
export function comparePixels(images: PlacedPixels): PixelComparison {
  const { isMirrored, outer, quarterTurns, region } = images;
  const inner = turn(images.inner, images);
  const [outerPlanes, innerPlanes] = [planesOf(outer), planesOf(inner)];
  const start = placementOf({ region, degrees: images.degrees ?? 0 }, { inner, outer });
  const placement = register(outerPlanes.gray, innerPlanes.gray, start);
  if (placement === null) return nothing;
  const seen = {
    one: warpPlanes(outerPlanes, inner, placement),
    other: { ...innerPlanes, gray: smooth(innerPlanes.gray) },
  };
  const gray = graySide(seen.one, seen.other);
  const before = cellsOf(seen.one, seen.other);
  const isGrayCopy = matchOneTone(seen, before);
  const { cells, tone } = isGrayCopy ? toneOf(seen) : matchColors(seen, before);
  const one = matchPlanes(seen.one, tone, fitColor(cells, tone));
  const blocks = compareBlocks(one, seen.other);
  for (const block of blocks) block.isDifferent = isDifferent(block, { tone, isGrayCopy });
  const regions = classifyRegions({ one, other: seen.other, blocks, blockSide: BLOCK });
  // What was laid over an image may be all the color that it has.
  const colors =
    isGrayCopy || regions.length > 0 ? 'none' : colorDifferenceOf(before, fitTone(before));
  const isProven =
    blocks.length >= MIN_OVERLAP * countBlocks(inner) &&
    tone.isNatural &&
    // With few tones, the colors may be all that tells two products.
    (colors !== 'unproven' || tone.isRich) &&
    hasProof(blocks, regions);
  const isUpright = !isMirrored && quarterTurns === 0;
  const outcome = (): PixelComparison['outcome'] => {
    if (!isProven) return 'different';
    if (regions.length > 0) return areEdits(regions, blocks) ? 'edited' : 'different';
    if (colors === 'unproven') return 'edited';
    return isUpright && coversWhole(placement, outer, inner) ? 'same' : 'edited';
  };
  const place = placeOf(placement, { inner, outer });
  return {
    outcome: outcome(),
    ...place,
    edited: findEdit({
      one: one.gray,
      other: seen.other.gray,
      regions,
      around: whatLiesAround(outerPlanes.gray, inPixels(place.region, outer)),
    }),
    gray,
    hasOtherColors: colors !== 'none',
    blurred: regions.flatMap(({ blurred }, index) => (blurred === null ? [] : [index])),
    differences: {
      outer: regions.map(({ box }) => clipped(boxOn(outer, box, placement))),
      inner: regions.map(({ box }) => turnBack(fractions(box, inner), images)),
    },
    largestDifference: blocks.reduce((most, { structure }) => Math.max(most, structure), 0),
  };
}

interface Light {
  cells: Cell[];
  tone: Tone;
}

function toneOf({ one, other }: { one: Planes; other: Planes }): Light {
  const cells = cellsOf(one, other);
  return { cells, tone: fitTone(cells) };
}

/** Changes the colors of one image if that explains the other's. More contrast looks like it until the light is matched. */
function matchColors(seen: { one: Planes; other: Planes }, before: Cell[]): Light {
  const changed = { ...seen };
  const matched = matchColorChange(changed) ? toneOf(changed) : null;
  if (!matched?.tone.isNatural) return { cells: before, tone: fitTone(before) };
  Object.assign(seen, changed);
  return matched;
}

const nothing: PixelComparison = {
  outcome: 'different',
  region: null,
  degrees: 0,
  differences: { outer: [], inner: [] },
  blurred: [],
  edited: null,
  gray: null,
  hasOtherColors: false,
  largestDifference: 0,
};

/** On which image something was done that the other one doesn't show; null also if on both. */
function findEdit(compared: {
  one: Plane;
  other: Plane;
  regions: readonly DifferingRegion[];
  around: ReturnType<typeof whatLiesAround>;
}): CopyQuality['edited'] {
  const { around, regions } = compared;
  const side = editedSide(compared);
  const isBlur = regions.length > 0 && regions.every(({ blurred }) => blurred !== null);
  const within = side && { side, effect: isBlur ? ('blurred' as const) : ('covered' as const) };
  const beyond =
    around === null
      ? null
      : around === 'frame'
        ? { side: 'one' as const, effect: 'framed' as const }
        : { side: 'other' as const, effect: 'cropped' as const };
  if (within && beyond) return within.side === beyond.side ? within : null;
  return regions.length > 0 && !within ? null : (within ?? beyond);
}

function isDifferent(
  { color, luminance, strength, structure }: Block,
  { isGrayCopy, tone }: { isGrayCopy: boolean; tone: Tone },
): boolean {
  const limits = tone.isRich ? LIMITS.manyTones : LIMITS.fewTones;
  const more = limits.growth * strength;
  if (structure > STRUCTURE || Math.abs(luminance) > limits.luminance + more) return true;
  return !isGrayCopy && color > limits.color + more;
}

type Turning = Pick<PlacedPixels, 'isMirrored' | 'quarterTurns'>;

/** Mirrored first, then turned clockwise. */
function turn(image: Pixels, { isMirrored, quarterTurns }: Turning): Pixels {
  if (!isMirrored && quarterTurns === 0) return image;
  const { data, height, width } = image;
  const isSideways = quarterTurns % 2 === 1;
  const size = isSideways ? { width: height, height: width } : { width, height };
  const turned = new Uint8Array(data.length);
  for (let row = 0; row < size.height; row += 1) {
    for (let column = 0; column < size.width; column += 1) {
      const [x, y] = originOf(column, row, { width, height, quarterTurns });
      const from = 3 * (y * width + (isMirrored ? width - 1 - x : x));
      const to = 3 * (row * size.width + column);
      turned[to] = data[from] ?? 0;
      turned[to + 1] = data[from + 1] ?? 0;
      turned[to + 2] = data[from + 2] ?? 0;
    }
  }
  return { ...size, data: turned };
}

/** Where a pixel of the turned image was, before it was mirrored. */
function originOf(
  column: number,
  row: number,
  { height, quarterTurns, width }: PlaneSize & Pick<Turning, 'quarterTurns'>,
): readonly [number, number] {
  switch (quarterTurns) {
    case 0:
      return [column, row];
    case 1:
      return [row, height - 1 - column];
    case 2:
      return [width - 1 - column, height - 1 - row];
    case 3:
      return [width - 1 - row, column];
  }
}

/** A box of the turned image in the image as it is stored. */
function turnBack(box: Box, { isMirrored, quarterTurns }: Turning): Box {
  const { height, left, top, width } = box;
  const upright = {
    0: box,
    1: { left: top, top: 1 - left - width, width: height, height: width },
    2: { left: 1 - left - width, top: 1 - top - height, width, height },
    3: { left: 1 - top - height, top: left, width: height, height: width },
  }[quarterTurns];
  return rounded(isMirrored ? { ...upright, left: 1 - upright.left - upright.width } : upright);
}

function inPixels(box: Box, { height, width }: PlaneSize): Box {
  return {
    left: box.left * width,
    top: box.top * height,
    width: box.width * width,
    height: box.height * height,
  };
}

function fractions(box: Box, { height, width }: PlaneSize): Box {
  return {
    left: box.left / width,
    top: box.top / height,
    width: box.width / width,
    height: box.height / height,
  };
}

/** The box around a box of the inner image on the outer one, in fractions of that. */
function boxOn(outer: PlaneSize, box: Box, { a, b, c, d, e, f }: Affine): Box {
  const corners = [box.left, box.left + box.width].flatMap((x) =>
    [box.top, box.top + box.height].map((y) => ({ x: a * x + b * y + c, y: d * x + e * y + f })),
  );
  const [left, top] = [
    Math.min(...corners.map(({ x }) => x)),
    Math.min(...corners.map(({ y }) => y)),
  ];
  const right = Math.max(...corners.map(({ x }) => x));
  const bottom = Math.max(...corners.map(({ y }) => y));
  return rounded(fractions({ left, top, width: right - left, height: bottom - top }, outer));
}

function clipped({ height, left, top, width }: Box): Box {
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  return rounded({
    left: x,
    top: y,
    width: Math.min(1, left + width) - x,
    height: Math.min(1, top + height) - y,
  });
}

function rounded({ height, left, top, width }: Box): Box {
  const round = (value: number): number => Math.round(value * 1_000) / 1_000;
  return { left: round(left), top: round(top), width: round(width), height: round(height) };
}

function hasProof(blocks: readonly Block[], regions: readonly DifferingRegion[]): boolean {
  const explained = regions.filter(({ editOf }) => editOf.one || editOf.other);
  const detailed = blocks.filter(
    ({ deviationOne, deviationOther }) => Math.max(deviationOne, deviationOther) > DETAIL,
  );
  const agreeing = detailed.filter(
    ({ correlation, isDifferent: differs }) => !differs && correlation > AGREEMENT,
  );
  // What an edit covers speaks neither for nor against.
  const telling = detailed.filter(
    (block) => !block.isDifferent || !explained.some(({ box }) => isWithin(block, box)),
  );
  return (
    agreeing.length >= MIN_DETAILED &&
    agreeing.length >= MIN_DETAILED_SHARE * telling.length &&
    agreeing.length >= MIN_UNCOVERED_SHARE * detailed.length
  );
}

function isWithin({ left, top }: Block, box: Box): boolean {
  return (
    left >= box.left && top >= box.top && left < box.left + box.width && top < box.top + box.height
  );
}

function coversWhole(placement: Affine, outer: PlaneSize, inner: PlaneSize): boolean {
  const { a, b, c, d, e, f } = placement;
  const most = WHOLE_TOLERANCE * Math.max(inner.width, inner.height) + 1;
  return [0, 1].every((x) =>
    [0, 1].every((y) => {
      const [innerX, innerY] = [x * inner.width, y * inner.height];
      const away = Math.hypot(
        a * innerX + b * innerY + c - x * outer.width,
        d * innerX + e * innerY + f - y * outer.height,
      );
      return away <= most;
    }),
  );
}

/** Share of the overlap that edits may change. */
const MAX_EDITED_SHARE = 0.45;

/** Whether all regions are edits of one of the images, and the other one is as it was. */
function areEdits(regions: readonly DifferingRegion[], blocks: readonly Block[]): boolean {
  const changed = blocks.filter(({ isDifferent }) => isDifferent).length;
  if (changed > MAX_EDITED_SHARE * blocks.length) return false;
  return regions.every(({ editOf }) => editOf.one) || regions.every(({ editOf }) => editOf.other);
}

function planesOf({ data, height, width }: Pixels): Planes {
  const pixels = width * height;
  const gray = new Float32Array(pixels);
  const blue = new Float32Array(pixels);
  const red = new Float32Array(pixels);
  for (let place = 0, byte = 0; place < pixels; place += 1, byte += 3) {
    const r = data[byte] ?? 0;
    const g = data[byte + 1] ?? 0;
    const b = data[byte + 2] ?? 0;
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    gray[place] = luma;
    blue[place] = 0.564 * (b - luma);
    red[place] = 0.713 * (r - luma);
  }
  return { gray: { width, height, values: gray }, blue, red };
}

function warpPlanes(outer: Planes, inner: PlaneSize, placement: Affine): Planes {
  const { height, width } = outer.gray;
  const warp = (values: Float32Array) =>
    warpAffine({ width, height, values }, inner, placement, { margin: -INSET / 2 });
  const gray = smooth({ ...sizeOf(inner), values: warp(outer.gray.values) });
  return { gray, blue: warp(outer.blue), red: warp(outer.red) };
}

function sizeOf({ height, width }: PlaneSize): PlaneSize {
  return { width, height };
}

/** Pixels along the edges that aren't compared: a frame or crop mixes into them. */
const INSET = 4;

/** Where blocks start along a side; the last one reaches its end. */
function starts(length: number): number[] {
  const [first, last] = [
    Math.min(INSET, length >> 3),
    length - BLOCK - Math.min(INSET, length >> 3),
  ];
  if (last <= first) return [0];
  const count = Math.ceil((last - first) / STEP);
  return Array.from({ length: count + 1 }, (_, index) => Math.min(first + index * STEP, last));
}

function countBlocks({ height, width }: PlaneSize): number {
  return starts(width).length * starts(height).length;
}

/** Gray values of both images and their squares and product, then blue and red of either. */
const SUMS = 9;

function compareBlocks(one: Planes, other: Planes): Block[] {
  const { height, width } = other.gray;
  const [lefts, tops] = [starts(width), starts(height)];
  const origin = { left: lefts[0] ?? 0, top: tops[0] ?? 0 };
  const parts = sumParts(one, other, origin);
  const sums = new Float64Array(SUMS);
  const blocks: Block[] = [];
  for (const top of tops) {
    for (const left of lefts) {
      const bottom = Math.min(height, top + BLOCK);
      const right = Math.min(width, left + BLOCK);
      const isWhole = bottom - top === BLOCK && right - left === BLOCK;
      const [column, row] = [(left - origin.left) / STEP, (top - origin.top) / STEP];
      sums.fill(0);
      if (isWhole && Number.isInteger(column) && Number.isInteger(row)) {
        // Blocks overlap: each part is summed up once.
        for (const corner of [row * parts.columns + column, (row + 1) * parts.columns + column]) {
          addPart(sums, parts.values, corner);
          addPart(sums, parts.values, corner + 1);
        }
      } else {
        addPixels(sums, { one, other }, { left, top, right, bottom });
      }
      const block = blockOf(sums, (bottom - top) * (right - left));
      if (block) blocks.push({ left, top, ...block });
    }
  }
  return blocks;
}

/** Sums over parts as wide and high as the step, row by row. */
function sumParts(
  one: Planes,
  other: Planes,
  { left, top }: { left: number; top: number },
): { values: Float64Array; columns: number } {
  const { height, width } = other.gray;
  const columns = Math.max(0, Math.floor((width - left) / STEP));
  const rows = Math.max(0, Math.floor((height - top) / STEP));
  const values = new Float64Array(columns * rows * SUMS);
  for (let part = 0; part < columns * rows; part += 1) {
    const x = left + STEP * (part % columns);
    const y = top + STEP * Math.floor(part / columns);
    const sums = values.subarray(part * SUMS, (part + 1) * SUMS);
    addPixels(sums, { one, other }, { left: x, top: y, right: x + STEP, bottom: y + STEP });
  }
  return { values, columns };
}

function addPart(sums: Float64Array, parts: Float64Array, part: number): void {
  for (let index = 0; index < SUMS; index += 1) {
    sums[index] = (sums[index] ?? 0) + (parts[part * SUMS + index] ?? 0);
  }
}

function addPixels(
  sums: Float64Array,
  { one, other }: { one: Planes; other: Planes },
  { bottom, left, right, top }: Rectangle,
): void {
  const { width } = other.gray;
  const [grayA, grayB] = [one.gray.values, other.gray.values];
  let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
  let [blueA, redA, blueB, redB] = [0, 0, 0, 0];
  for (let row = top; row < bottom; row += 1) {
    for (let place = row * width + left; place < row * width + right; place += 1) {
      const valueA = grayA[place] ?? 0;
      const valueB = grayB[place] ?? 0;
      a += valueA;
      b += valueB;
      aa += valueA * valueA;
      bb += valueB * valueB;
      ab += valueA * valueB;
      blueA += one.blue[place] ?? 0;
      redA += one.red[place] ?? 0;
      blueB += other.blue[place] ?? 0;
      redB += other.red[place] ?? 0;
    }
  }
  sums.set([a, b, aa, bb, ab, blueA, redA, blueB, redB]);
}

/** Null where the images don't overlap. */
function blockOf(sums: Float64Array, pixels: number): Omit<Block, 'left' | 'top'> | null {
  const [a = 0, b = 0, aa = 0, bb = 0, ab = 0, blueA = 0, redA = 0, blueB = 0, redB = 0] = sums;
  if (Number.isNaN(a)) return null;
  const [meanA, meanB] = [a / pixels, b / pixels];
  const varianceA = Math.max(0, aa / pixels - meanA * meanA);
  const varianceB = Math.max(0, bb / pixels - meanB * meanB);
  const covariance = ab / pixels - meanA * meanB;
  const residual = Math.sqrt(Math.max(0, varianceA + varianceB - 2 * covariance));
  const lesser = Math.sqrt(Math.min(varianceA, varianceB));
  const predicted = withinGamut({ gray: meanA, blue: blueA / pixels, red: redA / pixels });
  return {
    deviationOne: Math.sqrt(varianceA),
    deviationOther: Math.sqrt(varianceB),
    correlation: covariance / Math.sqrt((varianceA + 1) * (varianceB + 1)),
    structure: residual / (lesser + NOISE),
    luminance: meanB - predicted.gray,
    color: Math.hypot(blueB / pixels - predicted.blue, redB / pixels - predicted.red),
    strength: Math.max(Math.hypot(blueA, redA) / pixels, Math.hypot(blueB, redB) / pixels),
    isDifferent: false,
  };
}
