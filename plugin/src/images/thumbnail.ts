import type { Thumbnail } from './contract';
import { shrunkSize, type Size } from './geometry';

/** Longer side of a thumbnail, in pixels, and of its colours, in cells. */
const LONGER_EDGE = 48;
const LONGER_CHROMA_EDGE = 12;
/** First byte of the stored form, so that another form can be told from this one. */
const VERSION = 2;
const HEADER_BYTES = 3;
/** Lowest and highest value of a plane. */
const RANGE_BYTES = 2;
const MOST_LEVEL = 15;

/** Size of a picture's thumbnail: proportions kept, never enlarged. */
export function thumbnailSize(picture: Size): Size {
  return shrunkSize(picture, LONGER_EDGE);
}

/** Size of the grid of colours of a thumbnail of this size. */
export function chromaSize(thumbnail: Size): Size {
  return shrunkSize(thumbnail, LONGER_CHROMA_EDGE);
}

/**
 * A thumbnail as text for a database column, at most 1,740 characters (1,308 for a picture of 4 : 3): base64 of three
 * bytes (version, width, height) and three planes, luminance, blue and red, each of its lowest and highest value and a
 * value for every four bits, row by row, the first in the higher half, as one of 16 even steps between the two.
 *
 * Raw pixels need no codec whose next version might decode them differently, and are read in microseconds. Two
 * pictures are aligned by patches of some 50 pixels, for which more pixels tell more than finer steps do: rounding
 * adds noise of 2 % of the picture's range. Colours only have to tell a green apple from a red one.
 */
export function encodeThumbnail({ width, height, luminance, chroma }: Thumbnail): string {
  const header = Buffer.of(VERSION, width, height);
  const planes = [luminance, chroma.blue, chroma.red].map(packPlane);
  return Buffer.concat([header, ...planes]).toString('base64');
}

/** Null for text of another form: the picture has to be read again. */
export function decodeThumbnail(text: string): Thumbnail | null {
  const bytes = Buffer.from(text, 'base64');
  const [version, width = 0, height = 0] = bytes;
  if (version !== VERSION || width * height === 0) return null;
  const colours = chromaSize({ width, height });
  const cells = colours.width * colours.height;
  const blueStart = HEADER_BYTES + packedLength(width * height);
  const redStart = blueStart + packedLength(cells);
  if (bytes.length !== redStart + packedLength(cells)) return null;
  return {
    width,
    height,
    luminance: unpackPlane(bytes.subarray(HEADER_BYTES), width * height),
    chroma: {
      ...colours,
      blue: unpackPlane(bytes.subarray(blueStart), cells),
      red: unpackPlane(bytes.subarray(redStart), cells),
    },
  };
}

/** Whether a stored thumbnail has the present form. */
export function isCurrentThumbnail(text: string | null): boolean {
  return text !== null && decodeThumbnail(text) !== null;
}

function packedLength(values: number): number {
  return RANGE_BYTES + Math.ceil(values / 2);
}

function packPlane(values: Uint8Array): Buffer {
  let lowest = 255;
  let highest = 0;
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const bytes = Buffer.alloc(packedLength(values.length));
  bytes.set([lowest, highest]);
  const scale = highest > lowest ? MOST_LEVEL / (highest - lowest) : 0;
  for (const [index, value] of values.entries()) {
    const level = Math.round((value - lowest) * scale);
    const place = RANGE_BYTES + (index >> 1);
    bytes[place] = (bytes[place] ?? 0) | (index % 2 === 0 ? level << 4 : level);
  }
  return bytes;
}

function unpackPlane(bytes: Uint8Array, length: number): Uint8Array {
  const [lowest = 0, highest = 0] = bytes;
  const step = (highest - lowest) / MOST_LEVEL;
  const values = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) {
    const pair = bytes[RANGE_BYTES + (index >> 1)] ?? 0;
    values[index] = Math.round(lowest + step * (index % 2 === 0 ? pair >> 4 : pair & MOST_LEVEL));
  }
  return values;
}
