import sharp, { type Metadata } from 'sharp';
import { ImageSearchError } from '../errors';
import type { ImageLimits } from './contract';
import { isWebPage, nameFormat } from './formats';
import type { Size } from './geometry';
import { readTiffSamples, type TiffSamples } from './tiff';

/** What is known of a page before any pixel is decoded. */
export interface ImageHeader {
  /** After EXIF orientation. */
  size: Size;
  /** As sharp names it. */
  format: string;
  /** Position of this page or frame, from 0. */
  page: number;
  /** How many pages or frames there are. */
  pages: number;
  /** Type of the samples, such as `uchar`, and their color space, as libvips names them. */
  depth: string;
  space: string;
  /** Of a TIFF file. */
  samples: TiffSamples | null;
  /** Whether it was made of the usable part of a damaged file. */
  isRepaired: boolean;
}

/** A libvips built with more formats must not widen what this plugin opens. SVG is drawn elsewhere. */
const decodableFormats: ReadonlySet<string> = new Set([
  ...['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jxl', 'jp2'],
]);

/**
 * Reads the header of a page of an encoded image and checks it against the limits. Takes less than a millisecond and
 * hardly any memory, however large the image claims to be.
 */
export async function readHeader(
  bytes: Uint8Array,
  limits: ImageLimits,
  { page, isRepaired }: Pick<ImageHeader, 'page' | 'isRepaired'>,
): Promise<ImageHeader> {
  const metadata = await readMetadata(bytes, page);
  const { autoOrient: size, compression, depth, format, pages = 1, space } = metadata;
  if (!decodableFormats.has(format)) throw unsupported(nameFormat(bytes) ?? `${format} images`);
  checkPixels(metadata, limits);
  // Most builds of libvips omit the codec because of patents.
  if (compression === 'hevc') throw unsupported('HEIC images');
  const samples = format === 'tiff' ? readTiffSamples(bytes, page) : null;
  return { size, format, page, pages, depth, space, samples, isRepaired };
}

/** Checks the size of an encoded file. */
export function checkBytes(bytes: Uint8Array, { maxBytes }: ImageLimits): void {
  if (bytes.length === 0) throw unreadable('the file is empty');
  if (isWebPage(bytes)) throw unreadable('this is an HTML page, not an image');
  if (bytes.length > maxBytes) {
    throw tooLarge(`${String(bytes.length)} bytes`, `${String(maxBytes)} bytes`);
  }
}

/** Checks width × height. Only the first frame of an animation is decoded. */
export function checkPixels({ width, height }: Size, { maxPixels }: ImageLimits): void {
  if (width * height <= maxPixels) return;
  throw tooLarge(`${String(width)} × ${String(height)} pixels`, `${String(maxPixels)} pixels`);
}

async function readMetadata(bytes: Uint8Array, page: number): Promise<Metadata> {
  try {
    const options = {
      limitInputPixels: false,
      failOn: 'error',
      ...(page > 0 && { page }),
    } as const;
    return await sharp(bytes, options).metadata();
  } catch (error) {
    throw headerFailure(bytes, page, error);
  }
}

/** Most channels that sharp decodes. */
const MOST_CHANNELS = 5;
const knownBits = new Set([1, 2, 4, 8, 16, 32]);

function headerFailure(bytes: Uint8Array, page: number, error: unknown): ImageSearchError {
  const samples = readTiffSamples(bytes, page);
  if (samples && samples.colors + samples.extras > MOST_CHANNELS) {
    const channels = samples.colors + samples.extras;
    return unsupported(`TIFF images with ${String(channels)} channels`, error);
  }
  if (samples && !knownBits.has(samples.bits)) {
    return unsupported(`TIFF images with ${String(samples.bits)} bits per channel`, error);
  }
  const format = nameFormat(bytes);
  if (format !== undefined) return unsupported(format, error);
  const isImage = error instanceof Error && error.message.includes('corrupt header');
  return unreadable(
    isImage ? 'the file is damaged or truncated' : "the file isn't an image",
    error,
  );
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

/** @param files what can't be decoded, in the plural, such as `TGA images` */
export function unsupported(files: string, cause?: unknown): ImageSearchError {
  return new ImageSearchError({
    code: 'image-unsupported',
    message: `${files} can't be decoded. Save the file as JPEG, PNG, WebP or AVIF.`,
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
  if (error instanceof ImageSearchError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('timeout:')) return tookTooLong(timeoutMs, error);
  if (/support is not configured/i.test(message))
    return unsupported('TIFF images with this compression', error);
  const truncated = /premature end|truncat|unexpected end|not enough data|end of file/i;
  return unreadable(
    truncated.test(message)
      ? 'the file is truncated, probably by an interrupted upload'
      : 'the file is damaged',
    error,
  );
}
