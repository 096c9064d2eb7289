import type { Box } from './contract';
import type { Plane } from './plane';
import type { Planes } from './tone-matching';

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
  /** The image that is the other one without its details here. */
  blurred: 'one' | 'other' | null;
  /** The image that has less detail of the same light here; never null if one is blurred. */
  softer: 'one' | 'other' | null;
}

/** Difference in gray levels at which a pixel differs. */
const VISIBLE = 24;
/** Bins of gray values, and the share of pixels that the fullest ones hold when only a few inks were used. */
const BINS = 16;
const FEW_BINS = 4;
const FEW_INKS = 0.7;
const MOST_SHARED_TONES = { usual: 0.45, framed: 0.1 };
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
  one: Planes;
  other: Planes;
  blocks: readonly PlacedBlock[];
  blockSide: number;
}): DifferingRegion[] {
  const { blockSide, blocks, one, other } = images;
  const different = blocks.filter(({ isDifferent }) => isDifferent);
  if (different.length === 0) return [];
  const isRich = isNaturalImage(one.gray) || isNaturalImage(other.gray);
  const regionOf = (members: readonly PlacedBlock[]): DifferingRegion => {
    const box = boxAround(members, blockSide, one.gray);
    if (isRecolored(members)) {
      return { box, editOf: { one: false, other: false }, blurred: null, softer: null };
    }
    return { box, ...explain({ one, other, box, isRich, blockSide }) };
  };
  const groups = connect(different, blockSide).map((members) => ({
    members,
    parts: [members],
    box: boxAround(members, blockSide, one.gray),
  }));
  return joinNear(groups, blockSide).flatMap(({ members, parts }) => {
    const regions = parts.map(regionOf);
    const explained = regions.filter(({ editOf }) => editOf.one || editOf.other);
    if (explained.length === regions.length) return regions;
    // Parts of one logo or text need not touch, but what edits explain must be of the same image.
    const whole = regionOf(members);
    const isOf = (side: 'one' | 'other'): boolean =>
      whole.editOf[side] && explained.every(({ editOf }) => editOf[side]);
    return [{ ...whole, editOf: { one: isOf('one'), other: isOf('other') } }];
  });
}

interface Group {
  members: PlacedBlock[];
  /** The connected parts that it consists of. */
  parts: PlacedBlock[][];
  box: Box;
}

/** Joins groups whose boxes are near each other. */
function joinNear(groups: readonly Group[], distance: number): Group[] {
  const joined: Group[] = [];
  const waiting = [...groups];
  for (let group = waiting.pop(); group; group = waiting.pop()) {
    const { box } = group;
    const index = joined.findIndex((other) => isNear(box, other.box, distance));
    const [near] = index === -1 ? [] : joined.splice(index, 1);
    if (near) {
      // The larger box may be near others.
      waiting.push({
        members: [...group.members, ...near.members],
        parts: [...group.parts, ...near.parts],
        box: hull(box, near.box),
      });
    } else {
      joined.push(group);
    }
  }
  return joined.sort((one, other) => one.box.top - other.box.top || one.box.left - other.box.left);
}

function isNear(one: Box, other: Box, distance: number): boolean {
  return (
    one.left - distance <= other.left + other.width &&
    other.left - distance <= one.left + one.width &&
    one.top - distance <= other.top + other.height &&
    other.top - distance <= one.top + one.height
  );
}

function hull(one: Box, other: Box): Box {
  const [left, top] = [Math.min(one.left, other.left), Math.min(one.top, other.top)];
  return {
    left,
    top,
    width: Math.max(one.left + one.width, other.left + other.width) - left,
    height: Math.max(one.top + one.height, other.top + other.height) - top,
  };
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
  one: Planes;
  other: Planes;
  box: Box;
  isRich: boolean;
  blockSide: number;
}): Omit<DifferingRegion, 'box'> {
  const { blockSide, box, isRich, one, other } = region;
  const { bins, opacity } = differingTones(one, other, box);
  const isSolid = isRich ? opacity >= COVERED : solidShare(one, other, box) >= SOLID;
  const edges = { one: countEdges(one.gray, box), other: countEdges(other.gray, box) };
  // Lines that both have around what differs: a chart with other values.
  const isFramed =
    sharedEdges(one.gray, other.gray, box) > MOST_SEEN_EDGES * Math.min(edges.one, edges.other);
  const mostShared = !isRich && isFramed ? MOST_SHARED_TONES.framed : MOST_SHARED_TONES.usual;
  const isCover = sharedTones(bins) < mostShared && isSolid;
  const mayBeClear = {
    one: isRich || edges.one <= MOST_MORE_EDGES * edges.other,
    other: isRich || edges.other <= MOST_MORE_EDGES * edges.one,
  };
  const soft = softerSide(one.gray, other.gray, box);
  const isLargeEnough = Math.min(box.width, box.height) >= MIN_BLURRED_SIDE;
  const blurred = isLargeEnough && soft.energy < BLURRED ? soft.side : null;
  const isBlur = blurred !== null;
  const strip = stripOf(box, one.gray, blockSide);
  const bars = {
    one: strip !== null && isBar({ on: one, over: other, strip }),
    other: strip !== null && isBar({ on: other, over: one, strip }),
  };
  return {
    editOf: {
      one: (isCover && mayBeClear.one && inkShare(bins.other) >= FEW_INKS) || isBlur || bars.other,
      other: (isCover && mayBeClear.other && inkShare(bins.one) >= FEW_INKS) || isBlur || bars.one,
    },
    blurred,
    softer: blurred ?? (soft.isFiltered && soft.energy < SOFTER ? soft.side : null),
  };
}

/** How far a bar reaches into the image, as a share of its side, at most, and how much of the side it spans. */
const MOST_BAR = 0.35;
const BAR_SPAN = 0.4;

/** The whole strip between a region and the side that it lies along; null when it isn't like a bar. */
function stripOf(box: Box, { height, width }: Plane, blockSide: number): Box | null {
  const below = box.top + box.height;
  const right = box.left + box.width;
  const whole = { left: 0, top: 0, width, height };
  // A block at the end of a bar shows the image as well.
  const strips: readonly Box[] = [
    ...(box.width >= BAR_SPAN * width
      ? [
          { ...whole, height: below - blockSide },
          { ...whole, top: box.top + blockSide, height: height - box.top - blockSide },
        ]
      : []),
    ...(box.height >= BAR_SPAN * height
      ? [
          { ...whole, width: right - blockSide },
          { ...whole, left: box.left + blockSide, width: width - box.left - blockSide },
        ]
      : []),
  ];
  const fitting = strips.filter(
    (strip) =>
      Math.min(strip.width, strip.height) >= blockSide &&
      strip.height * strip.width <= MOST_BAR * width * height,
  );
  return (
    fitting.sort((one, other) => one.width * one.height - other.width * other.height)[0] ?? null
  );
}

/** Share of a bar that its two inks cover; the rest are the edges of letters. */
const TWO_INKS = 0.85;
const SAME_INK = 28;
/** How many more edges letters have than what they cover. */
const MORE_EDGES = 1.8;
/** Share of the covered edges that may be seen through what covers them, by chance and around it. */
const MOST_SEEN_EDGES = 0.35;

/** Whether a strip is a ground with letters that hides what the other image shows there. */
function isBar({ on, over, strip }: { on: Planes; over: Planes; strip: Box }): boolean {
  const inks = inksOf(on, strip);
  const edges = { on: countEdges(on.gray, strip), over: countEdges(over.gray, strip) };
  const seen = sharedEdges(on.gray, over.gray, strip);
  return (
    inks >= TWO_INKS && edges.on >= MORE_EDGES * edges.over && seen <= MOST_SEEN_EDGES * edges.over
  );
}

/** Share of the pixels that have one of the two most frequent colors. */
function inksOf(planes: Planes, box: Box): number {
  const counts = new Map<number, number>();
  const colorAt = (place: number): [number, number, number] => [
    planes.gray.values[place] ?? 0,
    planes.blue[place] ?? 0,
    planes.red[place] ?? 0,
  ];
  const key = ([gray, blue, red]: [number, number, number]): number =>
    ((Math.round(gray) >> 3) << 12) |
    (((Math.round(blue) + 128) >> 3) << 6) |
    ((Math.round(red) + 128) >> 3);
  let pixels = 0;
  const colors = new Map<number, [number, number, number]>();
  eachPixel(planes.gray, box, (place) => {
    const color = colorAt(place);
    if (Number.isNaN(color[0])) return;
    pixels += 1;
    const bin = key(color);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
    if (!colors.has(bin)) colors.set(bin, color);
  });
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  const paper = colors.get(sorted[0]?.[0] ?? -1);
  if (!paper) return 0;
  const isLike = (one: [number, number, number], other: [number, number, number]): boolean =>
    Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]) <= SAME_INK;
  const ink = sorted
    .map(([bin]) => colors.get(bin))
    .find((color) => color && !isLike(color, paper));
  let covered = 0;
  for (const [bin, count] of counts) {
    const color = colors.get(bin);
    if (color && (isLike(color, paper) || (ink && isLike(color, ink)))) covered += count;
  }
  return covered / Math.max(1, pixels);
}

/** Edges that both images have in the same direction. */
function sharedEdges(one: Plane, other: Plane, box: Box): number {
  let shared = 0;
  eachPixel(one, box, (place) => {
    const [aX, aY] = slopeAt(one, place);
    const [bX, bY] = slopeAt(other, place);
    if (Math.abs(aX) + Math.abs(aY) <= EDGE || Math.abs(bX) + Math.abs(bY) <= EDGE) return;
    if (aX * bX + aY * bY > 0.9 * Math.hypot(aX, aY) * Math.hypot(bX, bY)) shared += 1;
  });
  return shared;
}

function slopeAt({ values, width }: Plane, place: number): [number, number] {
  const value = values[place] ?? 0;
  return [(values[place + 1] ?? value) - value, (values[place + width] ?? value) - value];
}

/** Share of the differing pixels that lie in cells of which nearly all pixels differ. */
function solidShare(one: Planes, other: Planes, box: Box): number {
  let [solid, all] = [0, 0];
  for (let top = box.top; top + SOLID_CELL <= box.top + box.height; top += SOLID_CELL) {
    for (let left = box.left; left + SOLID_CELL <= box.left + box.width; left += SOLID_CELL) {
      let differing = 0;
      eachPixel(one.gray, { left, top, width: SOLID_CELL, height: SOLID_CELL }, (place) => {
        if (differenceAt(one, other, place) > VISIBLE / 2) differing += 1;
      });
      all += differing;
      if (differing > 0.95 * SOLID_CELL ** 2) solid += differing;
    }
  }
  return solid / Math.max(1, all);
}

/** In levels of luminance or color, whichever differs more. */
function differenceAt(one: Planes, other: Planes, place: number): number {
  const gray = Math.abs((one.gray.values[place] ?? 0) - (other.gray.values[place] ?? 0));
  const blue = (one.blue[place] ?? 0) - (other.blue[place] ?? 0);
  const red = (one.red[place] ?? 0) - (other.red[place] ?? 0);
  return Math.max(gray, Math.hypot(blue, red));
}

function countEdges(plane: Plane, box: Box): number {
  let edges = 0;
  eachPixel(plane, box, (place) => {
    const [x, y] = slopeAt(plane, place);
    if (Math.abs(x) + Math.abs(y) > EDGE) edges += 1;
  });
  return edges;
}

interface Bins {
  one: Float64Array;
  other: Float64Array;
}

/** Histograms of the gray values of pixels that differ, each summing to 1, and the share of pixels that do. */
function differingTones(one: Planes, other: Planes, box: Box): { bins: Bins; opacity: number } {
  const bins = { one: new Float64Array(BINS), other: new Float64Array(BINS) };
  let [darker, differing, pixels] = [0, 0, 0];
  eachPixel(one.gray, box, (place) => {
    const [a, b] = [one.gray.values[place] ?? 0, other.gray.values[place] ?? 0];
    if (Number.isNaN(a)) return;
    pixels += 1;
    if (differenceAt(one, other, place) > VISIBLE) differing += 1;
    if (Math.abs(a - b) <= VISIBLE) return;
    darker += 1;
    add(bins.one, a);
    add(bins.other, b);
  });
  const share = (count: number): number => count / Math.max(1, darker);
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

/** Variance of an image in units of the other's at which it is the other one blurred, or softer. */
const BLURRED = 0.35;
const SOFTER = 0.8;
/** Covariance of a filtered image with its original, in units of its own variance: at least 1, less noise. */
const FILTERED = 0.5;

/** The side with less variance, in units of the other's; 1 if the sides differ in more than details. */
function softerSide(
  one: Plane,
  other: Plane,
  box: Box,
): { side: 'one' | 'other'; energy: number; isFiltered: boolean } {
  const CELL = 16;
  let [cells, shifted, energyOne, energyOther, common] = [0, 0, 0, 0, 0];
  for (let top = box.top; top + CELL <= box.top + box.height; top += CELL) {
    for (let left = box.left; left + CELL <= box.left + box.width; left += CELL) {
      let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
      eachPixel(one, { left, top, width: CELL, height: CELL }, (place) => {
        const [valueA, valueB] = [one.values[place] ?? 0, other.values[place] ?? 0];
        a += valueA;
        b += valueB;
        aa += valueA * valueA;
        bb += valueB * valueB;
        ab += valueA * valueB;
      });
      if (Number.isNaN(a)) continue;
      const pixels = CELL * CELL;
      cells += 1;
      if (Math.abs(a - b) / pixels > BLUR_SHIFT) shifted += 1;
      energyOne += aa / pixels - (a / pixels) ** 2;
      energyOther += bb / pixels - (b / pixels) ** 2;
      common += ab / pixels - (a / pixels) * (b / pixels);
    }
  }
  const side = energyOne < energyOther ? 'one' : 'other';
  const [lesser, greater] = [Math.min(energyOne, energyOther), Math.max(energyOne, energyOther)];
  if (cells === 0 || shifted > 0.15 * cells) return { side, energy: 1, isFiltered: false };
  return { side, energy: lesser / Math.max(1, greater), isFiltered: common >= FILTERED * lesser };
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
