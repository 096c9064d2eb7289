import type { ChromaGrid, ImageLooks, TracedRaster } from './contract';
import type { Raster, Size } from './geometry';
import { enlarge, isSameSize, largerSize, smallerSize } from './geometry';
import {
  chromaSize,
  encodeThumbnail,
  fingerprintGrid,
  fingerprintOf,
  thumbnailSize,
} from './trace';

/** How an image looks on white, and on black if parts of it are transparent. */
export function traceRaster({ black, size, white, ...raster }: TracedRaster): ImageLooks & {
  onBlack?: ImageLooks;
} {
  const looks = looksOf({ ...raster, data: white }, size);
  return black === null ? looks : { ...looks, onBlack: looksOf({ ...raster, data: black }, size) };
}

/**
 * Fingerprint and thumbnail of an image of this size, given its raster. Plain arithmetic, some milliseconds of it: a
 * pipeline of sharp for each would take three times as long.
 */
function looksOf(raster: Raster, image: Size): ImageLooks {
  const gray = grayOf(raster);
  const grid = { width: fingerprintGrid, height: fingerprintGrid };
  const large = largerSize(raster, grid);
  const fingerprint = fingerprintOf(
    isSameSize(raster, large)
      ? shrink(gray, raster, grid)
      : shrink(grayOf(enlarge(raster, { size: large, kernel: 'cubic' })), large, grid),
  );
  const size = smallerSize(thumbnailSize(image), raster);
  const luminance = shrink(gray, raster, size);
  const chroma = chromaOf(raster, chromaSize(size));
  return { fingerprint, thumbnail: encodeThumbnail({ ...size, luminance, chroma }) };
}

/** Chroma of a raster, shrunk to this size. */
function chromaOf(raster: Raster, size: Size): ChromaGrid {
  const [reds, greens, blues] = [0, 1, 2].map((channel) =>
    shrink(channelOf(raster, channel), raster, size),
  );
  const cells = size.width * size.height;
  const blue = new Uint8Array(cells);
  const red = new Uint8Array(cells);
  for (let cell = 0; cell < cells; cell += 1) {
    const [r, g, b] = [reds?.[cell] ?? 0, greens?.[cell] ?? 0, blues?.[cell] ?? 0];
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    blue[cell] = Math.min(255, Math.round(128 + 0.564 * (b - luma)));
    red[cell] = Math.min(255, Math.round(128 + 0.713 * (r - luma)));
  }
  return { width: size.width, height: size.height, blue, red };
}

/** Light of each of the 256 values of sRGB, 0 to 1 (IEC 61966-2-1). */
const light = Float32Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});

const LIGHT_STEPS = 4_096;
/** Steps of light of each value of red, green and blue: luminance of ITU-R BT.709. */
const [redLight, greenLight, blueLight] = [0.2126, 0.7152, 0.0722].map((share) =>
  light.map((value) => share * LIGHT_STEPS * value),
) as [Float32Array, Float32Array, Float32Array];
/** The sRGB value of each step of light. */
const values = Uint8Array.from({ length: LIGHT_STEPS + 1 }, (_, step) => {
  const share = step / LIGHT_STEPS;
  const value = share <= 0.0031308 ? 12.92 * share : 1.055 * share ** (1 / 2.4) - 0.055;
  return Math.round(255 * value);
});

/** The gray as bright as each pixel. */
function grayOf({ data, height, width }: Raster): Uint8Array {
  const gray = new Uint8Array(width * height);
  for (let pixel = 0, place = 0; pixel < gray.length; pixel += 1, place += 3) {
    const luminance =
      (redLight[data[place] ?? 0] ?? 0) +
      (greenLight[data[place + 1] ?? 0] ?? 0) +
      (blueLight[data[place + 2] ?? 0] ?? 0);
    gray[pixel] = values[(luminance + 0.5) | 0] ?? 0;
  }
  return gray;
}

function channelOf({ data, height, width }: Raster, channel: number): Uint8Array {
  const result = new Uint8Array(width * height);
  for (let pixel = 0, place = channel; pixel < result.length; pixel += 1, place += 3) {
    result[pixel] = data[place] ?? 0;
  }
  return result;
}

/**
 * A plane at a smaller size, as libvips makes it, which earlier traces were made with: means of as many pixels as leave at
 * least twice the target, then Lanczos' kernel.
 */
function shrink(plane: Uint8Array, from: Size, to: Size): Uint8Array {
  const box = { width: boxFor(from.width, to.width), height: boxFor(from.height, to.height) };
  const { means, size } = meansOf(plane, from, box);
  const narrow = new Float32Array(size.height * to.width);
  const columns = mixesFor(size.width, to.width, from.width / box.width / to.width);
  for (const [column, { first, weights }] of columns.entries()) {
    for (let row = 0; row < size.height; row += 1) {
      const start = row * size.width + first;
      let sum = 0;
      // By index: iterators take most of the time here.
      for (let index = 0; index < weights.length; index += 1) {
        sum += (weights[index] ?? 0) * (means[start + index] ?? 0);
      }
      narrow[row * to.width + column] = sum;
    }
  }
  const result = new Uint8ClampedArray(to.height * to.width);
  const rows = mixesFor(size.height, to.height, from.height / box.height / to.height);
  for (const [row, { first, weights }] of rows.entries()) {
    for (let column = 0; column < to.width; column += 1) {
      const start = first * to.width + column;
      let sum = 0;
      for (let index = 0; index < weights.length; index += 1) {
        sum += (weights[index] ?? 0) * (narrow[start + index * to.width] ?? 0);
      }
      // Assignment rounds and clamps.
      result[row * to.width + column] = sum;
    }
  }
  return new Uint8Array(result.buffer);
}

function boxFor(from: number, to: number): number {
  return Math.max(1, Math.floor(from / to / 2));
}

/** Means over boxes of this size; those at the right and the bottom may be smaller. */
function meansOf(plane: Uint8Array, from: Size, box: Size): { means: Float32Array; size: Size } {
  const size = {
    width: Math.ceil(from.width / box.width),
    height: Math.ceil(from.height / box.height),
  };
  const means = new Float32Array(size.width * size.height);
  for (let row = 0, source = 0; row < from.height; row += 1) {
    let cell = Math.floor(row / box.height) * size.width;
    const end = source + from.width;
    while (source < end) {
      let sum = 0;
      for (const stop = Math.min(end, source + box.width); source < stop; source += 1) {
        sum += plane[source] ?? 0;
      }
      means[cell] = (means[cell] ?? 0) + sum;
      cell += 1;
    }
  }
  for (let row = 0, cell = 0; row < size.height; row += 1) {
    const tall = Math.min(box.height, from.height - row * box.height);
    for (let column = 0; column < size.width; column += 1) {
      const wide = Math.min(box.width, from.width - column * box.width);
      means[cell] = (means[cell] ?? 0) / (tall * wide);
      cell += 1;
    }
  }
  return { means, size };
}

/** One value as a weighted sum of others: where those begin, and their weights. */
interface Mix {
  first: number;
  weights: Float32Array;
}

/** Lobes of the kernel on either side. */
const LANCZOS = 3;

/** @param factor by which it shrinks; what lies outside is as the edge */
function mixesFor(from: number, to: number, factor: number): Mix[] {
  const reach = LANCZOS * factor;
  return Array.from({ length: to }, (_, index) => {
    const center = (index + 0.5) * factor;
    const [start, end] = [Math.floor(center - reach), Math.ceil(center + reach)];
    const first = Math.max(0, start);
    const weights = new Float32Array(Math.min(from, end) - first);
    let sum = 0;
    for (let place = start; place < end; place += 1) {
      const weight = lanczos((place + 0.5 - center) / factor);
      const inside = Math.min(weights.length - 1, Math.max(0, place - first));
      weights[inside] = (weights[inside] ?? 0) + weight;
      sum += weight;
    }
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function lanczos(distance: number): number {
  if (distance === 0) return 1;
  if (Math.abs(distance) >= LANCZOS) return 0;
  const angle = Math.PI * distance;
  return (LANCZOS * Math.sin(angle) * Math.sin(angle / LANCZOS)) / (angle * angle);
}
