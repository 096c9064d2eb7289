import sharp from 'sharp';
import { type FileContent, LONG_RATIO, type ViewLimits } from './contract';
import { mayBeDrawing } from './drawing';
import type { Region, Size } from './geometry';
import type { ImageHeader } from './header';
import { isHeic } from './heic';
import { isPdf } from './pdf';

/** Parts overlap: there are this many per short side of an image's length. */
const PARTS_PER_SIDE = 1.1;
/** In pixels: a shorter side shows too little in each part. */
const SHORTEST_SIDE = 64;
/** Frames for each further view: two seconds of a usual animation. */
const FRAMES_PER_VIEW = 24;
const animatedFormats = new Set(['gif', 'webp']);

/** How many parts an image of this ratio (long side by short side) has. */
export function countParts(ratio: number, { parts }: Pick<ViewLimits, 'parts'>): number {
  if (ratio < LONG_RATIO || parts < 2) return 0;
  return Math.min(parts, Math.ceil(ratio * PARTS_PER_SIDE));
}

/** The ratios from which on an image has one more part each, ascending. */
export function ratiosOfParts({ parts }: Pick<ViewLimits, 'parts'>): number[] {
  if (parts < 2) return [];
  const ratios = Array.from({ length: parts }, (_, index) => index / PARTS_PER_SIDE);
  return ratios.map((ratio) => Math.max(LONG_RATIO, ratio));
}

/** The squares at both ends of a long image and evenly between them; empty for other images. */
export function partsOf({ width, height }: Size, limits: Pick<ViewLimits, 'parts'>): Region[] {
  const side = Math.min(width, height);
  const long = Math.max(width, height);
  const count = side < SHORTEST_SIDE ? 0 : countParts(long / side, limits);
  return Array.from({ length: count }, (_, index) => {
    const offset = Math.round(((long - side) * index) / (count - 1));
    const [left, top] = width > height ? [offset, 0] : [0, offset];
    return { left, top, width: side, height: side };
  });
}

/**
 * Positions of the frames that show the course of a long animation, evenly spread. To show a frame, decoders compose all
 * before it: together, not many more pixels than one image may have.
 */
export function framesOf(
  { format, pages, size }: Pick<ImageHeader, 'format' | 'pages' | 'size'>,
  { frames }: Pick<ViewLimits, 'frames'>,
  maxPixels: number,
): number[] {
  if (!animatedFormats.has(format)) return [];
  const count = Math.min(frames, Math.floor(pages / FRAMES_PER_VIEW));
  const positions = Array.from({ length: count }, (_, index) =>
    Math.round(((pages - 1) * (index + 1)) / count),
  );
  let pixels = 0;
  return positions.filter((position) => {
    pixels += position * size.width * size.height;
    return pixels <= maxPixels;
  });
}

/** The most further views that this file can have, without decoding them; Infinity if only decoding tells. */
export async function countFurtherViews(content: FileContent, limits: ViewLimits): Promise<number> {
  if ('videoFile' in content) return limits.videoFrames > 1 ? Infinity : 0;
  const bytes = content;
  if (isPdf(bytes)) return limits.pages > 1 ? Infinity : 0;
  if (limits.parts < 2 && limits.frames < 1) return 0;
  if (isHeic(bytes) || mayBeDrawing(bytes)) return Infinity;
  try {
    const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
    const { autoOrient: size, format, pages = 1 } = metadata;
    const frames = framesOf({ format, pages, size }, limits, Infinity);
    return partsOf(size, limits).length + frames.length;
  } catch {
    // What can't be read has none.
    return 0;
  }
}

/** Mean difference of two frames' values, of 255, up to which they show the same. */
const SAME = 6;

/** Whether two rasters of equal size show nearly the same. */
export function isSameView(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  const sum = one.reduce((total, value, place) => total + Math.abs(value - (other[place] ?? 0)), 0);
  return sum <= SAME * one.length;
}
