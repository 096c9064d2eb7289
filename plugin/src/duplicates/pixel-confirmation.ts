import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import { abortedError, ImageSearchError } from '../errors';
import type { ImageReader, PixelPreparation } from '../images/contract';
import { hashContent } from '../images/trace';
import {
  PIXEL_VERSION,
  type Alignment,
  type Box,
  type CopyQuality,
  type DuplicateVerdict,
  type ImageTrace,
  type PixelEvidence,
  type Side,
} from '../matching/contract';
import type { PixelComparison, Pixels } from '../matching/pixel-comparison';
import type { PixelWorker } from './pixel-worker';

/** One image of a proposed pair. */
export interface ProposedImage {
  trace: ImageTrace;
  /** @throws ImageSearchError as `AssetSource.read` does */
  read: (signal: AbortSignal | undefined) => Promise<Uint8Array>;
}

export interface ProposedPair {
  one: ProposedImage;
  other: ProposedImage;
  verdict: DuplicateVerdict;
}

/**
 * Confirms on the pixels of both files what their traces propose. Returns null when the pixels refute it; the verdict
 * may be of another kind than the proposed one.
 *
 * @throws ImageSearchError of the part `image` when a file is missing, has changed since or can't be decoded, and of the
 * part `storage` while the storage doesn't respond: the pair is then neither confirmed nor refuted
 */
export type PairConfirmation = (
  pair: ProposedPair,
  signal: AbortSignal | undefined,
) => Promise<DuplicateVerdict | null>;

/** Longer side of the part that both show, in pixels. */
const COMPARED_EDGE = 1_024;
/** Longer side of an image of which that is a part, in pixels. */
const LARGEST_EDGE = 2_560;
/** Shortest side of an image that is compared, in pixels. */
const LEAST_EDGE = 32;
const REMEMBERED = 5_000;
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

export function createPixelConfirmation(options: {
  images: ImageReader;
  pixels: Pick<PixelWorker, 'compare' | 'measure'>;
}): PairConfirmation {
  const { pixels, images } = options;
  // A pair is proposed from both sides. Only one pair is in memory at a time.
  const known = new LRUCache<string, { one: string; verdict: DuplicateVerdict | null }>({
    max: REMEMBERED,
  });
  const turns = new PQueue({ concurrency: 1 });

  async function confirm(
    pair: ProposedPair,
    signal: AbortSignal | undefined,
  ): Promise<DuplicateVerdict | null> {
    const { verdict } = pair;
    if (verdict.kind === 'identical') return verdict;
    const files = { one: await read(pair.one, signal), other: await read(pair.other, signal) };
    const alignment = verdict.kind === 'edited' ? verdict.alignment : wholeAlignment;
    const sizes = sizesFor(pair.one.trace, pair.other.trace, alignment);
    if (sizes === null) return null;
    const readDetail = createDetailReader({ images, signal }, { pair, files });
    let best: PixelComparison | null = null;
    // Saving without transparency puts an image on white or on black.
    const mayBeOnBlack = hasOnBlack(pair.one) !== hasOnBlack(pair.other);
    for (const ground of mayBeOnBlack ? (['white', 'black'] as const) : (['white'] as const)) {
      const [one, other] = await Promise.all([
        decode(images, files.one, { ...sizes.one, ground }),
        decode(images, files.other, { ...sizes.other, ground }),
      ]);
      const decoded = { one, other };
      if (signal?.aborted) throw abortedError(signal.reason);
      const { inner, isMirrored, region } = alignment;
      const outer = inner === 'one' ? 'other' : 'one';
      best = await pixels.compare({
        outer: decoded[outer],
        inner: decoded[inner],
        isMirrored,
        quarterTurns: alignment.quarterTurns ?? 0,
        region,
        degrees: alignment.degrees ?? 0,
      });
      if (best.outcome !== 'different') break;
    }
    const confirmed = best && toVerdict(verdict, alignment, best);
    const evidence = confirmed?.pixels;
    if (!confirmed || !evidence?.quality) return confirmed;
    const detail = await measureDetails(pixels, readDetail, {
      pair,
      alignment: confirmed.kind === 'edited' ? confirmed.alignment : alignment,
    });
    return { ...confirmed, pixels: { ...evidence, quality: { ...evidence.quality, ...detail } } };
  }

  return async (pair, signal) => {
    const [one, other] = [pair.one.trace.contentHash, pair.other.trace.contentHash];
    const key = [one, other].sort().join(' ');
    return await turns.add(
      async () => {
        const before = known.get(key);
        if (before?.verdict === null) return null;
        if (before) return before.one === one ? before.verdict : swapSides(before.verdict);
        const verdict = await confirm(pair, signal);
        known.set(key, { one, verdict });
        return verdict;
      },
      signal ? { signal } : {},
    );
  };
}

function hasOnBlack({ trace }: ProposedImage): boolean {
  return trace.onBlack !== undefined;
}

async function read(
  { read: readBytes, trace }: ProposedImage,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await readBytes(signal);
  if ((await hashContent(bytes)) === trace.contentHash) return bytes;
  throw new ImageSearchError({
    code: 'image-missing',
    message: "The file was replaced after it was read. It's compared again once it's indexed.",
  });
}

async function decode(
  images: ImageReader,
  bytes: Uint8Array,
  { ground, height, width }: { width: number; height: number; ground: 'white' | 'black' },
): Promise<Pixels> {
  const preparation: PixelPreparation = {
    kind: 'pixels',
    resize: { mode: 'exact', width, height },
    kernel: 'cubic',
    ground,
  };
  const { prepared } = await images.read(bytes, { preparation });
  // An own copy, because it is handed over to the thread.
  return { width, height, data: new Uint8Array(prepared.data) };
}

const wholeAlignment: Alignment = {
  inner: 'other',
  isMirrored: false,
  region: WHOLE,
  covered: 1,
  matching: 1,
  correlation: 1,
};

interface Size {
  width: number;
  height: number;
}

/**
 * Sizes at which both images show their common part at the same scale: that of the smaller, up to 1,024 px. Null when
 * that is too small to compare.
 */
function sizesFor(
  one: Size,
  other: Size,
  { inner, quarterTurns = 0, region }: Alignment,
): { one: Size; other: Size } | null {
  const [under, over] = inner === 'one' ? [other, one] : [one, other];
  const isSideways = quarterTurns % 2 === 1;
  const turned = isSideways ? { width: over.height, height: over.width } : over;
  const part = { width: under.width * region.width, height: under.height * region.height };
  const scale = Math.min(
    1,
    part.width / turned.width,
    part.height / turned.height,
    COMPARED_EDGE / Math.max(turned.width, turned.height),
    (LARGEST_EDGE * Math.max(region.width, region.height)) / Math.max(turned.width, turned.height),
  );
  const size = {
    width: Math.round(turned.width * scale),
    height: Math.round(turned.height * scale),
  };
  if (!(Math.min(size.width, size.height) >= LEAST_EDGE)) return null;
  const ground = {
    width: Math.round(size.width / region.width),
    height: Math.round(size.height / region.height),
  };
  const piece = isSideways ? { width: size.height, height: size.width } : size;
  return inner === 'one' ? { one: piece, other: ground } : { one: ground, other: piece };
}

/** The verdict that the pixels allow. */
function toVerdict(
  proposed: Exclude<DuplicateVerdict, { kind: 'identical' }>,
  alignment: Alignment,
  comparison: PixelComparison,
): Exclude<DuplicateVerdict, { kind: 'identical' }> | null {
  const { differences, largestDifference, outcome } = comparison;
  if (outcome === 'different') return null;
  const { fingerprintDistance } = proposed;
  const correlation =
    proposed.kind === 'same-image' ? proposed.correlation : proposed.alignment.correlation;
  const [one, other] =
    alignment.inner === 'one'
      ? [differences.inner, differences.outer]
      : [differences.outer, differences.inner];
  const sideOf = (side: Side | null): Side | null =>
    side === null || alignment.inner === 'other' ? side : side === 'one' ? 'other' : 'one';
  const edited = outcome === 'same' ? null : comparison.edited;
  const pixels: PixelEvidence = {
    version: PIXEL_VERSION,
    differences: { one, other },
    ...(comparison.blurred.length > 0 && { blurred: comparison.blurred }),
    ...(comparison.hasOtherColors && { otherColors: true }),
    quality: {
      edited: edited && { ...edited, side: sideOf(edited.side) ?? edited.side },
      gray: sideOf(comparison.gray),
      upscaled: null,
      detail: null,
    },
  };
  if (outcome === 'same') {
    return { kind: 'same-image', fingerprintDistance, correlation, largestDifference, pixels };
  }
  const similarity = proposed.kind === 'edited' ? proposed.similarity : null;
  const { degrees, region } = comparison;
  return {
    kind: 'edited',
    similarity,
    fingerprintDistance,
    alignment: {
      ...alignment,
      correlation,
      ...(region && { region }),
      ...(degrees !== 0 && { degrees }),
    },
    pixels,
  };
}

/** Longest side of an image whose details are measured, in pixels, and of the part that is. */
const DETAIL_EDGE = 4_096;
const DETAIL_PART = 1_024;
/** Sizes of two images that are compared as equal, and at which one is larger. */
const SAME_SIZE = 1.001;
const LARGER = 1.2;
/** Power beyond what the smaller image can show, in units of its finest details, of a larger image that shows more. */
const SHOWS_MORE = 0.03;

/** A part of an image at its own resolution, as far as `DETAIL_EDGE` allows. */
type DetailReader = (side: Side, part: Box) => Promise<Pixels>;

/** Details are lost when an image is shrunk to be compared, so they are read at the images' own resolution. */
function createDetailReader(
  { images, signal }: { images: ImageReader; signal: AbortSignal | undefined },
  { files, pair }: { pair: ProposedPair; files: { one: Uint8Array; other: Uint8Array } },
): DetailReader {
  return async (side, part) => {
    if (signal?.aborted) throw abortedError(signal.reason);
    const { height, width } = pair[side].trace;
    if (part === WHOLE && Math.max(width, height) <= DETAIL_EDGE) {
      const middle = await decodeMiddle(images, files[side], { width, height });
      if (signal?.aborted) throw abortedError(signal.reason);
      if (middle) return middle;
    }
    const shrink = Math.min(1, DETAIL_EDGE / Math.max(width, height));
    const size = { width: Math.round(width * shrink), height: Math.round(height * shrink) };
    const decoded = await decode(images, files[side], { ...size, ground: 'white' });
    if (signal?.aborted) throw abortedError(signal.reason);
    return middleOf(decoded, part);
  };
}

function isWhole({ isMirrored, quarterTurns = 0, region }: Alignment): boolean {
  return region.width > 0.98 && region.height > 0.98 && !isMirrored && quarterTurns === 0;
}

async function measureDetails(
  pixels: Pick<PixelWorker, 'measure'>,
  read: DetailReader,
  { alignment, pair }: { pair: ProposedPair; alignment: Alignment },
): Promise<Pick<CopyQuality, 'upscaled' | 'detail'>> {
  const { inner, quarterTurns = 0, region } = alignment;
  const outer = inner === 'one' ? 'other' : 'one';
  const [over, under] = [pair[inner].trace, pair[outer].trace];
  const overWidth = quarterTurns % 2 === 1 ? over.height : over.width;
  /** Pixels of the outer image per pixel of the inner one. */
  const scale = (under.width * region.width) / overWidth;
  const isSameScale = scale < SAME_SIZE && scale > 1 / SAME_SIZE;
  if (isWhole(alignment) && isSameScale && over.height === under.height) {
    const [one, other] = await Promise.all([read('one', WHOLE), read('other', WHOLE)]);
    const measured = await pixels.measure({ one, other });
    return { upscaled: null, detail: 'one' in measured ? measured : null };
  }
  if (scale < LARGER && scale > 1 / LARGER) return { upscaled: null, detail: null };
  const larger = scale > 1 ? outer : inner;
  const shrunk = Math.max(
    1,
    Math.max(pair[larger].trace.width, pair[larger].trace.height) / DETAIL_EDGE,
  );
  const times = Math.max(scale, 1 / scale) / shrunk;
  if (times < LARGER) return { upscaled: null, detail: null };
  const measured = await pixels.measure({
    larger: await read(larger, larger === outer ? region : WHOLE),
    scale: times,
  });
  const isUpscaled = 'beyond' in measured && measured.beyond < SHOWS_MORE;
  return { upscaled: isUpscaled ? larger : null, detail: null };
}

/** Decodes no more than the middle, of about the size that `middleOf` cuts out; null for a drawing, which has no size. */
async function decodeMiddle(
  images: ImageReader,
  bytes: Uint8Array,
  { height, width }: Size,
): Promise<Pixels | null> {
  // What is cut off on either side is a multiple of the blocks of JPEG.
  const shorten = (side: number): number =>
    side - 16 * Math.max(0, Math.ceil((side - DETAIL_PART) / 16));
  const crop = { width: shorten(width), height: shorten(height) };
  const preparation: PixelPreparation = {
    kind: 'pixels',
    resize: { mode: 'none' },
    crop,
    kernel: 'cubic',
    ground: 'white',
  };
  const { prepared, size } = await images.read(bytes, { preparation });
  if (size.width !== width || size.height !== height) return null;
  return { ...crop, data: new Uint8Array(prepared.data) };
}

/** A copy of the middle of a part, which starts where a block of JPEG does. */
function middleOf({ data, height, width }: Pixels, part: Box): Pixels {
  const size = {
    width: Math.floor(Math.min(DETAIL_PART, width * Math.min(1, part.width))),
    height: Math.floor(Math.min(DETAIL_PART, height * Math.min(1, part.height))),
  };
  const start = (corner: number, share: number, side: number, whole: number): number => {
    const wanted = (corner + share / 2) * whole - side / 2;
    return 8 * Math.floor(Math.min(whole - side, Math.max(0, wanted)) / 8);
  };
  const left = start(part.left, part.width, size.width, width);
  const top = start(part.top, part.height, size.height, height);
  const middle = new Uint8Array(3 * size.width * size.height);
  for (let row = 0; row < size.height; row += 1) {
    const from = 3 * ((top + row) * width + left);
    middle.set(data.subarray(from, from + 3 * size.width), 3 * row * size.width);
  }
  return { ...size, data: middle };
}

/** Whether this version of the comparison found it, or the bytes are identical. */
export function isConfirmed(verdict: DuplicateVerdict): boolean {
  return verdict.kind === 'identical' || verdict.pixels?.version === PIXEL_VERSION;
}

/** Swaps `one` and `other`. */
export function swapSides(verdict: DuplicateVerdict): DuplicateVerdict {
  if (verdict.kind === 'identical') return verdict;
  const { pixels } = verdict;
  const swapped = pixels && {
    pixels: {
      ...pixels,
      differences: { one: pixels.differences.other, other: pixels.differences.one },
      ...(pixels.quality && { quality: swapQuality(pixels.quality) }),
    },
  };
  if (verdict.kind === 'same-image') return { ...verdict, ...swapped };
  const inner = verdict.alignment.inner === 'one' ? 'other' : 'one';
  return { ...verdict, alignment: { ...verdict.alignment, inner }, ...swapped };
}

function swapQuality({ detail, edited, gray, upscaled }: CopyQuality): CopyQuality {
  const swap = (side: Side): Side => (side === 'one' ? 'other' : 'one');
  return {
    edited: edited && { ...edited, side: swap(edited.side) },
    gray: gray && swap(gray),
    upscaled: upscaled && swap(upscaled),
    detail: detail && { one: detail.other, other: detail.one },
  };
}
