import sharp from 'sharp';
import { renderSampleImage, sampleLibrary } from '../../sample/library';
import type { FileBytes } from './library';

const LARGE = { width: 1200, height: 800 };
const SMALL_WIDTH = 600;
/** The crop's position on its original, as fractions of width and height. */
export const CROP = { left: 0.25, top: 0.2, width: 0.55, height: 0.6 };

/** An image of the sample library, and copies of it as editors make them. */
export interface CopiedImage {
  original: FileBytes;
  /** The same bytes. */
  identical: FileBytes;
  /** Half as wide, and compressed. */
  resaved: FileBytes;
  cropped: FileBytes;
  mirrored: FileBytes;
}

export type CopyKind = Exclude<keyof CopiedImage, 'original'>;

/** @param concept of the sample library: `red-apple`, `guitar` … */
export async function copyImage(concept: string): Promise<CopiedImage> {
  const sample = sampleLibrary.find((image) => image.concept === concept);
  if (!sample) throw new Error(`The sample library has no “${concept}”.`);
  const drawn = await renderSampleImage(sample);
  const bytes = await sharp(drawn)
    // Half of them have no ground of their own, which JPEG would make black.
    .flatten({ background: '#f4f1ea' })
    .resize({ ...LARGE, fit: 'cover' })
    .png()
    .toBuffer();
  const image = () => sharp(bytes);
  const crop = {
    left: LARGE.width * CROP.left,
    top: LARGE.height * CROP.top,
    width: LARGE.width * CROP.width,
    height: LARGE.height * CROP.height,
  };
  return {
    original: { fileName: `${concept}.png`, bytes },
    identical: { fileName: `${concept}-copy.png`, bytes },
    resaved: {
      fileName: `${concept}-small.jpg`,
      bytes: await image().resize(SMALL_WIDTH).jpeg({ quality: 70 }).toBuffer(),
    },
    cropped: {
      fileName: `${concept}-crop.jpg`,
      bytes: await image().extract(crop).jpeg({ quality: 85 }).toBuffer(),
    },
    mirrored: {
      fileName: `${concept}-mirrored.jpg`,
      bytes: await image().flop().jpeg({ quality: 85 }).toBuffer(),
    },
  };
}
