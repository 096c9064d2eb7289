import type { Thumbnail } from './contract';
import { shrunkSize, type Size } from './geometry';

/** Longer side of a thumbnail, in pixels. */
const LONGER_EDGE = 48;
/** First byte of the stored form, so that another form can be told from this one. */
const VERSION = 1;
const HEADER_BYTES = 5;
const MOST_LEVEL = 15;

/** Size of a picture's thumbnail: proportions kept, never enlarged. */
export function thumbnailSize(picture: Size): Size {
  return shrunkSize(picture, LONGER_EDGE);
}

/**
 * A thumbnail as text for a database column, at most 1,544 characters (1,160 for a picture of 4 : 3): base64 of five
 * bytes (version, width, height, darkest and brightest luminance) and a pixel for every four bits, row by row, the
 * first in the higher half, as one of 16 even steps between the darkest and the brightest.
 *
 * Raw pixels need no codec whose next version might decode them differently, and are read in microseconds. Two
 * pictures are aligned by patches of some 50 pixels, for which more pixels tell more than finer steps do: rounding
 * adds noise of 2 % of the picture's range.
 */
export function encodeThumbnail({ width, height, luminance }: Thumbnail): string {
  let darkest = 255;
  let brightest = 0;
  for (const value of luminance) {
    if (value < darkest) darkest = value;
    if (value > brightest) brightest = value;
  }
  const bytes = Buffer.alloc(HEADER_BYTES + Math.ceil(luminance.length / 2));
  bytes.set([VERSION, width, height, darkest, brightest]);
  const scale = brightest > darkest ? MOST_LEVEL / (brightest - darkest) : 0;
  for (const [index, value] of luminance.entries()) {
    const level = Math.round((value - darkest) * scale);
    const place = HEADER_BYTES + (index >> 1);
    bytes[place] = (bytes[place] ?? 0) | (index % 2 === 0 ? level << 4 : level);
  }
  return bytes.toString('base64');
}

/** Null for text of another form: the picture has to be read again. */
export function decodeThumbnail(text: string): Thumbnail | null {
  const bytes = Buffer.from(text, 'base64');
  const [version, width = 0, height = 0, darkest = 0, brightest = 0] = bytes;
  const pixels = width * height;
  if (version !== VERSION || pixels === 0) return null;
  if (bytes.length !== HEADER_BYTES + Math.ceil(pixels / 2)) return null;
  const step = (brightest - darkest) / MOST_LEVEL;
  const luminance = new Uint8Array(pixels);
  for (let index = 0; index < pixels; index += 1) {
    const pair = bytes[HEADER_BYTES + (index >> 1)] ?? 0;
    luminance[index] = Math.round(
      darkest + step * (index % 2 === 0 ? pair >> 4 : pair & MOST_LEVEL),
    );
  }
  return { width, height, luminance };
}
