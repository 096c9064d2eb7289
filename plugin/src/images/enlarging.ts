import type { ResizeKernel } from './contract';
import type { Raster, Region, Size } from './geometry';

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

/** Source pixels that make one pixel of the result: the first, and a weight for each from there on; they sum to 1. */
interface Taps {
  first: number;
  weights: Float64Array;
}

/**
 * The raster enlarged to `size`, which is at least as large on both axes; only that window of the result if one is given.
 *
 * sharp is not used for this: it enlarges by another way than it shrinks, which takes no kernel and sets pictures off
 * by up to half a source pixel. Models were trained on Pillow's enlarging, where pixels keep their centres and weights
 * that fall outside the picture go to those inside; see `Image.resize` there.
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
    const centre = ((start + index + 0.5) * from) / to;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.max(first + 1, Math.floor(centre + reach + 0.5)));
    const weights = Float64Array.from({ length: end - first }, (__, offset) =>
      weigh(Math.abs(first + offset + 0.5 - centre)),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** As many rows as the raster has, as many columns as there are taps. */
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
      // Assigning rounds and clamps.
      result[row * stride + place] = sum;
    }
  }
  return new Uint8Array(result.buffer);
}

/** The cubic convolution of Keys with a = -1/2. */
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
