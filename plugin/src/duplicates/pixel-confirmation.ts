import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import { abortedError, ImageSearchError } from '../errors';
import type { ImageReader, PixelPreparation } from '../images/contract';
import { hashContent } from '../images/trace';
import {
  PIXEL_VERSION,
  type Alignment,
  type DuplicateVerdict,
  type ImageTrace,
} from '../matching/contract';
import type { PixelComparison, Pixels, PlacedPixels } from '../matching/pixel-comparison';
import { resolveWorker } from '../workers';

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
  comparePixels: PixelComparer['compare'];
}): PairConfirmation {
  const { comparePixels, images } = options;
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
      best = await comparePixels({
        outer: decoded[outer],
        inner: decoded[inner],
        isMirrored,
        quarterTurns: alignment.quarterTurns ?? 0,
        region,
        degrees: alignment.degrees ?? 0,
      });
      if (best.outcome !== 'different') break;
    }
    return best && toVerdict(verdict, alignment, best);
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
): DuplicateVerdict | null {
  const { differences, largestDifference, outcome } = comparison;
  if (outcome === 'different') return null;
  const { fingerprintDistance } = proposed;
  const correlation =
    proposed.kind === 'same-image' ? proposed.correlation : proposed.alignment.correlation;
  const [one, other] =
    alignment.inner === 'one'
      ? [differences.inner, differences.outer]
      : [differences.outer, differences.inner];
  const pixels = { version: PIXEL_VERSION, differences: { one, other } };
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

/** Swaps `one` and `other`. */
export function swapSides(verdict: DuplicateVerdict): DuplicateVerdict {
  if (verdict.kind === 'identical') return verdict;
  const { pixels } = verdict;
  const swapped = pixels && {
    pixels: {
      ...pixels,
      differences: { one: pixels.differences.other, other: pixels.differences.one },
    },
  };
  if (verdict.kind === 'same-image') return { ...verdict, ...swapped };
  const inner = verdict.alignment.inner === 'one' ? 'other' : 'one';
  return { ...verdict, alignment: { ...verdict.alignment, inner }, ...swapped };
}

export interface PixelRequest extends PlacedPixels {
  id: number;
}

export interface PixelReply {
  id: number;
  /** An error message when the arithmetic failed. */
  result: PixelComparison | string;
}

/** The thread ends when it has nothing to do for this long. */
const IDLE_MS = 20_000;

/** Compares pixels in a thread of its own, which starts with the first comparison and ends when idle. */
export class PixelComparer {
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;
  #lastId = 0;
  readonly #pending = new Map<
    number,
    { worker: Worker; resolve: (result: PixelComparison) => void; reject: (error: Error) => void }
  >();

  /** Takes the pixels over. */
  readonly compare = (images: PlacedPixels): Promise<PixelComparison> => {
    if (this.#idle) clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    this.#lastId += 1;
    const request: PixelRequest = { id: this.#lastId, ...images };
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { worker, resolve, reject });
      worker.ref();
      worker.postMessage(request, [
        images.outer.data.buffer as ArrayBuffer,
        images.inner.data.buffer as ArrayBuffer,
      ]);
    });
  };

  async stop(): Promise<void> {
    if (this.#idle) clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const { execArgv, file } = resolveWorker('pixels');
    const worker = new Worker(file, { execArgv, name: 'pixel-comparison' });
    worker.unref();
    worker.on('message', ({ id, result }: PixelReply) => {
      const call = this.#pending.get(id);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#rest(worker);
      if (typeof result === 'string') call?.reject(failure(result));
      else call?.resolve(result);
    });
    let crash: Error | undefined;
    worker.on('error', (error) => (crash = error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null;
      // While an idle thread ends, the next one may have calls.
      for (const [id, call] of this.#pending) {
        if (call.worker !== worker) continue;
        this.#pending.delete(id);
        call.reject(failure('its thread ended', crash));
      }
    });
    return worker;
  }

  #rest(worker: Worker): void {
    worker.unref();
    this.#idle = setTimeout(() => {
      this.#worker = null;
      void worker.terminate();
    }, IDLE_MS).unref();
  }
}

function failure(reason: string, cause?: Error): ImageSearchError {
  return new ImageSearchError({
    code: 'unexpected',
    message: `Pixels of two images couldn't be compared: ${reason}.`,
    retryable: true,
    cause,
  });
}
