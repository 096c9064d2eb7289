import PQueue from 'p-queue';
import sharp, { type Sharp } from 'sharp';
import { untilAborted } from '../abort';
import type {
  EncodedPreparation,
  FurtherView,
  ImageLimits,
  ImagePreparation,
  ImageReader,
  ImageReading,
  ImageRegion,
  ImageTracer,
  PixelPreparation,
  PreparedImage,
  ReadImageOptions,
  VideoReader,
  ViewLimits,
} from './contract';
import {
  decode,
  type EncodedImage,
  FLAT,
  type Ground,
  groundFor,
  isFlat,
  onGround,
  spreadOf,
} from './decoding';
import { draw, mayBeDrawing } from './drawing';
import {
  centerOnCanvas,
  cropSquare,
  cropWindow,
  enlarge,
  isSameSize,
  largerSize,
  mostElongated,
  regionOf,
  type Raster,
  type Region,
  resizedSize,
  shrunkSize,
  type Size,
  smallerSize,
  squareAround,
  sufficientCenter,
} from './geometry';
import { ImageSearchError } from '../errors';
import { checkBytes, checkPixels, type ImageHeader, readHeader, tooLarge } from './header';
import { decodeHeic, isHeic } from './heic';
import { isPdf, readPdf } from './pdf';
import { repair } from './repair';
import { previewOf, readSeries, TRIED_IMAGES } from './series';
import { traceRaster } from './looks';
import { fingerprintGrid } from './trace';
import { readVideo } from './video';
import { framesOf, isSameView, partsOf } from './views';

/** What reading an image is limited by, and traces it with. */
interface Reading extends ImageLimits {
  trace: ImageTracer;
}

const BLACK = [0, 0, 0] as const;
const WHITE = [255, 255, 255] as const;
/** Each is a process that may use a lot of memory. */
const DRAWINGS_AT_ONCE = 2;
const HEIC_IMAGES_AT_ONCE = 1;
const DOCUMENTS_AT_ONCE = 1;
const VIDEOS_AT_ONCE = 1;
/** How many times larger a drawing is when only a part of it is needed. */
const MOST_ENLARGED_DRAWING = 4;
/** Shorter edge of a drawing for a model without a fixed input size. */
const NATURAL_DRAWING_EDGE = 512;

/** An image decoded with sharp: shrunk, but not enlarged. */
interface DecodedImage {
  /** On white. */
  raster: Raster;
  /** On the ground that shows it. */
  shown: Raster;
  ground: Ground;
  /** Size after the model's resize rule, before any crop. */
  resized: Size;
  /** False when it shows only the center of the image. */
  isWhole: boolean;
}

/**
 * Reads images with sharp and decodes each once: to the size that the model needs, which then also gives the
 * fingerprint.
 *
 * sharp's cache and thread count apply to the whole process, which Strapi's upload plugin shares, so they aren't
 * changed. The work runs on libuv's threads and leaves the event loop free.
 */
export function createImageReader(
  limits: ImageLimits,
  /** Optional decoders are looked for here. */
  projectFolder = process.cwd(),
  ffmpeg = 'ffmpeg',
  /** On this thread, unless there is another. */
  trace: ImageTracer = (raster) => Promise.resolve(traceRaster(raster)),
): ImageReader & VideoReader {
  const reading: Reading = { ...limits, trace };
  const drawings = new PQueue({ concurrency: DRAWINGS_AT_ONCE });
  const heicImages = new PQueue({ concurrency: HEIC_IMAGES_AT_ONCE });
  const documents = new PQueue({ concurrency: DOCUMENTS_AT_ONCE });
  const videos = new PQueue({ concurrency: VIDEOS_AT_ONCE });

  async function readHeic(bytes: Uint8Array, options: ReadImageOptions): Promise<ImageReading> {
    const { maxPixels, timeoutMs } = limits;
    // Of a part, all pixels are needed.
    const shorterEdge = options.region ? null : neededEdge(options.preparation);
    const { signal } = options;
    const order = { projectFolder, timeoutMs, maxPixels, shorterEdge, signal };
    const { png, size } = await inTurn(heicImages, () => decodeHeic(bytes, order), signal);
    const heic = await readImage(png, options, reading);
    const previews = options.previews && [{ webp: await previewOf(png) }];
    return { ...heic, size, ...(previews && { previews }) };
  }

  async function readDocument(bytes: Uint8Array, options: ReadImageOptions): Promise<ImageReading> {
    const { timeoutMs } = limits;
    const most = options.views?.pages ?? 0;
    const shorterEdge = neededEdge(options.preparation) ?? NATURAL_DRAWING_EDGE;
    const { signal, text: hasText = false } = options;
    const mostPages = Math.max(TRIED_IMAGES, most);
    const order = {
      projectFolder,
      timeoutMs,
      pages: mostPages,
      shorterEdge,
      text: hasText,
      signal,
    };
    const read = () => readPdf(bytes, order);
    const { images, isPartial, text } = await inTurn(documents, read, signal);
    const pages = await readSeries({ kind: 'page', images, most }, options, (image, wanted) =>
      readImage(image, wanted, reading),
    );
    return { ...pages, ...(hasText && { text }), ...(isPartial && { isPartial }) };
  }

  async function readVideoFile(file: string, options: ReadImageOptions): Promise<ImageReading> {
    const { maxPixels, timeoutMs } = limits;
    const most = options.views?.videoFrames ?? 0;
    const shorterEdge = neededEdge(options.preparation) ?? NATURAL_DRAWING_EDGE;
    const frames = Math.max(TRIED_IMAGES, most);
    const { signal } = options;
    const order = { ffmpeg, frames, shorterEdge, maxPixels, timeoutMs, signal };
    const { images, isPartial } = await inTurn(videos, () => readVideo(file, order), signal);
    const film = await readSeries({ kind: 'frame', images, most }, options, (image, wanted) =>
      readImage(image, wanted, reading),
    );
    return { ...film, ...(isPartial && { isPartial }) };
  }

  return {
    readVideo: readVideoFile,

    async read(bytes, options) {
      checkBytes(bytes, limits);
      if (isHeic(bytes)) return readHeic(bytes, options);
      if (isPdf(bytes)) return readDocument(bytes, options);
      if (!mayBeDrawing(bytes)) {
        const read = await readImage(bytes, options, reading);
        return options.previews ? { ...read, previews: [{ webp: await previewOf(bytes) }] } : read;
      }
      const png = await drawings.add(() => drawFor(options, bytes, limits));
      return readImage(png, options, reading);
    },
  };
}

/** @throws ImageSearchError `aborted`, and what the work throws */
function inTurn<Result>(
  queue: PQueue,
  work: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  return untilAborted(queue.add(work, { signal }), signal);
}

/** What the shorter side of an image is needed for at most, in pixels; null for all there is. */
function neededEdge(preparation: ImagePreparation): number | null {
  if (preparation.kind === 'encoded') return preparation.maxEdge;
  return preparation.resize.mode === 'none' ? null : largestEdge(preparation);
}

async function readImage(
  encoded: Uint8Array,
  options: ReadImageOptions,
  reading: Reading,
): Promise<ImageReading> {
  try {
    return await readPages({ bytes: encoded, isRepaired: false }, options, reading);
  } catch (error) {
    const repaired = isDamage(error) ? repair(encoded) : null;
    if (repaired === null) throw error;
    // What is wrong with the file is what was wrong at first.
    return readPages({ bytes: repaired, isRepaired: true }, options, reading).catch(() => {
      throw error;
    });
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof ImageSearchError && error.code === 'image-unreadable' && !error.retryable;
}

async function readPages(
  file: { bytes: Uint8Array; isRepaired: boolean },
  options: ReadImageOptions,
  { trace, ...limits }: Reading,
): Promise<ImageReading> {
  const { preparation, fingerprint = false } = options;
  const { bytes } = file;
  const header = await readHeader(bytes, limits, { page: 0, isRepaired: file.isRepaired });
  const page = await decodeTellingPage({ bytes, header }, preparation, limits);
  const { image, decoded } = page;
  const { size } = image.header;
  if (options.region) {
    const part = await decodeRegion(options.region, page, preparation, limits);
    return { prepared: await prepare(part, preparation, limits), size };
  }
  const prepared = await prepare(decoded, preparation, limits);
  const views = options.views && {
    views: [
      ...(await readParts(page, { preparation, views: options.views }, limits)),
      ...(await readFrames(page, { preparation, views: options.views }, limits)),
    ],
  };
  if (!fingerprint) return { prepared, size, ...views };
  const whole = await wholeRaster(image, decoded, limits);
  const black = await decodedOnBlack(whole);
  const { height, width, data: white } = whole;
  const traced = await trace({ width, height, white, black: black?.data ?? null, size });
  return { prepared, size, ...views, ...traced };
}

interface DecodedPage {
  image: EncodedImage;
  decoded: DecodedImage;
}

interface ViewOrder {
  preparation: ImagePreparation;
  views: ViewLimits;
}

/**
 * Parts of a long image, without those that are flat and that which is the center crop. One that can't be read is left
 * out: the image is found without it.
 */
async function readParts(
  { image, decoded }: DecodedPage,
  { preparation, views }: ViewOrder,
  limits: ImageLimits,
): Promise<FurtherView[]> {
  const { size } = image.header;
  const parts: FurtherView[] = [];
  for (const [index, region] of partsOf(size, views).entries()) {
    if (isCenterCrop(region, size, preparation)) continue;
    try {
      const part = await decodePart(region, { image, decoded }, preparation, limits);
      if (isFlat(part.shown)) continue;
      const prepared = await prepare(part, preparation, limits);
      parts.push({ kind: 'part', number: index + 1, prepared });
    } catch (error) {
      if (!(error instanceof ImageSearchError)) throw error;
    }
  }
  return parts;
}

function isCenterCrop(
  { left, top, width, height }: Region,
  size: Size,
  preparation: ImagePreparation,
): boolean {
  if (preparation.kind === 'encoded' || !isSquareCrop(preparation)) return false;
  const [right, bottom] = [size.width - left - width, size.height - top - height];
  return Math.abs(left - right) <= 1 && Math.abs(top - bottom) <= 1;
}

function isSquareCrop({ crop, resize }: PixelPreparation): boolean {
  return (
    resize.mode === 'shortest-edge' && crop?.width === resize.size && crop.height === resize.size
  );
}

/** A part of the image as an image of its own. */
async function decodeRegion(
  shares: ImageRegion,
  { image, decoded: { ground } }: DecodedPage,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<DecodedImage> {
  const { size } = image.header;
  const exact = regionOf(size, shares);
  if (preparation.kind === 'encoded')
    return decodeAt(exact, { image, ground }, preparation, limits);
  const region = isSquareCrop(preparation) ? squareAround(exact, size) : exact;
  const { left, top, ...enough } = sufficientCenter(region, preparation) ?? {
    ...region,
    left: 0,
    top: 0,
  };
  const part = { left: region.left + left, top: region.top + top, ...enough };
  return decodeAt(part, { image, ground }, preparation, limits);
}

async function decodePart(
  region: Region,
  { image, decoded }: DecodedPage,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<DecodedImage> {
  const { ground } = decoded;
  if (preparation.kind === 'pixels' && decoded.isWhole && isSquareCrop(preparation)) {
    const resized = resizedSize(region, preparation.resize);
    // The raster of the whole image has the part already.
    const raster = cropSquare(decoded.shown, region, image.header.size);
    return { raster, shown: raster, ground, resized, isWhole: false };
  }
  return decodeAt(region, { image, ground }, preparation, limits);
}

async function decodeAt(
  region: Region,
  { ground, image }: { image: EncodedImage; ground: Ground },
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<DecodedImage> {
  if (preparation.kind === 'encoded') {
    const size = shrunkSize(region, preparation.maxEdge);
    const raster = await decode(image, { region, size, kernel: 'cubic' }, limits);
    return { ...(await show(raster, ground)), resized: size, isWhole: false };
  }
  const resized = resizedSize(region, preparation.resize);
  const size = smallerSize(region, resized);
  const raster = await decode(image, { region, size, kernel: preparation.kernel }, limits);
  return { ...(await show(raster, ground)), resized, isWhole: false };
}

/** Further frames of a long animation, without those that are flat or show what another one does. */
async function readFrames(
  { image, decoded }: DecodedPage,
  { preparation, views }: ViewOrder,
  limits: ImageLimits,
): Promise<FurtherView[]> {
  const known = [decoded.shown.data];
  const frames: FurtherView[] = [];
  for (const position of framesOf(image.header, views, limits.maxPixels)) {
    const frame = await decodePage(position, image, preparation, limits);
    // Later frames that are damaged don't matter.
    if (frame === null) break;
    const { shown } = frame.decoded;
    if (isFlat(shown) || known.some((other) => isSameView(shown.data, other))) continue;
    known.push(shown.data);
    const prepared = await prepare(frame.decoded, preparation, limits);
    frames.push({ kind: 'frame', number: position + 1, prepared });
  }
  return frames;
}

/** Pages that are tried, from the second on: nearly four seconds of a usual animation. */
const laterPages = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];

/**
 * The first page or frame that isn't flat, such as the black or white that an animation begins with; if all that are
 * tried are, the one that shows most. Later frames that are damaged don't matter.
 */
async function decodeTellingPage(
  first: EncodedImage,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<DecodedPage> {
  let best = { image: first, decoded: await decodeFor(preparation, first, limits) };
  let spread = first.header.pages > 1 ? spreadOf(best.decoded.shown) : 255;
  for (const page of pagesToTry(first.header, limits)) {
    if (spread >= FLAT) break;
    const next = await decodePage(page, first, preparation, limits);
    if (next === null) break;
    const nextSpread = spreadOf(next.decoded.shown);
    if (nextSpread <= spread) continue;
    best = next;
    spread = nextSpread;
  }
  return best;
}

/** To show a frame, decoders compose all before it: together, not many more pixels than one image may have. */
function pagesToTry({ pages, size }: ImageHeader, { maxPixels }: ImageLimits): number[] {
  let pixels = 0;
  return laterPages.filter((page) => {
    pixels += page * size.width * size.height;
    return page < pages && pixels <= maxPixels;
  });
}

async function decodePage(
  page: number,
  { bytes, header: { isRepaired } }: EncodedImage,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<DecodedPage | null> {
  try {
    const image = { bytes, header: await readHeader(bytes, limits, { page, isRepaired }) };
    return { image, decoded: await decodeFor(preparation, image, limits) };
  } catch (error) {
    if (error instanceof ImageSearchError) return null;
    throw error;
  }
}

/** A drawing has no pixels of its own: it gets as many as the model can use. */
function drawFor(
  { preparation, region }: Pick<ReadImageOptions, 'preparation' | 'region'>,
  svg: Uint8Array,
  { timeoutMs }: ImageLimits,
): Promise<Uint8Array> {
  /** A small part needs a larger drawing to have as many pixels. */
  const scale = region
    ? Math.min(MOST_ENLARGED_DRAWING, 1 / Math.max(region.width, region.height))
    : 1;
  if (preparation.kind === 'encoded') {
    const maxEdge = Math.ceil(scale * preparation.maxEdge);
    return draw(svg, { shorterEdge: maxEdge, longerEdge: maxEdge, timeoutMs });
  }
  const shorterEdge = Math.ceil(scale * largestEdge(preparation));
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
  image: EncodedImage,
  limits: ImageLimits,
): Promise<DecodedImage> {
  const source = image.header.size;
  if (preparation.kind === 'encoded') {
    const size = shrunkSize(source, preparation.maxEdge);
    const raster = await decode(image, { region: null, size, kernel: 'cubic' }, limits);
    return { ...(await show(raster)), resized: size, isWhole: true };
  }
  const region = sufficientCenter(source, preparation);
  const resized = resizedSize(region ?? source, preparation.resize);
  const size = smallerSize(region ?? source, resized);
  const { ground, kernel } = preparation;
  const raster = await decode(image, { region, size, kernel }, limits);
  return { ...(await show(raster, ground)), resized, isWhole: region === null };
}

async function show(
  raster: Raster,
  ground = groundFor(raster),
): Promise<Pick<DecodedImage, 'raster' | 'shown' | 'ground'>> {
  return { raster, ground, shown: ground === 'white' ? raster : await onGround(raster, ground) };
}

async function prepare(
  decoded: DecodedImage,
  preparation: ImagePreparation,
  limits: ImageLimits,
): Promise<PreparedImage> {
  if (preparation.kind === 'encoded') {
    const { mimeType, minEdge = 1 } = preparation;
    const { ground, shown } = decoded;
    const canvas = largerSize(shown, { width: minEdge, height: minEdge });
    const raster = centerOnCanvas(shown, canvas, ground === 'white' ? WHITE : BLACK);
    const data = await encode(raster, preparation);
    return { kind: 'encoded', mimeType, width: raster.width, height: raster.height, data };
  }
  const { crop, pad } = preparation;
  const resized = enlargeIfNeeded(decoded, preparation, limits);
  const cropped = crop === undefined ? resized : centerOnCanvas(resized, crop, BLACK);
  const padded = pad === undefined ? cropped : centerOnCanvas(cropped, pad, pad.background);
  const { data, height, width } = padded;
  return { kind: 'pixels', width, height, data };
}

/** Computes only what the crop keeps. */
function enlargeIfNeeded(
  { shown: raster, resized }: DecodedImage,
  { crop, kernel }: PixelPreparation,
  limits: ImageLimits,
): Raster {
  if (isSameSize(raster, resized)) return raster;
  const window = cropWindow(resized, crop ?? resized);
  checkPixels(window, limits);
  return enlarge(raster, { size: resized, window, kernel });
}

/** The whole image, at least as large as fingerprint and thumbnail need; proportions aren't kept. */
function wholeRaster(
  image: EncodedImage,
  { raster, isWhole }: DecodedImage,
  limits: ImageLimits,
): Raster | Promise<Raster> {
  if (isWhole) return raster;
  const grid = { width: fingerprintGrid, height: fingerprintGrid };
  const size = smallerSize(image.header.size, grid);
  return decode(image, { region: null, size, kernel: 'cubic' }, limits);
}

/** Alpha below which a pixel shows more of its background than of the image. */
const HALF_CLEAR = 128;
/** Tried in order until the copy is small enough. */
const ENCODING_QUALITIES = [90, 75, 50, 25];

/** The image on black, as saving without transparency often renders it; null if it has no transparent areas. */
async function decodedOnBlack(raster: Raster): Promise<Raster | null> {
  const { clear, height, width } = raster;
  if (!clear) return null;
  const grid = smallerSize(raster, { width: fingerprintGrid, height: fingerprintGrid });
  const alpha = await sharp(clear, { raw: { width, height, channels: 4 } })
    .extractChannel('alpha')
    .resize({ ...grid, fit: 'fill' })
    .raw()
    .toBuffer();
  if (alpha.every((value) => value >= HALF_CLEAR)) return null;
  return onGround(raster, 'black');
}

/** Encodes at the best quality within `maxBytes`. Throws `image-too-large` when even the lowest is too large. */
async function encode(
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
  image: Sharp,
  mimeType: EncodedPreparation['mimeType'],
): Promise<Uint8Array> {
  switch (mimeType) {
    case 'image/jpeg':
      return image.jpeg({ quality }).toBuffer();
    case 'image/png':
      return image.png().toBuffer();
    case 'image/webp':
      return image.webp({ quality }).toBuffer();
  }
}

function fromRaster({ data, width, height }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
