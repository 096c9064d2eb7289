import PQueue from 'p-queue';
import type {
  ImageLimits,
  ImagePreparation,
  PerceptualFingerprint,
  PictureReader,
  PictureReading,
  PixelPreparation,
  PreparedImage,
  ReadPictureOptions,
} from './contract';
import { decode, encode, luminanceGrid, type EncodedPicture } from './decoding';
import { draw, mayBeDrawing } from './drawing';
import { fingerprintGrid, fingerprintOf } from './fingerprint';
import { enlarge } from './enlarging';
import {
  centreOnCanvas,
  cropWindow,
  isSameSize,
  mostElongated,
  resizedSize,
  shrunkSize,
  smallerSize,
  sufficientCentre,
  type Raster,
  type Size,
} from './geometry';
import { checkBytes, checkPixels, readHeader } from './header';

const BLACK = [0, 0, 0] as const;
/** Each is a process that may take a good deal of memory. */
const DRAWINGS_AT_ONCE = 2;
/** Shorter edge of a drawing for a model that takes pictures as large as they come. */
const NATURAL_DRAWING_EDGE = 512;

/** A picture decoded as far as sharp goes: shrunk, but not enlarged. */
interface DecodedPicture {
  raster: Raster;
  /** What the model's rule makes of it, before any crop. */
  resized: Size;
  /** False when it shows the centre of the picture only. */
  isWhole: boolean;
}

/**
 * Reads pictures with sharp, decoding each once: to the size that the model wants, and from there to the fingerprint.
 *
 * sharp's cache and number of threads are settings of the whole process, which Strapi's upload plugin shares: they
 * are left as they are. The work runs on libuv's threads, so that the event loop stays free.
 */
export function createPictureReader(limits: ImageLimits): PictureReader {
  const drawings = new PQueue({ concurrency: DRAWINGS_AT_ONCE });
  return {
    async read(bytes, options) {
      checkBytes(bytes, limits);
      if (!mayBeDrawing(bytes)) return readPicture(bytes, options, limits);
      const png = await drawings.add(() => drawFor(options.preparation, bytes, limits));
      return readPicture(png, options, limits);
    },
  };
}

async function readPicture(
  encoded: Uint8Array,
  { preparation, fingerprint = false }: ReadPictureOptions,
  limits: ImageLimits,
): Promise<PictureReading> {
  const picture = { bytes: encoded, header: await readHeader(encoded, limits) };
  const decoded = await decodeFor(preparation, picture, limits);
  const prepared = await prepare(decoded, preparation, limits);
  if (!fingerprint) return { prepared };
  return { prepared, fingerprint: await fingerprintFor(picture, decoded, limits) };
}

/** A drawing has no pixels of its own: it gets as many as the model can use. */
function drawFor(
  preparation: ImagePreparation,
  svg: Uint8Array,
  { timeoutMs }: ImageLimits,
): Promise<Uint8Array> {
  if (preparation.kind === 'encoded') {
    const { maxEdge } = preparation;
    return draw(svg, { shorterEdge: maxEdge, longerEdge: maxEdge, timeoutMs });
  }
  const shorterEdge = largestEdge(preparation);
  return draw(svg, { shorterEdge, longerEdge: shorterEdge * mostElongated, timeoutMs });
}

function largestEdge({ resize }: PixelPreparation): number {
  switch (resize.mode) {
    case 'none':
      return NATURAL_DRAWING_EDGE;
    case 'shortest-edge':
      return resize.size;
    case 'exact':
    case 'fit':
      return Math.max(resize.width, resize.height);
  }
}

async function decodeFor(
  preparation: ImagePreparation,
  picture: EncodedPicture,
  limits: ImageLimits,
): Promise<DecodedPicture> {
  const source = picture.header.size;
  if (preparation.kind === 'encoded') {
    const size = shrunkSize(source, preparation.maxEdge);
    const raster = await decode(picture, { region: null, size, kernel: 'cubic' }, limits);
    return { raster, resized: size, isWhole: true };
  }
  const region = sufficientCentre(source, preparation);
  const resized = resizedSize(region ?? source, preparation.resize);
  const size = smallerSize(region ?? source, resized);
  const raster = await decode(picture, { region, size, kernel: preparation.kernel }, limits);
  return { raster, resized, isWhole: region === null };
}

async function prepare(
  decoded: DecodedPicture,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<PreparedImage> {
  if (preparation.kind === 'encoded') {
    const { raster } = decoded;
    const { mimeType } = preparation;
    const data = await encode(raster, mimeType);
    return { kind: 'encoded', mimeType, width: raster.width, height: raster.height, data };
  }
  const { crop, pad } = preparation;
  const resized = enlargeIfNeeded(decoded, preparation, limits);
  const cropped = crop === undefined ? resized : centreOnCanvas(resized, crop, BLACK);
  const padded = pad === undefined ? cropped : centreOnCanvas(cropped, pad, pad.background);
  return { kind: 'pixels', ...padded };
}

/** Of what the crop will cut off, nothing is computed. */
function enlargeIfNeeded(
  { raster, resized }: DecodedPicture,
  { crop, kernel }: PixelPreparation,
  limits: ImageLimits,
): Raster {
  if (isSameSize(raster, resized)) return raster;
  const window = cropWindow(resized, crop ?? resized);
  checkPixels(window, limits);
  return enlarge(raster, { size: resized, window, kernel });
}

async function fingerprintFor(
  picture: EncodedPicture,
  { raster, isWhole }: DecodedPicture,
  limits: ImageLimits,
): Promise<PerceptualFingerprint> {
  if (isWhole) return fingerprintOf(await luminanceGrid(raster));
  const grid = { width: fingerprintGrid, height: fingerprintGrid };
  const size = smallerSize(picture.header.size, grid);
  const whole = await decode(picture, { region: null, size, kernel: 'cubic' }, limits);
  return fingerprintOf(await luminanceGrid(whole));
}
