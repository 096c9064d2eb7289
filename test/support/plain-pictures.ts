import { createHash } from 'node:crypto';
import { failure } from './failures';
import {
  encodeThumbnail,
  type PictureReader,
  type PixelImage,
} from '../../plugin/src/images/contract';

const UNREADABLE = 'unreadable';

/** A "picture" for `plainPictureReader`: any text; equal texts are equal pictures. */
export function plainPicture(text: string): Uint8Array {
  return Buffer.from(`picture of ${text}`);
}

/** Bytes that `plainPictureReader` cannot read. */
export function unreadablePicture(text = ''): Uint8Array {
  return Buffer.from(`${UNREADABLE} ${text}`);
}

/** What `plainPictureReader` makes of a picture: pixels that stand for its bytes. */
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

/** Reads any bytes as a picture of 2 × 2 pixels, except those that say they are none. */
export const plainPictureReader: PictureReader = {
  async read(bytes, { fingerprint = false }) {
    await Promise.resolve();
    if (Buffer.from(bytes).toString().startsWith(UNREADABLE)) {
      throw failure('image-unreadable', { message: 'The picture is damaged.' });
    }
    const bits = createHash('sha256').update(bytes).digest('hex');
    return {
      prepared: pixelsOf(bytes),
      size: { width: 2, height: 2 },
      ...(fingerprint && { fingerprint: { bits, quality: 0.5 }, thumbnail: thumbnailOf(bytes) }),
    };
  },
};
