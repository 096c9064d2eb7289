import sharp from 'sharp';
import { renderSamplePicture, sampleLibrary } from '../../sample/library';
import type { FileBytes } from './library';

const LARGE = { width: 1200, height: 800 };
const SMALL_WIDTH = 600;
/** Where the crop lies on its original, as parts of width and height. */
export const CROP = { left: 0.25, top: 0.2, width: 0.55, height: 0.6 };

/** A picture of the sample library, and copies of it as editors make them. */
export interface CopiedPicture {
  original: FileBytes;
  /** The same bytes. */
  identical: FileBytes;
  /** Half as wide, and compressed. */
  resaved: FileBytes;
  cropped: FileBytes;
  mirrored: FileBytes;
}

export type CopyKind = Exclude<keyof CopiedPicture, 'original'>;

/** @param concept of the sample library: `red-apple`, `guitar` … */
export async function copyPicture(concept: string): Promise<CopiedPicture> {
  const sample = sampleLibrary.find((picture) => picture.concept === concept);
  if (!sample) throw new Error(`The sample library has no “${concept}”.`);
  const drawn = await renderSamplePicture(sample);
  const bytes = await sharp(drawn)
    // Half of them have no ground of their own, which JPEG would make black.
    .flatten({ background: '#f4f1ea' })
    .resize({ ...LARGE, fit: 'cover' })
    .png()
    .toBuffer();
  const picture = () => sharp(bytes);
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
      bytes: await picture().resize(SMALL_WIDTH).jpeg({ quality: 70 }).toBuffer(),
    },
    cropped: {
      fileName: `${concept}-crop.jpg`,
      bytes: await picture().extract(crop).jpeg({ quality: 85 }).toBuffer(),
    },
    mirrored: {
      fileName: `${concept}-mirrored.jpg`,
      bytes: await picture().flop().jpeg({ quality: 85 }).toBuffer(),
    },
  };
}
