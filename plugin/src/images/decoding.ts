import sharp, { type Sharp } from 'sharp';
import type { ChromaGrid, EncodedPreparation, ImageLimits, ResizeKernel } from './contract';
import { enlarge } from './enlarging';
import { decodingFailure, tooLarge, unsupported } from './failures';
import { fingerprintGrid } from './fingerprint';
import {
  isSameSize,
  largerSize,
  smallerSize,
  type Raster,
  type Region,
  type Size,
} from './geometry';
import type { PictureHeader } from './header';

const WHITE = '#ffffff';
const BLACK = '#000000';
/** Alpha below which a place shows its ground more than the picture. */
const HALF_CLEAR = 128;
/** Tried one after the other until the copy is small enough. */
const ENCODING_QUALITIES = [90, 75, 50, 25];

export interface EncodedPicture {
  bytes: Uint8Array;
  header: PictureHeader;
}

export interface DecodingOrder {
  /** Part of the picture to decode; null for the whole. */
  region: Region | null;
  /** Size of the raster, no larger than the region on either axis; proportions are the caller's affair. */
  size: Size;
  kernel: ResizeKernel;
}

/** The first frame, upright, on white, in 8-bit sRGB, shrunk with antialiasing. */
export async function decode(
  { bytes, header }: EncodedPicture,
  { region, size, kernel }: DecodingOrder,
  limits: ImageLimits,
): Promise<Raster> {
  const upright = openPicture(bytes, limits);
  const part = region === null ? upright : upright.extract(region);
  const resized = part
    .resize({ ...size, kernel, fit: 'fill' })
    .toColourspace('srgb')
    .raw();
  try {
    const { data, info } = await resized.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 4) return { data, width, height };
    const onWhite = await onGround({ data, width, height }, WHITE).raw().toBuffer();
    return { data: onWhite, width, height, clear: data };
  } catch (error) {
    if (header.isHevc) throw unsupported('HEIC', error);
    throw decodingFailure(error, limits.timeoutMs);
  }
}

function openPicture(bytes: Uint8Array, { maxPixels, timeoutMs }: ImageLimits): Sharp {
  return sharp(bytes, {
    autoOrient: true,
    // Truncated or damaged pixel data is refused; warnings that leave the pixels intact are not.
    failOn: 'error',
    limitInputPixels: Number.isFinite(maxPixels) ? maxPixels : false,
  }).timeout({ seconds: Math.ceil(timeoutMs / 1000) });
}

/** The picture on black, as careless saving makes it; null unless its ground is seen somewhere. */
export async function decodedOnBlack({ clear, height, width }: Raster): Promise<Raster | null> {
  if (!clear) return null;
  const size = { width, height };
  const grid = smallerSize(size, { width: fingerprintGrid, height: fingerprintGrid });
  const alpha = await sharp(clear, { raw: { ...size, channels: 4 } })
    .extractChannel('alpha')
    .resize({ ...grid, fit: 'fill' })
    .raw()
    .toBuffer();
  if (alpha.every((value) => value >= HALF_CLEAR)) return null;
  return {
    ...size,
    data: await onGround({ data: clear, ...size }, BLACK)
      .raw()
      .toBuffer(),
  };
}

/** @param raster interleaved RGBA */
function onGround({ data, height, width }: Raster, background: string): Sharp {
  return sharp(data, { raw: { width, height, channels: 4 } }).flatten({ background });
}

/** Luminance (0–255) of a whole picture on the grid of its fingerprint. */
export async function luminanceGrid(raster: Raster): Promise<Uint8Array> {
  const size = largerSize(raster, { width: fingerprintGrid, height: fingerprintGrid });
  const large = isSameSize(raster, size) ? raster : enlarge(raster, { size, kernel: 'cubic' });
  return shrinkToLuminance(large, { width: fingerprintGrid, height: fingerprintGrid });
}

/** Luminance (0–255) of a raster on a grid that is no larger than it on either axis, row by row. */
export function shrinkToLuminance(raster: Raster, { width, height }: Size): Promise<Uint8Array> {
  return fromRaster(raster).resize({ width, height, fit: 'fill' }).greyscale().raw().toBuffer();
}

/** Colours of a raster on a grid that is no larger than it on either axis. */
export async function shrinkToChroma(raster: Raster, size: Size): Promise<ChromaGrid> {
  const pixels = await fromRaster(raster)
    .resize({ ...size, fit: 'fill' })
    .raw()
    .toBuffer();
  const cells = size.width * size.height;
  const blue = new Uint8Array(cells);
  const red = new Uint8Array(cells);
  for (let cell = 0; cell < cells; cell += 1) {
    const [r = 0, g = 0, b = 0] = pixels.subarray(3 * cell, 3 * cell + 3);
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    blue[cell] = Math.min(255, Math.round(128 + 0.564 * (b - luma)));
    red[cell] = Math.min(255, Math.round(128 + 0.713 * (r - luma)));
  }
  return { width: size.width, height: size.height, blue, red };
}

/** As good as it can be within `maxBytes`; fails with `image-too-large` when it cannot be that small. */
export async function encode(
  raster: Raster,
  { mimeType, maxBytes = Number.POSITIVE_INFINITY }: EncodedPreparation,
): Promise<Uint8Array> {
  let smallest = Number.POSITIVE_INFINITY;
  for (const quality of mimeType === 'image/png' ? [100] : ENCODING_QUALITIES) {
    const data = await encodeAt(quality, fromRaster(raster), mimeType);
    if (data.length <= maxBytes) return data;
    smallest = data.length;
  }
  throw tooLarge(`${String(smallest)} bytes when encoded`, `${String(maxBytes)} bytes`);
}

function encodeAt(
  quality: number,
  picture: Sharp,
  mimeType: EncodedPreparation['mimeType'],
): Promise<Uint8Array> {
  switch (mimeType) {
    case 'image/jpeg':
      return picture.jpeg({ quality }).toBuffer();
    case 'image/png':
      return picture.png().toBuffer();
    case 'image/webp':
      return picture.webp({ quality }).toBuffer();
  }
}

function fromRaster({ data, width, height }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
