import { createHash } from 'node:crypto';
import type { ImageReader, PixelImage } from '../../plugin/src/images/contract';
import { encodeThumbnail } from '../../plugin/src/images/trace';
import { failure } from './failures';

const UNREADABLE = 'unreadable';

/** A "image" for `plainImageReader`: any text; equal texts are equal images. */
export function plainImage(text: string): Uint8Array {
  return Buffer.from(`image of ${text}`);
}

/** Bytes that `plainImageReader` cannot read. */
export function unreadableImage(text = ''): Uint8Array {
  return Buffer.from(`${UNREADABLE} ${text}`);
}

/** What `plainImageReader` makes of an image: pixels that stand for its bytes. */
export function pixelsOf(bytes: Uint8Array): PixelImage {
  const data = createHash('sha256').update(bytes).digest().subarray(0, 12);
  return { kind: 'pixels', width: 2, height: 2, data };
}

function thumbnailOf(bytes: Uint8Array): string {
  const luminance = createHash('sha256').update(bytes).digest().subarray(0, 4);
  const grey = Buffer.alloc(4, 128);
  const size = { width: 2, height: 2 };
  return encodeThumbnail({ ...size, luminance, chroma: { ...size, blue: grey, red: grey } });
}

/** Reads any bytes as an image of 2 × 2 pixels, except those that say they are none. */
export const plainImageReader: ImageReader = {
  async read(bytes, { fingerprint = false }) {
    await Promise.resolve();
    if (Buffer.from(bytes).toString().startsWith(UNREADABLE)) {
      throw failure('image-unreadable', { message: 'The image is damaged.' });
    }
    const bits = createHash('sha256').update(bytes).digest('hex');
    return {
      prepared: pixelsOf(bytes),
      size: { width: 2, height: 2 },
      ...(fingerprint && { fingerprint: { bits, quality: 0.5 }, thumbnail: thumbnailOf(bytes) }),
    };
  },
};
