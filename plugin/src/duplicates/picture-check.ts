import { toImageSearchError } from '../errors';
import { hashContent, type PictureReader, type ImagePreparation } from '../images/contract';
import type { DuplicateFinder, DuplicateMatch, PictureTrace } from './contract';

/** As small as a trace can be made of. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

export interface PictureCheckOptions {
  pictures: PictureReader;
  finder: DuplicateFinder;
  /** Answers null when the model that the library is compared by does not answer now, though another may. */
  embed: (bytes: Uint8Array, signal: AbortSignal) => Promise<Float32Array | null>;
}

/**
 * Says whether the library has a picture already that is no file of it. The picture is not kept. Fails as
 * `PictureReader` does for what is no picture; when there is no model or no store to ask, only equal bytes are looked
 * for, and `isComplete` is false.
 */
export type PictureCheck = (
  bytes: Uint8Array,
  signal: AbortSignal,
) => Promise<{ matches: DuplicateMatch[]; isComplete: boolean }>;

export function createPictureCheck({ embed, finder, pictures }: PictureCheckOptions): PictureCheck {
  async function traceOf(bytes: Uint8Array): Promise<PictureTrace> {
    const reading = await pictures.read(bytes, { preparation, fingerprint: true });
    return {
      contentHash: await hashContent(bytes),
      fingerprint: reading.fingerprint ?? null,
      thumbnail: reading.thumbnail ?? null,
      ...reading.size,
    };
  }

  return async (bytes, signal) => {
    const trace = await traceOf(bytes);
    try {
      const vector = await embed(bytes, signal);
      const matches = await finder.find({ trace, vector, exceptFileId: null }, signal);
      return { matches, isComplete: vector !== null };
    } catch (error) {
      if (isOfPicture(error)) throw error;
      const matches = await finder.find({ trace, vector: null, exceptFileId: null });
      return { matches, isComplete: false };
    }
  };
}

/** Whether the picture is to blame, and not what it was to be compared by. */
function isOfPicture(error: unknown): boolean {
  return toImageSearchError(error).code.startsWith('image-');
}
