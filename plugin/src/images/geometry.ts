import type { ImageRegion, PixelPreparation, ResizeKernel, ResizeRule } from './contract';

export interface Size {
  width: number;
  height: number;
}

export interface Region extends Size {
  left: number;
  top: number;
}

/** Interleaved RGB, one byte per channel. */
export interface Raster extends Size {
  data: Uint8Array;
  /** The same pixels before flattening on white: interleaved RGBA. Absent when the image has no alpha channel. */
  clear?: Uint8Array;
}

/** Maximum aspect ratio at which an image is resized as a whole even if only its center is needed. */
export const mostElongated = 8;

/**
 * Size after the resize, at least one pixel per side. For `shortest-edge`, the longer side is truncated to whole
 * pixels, not rounded, as in CLIP's reference preprocessing: `int(size * long / short)`.
 */
export function resizedSize({ width, height }: Size, rule: ResizeRule): Size {
  switch (rule.mode) {
    case 'none':
      return { width, height };
    case 'exact':
      return { width: rule.width, height: rule.height };
    case 'fit': {
      const scale = Math.min(rule.width / width, rule.height / height);
      return { width: roundedSide(width * scale), height: roundedSide(height * scale) };
    }
    case 'shortest-edge': {
      const longer = Math.trunc((rule.size * Math.max(width, height)) / Math.min(width, height));
      return width <= height
        ? { width: rule.size, height: longer }
        : { width: longer, height: rule.size };
    }
  }
}

/** The size with the longer side at most `maxEdge`; smaller images keep their size. */
export function shrunkSize({ width, height }: Size, maxEdge: number): Size {
  const scale = Math.min(1, maxEdge / Math.max(width, height));
  return { width: roundedSide(width * scale), height: roundedSide(height * scale) };
}

function roundedSide(length: number): number {
  return Math.max(1, Math.round(length));
}

export function isSameSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

/** The shorter of each side. */
export function smallerSize(one: Size, other: Size): Size {
  return {
    width: Math.min(one.width, other.width),
    height: Math.min(one.height, other.height),
  };
}

/** The longer of each side. */
export function largerSize(one: Size, other: Size): Size {
  return {
    width: Math.max(one.width, other.width),
    height: Math.max(one.height, other.height),
  };
}

/**
 * The center that is enough for the crop, when resizing the whole image would make a huge raster (30,000 × 1 with a
 * shortest edge of 224 would be 6.7 million pixels wide); otherwise null.
 */
export function sufficientCenter(source: Size, { resize, crop }: PixelPreparation): Region | null {
  if (crop === undefined) return null;
  if (resize.mode === 'none') return center(source, crop.width, crop.height);
  if (resize.mode !== 'shortest-edge') return null;
  const shorter = Math.min(source.width, source.height);
  const cropEdges = Math.ceil(Math.max(crop.width, crop.height) / resize.size);
  const longest = shorter * Math.max(mostElongated, cropEdges);
  return center(source, longest, longest);
}

/** At least one pixel, and all pixels that the shares of the image touch. */
export function regionOf({ height, width }: Size, region: ImageRegion): Region {
  const [left, right] = span(region.x, region.width, width);
  const [top, bottom] = span(region.y, region.height, height);
  return { left, top, width: right - left, height: bottom - top };
}

function span(start: number, share: number, length: number): [from: number, to: number] {
  const from = Math.min(length - 1, Math.floor(start * length));
  const to = Math.min(length, Math.ceil((start + share) * length));
  return [from, Math.max(from + 1, to)];
}

/** The region with its shorter side as long as the longer one around the same center, where the image allows. */
export function squareAround({ height, left, top, width }: Region, source: Size): Region {
  const grow = (start: number, length: number, limit: number): [number, number] => {
    const grown = Math.min(limit, Math.max(width, height));
    const centered = Math.round(start - (grown - length) / 2);
    return [Math.max(0, Math.min(limit - grown, centered)), grown];
  };
  const [x, wide] = grow(left, width, source.width);
  const [y, high] = grow(top, height, source.height);
  return { left: x, top: y, width: wide, height: high };
}

/** The window that a center crop keeps. A crop that is larger on an axis keeps all of it. */
export function cropWindow(raster: Size, crop: Size): Region {
  return center(raster, crop.width, crop.height) ?? { left: 0, top: 0, ...raster };
}

function center(source: Size, mostWidth: number, mostHeight: number): Region | null {
  if (source.width <= mostWidth && source.height <= mostHeight) return null;
  const width = Math.min(source.width, mostWidth);
  const height = Math.min(source.height, mostHeight);
  return {
    left: Math.floor((source.width - width) / 2),
    top: Math.floor((source.height - height) / 2),
    width,
    height,
  };
}

/**
 * Centers a raster on a canvas: crops what doesn't fit and fills the rest with `background`. Odd differences are
 * split as in CLIP's reference preprocessing: the window starts at `floor((raster - canvas) / 2)`.
 */
export function centerOnCanvas(
  raster: Raster,
  canvas: Size,
  background: readonly [number, number, number],
): Raster {
  if (isSameSize(raster, canvas)) return raster;
  const data = filledCanvas(canvas, background);
  const left = Math.floor((raster.width - canvas.width) / 2);
  const top = Math.floor((raster.height - canvas.height) / 2);
  const firstColumn = Math.max(0, left);
  const endColumn = Math.min(raster.width, left + canvas.width);
  const endRow = Math.min(raster.height, top + canvas.height);
  for (let row = Math.max(0, top); row < endRow; row += 1) {
    const start = (row * raster.width + firstColumn) * 3;
    const end = (row * raster.width + endColumn) * 3;
    data.set(
      raster.data.subarray(start, end),
      ((row - top) * canvas.width + firstColumn - left) * 3,
    );
  }
  return { width: canvas.width, height: canvas.height, data };
}

/** The square of a raster that shows this square region of its source, whose shorter side it shows whole. */
export function cropSquare(raster: Raster, region: Region, source: Size): Raster {
  const side = Math.min(raster.width, raster.height);
  const left = Math.round((region.left * raster.width) / source.width);
  const top = Math.round((region.top * raster.height) / source.height);
  const data = new Uint8Array(side * side * 3);
  const [firstColumn, firstRow] = [
    Math.min(left, raster.width - side),
    Math.min(top, raster.height - side),
  ];
  for (let row = 0; row < side; row += 1) {
    const start = ((firstRow + row) * raster.width + firstColumn) * 3;
    data.set(raster.data.subarray(start, start + side * 3), row * side * 3);
  }
  return { width: side, height: side, data };
}

function filledCanvas({ width, height }: Size, [red, green, blue]: readonly number[]): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  if (red === 0 && green === 0 && blue === 0) return data;
  for (let offset = 0; offset < data.length; offset += 3) {
    data[offset] = red ?? 0;
    data[offset + 1] = green ?? 0;
    data[offset + 2] = blue ?? 0;
  }
  return data;
}

/** A resampling kernel: weight by distance in source pixels, zero from `reach` on. */
interface Kernel {
  reach: number;
  weigh: (distance: number) => number;
}

const kernels: Record<ResizeKernel, Kernel> = {
  nearest: { reach: 0.5, weigh: () => 1 },
  linear: { reach: 1, weigh: (distance) => 1 - distance },
  cubic: { reach: 2, weigh: catmullRom },
  lanczos3: { reach: 3, weigh: (distance) => sinc(distance) * sinc(distance / 3) },
};

/**
 * The source pixels that make up one output pixel: the index of the first, and a weight for each, which sum to 1.
 */
interface Taps {
  first: number;
  weights: Float64Array;
}

/**
 * Enlarges the raster to `size`, which is at least as large on both axes, and returns only `window` of the result if
 * given.
 *
 * sharp can't do this: it enlarges with an affine transform that takes no kernel and shifts images by up to half a
 * source pixel. Models were trained with Pillow's `Image.resize`, where pixels keep their centers and weights
 * outside the image go to the pixels inside.
 */
export function enlarge(
  raster: Raster,
  { size, window, kernel }: { size: Size; window?: Region; kernel: ResizeKernel },
): Raster {
  const { left, top, width, height } = window ?? { left: 0, top: 0, ...size };
  const columns = tapsOf(raster.width, size.width, { start: left, count: width }, kernel);
  const rows = tapsOf(raster.height, size.height, { start: top, count: height }, kernel);
  const data = enlargeRows(enlargeColumns(raster, columns), columns.length, rows);
  return { width, height, data };
}

function tapsOf(
  from: number,
  to: number,
  { start, count }: { start: number; count: number },
  kernelName: ResizeKernel,
): Taps[] {
  const { reach, weigh } = kernels[kernelName];
  return Array.from({ length: count }, (_, index) => {
    const center = ((start + index + 0.5) * from) / to;
    const first = Math.max(0, Math.floor(center - reach + 0.5));
    const end = Math.min(from, Math.max(first + 1, Math.floor(center + reach + 0.5)));
    const weights = Float64Array.from({ length: end - first }, (__, offset) =>
      weigh(Math.abs(first + offset + 0.5 - center)),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** As many rows as the raster has, and as many columns as there are taps. */
function enlargeColumns({ width, height, data }: Raster, columns: readonly Taps[]): Float32Array {
  const result = new Float32Array(columns.length * height * 3);
  let place = 0;
  for (let row = 0; row < height; row += 1) {
    for (const { first, weights } of columns) {
      let [red, green, blue] = [0, 0, 0];
      let source = (row * width + first) * 3;
      for (const weight of weights) {
        red += weight * (data[source] ?? 0);
        green += weight * (data[source + 1] ?? 0);
        blue += weight * (data[source + 2] ?? 0);
        source += 3;
      }
      result[place] = red;
      result[place + 1] = green;
      result[place + 2] = blue;
      place += 3;
    }
  }
  return result;
}

function enlargeRows(values: Float32Array, width: number, rows: readonly Taps[]): Uint8Array {
  const stride = width * 3;
  const result = new Uint8ClampedArray(stride * rows.length);
  for (const [row, { first, weights }] of rows.entries()) {
    for (let place = 0; place < stride; place += 1) {
      let sum = 0;
      let source = first * stride + place;
      for (const weight of weights) {
        sum += weight * (values[source] ?? 0);
        source += stride;
      }
      // Assignment rounds and clamps.
      result[row * stride + place] = sum;
    }
  }
  return new Uint8Array(result.buffer);
}

/** Cubic convolution with a = -1/2 (Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981). */
function catmullRom(distance: number): number {
  if (distance >= 2) return 0;
  if (distance >= 1) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
  return (1.5 * distance - 2.5) * distance * distance + 1;
}

function sinc(distance: number): number {
  if (distance === 0) return 1;
  const angle = Math.PI * distance;
  return Math.sin(angle) / angle;
}
