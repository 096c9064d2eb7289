import type { DifferingRegion } from './differing-regions';
import type { Plane, PlaneSize } from './plane';
import type { Box } from './contract';

/** Interleaved RGB, one byte per channel. */
interface Pixels extends PlaneSize {
  data: Uint8Array;
}

/** Difference in gray levels at which a pixel is covered by something. */
const COVERED = 20;
/** How much more edges an overlay adds than what it covers has. */
const MORE_EDGES = 1.15;

/**
 * Which of two registered images the differing regions were edited on. An overlay starts where the images begin to
 * differ, so it has edges there that the other image doesn't have; a blur has less detail within. Null if the regions
 * don't agree.
 */
export function editedSide(images: {
  one: Plane;
  other: Plane;
  regions: readonly DifferingRegion[];
}): 'one' | 'other' | null {
  const { one, other, regions } = images;
  const votes = { one: 0, other: 0 };
  for (const { softer, box, editOf } of regions) {
    if (softer !== null) {
      votes[softer] += box.width * box.height;
      continue;
    }
    const edges = edgesAround(one, other, box);
    let side: 'one' | 'other' | null = null;
    if (edges.one > MORE_EDGES * edges.other) side = 'one';
    if (edges.other > MORE_EDGES * edges.one) side = 'other';
    const onlyEdit = editOf.one === editOf.other ? null : editOf.one ? 'other' : 'one';
    const edited = onlyEdit ?? side;
    if (edited !== null) votes[edited] += box.width * box.height;
  }
  if (votes.one > 3 * votes.other) return 'one';
  return votes.other > 3 * votes.one ? 'other' : null;
}

/** Steps in gray level of both images between pixels that differ and their neighbors that don't. */
function edgesAround(one: Plane, other: Plane, box: Box): { one: number; other: number } {
  const edges = { one: 0, other: 0 };
  const isCovered = (place: number): boolean =>
    Math.abs((one.values[place] ?? 0) - (other.values[place] ?? 0)) > COVERED;
  const step = (plane: Plane, from: number, to: number): number =>
    Math.abs((plane.values[from] ?? 0) - (plane.values[to] ?? 0));
  for (let y = box.top; y < box.top + box.height - 2; y += 1) {
    for (let x = box.left; x < box.left + box.width - 2; x += 1) {
      const place = y * one.width + x;
      // Across two pixels, because overlays are antialiased.
      for (const next of [place + 2, place + 2 * one.width]) {
        if (isCovered(place) === isCovered(next)) continue;
        const steps = [step(one, place, next), step(other, place, next)] as const;
        if (Number.isNaN(steps[0]) || Number.isNaN(steps[1])) continue;
        edges.one += steps[0];
        edges.other += steps[1];
      }
    }
  }
  return edges;
}

/** Share of the outer image that the inner one doesn't show, at which it is a crop or has no frame. */
const LEAST_OUTSIDE = 0.015;
/** Steps at the border of a frame in units of those beside it, and texture of a frame in units of the image's. */
const SEAM = 1.8;
const FLAT = 0.1;

/**
 * What lies around the inner image on the outer one: `frame`, something that was added; `content`, more of the same
 * image; null if nothing lies there or it can't be told.
 *
 * @param region of the inner image, in pixels of the outer one
 */
export function whatLiesAround(outer: Plane, region: Box): 'frame' | 'content' | null {
  const { height, width } = outer;
  const [left, top] = [Math.max(0, Math.round(region.left)), Math.max(0, Math.round(region.top))];
  const right = Math.min(width, Math.round(region.left + region.width));
  const bottom = Math.min(height, Math.round(region.top + region.height));
  const outside = 1 - ((right - left) * (bottom - top)) / (width * height);
  if (outside < LEAST_OUTSIDE) return null;
  const inside = { sum: 0, count: 0 };
  const around = { sum: 0, count: 0 };
  for (let y = 0; y + 1 < height; y += 1) {
    for (let x = 0; x + 1 < width; x += 1) {
      const place = y * width + x;
      const value = outer.values[place] ?? 0;
      const texture =
        Math.abs((outer.values[place + 1] ?? 0) - value) +
        Math.abs((outer.values[place + width] ?? 0) - value);
      const isInside = x >= left && x < right && y >= top && y < bottom;
      const part = isInside ? inside : around;
      part.sum += texture;
      part.count += 1;
    }
  }
  const texture =
    around.sum / Math.max(1, around.count) / (inside.sum / Math.max(1, inside.count) + 0.1);
  const seam = seamOf(outer, { left, top, right, bottom });
  if (seam > SEAM) return 'frame';
  if (texture >= FLAT) return 'content';
  // A flat ground that continues may have been cut off or added.
  return null;
}

const STEP = 3;

/** Median of the steps across the border of the region, in units of those just inside. */
function seamOf(
  { height, values, width }: Plane,
  edges: { left: number; top: number; right: number; bottom: number },
): number {
  const { bottom, left, right, top } = edges;
  const across: number[] = [];
  const beside: number[] = [];
  const at = (x: number, y: number): number => values[y * width + x] ?? 0;
  const add = (x: number, y: number, dx: number, dy: number): void => {
    const [x0, y0] = [x - 2 * dx, y - 2 * dy];
    const inner = [x0 + STEP * dx + dx, y0 + STEP * dy + dy] as const;
    across.push(Math.abs(at(x0, y0) - at(...inner)));
    const deep = [inner[0] + (STEP + 1) * dx, inner[1] + (STEP + 1) * dy] as const;
    beside.push(Math.abs(at(...inner) - at(...deep)));
  };
  for (let y = top; y < bottom; y += 1) {
    if (left >= STEP) add(left, y, 1, 0);
    if (width - right >= STEP) add(right - 1, y, -1, 0);
  }
  for (let x = left; x < right; x += 1) {
    if (top >= STEP) add(x, top, 0, 1);
    if (height - bottom >= STEP) add(x, bottom - 1, 0, -1);
  }
  const mean = (steps: number[]) =>
    steps.reduce((sum, one) => sum + one, 0) / Math.max(1, steps.length);
  return mean(across) / (mean(beside) + 2);
}

/** Strength of color below which a pixel is gray, and shares of pixels that have some. */
const GRAY = 8;
const GRAY_SHARE = 0.01;
const COLOR_SHARE = 0.05;

/** The image without colors if the other one has some. */
export function graySide(one: Colors, other: Colors): 'one' | 'other' | null {
  const shares = { one: colorShare(one), other: colorShare(other) };
  if (shares.one < GRAY_SHARE && shares.other > COLOR_SHARE) return 'one';
  return shares.other < GRAY_SHARE && shares.one > COLOR_SHARE ? 'other' : null;
}

interface Colors {
  blue: Float32Array;
  red: Float32Array;
}

function colorShare({ blue, red }: Colors): number {
  let colored = 0;
  for (let place = 0; place < blue.length; place += 1) {
    const x = blue[place] ?? 0;
    const y = red[place] ?? 0;
    if (x * x + y * y > GRAY * GRAY) colored += 1;
  }
  return colored / Math.max(1, blue.length);
}

/** Parts of two images of equal size in the same place, or of the larger one alone, at their own resolution. */
export type DetailRequest =
  | { one: Pixels; other: Pixels }
  | {
      larger: Pixels;
      /** Its size in units of the smaller image's, above 1. */
      scale: number;
    };

/** What the details of two images say. */
export type DetailMeasure =
  /** Fine details of either image in units of the other's, at most 1. */
  | { one: number; other: number }
  /** Power of what the smaller image can't show, in units of the power of its finest details. */
  | { beyond: number };

export function measureDetail(request: DetailRequest): DetailMeasure {
  if ('larger' in request) return { beyond: powerBeyond(request.larger, request.scale) };
  return compareDetail(grayOf(request.one), grayOf(request.other));
}

function grayOf({ data, height, width }: Pixels): Plane {
  const values = new Float32Array(width * height);
  for (let place = 0, byte = 0; place < values.length; place += 1, byte += 3) {
    values[place] =
      0.299 * (data[byte] ?? 0) + 0.587 * (data[byte + 1] ?? 0) + 0.114 * (data[byte + 2] ?? 0);
  }
  return { width, height, values };
}

/** Side of the blocks in which JPEG quantizes details; only what lies within one is measured. */
const CELL = 8;
/** Mean square of fine detail at which a block has some. */
const LEAST_DETAIL = 2;

/** Natural logarithm of the ratio that a single block may have. */
const MOST_PER_CELL = 3;

/** Geometric mean over blocks, in units of the contrast of the whole image, so that light doesn't count. */
function compareDetail(one: Plane, other: Plane): { one: number; other: number } {
  const ratios: number[] = [];
  const means: { one: number[]; other: number[] } = { one: [], other: [] };
  for (let top = 0; top + CELL <= one.height; top += CELL) {
    for (let left = 0; left + CELL <= one.width; left += CELL) {
      const [a, b] = [cellOf(one, left, top), cellOf(other, left, top)];
      means.one.push(a.mean);
      means.other.push(b.mean);
      if (Math.max(a.detail, b.detail) < LEAST_DETAIL) continue;
      const ratio = Math.log((b.detail + 0.1) / (a.detail + 0.1));
      ratios.push(Math.min(MOST_PER_CELL, Math.max(-MOST_PER_CELL, ratio)));
    }
  }
  if (ratios.length < 12) return { one: 1, other: 1 };
  const mean = ratios.reduce((sum, one) => sum + one, 0) / ratios.length;
  const gain = variance(means.other) / Math.max(1, variance(means.one));
  const ratio = Math.sqrt(Math.exp(mean) / Math.max(0.05, gain));
  const share = (value: number) => Math.round(1_000 * Math.min(1, value)) / 1_000;
  return { one: share(1 / ratio), other: share(ratio) };
}

function cellOf(plane: Plane, left: number, top: number): { mean: number; detail: number } {
  let [sum, detail] = [0, 0];
  for (let y = top; y < top + CELL; y += 1) {
    for (let x = left; x < left + CELL; x += 1) {
      const place = y * plane.width + x;
      const value = plane.values[place] ?? 0;
      sum += value;
      if (x + 2 < left + CELL) {
        const bend = value - 2 * (plane.values[place + 1] ?? 0) + (plane.values[place + 2] ?? 0);
        detail += bend * bend;
      }
      if (y + 2 < top + CELL) {
        const { width } = plane;
        const bend =
          value - 2 * (plane.values[place + width] ?? 0) + (plane.values[place + 2 * width] ?? 0);
        detail += bend * bend;
      }
    }
  }
  return { mean: sum / (CELL * CELL), detail: detail / (2 * CELL * (CELL - 2)) };
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
}

const LONGEST_WINDOW = 512;

/** Of the power spectrum along rows and columns. */
function powerBeyond(larger: Pixels, scale: number): number {
  const gray = grayOf(larger);
  const turned = transpose(gray);
  const power = spectrum(gray);
  const down = spectrum(turned);
  const limit = 0.5 / scale;
  const mean = (values: Float64Array, from: number, to: number): number => {
    const size = 2 * values.length;
    const [first, last] = [Math.ceil(from * size), Math.min(values.length - 1, to * size)];
    let [sum, count] = [0, 0];
    for (let bin = first; bin <= last; bin += 1) {
      sum += values[bin] ?? 0;
      count += 1;
    }
    return count === 0 ? Number.NaN : sum / count;
  };
  const ratios = [power, down].map((values) => {
    const beyond = mean(values, 1.15 * limit, Math.min(0.5, 2.5 * limit));
    const finest = mean(values, 0.5 * limit, 0.85 * limit);
    // The power of natural images falls with the square of the frequency; less is due to an enlargement before.
    const expected = mean(values, 0.15 * limit, 0.3 * limit) / 9;
    return beyond / (Math.max(finest, Number.isNaN(expected) ? 0 : expected) + 1e-6);
  });
  const known = ratios.filter((ratio) => !Number.isNaN(ratio));
  return known.reduce((sum, ratio) => sum + ratio, 0) / Math.max(1, known.length);
}

function transpose({ height, values, width }: Plane): Plane {
  const turned = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) turned[x * height + y] = values[y * width + x] ?? 0;
  }
  return { width: height, height: width, values: turned };
}

/** Mean power of the rows by frequency, up to half a cycle per pixel, under a Hann window. */
function spectrum({ height, values, width }: Plane): Float64Array {
  const size = Math.min(LONGEST_WINDOW, 2 ** Math.floor(Math.log2(width)));
  const window = Float64Array.from(
    { length: size },
    (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / size),
  );
  const power = new Float64Array(size / 2);
  const start = (width - size) >> 1;
  const waves = wavesOf(size);
  const rows = { real: new Float64Array(size), imaginary: new Float64Array(size) };
  const load = (into: Float64Array, y: number): void => {
    if (y >= height) {
      into.fill(0);
      return;
    }
    const first = y * width + start;
    let sum = 0;
    for (let index = 0; index < size; index += 1) sum += values[first + index] ?? 0;
    const mean = sum / size;
    for (let index = 0; index < size; index += 1) {
      into[index] = ((values[first + index] ?? 0) - mean) * (window[index] ?? 0);
    }
  };
  // Two rows in one transform: their powers are the halves of what is at a frequency and at its negative.
  for (let y = 0; y < height; y += 2) {
    const { imaginary, real } = rows;
    load(real, y);
    load(imaginary, y + 1);
    transform(real, imaginary, waves);
    for (let bin = 0; bin < power.length; bin += 1) {
      const mirror = (size - bin) % size;
      const both =
        (real[bin] ?? 0) ** 2 +
        (imaginary[bin] ?? 0) ** 2 +
        (real[mirror] ?? 0) ** 2 +
        (imaginary[mirror] ?? 0) ** 2;
      power[bin] = (power[bin] ?? 0) + both / 2;
    }
  }
  return power;
}

interface Waves {
  cos: Float64Array;
  sin: Float64Array;
}

/** Of one turn in this many steps, clockwise. */
function wavesOf(size: number): Waves {
  const angles = Float64Array.from({ length: size / 2 }, (_, step) => (-2 * Math.PI * step) / size);
  return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
}

/** Fourier transform in place, of a power of two of values (Cooley and Tukey 1965). */
function transform(real: Float64Array, imaginary: Float64Array, waves: Waves): void {
  const size = real.length;
  for (let index = 1, mirror = 0; index < size; index += 1) {
    let bit = size >> 1;
    for (; mirror & bit; bit >>= 1) mirror ^= bit;
    mirror ^= bit;
    if (index >= mirror) continue;
    swap(real, index, mirror);
    swap(imaginary, index, mirror);
  }
  for (let length = 2; length <= size; length <<= 1) {
    const half = length >> 1;
    for (let offset = 0; offset < half; offset += 1) {
      const cos = waves.cos[offset * (size / length)] ?? 0;
      const sin = waves.sin[offset * (size / length)] ?? 0;
      for (let low = offset; low < size; low += length) {
        const high = low + half;
        const [a, b] = [real[high] ?? 0, imaginary[high] ?? 0];
        const [x, y] = [a * cos - b * sin, a * sin + b * cos];
        const [u, v] = [real[low] ?? 0, imaginary[low] ?? 0];
        real[low] = u + x;
        imaginary[low] = v + y;
        real[high] = u - x;
        imaginary[high] = v - y;
      }
    }
  }
}

function swap(values: Float64Array, one: number, other: number): void {
  [values[one], values[other]] = [values[other] ?? 0, values[one] ?? 0];
}
