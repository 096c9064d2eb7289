/** What a TIFF file says about the samples of a page. */
export interface TiffSamples {
  /** Samples that make up a color. */
  colors: number;
  /** Further samples per pixel. */
  extras: number;
  /** Whether the first of them is transparency. */
  hasAlpha: boolean;
  bits: number;
}

const TAGS = { bits: 258, photometric: 262, samples: 277, extraSamples: 338 } as const;
const TYPE_SHORT = 3;
/** Unsigned integers that are offsets in BigTIFF. */
const TYPE_LONG8 = 16;
const COLORS_OF_RGB = 3;
const COLORS_OF_CMYK = 4;
/** Photometric interpretations with three colors: RGB, YCbCr, CIELab, ICCLab. */
const THREE_COLORS = new Set([2, 6, 8, 9]);
const SEPARATED = 5;
/** Kinds of extra samples that are transparency, premultiplied or not. */
const ALPHA = new Set([1, 2]);
const BIG_TIFF = 43;
const MOST_TAGS = 65_535;

/** @returns null for another format, or a page that the file doesn't have */
export function readTiffSamples(bytes: Uint8Array, page: number): TiffSamples | null {
  try {
    const tags = readTags(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), page);
    if (tags === null) return null;
    const photometric = tags.get(TAGS.photometric);
    const samples = tags.get(TAGS.samples) ?? 1;
    const most = photometric === SEPARATED ? COLORS_OF_CMYK : COLORS_OF_RGB;
    const isColor = photometric === SEPARATED || THREE_COLORS.has(photometric ?? Number.NaN);
    const colors = isColor ? Math.min(samples, most) : 1;
    const extras = samples - colors;
    const hasAlpha = extras > 0 && ALPHA.has(tags.get(TAGS.extraSamples) ?? 0);
    return { colors, extras, hasAlpha, bits: tags.get(TAGS.bits) ?? 1 };
  } catch (error) {
    // An offset beyond the end: the decoder says what's wrong.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The first value of each tag ("TIFF Revision 6.0", Adobe, 1992, and BigTIFF). */
function readTags(file: Buffer, page: number): Map<number, number> | null {
  const order = file.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return null;
  const read = (offset: number, length: number): number => {
    if (offset + length > file.length) throw new RangeError('The file is shorter than it says.');
    return order === 'II' ? file.readUIntLE(offset, length) : file.readUIntBE(offset, length);
  };
  const readOffset = (place: number): number =>
    isBig ? read(order === 'II' ? place : place + 2, 6) : read(place, 4);
  const isBig = read(2, 2) === BIG_TIFF;
  const widths = isBig ? { count: 8, entry: 20, value: 12 } : { count: 2, entry: 12, value: 8 };
  let directory = readOffset(isBig ? 8 : 4);
  for (let number = 0; directory !== 0; number += 1) {
    const count = Math.min(isBig ? readOffset(directory) : read(directory, 2), MOST_TAGS);
    const first = directory + widths.count;
    if (number === page) {
      return new Map(
        Array.from({ length: count }, (_, index) => {
          const entry = first + index * widths.entry;
          return [read(entry, 2), readValue(entry)];
        }),
      );
    }
    directory = readOffset(first + count * widths.entry);
  }
  return null;

  function readValue(entry: number): number {
    const type = read(entry + 2, 2);
    const values = isBig ? readOffset(entry + 4) : read(entry + 4, 4);
    const size = type === TYPE_SHORT ? 2 : 4;
    const place = entry + widths.value;
    if (type === TYPE_LONG8) return readOffset(place);
    const isInside = values * size <= widths.entry - widths.value;
    return read(isInside ? place : readOffset(place), size);
  }
}

/** Values that are white, by how many bits are used of larger numbers: 8, 10, 12, 15 of signed numbers, and 16. */
const CODE_RANGES = [255, 1_023, 4_095, 65_535];
const SIGNED_CODE_RANGES = [255, 1_023, 4_095, 32_767];
/** By which resizing may exceed the highest value. */
const OVERSHOOT = 1.1;

/**
 * Converts numbers of any range to 0–255. Fractions up to 1 and codes of common widths are recognized by the highest
 * value; other ranges, and those with negative numbers, are stretched. What isn't a number becomes black.
 *
 * @param depth type of the numbers in the file, as libvips names it
 */
export function toBytes(values: Float32Array, depth: string): Uint8Array {
  let lowest = 0;
  let highest = 0;
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest && value < Infinity) highest = value;
  }
  const ranges = [1, ...(depth === 'short' ? SIGNED_CODE_RANGES : CODE_RANGES)];
  const known = ranges.find((white) => highest <= white * OVERSHOOT);
  const white = lowest < 0 ? highest : (known ?? highest);
  const scale = white > lowest ? 255 / (white - lowest) : 0;
  // Assignment rounds and clamps, and turns NaN into 0.
  const bytes = Uint8ClampedArray.from(values, (value) => (value - lowest) * scale);
  return new Uint8Array(bytes.buffer);
}
