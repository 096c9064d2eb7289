import sharp, { type Metadata } from 'sharp';
import { ImageSearchError } from '../errors';
import type { ImageLimits } from './contract';
import type { Size } from './geometry';

/** What is known before any pixel is decoded. */
export interface ImageHeader {
  /** After EXIF orientation. */
  size: Size;
  /** HEIF with the HEVC codec, which most builds of libvips omit because of patents. */
  isHevc: boolean;
}

/** A libvips built with more formats must not widen what this plugin opens. SVG is drawn elsewhere. */
const decodableFormats: ReadonlySet<string> = new Set([
  ...['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jxl', 'jp2'],
]);

/** Formats to name by their first bytes (as latin-1) when the decoder doesn't know them. */
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
 * Reads the header of an encoded image and checks it against the limits. Takes less than a millisecond and hardly
 * any memory, however large the image claims to be.
 */
export async function readHeader(bytes: Uint8Array, limits: ImageLimits): Promise<ImageHeader> {
  const metadata = await readMetadata(bytes);
  if (!decodableFormats.has(metadata.format)) throw unsupported(metadata.format);
  checkPixels(metadata, limits);
  return { size: metadata.autoOrient, isHevc: metadata.compression === 'hevc' };
}

/** Checks the size of an encoded file. */
export function checkBytes(bytes: Uint8Array, { maxBytes }: ImageLimits): void {
  if (bytes.length === 0) throw unreadable('the file is empty');
  if (bytes.length > maxBytes) {
    throw tooLarge(`${String(bytes.length)} bytes`, `${String(maxBytes)} bytes`);
  }
}

/** Checks width × height. Only the first frame of an animation is decoded. */
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
    const isImage = error instanceof Error && error.message.includes('corrupt header');
    throw unreadable(
      isImage ? 'the file is damaged or truncated' : "the file isn't an image",
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

/*
 * What can be wrong with an image. Messages describe the image; the decoder's own message is in `cause`. The same
 * bytes fail again, so these errors aren't retryable.
 */

/** Damaged, or not an image. */
export function unreadable(reason: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unreadable',
    message: `The image can't be read: ${reason}.`,
    retryable: false,
    cause,
  });
}

/** A known format that this build of libvips can't decode. */
export function unsupported(format: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unsupported',
    message: `The image can't be read: this server doesn't decode ${format}. Save it as JPEG, PNG, WebP or AVIF.`,
    retryable: false,
    cause,
  });
}

export function tooLarge(given: string, allowed: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-too-large',
    message: `The image is too large: ${given}. The limit is ${allowed}.`,
    retryable: false,
    cause,
  });
}

/** Retryable, unlike the others: it may be the machine's load rather than the image. */
export function tookTooLong(timeoutMs: number, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unreadable',
    message: `The image can't be read: decoding took longer than ${String(timeoutMs)} ms.`,
    retryable: true,
    cause,
  });
}

/** Classifies a decoder error on an image whose header was fine. */
export function decodingFailure(error: unknown, timeoutMs: number): ImageSearchError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('timeout:')) return tookTooLong(timeoutMs, error);
  const truncated = /premature end|truncat|unexpected end|not enough data|end of file/i;
  return unreadable(
    truncated.test(message)
      ? 'the file is truncated, probably by an interrupted upload'
      : 'the file is damaged',
    error,
  );
}
