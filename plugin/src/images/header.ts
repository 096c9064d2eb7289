import sharp, { type Metadata } from 'sharp';
import type { ImageLimits } from './contract';
import { tooLarge, unreadable, unsupported } from './failures';
import type { Size } from './geometry';

/** What is known of a picture before any pixel is decoded. */
export interface PictureHeader {
  /** As seen, EXIF orientation applied. */
  size: Size;
  /** A HEIF container with the codec that most builds of libvips leave out for its patents. */
  isHevc: boolean;
}

/** A libvips built with more than the usual formats must not widen what this product opens. SVG is drawn elsewhere. */
const decodableFormats: ReadonlySet<string> = new Set([
  ...['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jxl', 'jp2'],
]);

/** Formats worth telling from junk by their first bytes (as latin-1) when the decoder does not know them. */
const knownSignatures: readonly { name: string; offset: number; starts: readonly string[] }[] = [
  { name: 'HEIC', offset: 4, starts: ['ftyphe', 'ftypmif1', 'ftypmsf1'] },
  { name: 'JPEG XL', offset: 0, starts: ['\xff\x0a', '\0\0\0\x0cJXL '] },
  { name: 'JPEG 2000', offset: 0, starts: ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'] },
  { name: 'BMP', offset: 0, starts: ['BM'] },
  { name: 'ICO', offset: 0, starts: ['\0\0\x01\0'] },
  { name: 'PSD', offset: 0, starts: ['8BPS'] },
  { name: 'PDF', offset: 0, starts: ['%PDF-'] },
];
const SIGNATURE_BYTES = 16;

/**
 * Reads the header of an encoded picture and holds it against the limits. Costs less than a millisecond and no
 * memory to speak of, however large the picture says it is.
 */
export async function readHeader(bytes: Uint8Array, limits: ImageLimits): Promise<PictureHeader> {
  const metadata = await readMetadata(bytes);
  if (!decodableFormats.has(metadata.format)) throw unsupported(metadata.format);
  checkPixels(metadata, limits);
  return { size: metadata.autoOrient, isHevc: metadata.compression === 'hevc' };
}

/** Holds the size of an encoded file against the limits. */
export function checkBytes(bytes: Uint8Array, { maxBytes }: ImageLimits): void {
  if (bytes.length === 0) throw unreadable('its file is empty');
  if (bytes.length > maxBytes) {
    throw tooLarge(`${String(bytes.length)} bytes`, `${String(maxBytes)} bytes`);
  }
}

/** Holds width × height against the limits; of an animation only the first frame is decoded. */
export function checkPixels({ width, height }: Size, { maxPixels }: ImageLimits): void {
  if (width * height <= maxPixels) return;
  throw tooLarge(`${String(width)} × ${String(height)} pixels`, `${String(maxPixels)} pixels`);
}

async function readMetadata(bytes: Uint8Array): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    const format = formatBySignature(bytes);
    if (format !== undefined) throw unsupported(format, error);
    const isPicture = error instanceof Error && error.message.includes('corrupt header');
    throw unreadable(
      isPicture ? 'its file is damaged or truncated' : 'its file is no picture',
      error,
    );
  }
}

function formatBySignature(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, SIGNATURE_BYTES)).toString('latin1');
  return knownSignatures.find(({ offset, starts }) =>
    starts.some((signature) => start.startsWith(signature, offset)),
  )?.name;
}
