import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import type { DuplicateWatch, FileTrace, PictureTraces } from '../duplicates/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import {
  hashContent,
  isCurrentThumbnail,
  type PictureReader,
  type PictureReading,
  type PreparedImage,
} from '../images/contract';
import type { AssetDescription, AssetSource, IndexedPicture, IndexEntry } from './contract';
import type { FailedTry } from './entry-settlement';

/** A claimed entry whose picture was read. */
export interface ReadPicture {
  entry: IndexEntry;
  result: IndexedPicture;
  /** To be kept; null when it is known already. */
  trace: FileTrace | null;
}

/** A claimed entry whose picture is ready for the model. */
export interface ReadyPicture extends ReadPicture {
  asset: AssetDescription;
  image: PreparedImage;
}

export type Prepared =
  | { kind: 'ready'; picture: ReadyPicture }
  /** Its bytes are those that were embedded last time: its vector still holds. */
  | { kind: 'unchanged'; picture: ReadPicture }
  /** Its file is gone, and with it its vector and all that was known of it. */
  | { kind: 'gone'; entry: IndexEntry }
  | { kind: 'failed'; failure: FailedTry };

export interface EntryPreparationOptions {
  assets: AssetSource;
  pictures: PictureReader;
  traces: Pick<PictureTraces, 'get'>;
  duplicates: Pick<DuplicateWatch, 'forget'>;
  /** Bounds how many pictures are read and decoded at once, over all batches. */
  readQueue: PQueue;
  maxBytes: number;
  /** Claims of one entry after which it has probably killed the process each time. */
  maxAttempts: number;
}

/** The first half of indexing: finds a claimed entry's file, reads it, and decodes it if there is need to. */
export class EntryPreparation {
  readonly #options: EntryPreparationOptions;

  constructor(options: EntryPreparationOptions) {
    this.#options = options;
  }

  /** Never throws. */
  async prepare(entry: IndexEntry, space: OpenSpace, signal: AbortSignal): Promise<Prepared> {
    const { readQueue } = this.#options;
    const seen: { asset: AssetDescription | null } = { asset: null };
    try {
      // With its signal the queue lets go of what cannot be interrupted, such as a long decoding.
      return await readQueue.add(() => this.#read({ entry, space, signal, seen }), { signal });
    } catch (error) {
      const failure = { entry, asset: seen.asset, error: toImageSearchError(error) };
      return { kind: 'failed', failure };
    }
  }

  async #read(job: {
    entry: IndexEntry;
    space: OpenSpace;
    signal: AbortSignal;
    seen: { asset: AssetDescription | null };
  }): Promise<Prepared> {
    const { entry, space, signal, seen } = job;
    const { assets, duplicates, pictures, maxBytes, traces } = this.#options;
    const { fileId } = entry;
    const asset = await assets.describe(fileId);
    seen.asset = asset;
    if (!asset) {
      await space.collection.remove([fileId]);
      await duplicates.forget([fileId]);
      return { kind: 'gone', entry };
    }
    this.#refuseHopeless(entry, asset);
    const bytes = await assets.read(fileId, { maxBytes, signal });
    const contentHash = await hashContent(bytes);
    const result = { contentHash, sourceSignature: asset.signature };
    const isEmbedded = await isVectorKept({ entry, contentHash, space });
    const isTraced = isTraceOf(contentHash, await traces.get([fileId]));
    if (isEmbedded && isTraced) {
      return { kind: 'unchanged', picture: { entry, result, trace: null } };
    }
    const reading = await pictures.read(bytes, {
      preparation: space.provider.imagePreparation,
      fingerprint: !isTraced,
    });
    const trace = isTraced ? null : toTrace(fileId, contentHash, reading);
    if (isEmbedded) return { kind: 'unchanged', picture: { entry, result, trace } };
    return { kind: 'ready', picture: { entry, asset, image: reading.prepared, result, trace } };
  }

  /** An entry that was claimed too often without an outcome has probably killed the process each time. */
  #refuseHopeless(entry: IndexEntry, asset: AssetDescription): void {
    if (entry.attempts <= this.#options.maxAttempts) return;
    throw new ImageSearchError({
      code: 'unexpected',
      message: `Indexing "${asset.name}" never came to an end in ${String(entry.attempts - 1)} tries.`,
      retryable: false,
    });
  }
}

/** Whether the bytes are those that were embedded last time, and their vector is still there. */
async function isVectorKept(job: {
  entry: IndexEntry;
  contentHash: string;
  space: OpenSpace;
}): Promise<boolean> {
  const { entry, contentHash, space } = job;
  if (entry.contentHash !== contentHash) return false;
  const [point] = await space.collection.getMany([entry.fileId]);
  return point?.payload.contentHash === contentHash;
}

/** Whether what is kept of a file is of these bytes, and in the present form. */
export function isTraceOf(contentHash: string, [trace]: readonly FileTrace[]): boolean {
  return trace?.contentHash === contentHash && isCurrentThumbnail(trace.thumbnail);
}

export function toTrace(
  fileId: number,
  contentHash: string,
  { fingerprint, onBlack, thumbnail, size }: PictureReading,
): FileTrace {
  return {
    fileId,
    contentHash,
    fingerprint: fingerprint ?? null,
    thumbnail: thumbnail ?? null,
    ...(onBlack && { onBlack }),
    ...size,
  };
}
