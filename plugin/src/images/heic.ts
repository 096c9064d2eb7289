import { createRequire } from 'node:module';
import path from 'node:path';
import { ImageSearchError } from '../errors';
import { detectPackageManager } from '../package-manager';
import { decodeApart } from './apart';
import type { Size } from './geometry';

/** The package that decodes HEIC, with libheif in WebAssembly: libvips comes without, because of patents. */
export const HEIC_DECODER = 'heic-decode';

/** An image of 50 megapixels, which phones make, takes some 700 MB. */
const MAX_MEMORY_MEGABYTES = 1_024;
const hevcBrands: ReadonlySet<string> = new Set([
  ...['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'],
]);
const LONGEST_TYPE_BOX = 256;

/** Whether the bytes are an image of the HEIF family that needs HEVC, by the brands that they name. */
export function isHeic(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.toString('latin1', 4, 8) !== 'ftyp') return false;
  const end = Math.min(file.readUInt32BE(0), file.length, LONGEST_TYPE_BOX);
  for (let place = 8; place + 4 <= end; place += 4) {
    // After the first brand comes a version.
    if (place !== 12 && hevcBrands.has(file.toString('latin1', place, place + 4))) return true;
  }
  return false;
}

/** The decoder's entry file in the project; null if it isn't installed. */
export function findHeicDecoder(projectFolder: string): string | null {
  try {
    return createRequire(path.join(projectFolder, 'package.json')).resolve(HEIC_DECODER);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/**
 * Decodes an image as a PNG file in sRGB, upright, at most twice as large as needed. Looks for the decoder each time, so
 * that Strapi needn't be restarted after it was installed.
 *
 * @throws ImageSearchError `image-decoder-missing` if the decoder isn't installed
 */
export async function decodeHeic(
  bytes: Uint8Array,
  {
    projectFolder,
    signal,
    timeoutMs,
    ...order
  }: HeicOrder & { projectFolder: string; timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<{ png: Uint8Array; size: Size }> {
  const decoder = findHeicDecoder(projectFolder);
  if (decoder === null) throw missingDecoder(projectFolder);
  const output = await decodeApart(bytes, {
    worker: 'heic',
    order: { ...order, decoder } satisfies HeicProcessOrder,
    maxPixels: order.maxPixels,
    timeoutMs,
    maxMemoryMegabytes: MAX_MEMORY_MEGABYTES,
    what: 'the HEIC image',
    signal,
  });
  const size = { width: output.readUInt32BE(0), height: output.readUInt32BE(4) };
  return { png: output.subarray(HEIC_SIZE_BYTES), size };
}

function missingDecoder(projectFolder: string): ImageSearchError {
  const install = detectPackageManager(projectFolder).install(HEIC_DECODER);
  return new ImageSearchError({
    code: 'image-decoder-missing',
    message: `HEIC images can't be decoded without the package ${HEIC_DECODER}. Run "${install}" in the Strapi project, or save the file as JPEG, PNG, WebP or AVIF.`,
  });
}

export interface HeicOrder {
  /** What the shorter side is needed for, in pixels; null for all pixels. */
  shorterEdge: number | null;
  maxPixels: number;
}

/** What the process's output starts with, before the PNG file: the image's displayed width and height. */
export const HEIC_SIZE_BYTES = 8;

export interface HeicProcessOrder extends HeicOrder {
  /** Absolute path of the decoder's entry. */
  decoder: string;
}
