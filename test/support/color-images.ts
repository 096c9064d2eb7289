import sharp from 'sharp';
import type { FileBytes } from './library';

/** Colors are this far apart, more than any encoding changes them. */
const STEP = 36;
const LEVELS = 7;
const EDGE = 48;

/** An image of one color, which says its number (0 to 342) wherever it turns up again, however encoded. */
export async function colorImage(number: number): Promise<FileBytes> {
  const level = (place: number): number => (Math.floor(number / LEVELS ** place) % LEVELS) * STEP;
  const background = { r: level(0), g: level(1), b: level(2) };
  const image = sharp({ create: { width: EDGE, height: EDGE, channels: 3, background } });
  return { fileName: `color-${String(number)}.png`, bytes: await image.png().toBuffer() };
}

/** The number of the image that these bytes, of any format, are made from. */
export async function colorNumber(bytes: Buffer): Promise<number> {
  const { channels } = await sharp(bytes).stats();
  return channels
    .slice(0, 3)
    .reduce((number, { mean }, place) => number + Math.round(mean / STEP) * LEVELS ** place, 0);
}
