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
import {
  centreOnCanvas,
  mostElongated,
  resizedSize,
  shrunkSize,
  sufficientCentre,
  type Raster,
} from './geometry';
import { checkBytes, readHeader } from './header';

const BLACK = [0, 0, 0] as const;
/** Shorter edge of a drawing for a model that takes pictures as large as they come. */
const NATURAL_DRAWING_EDGE = 512;

interface RasterForModel {
  raster: Raster;
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
  return { read: (bytes, options) => readPicture(bytes, options, limits) };
}

async function readPicture(
  bytes: Uint8Array,
  { preparation, fingerprint = false }: ReadPictureOptions,
  limits: ImageLimits,
): Promise<PictureReading> {
  checkBytes(bytes, limits);
  const encoded = mayBeDrawing(bytes) ? await drawFor(preparation, bytes, limits) : bytes;
  const picture = { bytes: encoded, header: await readHeader(encoded, limits) };
  const rasterForModel = await decodeForModel(picture, preparation, limits);
  const prepared = await prepare(rasterForModel.raster, preparation);
  if (!fingerprint) return { prepared };
  return { prepared, fingerprint: await fingerprintFor(picture, rasterForModel, limits) };
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

async function decodeForModel(
  picture: EncodedPicture,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<RasterForModel> {
  const source = picture.header.size;
  if (preparation.kind === 'encoded') {
    const size = shrunkSize(source, preparation.maxEdge);
    const raster = await decode(picture, { region: null, size, kernel: 'cubic' }, limits);
    return { raster, isWhole: true };
  }
  const region = sufficientCentre(source, preparation);
  const size = resizedSize(region ?? source, preparation.resize);
  const raster = await decode(picture, { region, size, kernel: preparation.kernel }, limits);
  return { raster, isWhole: region === null };
}

async function prepare(raster: Raster, preparation: ImagePreparation): Promise<PreparedImage> {
  if (preparation.kind === 'encoded') {
    const { mimeType } = preparation;
    const { width, height } = raster;
    return { kind: 'encoded', mimeType, width, height, data: await encode(raster, mimeType) };
  }
  const { crop, pad } = preparation;
  const cropped = crop === undefined ? raster : centreOnCanvas(raster, crop, BLACK);
  const padded = pad === undefined ? cropped : centreOnCanvas(cropped, pad, pad.background);
  return { kind: 'pixels', ...padded };
}

async function fingerprintFor(
  picture: EncodedPicture,
  { raster, isWhole }: RasterForModel,
  limits: ImageLimits,
): Promise<PerceptualFingerprint> {
  const size = { width: fingerprintGrid, height: fingerprintGrid };
  const whole = isWhole
    ? raster
    : await decode(picture, { region: null, size, kernel: 'cubic' }, limits);
  return fingerprintOf(await luminanceGrid(whole));
}
