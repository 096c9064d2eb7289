import sharp from 'sharp';
import type {
  FilePreview,
  FurtherView,
  ImageOfFile,
  ImageReading,
  ReadImageOptions,
} from './contract';
import { isFlat } from './decoding';
import type { Raster } from './geometry';
import { isSameView } from './views';

interface Series {
  kind: Exclude<FurtherView['kind'], 'part'>;
  /** In order, at least one. */
  images: readonly ImageOfFile[];
  /** Views that the file may have, that of the whole among them. */
  most: number;
}

/** The first of these that isn't flat shows the whole file: covers and intros may be blank. */
export const TRIED_IMAGES = 3;
/** Longer side of a preview, in pixels. */
const PREVIEW_EDGE = 800;
const PREVIEW_QUALITY = 75;
/** In pixels. */
const TELLING_EDGE = 64;

/**
 * A file of several images as one: what shows the whole of it is an image as any other, and the others are further views,
 * without those that are flat, and
 * without frames that show what another one does. Files aren't compared by what one of their images looks like, so there is no fingerprint;
 * the thumbnail tells the colors.
 */
export async function readSeries(
  { images, kind, most }: Series,
  options: ReadImageOptions,
  readImage: (image: Uint8Array, options: ReadImageOptions) => Promise<ImageReading>,
): Promise<ImageReading> {
  const whole = await findWhole(images);
  const { previews: wantsPreviews = false, views: wantsViews, ...plain } = options;
  const { prepared: shown, size, thumbnail } = await readImage(whole.encoded, plain);
  const views: FurtherView[] = [];
  const previews: FilePreview[] = [];
  if (wantsPreviews) previews.push({ webp: await previewOf(whole.encoded) });
  const known = [await tellingRaster(whole.encoded)];
  for (const { encoded, number } of images.slice(0, most)) {
    if (wantsPreviews) previews.push({ view: { kind, number }, webp: await previewOf(encoded) });
    if (!wantsViews || number === whole.number) continue;
    const raster = await tellingRaster(encoded);
    if (isFlat(raster)) continue;
    if (kind === 'frame' && known.some(({ data }) => isSameView(data, raster.data))) continue;
    known.push(raster);
    const { prepared } = await readImage(encoded, { preparation: options.preparation });
    views.push({ kind, number, prepared });
  }
  return {
    prepared: shown,
    size,
    ...(thumbnail !== undefined && { thumbnail }),
    ...(wantsViews && { views }),
    ...(wantsPreviews && { previews }),
  };
}

async function findWhole(images: readonly ImageOfFile[]): Promise<ImageOfFile> {
  const [first] = images;
  if (!first) throw new RangeError('A file has no images.');
  for (const image of images.slice(0, TRIED_IMAGES)) {
    if (!isFlat(await tellingRaster(image.encoded))) return image;
  }
  return first;
}

/** Small, but enough to tell whether an image is flat, or shows what another one does. */
async function tellingRaster(encoded: Uint8Array): Promise<Raster> {
  const size = { width: TELLING_EDGE, height: TELLING_EDGE };
  const data = await sharp(encoded)
    .resize({ ...size, fit: 'fill' })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  return { ...size, data };
}

/** A small WebP file of an image. */
export function previewOf(encoded: Uint8Array): Promise<Uint8Array> {
  return sharp(encoded)
    .resize({ width: PREVIEW_EDGE, height: PREVIEW_EDGE, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: PREVIEW_QUALITY })
    .toBuffer();
}
