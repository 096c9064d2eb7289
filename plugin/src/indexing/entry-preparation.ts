import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import { ImageSearchError, toImageSearchError } from '../errors';
import { hashContent, type PictureReader, type PreparedImage } from '../images/contract';
import type { AssetDescription, AssetSource, IndexedPicture, IndexEntry } from './contract';
import type { FailedTry } from './entry-settlement';

/** A claimed entry whose picture is ready for the model. */
export interface ReadyPicture {
  entry: IndexEntry;
  asset: AssetDescription;
  image: PreparedImage;
  result: IndexedPicture;
}

export type Prepared =
  | { kind: 'ready'; picture: ReadyPicture }
  /** Its bytes are those that were embedded last time: its vector still holds. */
  | { kind: 'unchanged'; picture: { entry: IndexEntry; result: IndexedPicture } }
  /** Its file is gone, and its vector with it. */
  | { kind: 'gone'; entry: IndexEntry }
  | { kind: 'failed'; failure: FailedTry };

export interface EntryPreparationOptions {
  assets: AssetSource;
  pictures: PictureReader;
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
    const { assets, pictures, maxBytes } = this.#options;
    const asset = await assets.describe(entry.fileId);
    seen.asset = asset;
    if (!asset) {
      await space.collection.remove([entry.fileId]);
      return { kind: 'gone', entry };
    }
    this.#refuseHopeless(entry, asset);
    const bytes = await assets.read(entry.fileId, { maxBytes, signal });
    const contentHash = await hashContent(bytes);
    const kept = await unchangedResult({ entry, asset, contentHash, space });
    if (kept) return { kind: 'unchanged', picture: { entry, result: kept } };
    const { prepared, fingerprint } = await pictures.read(bytes, {
      preparation: space.provider.imagePreparation,
      fingerprint: true,
    });
    const result = {
      contentHash,
      fingerprint: fingerprint?.bits ?? null,
      fingerprintQuality: fingerprint?.quality ?? null,
      sourceSignature: asset.signature,
    };
    return { kind: 'ready', picture: { entry, asset, image: prepared, result } };
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

/** What the entry already holds, when its bytes are the same and its vector is still there. */
async function unchangedResult(job: {
  entry: IndexEntry;
  asset: AssetDescription;
  contentHash: string;
  space: OpenSpace;
}): Promise<IndexedPicture | null> {
  const { entry, asset, contentHash, space } = job;
  const { fingerprint, fingerprintQuality } = entry;
  if (entry.contentHash !== contentHash) return null;
  if (fingerprint === null) return null;
  const [point] = await space.collection.getMany([entry.fileId]);
  if (point?.payload.contentHash !== contentHash) return null;
  return {
    contentHash,
    fingerprint,
    fingerprintQuality,
    sourceSignature: asset.signature,
  };
}
