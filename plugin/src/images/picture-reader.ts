import PQueue from 'p-queue';
import type {
  ImageLimits,
  ImagePreparation,
  PictureReader,
  PictureLooks,
  PictureReading,
  PixelPreparation,
  PreparedImage,
  ReadPictureOptions,
} from './contract';
import {
  decode,
  decodedOnBlack,
  encode,
  luminanceGrid,
  shrinkToChroma,
  shrinkToLuminance,
  type EncodedPicture,
} from './decoding';
import { draw, mayBeDrawing } from './drawing';
import { fingerprintGrid, fingerprintOf } from './fingerprint';
import { enlarge } from './enlarging';
import {
  centreOnCanvas,
  cropWindow,
  isSameSize,
  largerSize,
  mostElongated,
  resizedSize,
  shrunkSize,
  smallerSize,
  sufficientCentre,
  type Raster,
  type Size,
} from './geometry';
import { checkBytes, checkPixels, readHeader } from './header';
import { chromaSize, encodeThumbnail, thumbnailSize } from './thumbnail';

const BLACK = [0, 0, 0] as const;
const WHITE = [255, 255, 255] as const;
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
  const { size } = picture.header;
  if (!fingerprint) return { prepared, size };
  const whole = await wholeRaster(picture, decoded, limits);
  const black = await decodedOnBlack(whole);
  const trace = await traceOf(whole, size);
  return { prepared, size, ...trace, ...(black && { onBlack: await traceOf(black, size) }) };
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
    const { mimeType, minEdge = 1 } = preparation;
    const canvas = largerSize(decoded.raster, { width: minEdge, height: minEdge });
    const raster = centreOnCanvas(decoded.raster, canvas, WHITE);
    const data = await encode(raster, preparation);
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

/** The whole picture, no smaller than fingerprint and thumbnail need it; proportions are not kept. */
function wholeRaster(
  picture: EncodedPicture,
  { raster, isWhole }: DecodedPicture,
  limits: ImageLimits,
): Raster | Promise<Raster> {
  if (isWhole) return raster;
  const grid = { width: fingerprintGrid, height: fingerprintGrid };
  const size = smallerSize(picture.header.size, grid);
  return decode(picture, { region: null, size, kernel: 'cubic' }, limits);
}

/** What a picture of this size is compared with others by. */
async function traceOf(raster: Raster, picture: Size): Promise<PictureLooks> {
  const fingerprint = fingerprintOf(await luminanceGrid(raster));
  const size = smallerSize(thumbnailSize(picture), raster);
  const luminance = await shrinkToLuminance(raster, size);
  const chroma = await shrinkToChroma(raster, chromaSize(size));
  return { fingerprint, thumbnail: encodeThumbnail({ ...size, luminance, chroma }) };
}
