import type { Box } from './contract';
import type { Plane } from './plane';

interface PlacedBlock {
  left: number;
  top: number;
  /** Standard deviations of gray values. */
  deviationOne: number;
  deviationOther: number;
  correlation: number;
  isDifferent: boolean;
}

/** A connected part in which two images differ. */
export interface DifferingRegion {
  /** In pixels of the inner image. */
  box: Box;
  /** Of which image the other may have been made here by an edit: something laid over it, or a blur. */
  editOf: { one: boolean; other: boolean };
}

/** Difference in gray levels at which a pixel differs. */
const VISIBLE = 24;
/** Bins of gray values, and the share of pixels that the fullest ones hold when only a few inks were used. */
const BINS = 16;
const FEW_BINS = 4;
const FEW_INKS = 0.7;
const MOST_SHARED_TONES = 0.45;
/** Share of differing pixels at which a region of a rich image is covered. */
const COVERED = 0.1;
/**
 * On a flat image, letters and lines may be the contents themselves. There, most of what differs must be solid, and
 * what is laid over it adds edges.
 */
const SOLID = 0.5;
const SOLID_CELL = 8;
const MOST_MORE_EDGES = 1.2;
const EDGE = 14;
/** Mean gray levels by which a blurred cell may differ. */
const BLUR_SHIFT = 14;
const MIN_BLURRED_SIDE = 40;

/** Groups differing blocks that touch, and says which of them an edit explains. */
export function classifyRegions(images: {
  one: Plane;
  other: Plane;
  blocks: readonly PlacedBlock[];
  blockSide: number;
}): DifferingRegion[] {
  const { blockSide, blocks, one, other } = images;
  const different = blocks.filter(({ isDifferent }) => isDifferent);
  if (different.length === 0) return [];
  const isRich = isNaturalImage(one) || isNaturalImage(other);
  return connect(different, blockSide).map((members) => {
    const box = boxAround(members, blockSide, one);
    const editOf = isRecolored(members)
      ? { one: false, other: false }
      : explain({ one, other, box, isRich });
    return { box, editOf };
  });
}

/** Standard deviation of a block at which it has detail. */
const DETAIL = 6;
/** Correlation at which details are the same, and the share of a region's details that then are. */
const SAME_DETAIL = 0.75;
const MOST_DETAILS = 0.5;

/** Whether the region's details and outline are the same in other paint, which nothing laid over an image has. */
function isRecolored(blocks: readonly PlacedBlock[]): boolean {
  const detailed = blocks.filter(
    ({ deviationOne, deviationOther }) => Math.max(deviationOne, deviationOther) > DETAIL,
  );
  const same = detailed.filter(({ correlation }) => correlation > SAME_DETAIL);
  return same.length >= MOST_DETAILS * detailed.length;
}

function connect(blocks: readonly PlacedBlock[], side: number): PlacedBlock[][] {
  const left = new Set(blocks);
  const groups: PlacedBlock[][] = [];
  for (const first of blocks) {
    if (!left.delete(first)) continue;
    const group = [first];
    for (let index = 0; index < group.length; index += 1) {
      const here = group[index];
      if (!here) break;
      for (const near of left) {
        if (Math.abs(near.left - here.left) > side || Math.abs(near.top - here.top) > side)
          continue;
        left.delete(near);
        group.push(near);
      }
    }
    groups.push(group);
  }
  return groups;
}

function boxAround(
  blocks: readonly PlacedBlock[],
  side: number,
  { height, width }: { width: number; height: number },
): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  for (const block of blocks) {
    left = Math.min(left, block.left);
    top = Math.min(top, block.top);
    right = Math.max(right, Math.min(width, block.left + side));
    bottom = Math.max(bottom, Math.min(height, block.top + side));
  }
  return { left, top, width: right - left, height: bottom - top };
}

/**
 * What is laid over an image covers it in few inks of its own. Where contents differ instead (other words, another
 * curve, someone who moved), each image shows in some places what the other shows in others: ground and ink, in turns.
 */
function explain(region: {
  one: Plane;
  other: Plane;
  box: Box;
  isRich: boolean;
}): DifferingRegion['editOf'] {
  const { box, isRich, one, other } = region;
  const { bins, opacity } = differingTones(one, other, box);
  const isSolid = isRich ? opacity >= COVERED : solidShare(one, other, box) >= SOLID;
  const isCover = sharedTones(bins) < MOST_SHARED_TONES && isSolid;
  const edges = { one: countEdges(one, box), other: countEdges(other, box) };
  const mayBeClear = {
    one: isRich || edges.one <= MOST_MORE_EDGES * edges.other,
    other: isRich || edges.other <= MOST_MORE_EDGES * edges.one,
  };
  const isBlur = isBlurred(one, other, box);
  return {
    one: (isCover && mayBeClear.one && inkShare(bins.other) >= FEW_INKS) || isBlur,
    other: (isCover && mayBeClear.other && inkShare(bins.one) >= FEW_INKS) || isBlur,
  };
}

/** Share of the differing pixels that lie in cells of which nearly all pixels differ. */
function solidShare(one: Plane, other: Plane, box: Box): number {
  let [solid, all] = [0, 0];
  for (let top = box.top; top + SOLID_CELL <= box.top + box.height; top += SOLID_CELL) {
    for (let left = box.left; left + SOLID_CELL <= box.left + box.width; left += SOLID_CELL) {
      let differing = 0;
      eachPixel(one, { left, top, width: SOLID_CELL, height: SOLID_CELL }, (place) => {
        const difference = Math.abs((one.values[place] ?? 0) - (other.values[place] ?? 0));
        if (difference > VISIBLE / 2) differing += 1;
      });
      all += differing;
      if (differing > 0.95 * SOLID_CELL ** 2) solid += differing;
    }
  }
  return solid / Math.max(1, all);
}

function countEdges(plane: Plane, box: Box): number {
  let edges = 0;
  eachPixel(plane, box, (place) => {
    const value = plane.values[place] ?? 0;
    const x = (plane.values[place + 1] ?? value) - value;
    const y = (plane.values[place + plane.width] ?? value) - value;
    if (Math.abs(x) + Math.abs(y) > EDGE) edges += 1;
  });
  return edges;
}

interface Bins {
  one: Float64Array;
  other: Float64Array;
}

/** Histograms of the gray values of pixels that differ, each summing to 1, and the share of pixels that do. */
function differingTones(one: Plane, other: Plane, box: Box): { bins: Bins; opacity: number } {
  const bins = { one: new Float64Array(BINS), other: new Float64Array(BINS) };
  let [differing, pixels] = [0, 0];
  eachPixel(one, box, (place) => {
    const [a, b] = [one.values[place] ?? 0, other.values[place] ?? 0];
    if (Number.isNaN(a)) return;
    pixels += 1;
    if (Math.abs(a - b) <= VISIBLE) return;
    differing += 1;
    add(bins.one, a);
    add(bins.other, b);
  });
  const share = (count: number): number => count / Math.max(1, differing);
  return {
    bins: { one: bins.one.map(share), other: bins.other.map(share) },
    opacity: differing / Math.max(1, pixels),
  };
}

function add(bins: Float64Array, value: number): void {
  const bin = Math.min(BINS - 1, Math.max(0, (value * BINS) >> 8));
  bins[bin] = (bins[bin] ?? 0) + 1;
}

/** Intersection of two histograms, 0 to 1. */
function sharedTones({ one, other }: Bins): number {
  return one.reduce((sum, share, bin) => sum + Math.min(share, other[bin] ?? 0), 0);
}

/** What the fullest bins hold. */
function inkShare(bins: Float64Array): number {
  const fullest = [...bins].sort((one, other) => other - one).slice(0, FEW_BINS);
  return fullest.reduce((sum, share) => sum + share, 0);
}

/** Whether one side is the other without its details. */
function isBlurred(one: Plane, other: Plane, box: Box): boolean {
  const CELL = 16;
  let [cells, shifted, energyOne, energyOther] = [0, 0, 0, 0];
  for (let top = box.top; top + CELL <= box.top + box.height; top += CELL) {
    for (let left = box.left; left + CELL <= box.left + box.width; left += CELL) {
      let [a, b, aa, bb] = [0, 0, 0, 0];
      eachPixel(one, { left, top, width: CELL, height: CELL }, (place) => {
        const [valueA, valueB] = [one.values[place] ?? 0, other.values[place] ?? 0];
        a += valueA;
        b += valueB;
        aa += valueA * valueA;
        bb += valueB * valueB;
      });
      if (Number.isNaN(a)) continue;
      const pixels = CELL * CELL;
      cells += 1;
      if (Math.abs(a - b) / pixels > BLUR_SHIFT) shifted += 1;
      energyOne += aa / pixels - (a / pixels) ** 2;
      energyOther += bb / pixels - (b / pixels) ** 2;
    }
  }
  if (Math.min(box.width, box.height) < MIN_BLURRED_SIDE || shifted > 0.15 * cells) return false;
  return Math.min(energyOne, energyOther) < 0.35 * Math.max(energyOne, energyOther);
}

const NATURAL_SHARE = 0.25;

/** Whether much of an image is neither flat nor drawn. */
function isNaturalImage(plane: Plane): boolean {
  const CELL = 16;
  let [cells, natural] = [0, 0];
  for (let top = 0; top + CELL <= plane.height; top += CELL) {
    for (let left = 0; left + CELL <= plane.width; left += CELL) {
      const box = { left, top, width: CELL, height: CELL };
      cells += 1;
      if (isNaturalCell(plane, box)) natural += 1;
    }
  }
  return natural >= NATURAL_SHARE * cells;
}

/** Textured throughout: few of its pixels lie beside an equal one, and no two tones make up most of it. */
function isNaturalCell(plane: Plane, box: Box): boolean {
  const bins = new Float64Array(BINS);
  let [flat, pixels] = [0, 0];
  eachPixel(plane, box, (place) => {
    const value = plane.values[place] ?? 0;
    const x = (plane.values[place + 1] ?? value) - value;
    const y = (plane.values[place + plane.width] ?? value) - value;
    pixels += 1;
    if (Math.abs(x) + Math.abs(y) < 1.5) flat += 1;
    add(bins, value);
  });
  const [first = 0, second = 0] = [...bins].sort((one, other) => other - one);
  return flat < 0.5 * pixels && first + second < 0.8 * pixels;
}

function eachPixel({ width }: Plane, box: Box, visit: (place: number) => void): void {
  for (let row = box.top; row < box.top + box.height; row += 1) {
    const start = row * width + box.left;
    for (let place = start; place < start + box.width; place += 1) visit(place);
  }
}
