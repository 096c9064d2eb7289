import { isTimeout } from '../deadline';
import { toImageSearchError } from '../errors';
import {
  hashContent,
  type ImagePreparation,
  type PictureReading,
  type ReadPictureOptions,
} from '../images/contract';
import type { DuplicateFinder, DuplicateMatch, PictureTrace } from './contract';

/** As small as a trace can be made of. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

export interface PictureCheckOptions {
  /** Reads pictures in turn with all others that are searched with. */
  read: (
    bytes: Uint8Array,
    options: ReadPictureOptions,
    signal: AbortSignal | undefined,
  ) => Promise<PictureReading>;
  finder: DuplicateFinder;
  /**
   * Answers null when the model that the library is compared by does not answer now, though another may. Tells `onRead`
   * what it read, fingerprint included, if it came to that.
   */
  embed: (
    picture: { bytes: Uint8Array; onRead: (reading: PictureReading) => void },
    signal: AbortSignal,
  ) => Promise<Float32Array | null>;
}

/**
 * Says whether the library has a picture already that is no file of it. The picture is not kept. Fails as
 * `PictureReader` does for what is no picture, and with `rate-limited` when too many wait to be read; when there is no
 * model or no store to ask, only equal bytes are looked for, and `isComplete` is false.
 */
export type PictureCheck = (
  bytes: Uint8Array,
  signal: AbortSignal,
) => Promise<{ matches: DuplicateMatch[]; isComplete: boolean }>;

export function createPictureCheck({ embed, finder, read }: PictureCheckOptions): PictureCheck {
  /** The vector, and what the model's picture was read as; what was not read yet is read without a model. */
  async function look(bytes: Uint8Array, signal: AbortSignal) {
    const readings: PictureReading[] = [];
    const onRead = (reading: PictureReading): void => void readings.push(reading);
    const vector = await embed({ bytes, onRead }, signal).catch(unlessOfPicture);
    // When the model took too long, equal bytes are looked for all the same, unless the caller is gone.
    const caller = isTimeout(signal) ? undefined : signal;
    const reading = readings[0] ?? (await read(bytes, { preparation, fingerprint: true }, caller));
    return { vector, trace: await traceOf(bytes, reading) };
  }

  return async (bytes, signal) => {
    const { trace, vector } = await look(bytes, signal);
    const question = { trace, exceptFileId: null };
    try {
      const matches = await finder.find({ ...question, vector }, signal);
      return { matches, isComplete: vector !== null };
    } catch (error) {
      unlessOfPicture(error);
      const matches = await finder.find({ ...question, vector: null });
      return { matches, isComplete: false };
    }
  };
}

async function traceOf(
  bytes: Uint8Array,
  { fingerprint, onBlack, size, thumbnail }: PictureReading,
): Promise<PictureTrace> {
  return {
    contentHash: await hashContent(bytes),
    fingerprint: fingerprint ?? null,
    thumbnail: thumbnail ?? null,
    ...(onBlack && { onBlack }),
    ...size,
  };
}

/** Fails when the picture is to blame, and not what it was to be compared by. */
function unlessOfPicture(error: unknown): null {
  if (toImageSearchError(error).code.startsWith('image-')) throw error;
  return null;
}
