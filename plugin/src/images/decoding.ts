import sharp, { type Sharp } from 'sharp';
import type { ImageLimits, PixelPreparation, ResizeKernel } from './contract';
import type { Raster, Region, Size } from './geometry';
import { decodingFailure, type ImageHeader, tooLarge } from './header';
import { toBytes } from './tiff';

export interface EncodedImage {
  bytes: Uint8Array;
  header: ImageHeader;
}

export interface DecodingOrder {
  /** Part of the image to decode; null for all of it. */
  region: Region | null;
  /** Size of the raster, at most the region's on either axis; the caller takes care of proportions. */
  size: Size;
  kernel: ResizeKernel;
}

export type Ground = NonNullable<PixelPreparation['ground']>;

/** An image of which all samples are decoded at full size, because some of them aren't to be seen, in bytes. */
const MOST_RAW_BYTES = 512 * 1024 * 1024;
/** The brightest that 12 bits look in 16, of 255. */
const BRIGHTEST_OF_12_BITS = 4_095 >> 8;
/** Values above which numbers in a float image aren't light intensities, where 1 is white. */
const MOST_INTENSE = 16;

/** A page, oriented, on white, in 8-bit sRGB, shrunk with antialiasing. */
export async function decode(
  image: EncodedImage,
  order: DecodingOrder,
  limits: ImageLimits,
): Promise<Raster> {
  try {
    if (image.header.format !== 'tiff') return await decodeColors(image, order, limits);
    return await decodeTiff(image, order, limits);
  } catch (error) {
    throw decodingFailure(error, limits.timeoutMs);
  }
}

/** Decodes samples as numbers if libvips would show most of their range as black or white. */
async function decodeTiff(
  image: EncodedImage,
  order: DecodingOrder,
  limits: ImageLimits,
): Promise<Raster> {
  const { depth, samples, space } = image.header;
  const isIntegral = depth === 'uchar' || depth === 'ushort';
  if (isIntegral || space === 'scrgb') {
    const raster = await decodeColors(image, order, limits);
    const isDark = depth === 'ushort' && samples?.extras === 0 && isNearlyBlack(raster);
    if (!isDark && space !== 'scrgb') return raster;
    const numbers = await decodeNumbers(image, order, limits);
    const areIntensities =
      space === 'scrgb' && numbers.data.every((value) => value <= MOST_INTENSE);
    return areIntensities ? raster : { ...numbers, data: toBytes(numbers.data, depth) };
  }
  const numbers = await decodeNumbers(image, order, limits);
  return { ...numbers, data: toBytes(numbers.data, depth) };
}

async function decodeColors(
  image: EncodedImage,
  order: DecodingOrder,
  limits: ImageLimits,
): Promise<Raster> {
  const resized = resize(await openColors(image, limits), order)
    .toColourspace('srgb')
    .raw();
  const { data, info } = await resized.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 4) return { data, width, height };
  return onGround({ data, width, height, clear: data }, 'white');
}

function resize(image: Sharp, { region, size, kernel }: DecodingOrder): Sharp {
  const part = region === null ? image : image.extract(region);
  return part.resize({ ...size, kernel, fit: 'fill' });
}

function openImage({ bytes, header }: EncodedImage, { maxPixels, timeoutMs }: ImageLimits): Sharp {
  return sharp(bytes, {
    autoOrient: true,
    // Rejects truncated or damaged pixel data, but not warnings that leave the pixels intact.
    failOn: header.isRepaired ? 'warning' : 'error',
    limitInputPixels: Number.isFinite(maxPixels) ? maxPixels : false,
    ...(header.page > 0 && { page: header.page }),
  }).timeout({ seconds: Math.ceil(timeoutMs / 1000) });
}

/** Only what is to be seen: the decoder takes spot colors and infrared for transparency. */
async function openColors(image: EncodedImage, limits: ImageLimits): Promise<Sharp> {
  const { samples, size } = image.header;
  const opened = openImage(image, limits);
  const isPlain = samples === null || samples.extras === 0;
  if (isPlain || (samples.extras === 1 && samples.hasAlpha)) return opened;
  const rawBytes = size.width * size.height * (3 + samples.extras);
  if (rawBytes > MOST_RAW_BYTES) {
    throw tooLarge(
      `${String(rawBytes)} bytes with all channels`,
      `${String(MOST_RAW_BYTES)} bytes for images with extra channels`,
    );
  }
  // Resized, the colors would be multiplied by what isn't transparency.
  const { data, info } = await opened
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const kept = samples.hasAlpha ? 4 : 3;
  return sharp(firstChannels(data, channels, kept), { raw: { width, height, channels: kept } });
}

function firstChannels(data: Uint8Array, channels: number, kept: number): Uint8Array {
  const result = new Uint8Array((data.length / channels) * kept);
  for (let source = 0, place = 0; place < result.length; source += channels, place += kept) {
    for (let channel = 0; channel < kept; channel += 1) {
      result[place + channel] = data[source + channel] ?? 0;
    }
  }
  return result;
}

function isNearlyBlack({ data }: Raster): boolean {
  return data.every((value) => value <= BRIGHTEST_OF_12_BITS);
}

/** Interleaved RGB in the range of the file. */
async function decodeNumbers(
  image: EncodedImage,
  order: DecodingOrder,
  limits: ImageLimits,
): Promise<Size & { data: Float32Array }> {
  const { data, info } = await resize(openImage(image, limits), order)
    .toColourspace(image.header.space)
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  // A copy, because floats must be aligned.
  const values = new Float32Array(new Uint8Array(data).buffer);
  const isGray = channels < 3;
  const colors = new Float32Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let color = 0; color < 3; color += 1) {
      colors[pixel * 3 + color] = values[pixel * channels + (isGray ? 0 : color)] ?? 0;
    }
  }
  return { width, height, data: colors };
}

/** A raster as it looks on this ground; the same one if it has no transparent areas. */
export async function onGround(raster: Raster, ground: Ground): Promise<Raster> {
  const { clear, height, width } = raster;
  if (!clear) return raster;
  const data = await sharp(clear, { raw: { width, height, channels: 4 } })
    .flatten({ background: ground === 'white' ? '#ffffff' : '#000000' })
    .raw()
    .toBuffer();
  return { ...raster, data };
}

/** Difference from the ground that is seen easily, of 255. */
const SEEN = 32;
/** Share of what is drawn that has to be seen. */
const SEEN_SHARE = 0.1;

/**
 * What to show an image on: white, unless it (nearly) vanishes there and stands out more on black. That is measured on
 * its pixels, each weighed by its opacity: what counts is its difference from the ground in any channel.
 */
export function groundFor({ clear }: Raster): Ground {
  if (!clear) return 'white';
  let drawn = 0;
  let seen = 0;
  const contrast = { white: 0, black: 0 };
  for (let place = 0; place < clear.length; place += 4) {
    // By index: this runs for each pixel, and a slice of each would take most of an image's time.
    const red = clear[place] ?? 0;
    const green = clear[place + 1] ?? 0;
    const blue = clear[place + 2] ?? 0;
    const opacity = (clear[place + 3] ?? 0) / 255;
    const onWhite = opacity * (255 - Math.min(red, green, blue));
    contrast.white += onWhite;
    contrast.black += opacity * Math.max(red, green, blue);
    drawn += opacity;
    if (onWhite >= SEEN) seen += opacity;
  }
  return seen < SEEN_SHARE * drawn && contrast.black > contrast.white ? 'black' : 'white';
}

/** Spread of values below which an image shows nothing. */
export const FLAT = 32;

export function isFlat(raster: Raster): boolean {
  return spreadOf(raster) < FLAT;
}

/** Values of a channel that may be anything in a flat image, at either end. */
const OUTLIERS = 0.002;

/** How much a raster's values spread in the channel where they spread most, 0 (flat) to 255. */
export function spreadOf({ data }: Raster): number {
  const pixels = data.length / 3;
  const ignored = Math.floor(pixels * OUTLIERS);
  const spreads = [0, 1, 2].map((channel) => {
    const counts = new Uint32Array(256);
    for (let place = channel; place < data.length; place += 3) {
      const value = data[place] ?? 0;
      counts[value] = (counts[value] ?? 0) + 1;
    }
    return quantile(counts, pixels - 1 - ignored) - quantile(counts, ignored);
  });
  return Math.max(...spreads);
}

/** The value at this position in the sorted values. */
function quantile(counts: Uint32Array, position: number): number {
  let passed = 0;
  return counts.findIndex((count) => {
    passed += count;
    return passed > position;
  });
}
