import { isTimeout } from '../abort';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { ImagePreparation, ImageReading, ReadImageOptions } from '../images/contract';
import { hashContent } from '../images/trace';
import type { ImageTrace } from '../matching/contract';
import type { DuplicateFinder, DuplicateMatch, ImageCheck, ImageTraces } from './contract';
import type { PairConfirmation } from './pixel-confirmation';

/** The smallest image that a trace can be made from. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

export interface ImageCheckOptions {
  /** Reads images in the same queue as query images. */
  read: (
    bytes: Uint8Array,
    options: ReadImageOptions,
    signal: AbortSignal | undefined,
  ) => Promise<ImageReading>;
  finder: DuplicateFinder;
  traces: Pick<ImageTraces, 'get'>;
  confirmation: PairConfirmation;
  /** Reads a file's bytes; see `AssetSource`. */
  readFile: (fileId: number, signal: AbortSignal | undefined) => Promise<Uint8Array>;
  /**
   * Returns null when the model that the library is compared by isn't available, even if another is. Calls `onRead`
   * with what it read, fingerprint included.
   */
  embed: (
    image: { bytes: Uint8Array; onRead: (reading: ImageReading) => void },
    signal: AbortSignal,
  ) => Promise<Float32Array | null>;
}

export function createImageCheck(options: ImageCheckOptions): ImageCheck {
  const { confirmation, embed, finder, read, readFile, traces } = options;

  /** Keeps what the pixels confirm. A match whose file is missing, damaged or can't be reached is left out. */
  async function confirm(
    image: { bytes: Uint8Array; trace: ImageTrace },
    proposed: readonly DuplicateMatch[],
    signal: AbortSignal | undefined,
  ): Promise<{ matches: DuplicateMatch[]; isComplete: boolean }> {
    const files = new Map(
      (await traces.get(proposed.map(({ fileId }) => fileId))).map((file) => [file.fileId, file]),
    );
    const one = { trace: image.trace, read: () => Promise.resolve(image.bytes) };
    const matches: DuplicateMatch[] = [];
    let isComplete = true;
    for (const match of proposed) {
      const trace = files.get(match.fileId);
      if (!trace) continue;
      const other = { trace, read: () => readFile(match.fileId, signal) };
      try {
        const verdict = await confirmation({ one, other, verdict: match.verdict }, signal);
        if (verdict) matches.push({ ...match, verdict });
      } catch (error) {
        if (signal?.aborted || !(error instanceof ImageSearchError)) throw error;
        if (error.traits.part !== 'image') isComplete = false;
      }
    }
    return { matches, isComplete };
  }

  /** The vector and the trace. If the model didn't read the image, it is read without one. */
  async function readAndEmbed(bytes: Uint8Array, signal: AbortSignal) {
    const readings: ImageReading[] = [];
    const onRead = (reading: ImageReading): void => void readings.push(reading);
    const vector = await embed({ bytes, onRead }, signal).catch(rethrowImageError);
    // After a timeout of the model, still find identical bytes, unless the caller is gone.
    const caller = isTimeout(signal) ? undefined : signal;
    const reading = readings[0] ?? (await read(bytes, { preparation, fingerprint: true }, caller));
    return { vector, trace: await traceOf(bytes, reading) };
  }

  return async (bytes, signal) => {
    const { trace, vector } = await readAndEmbed(bytes, signal);
    const image = { trace, exceptFileId: null };
    try {
      const proposed = await finder.find({ ...image, vector }, signal);
      const confirmed = await confirm({ bytes, trace }, proposed, signal);
      return { ...confirmed, isComplete: confirmed.isComplete && vector !== null };
    } catch (error) {
      rethrowImageError(error);
      const proposed = await finder.find({ ...image, vector: null });
      // No pixels confirmed the others.
      const matches = proposed.filter(({ verdict }) => verdict.kind === 'identical');
      return { matches, isComplete: false };
    }
  };
}

async function traceOf(
  bytes: Uint8Array,
  { fingerprint, onBlack, size, thumbnail }: ImageReading,
): Promise<ImageTrace> {
  return {
    contentHash: await hashContent(bytes),
    fingerprint: fingerprint ?? null,
    thumbnail: thumbnail ?? null,
    ...(onBlack && { onBlack }),
    ...size,
  };
}

/** Rethrows if the image itself is at fault. */
function rethrowImageError(error: unknown): null {
  if (toImageSearchError(error).code.startsWith('image-')) throw error;
  return null;
}
