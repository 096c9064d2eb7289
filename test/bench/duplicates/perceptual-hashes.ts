import sharp, { type Sharp } from 'sharp';

/*
 * What the duplicates are compared with, computed from the published descriptions:
 *
 * - `PHash` as imagededup 0.3 has it: 8 × 8 low frequencies of 32 × 32 gray pixels against their median, within 10 of
 *   64 bits, which is its default.
 * - PDQ (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019): 16 × 16
 *   frequencies of 64 × 64 luminances against their median, within 31 of 256 bits at a quality of 50, as recommended,
 *   in all eight orientations.
 */

export interface PerceptualHashes {
  pHash: Uint8Array;
  /** In eight orientations, the upright one first. */
  pdq: readonly Uint8Array[];
  /** 0 to 100. */
  pdqQuality: number;
}

const MAX_PHASH_DISTANCE = 10;
const MAX_PDQ_DISTANCE = 31;
const MIN_PDQ_QUALITY = 50;

export async function perceptualHashes(image: Buffer): Promise<PerceptualHashes> {
  const upright = sharp(image).autoOrient().flatten({ background: '#fff' }).toColourspace('srgb');
  const { data, info } = await upright
    .clone()
    .resize(512, 512, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { luminances, quality } = pdqBuffer(data, info);
  const frequencies = transform(luminances, { side: PDQ_SIDE, first: 1, count: 16 });
  return {
    pHash: await pHashOf(upright),
    pdq: orientations(frequencies).map(aboveMedian),
    pdqQuality: quality,
  };
}

export function isClosePHash(one: PerceptualHashes, other: PerceptualHashes): boolean {
  return distance(one.pHash, other.pHash) <= MAX_PHASH_DISTANCE;
}

export function isClosePdq(one: PerceptualHashes, other: PerceptualHashes): boolean {
  if (Math.min(one.pdqQuality, other.pdqQuality) < MIN_PDQ_QUALITY) return false;
  const [upright = new Uint8Array()] = one.pdq;
  return other.pdq.some((hash) => distance(upright, hash) <= MAX_PDQ_DISTANCE);
}

function distance(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((sum, bit, place) => sum + (bit === other[place] ? 0 : 1), 0);
}

async function pHashOf(image: Sharp): Promise<Uint8Array> {
  const side = 32;
  const { data, info } = await image
    .clone()
    .resize(side, side, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const gray = Float64Array.from({ length: side * side }, (_, place) =>
    Math.round(lumaAt(data, place, info.channels)),
  );
  const frequencies = transform(gray, { side, first: 0, count: 8 });
  const median = medianOf(frequencies.slice(1));
  return Uint8Array.from(frequencies, (value) => (value >= median ? 1 : 0));
}

function lumaAt(data: Uint8Array, place: number, channels: number): number {
  const [r, g, b] = [0, 1, 2].map((channel) => data[place * channels + (channel % channels)] ?? 0);
  return 0.299 * (r ?? 0) + 0.587 * (g ?? 0) + 0.114 * (b ?? 0);
}

const PDQ_SIDE = 64;
const PDQ_PASSES = 2;

/** Luminances after a tent filter, and how much of their gradient is large. */
function pdqBuffer(
  data: Uint8Array,
  { channels, height, width }: { channels: number; height: number; width: number },
): { luminances: Float64Array; quality: number } {
  let full = Float64Array.from({ length: width * height }, (_, place) =>
    lumaAt(data, place, channels),
  );
  const window = (length: number): number =>
    Math.floor((length + 2 * PDQ_SIDE - 1) / (2 * PDQ_SIDE));
  for (let pass = 0; pass < PDQ_PASSES; pass += 1) {
    full = boxFilter(full, { count: height, length: width, step: 1, window: window(width) });
    full = boxFilter(full, { count: width, length: height, step: width, window: window(height) });
  }
  const luminances = new Float64Array(PDQ_SIDE * PDQ_SIDE);
  for (let row = 0; row < PDQ_SIDE; row += 1) {
    const y = Math.floor(((row + 0.5) * height) / PDQ_SIDE);
    for (let column = 0; column < PDQ_SIDE; column += 1) {
      const x = Math.floor(((column + 0.5) * width) / PDQ_SIDE);
      luminances[row * PDQ_SIDE + column] = full[y * width + x] ?? 0;
    }
  }
  return { luminances, quality: qualityOf(luminances) };
}

function qualityOf(luminances: Float64Array): number {
  let gradient = 0;
  const add = (one: number, other: number): void => {
    const difference = ((luminances[one] ?? 0) - (luminances[other] ?? 0)) * (100 / 255);
    gradient += Math.abs(Math.trunc(difference));
  };
  for (let row = 0; row < PDQ_SIDE; row += 1) {
    for (let column = 0; column < PDQ_SIDE; column += 1) {
      const place = row * PDQ_SIDE + column;
      if (row + 1 < PDQ_SIDE) add(place, place + PDQ_SIDE);
      if (column + 1 < PDQ_SIDE) add(place, place + 1);
    }
  }
  return Math.min(100, Math.trunc(gradient / 90));
}

/** Means of windows along rows (step 1) or columns. */
function boxFilter(
  values: Float64Array,
  { count, length, step, window }: { count: number; length: number; step: number; window: number },
): Float64Array<ArrayBuffer> {
  const result = new Float64Array(values.length);
  const before = Math.floor((window + 2) / 2) - 1;
  for (let line = 0; line < count; line += 1) {
    const start = step === 1 ? line * length : line;
    for (let place = 0; place < length; place += 1) {
      const from = Math.max(0, place - (window - 1 - before));
      const to = Math.min(length - 1, place + before);
      let sum = 0;
      for (let near = from; near <= to; near += 1) sum += values[start + near * step] ?? 0;
      result[start + place * step] = sum / (to - from + 1);
    }
  }
  return result;
}

/** Frequencies of a discrete cosine transform, row by row. */
function transform(
  values: Float64Array,
  { count, first, side }: { side: number; first: number; count: number },
): Float64Array {
  const waves = Array.from({ length: count }, (_, index) =>
    Float64Array.from({ length: side }, (_value, place) =>
      Math.cos((Math.PI * (first + index) * (place + 0.5)) / side),
    ),
  );
  const rows = waves.map((wave) =>
    Float64Array.from({ length: side }, (_, column) =>
      wave.reduce((sum, weight, row) => sum + weight * (values[row * side + column] ?? 0), 0),
    ),
  );
  return Float64Array.from({ length: count * count }, (_, index) => {
    const row = rows[Math.floor(index / count)];
    return (waves[index % count] ?? new Float64Array()).reduce(
      (sum, weight, column) => sum + weight * (row?.[column] ?? 0),
      0,
    );
  });
}

/** Flips change the sign of odd frequencies; quarter turns transpose and flip. */
function orientations(frequencies: Float64Array): Float64Array[] {
  const side = 16;
  const sign = (index: number): number => (index % 2 === 0 ? -1 : 1);
  return [false, true].flatMap((isTransposed) =>
    [false, true].flatMap((isFlipped) =>
      [false, true].map((isFlopped) =>
        Float64Array.from({ length: side * side }, (_, place) => {
          const [row, column] = [Math.floor(place / side), place % side];
          const value = frequencies[isTransposed ? column * side + row : place] ?? 0;
          return value * (isFlipped ? sign(row) : 1) * (isFlopped ? sign(column) : 1);
        }),
      ),
    ),
  );
}

function aboveMedian(frequencies: Float64Array): Uint8Array {
  const median = medianOf(frequencies);
  return Uint8Array.from(frequencies, (value) => (value > median ? 1 : 0));
}

function medianOf(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
