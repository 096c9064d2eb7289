import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import type { PreparedImage } from '../images/contract';
import { hashContent, type PictureReader } from '../images/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { VectorPoint } from '../vectors/contract';
import type { CircuitBreaker } from './circuit-breaker';
import type {
  AssetDescription,
  AssetSource,
  IndexedPicture,
  IndexEntries,
  IndexEntry,
} from './contract';
import { isSharedFailure, judgeFailure, type RetryPolicy } from './retry-policy';

/** A claimed entry whose picture is ready for the model. */
interface ReadyPicture {
  entry: IndexEntry;
  asset: AssetDescription;
  image: PreparedImage;
  result: IndexedPicture;
}

/** A claimed entry whose bytes are those that were embedded last time: its vector still holds. */
interface UnchangedPicture {
  entry: IndexEntry;
  result: IndexedPicture;
}

type Prepared =
  | { kind: 'ready'; picture: ReadyPicture }
  | { kind: 'unchanged'; picture: UnchangedPicture }
  | { kind: 'settled' };

export interface BatchIndexerOptions {
  entries: IndexEntries;
  assets: AssetSource;
  pictures: PictureReader;
  breaker: CircuitBreaker;
  policy: RetryPolicy;
  /** Bounds how many pictures are read and decoded at once, over all batches. */
  readQueue: PQueue;
  /** Bounds how many calls of the provider are under way, and how many start in a minute. */
  embedQueue: PQueue;
  maxBytes: number;
  logger: Logger;
  clock: Clock;
  random: () => number;
}

/** How a batch ended, in files. */
export interface BatchOutcome {
  indexed: number;
  failed: number;
  removed: number;
}

/**
 * Takes claimed entries through read → decode → embed → store and settles every one of them: completed, due again,
 * given up, or forgotten because its file is gone. Never throws for a fault of a file, the provider or the store; a
 * database that cannot be written leaves the entry to its lease, which runs out.
 */
export class BatchIndexer {
  readonly #options: BatchIndexerOptions;

  constructor(options: BatchIndexerOptions) {
    this.#options = options;
  }

  async index(
    entries: readonly IndexEntry[],
    space: OpenSpace,
    signal: AbortSignal,
  ): Promise<BatchOutcome> {
    const outcome: BatchOutcome = { indexed: 0, failed: 0, removed: 0 };
    const prepared = await Promise.all(
      entries.map((entry) =>
        this.#options.readQueue.add(() => this.#prepare({ entry, space, signal, outcome })),
      ),
    );
    const unchanged = prepared.flatMap((item) => (item.kind === 'unchanged' ? [item.picture] : []));
    const ready = prepared.flatMap((item) => (item.kind === 'ready' ? [item.picture] : []));
    for (const picture of unchanged) await this.#complete(picture, space, outcome);
    if (ready.length > 0) await this.#embedAndStore({ ready, space, signal, outcome });
    return outcome;
  }

  async #prepare(job: {
    entry: IndexEntry;
    space: OpenSpace;
    signal: AbortSignal;
    outcome: BatchOutcome;
  }): Promise<Prepared> {
    const { entry, space, signal, outcome } = job;
    let asset: AssetDescription | null = null;
    try {
      signal.throwIfAborted();
      asset = await this.#options.assets.describe(entry.fileId);
      if (!asset) return await this.#remove(entry, space, outcome);
      this.#refuseHopeless(entry, asset);
      return await this.#read({ entry, asset, space, signal });
    } catch (error) {
      await this.#settleFailure({ entry, error, asset, signal, outcome });
      return { kind: 'settled' };
    }
  }

  /** An entry that was claimed too often without an outcome has probably killed the process each time. */
  #refuseHopeless(entry: IndexEntry, asset: AssetDescription): void {
    if (entry.attempts <= this.#options.policy.maxAttempts) return;
    throw new ImageSearchError({
      code: 'unexpected',
      message: `Indexing "${asset.name}" never came to an end in ${String(entry.attempts - 1)} tries.`,
      retryable: false,
    });
  }

  async #read(job: {
    entry: IndexEntry;
    asset: AssetDescription;
    space: OpenSpace;
    signal: AbortSignal;
  }): Promise<Prepared> {
    const { entry, asset, space, signal } = job;
    const { assets, pictures, maxBytes } = this.#options;
    const bytes = await assets.read(entry.fileId, { maxBytes, signal });
    const contentHash = hashContent(bytes);
    const kept = await this.#unchangedResult({ entry, asset, contentHash, space });
    if (kept) return { kind: 'unchanged', picture: { entry, result: kept } };
    const { prepared, fingerprint } = await pictures.read(bytes, {
      preparation: space.provider.imagePreparation,
      fingerprint: true,
    });
    const result = {
      spaceId: space.provider.space.id,
      contentHash,
      fingerprint: fingerprint?.bits ?? null,
      fingerprintQuality: fingerprint?.quality ?? null,
      sourceSignature: asset.signature,
    };
    return { kind: 'ready', picture: { entry, asset, image: prepared, result } };
  }

  /** What the entry already holds, when its bytes and its space are the same and its vector is still there. */
  async #unchangedResult(job: {
    entry: IndexEntry;
    asset: AssetDescription;
    contentHash: string;
    space: OpenSpace;
  }): Promise<IndexedPicture | null> {
    const { entry, asset, contentHash, space } = job;
    const { fingerprint, fingerprintQuality, spaceId } = entry;
    if (entry.contentHash !== contentHash || spaceId !== space.provider.space.id) return null;
    if (fingerprint === null) return null;
    const points = await space.collection.getMany([entry.fileId]);
    if (points.length === 0) return null;
    return {
      spaceId,
      contentHash,
      fingerprint,
      fingerprintQuality,
      sourceSignature: asset.signature,
    };
  }

  async #embedAndStore(job: {
    ready: readonly ReadyPicture[];
    space: OpenSpace;
    signal: AbortSignal;
    outcome: BatchOutcome;
  }): Promise<void> {
    const { ready, space, signal, outcome } = job;
    const { breaker, embedQueue } = this.#options;
    try {
      const images = ready.map((picture) => picture.image);
      const vectors = await embedQueue.add(() => space.provider.embedImages(images, { signal }));
      await space.collection.upsert(
        ready.map((picture, index) => toPoint(picture, vectors[index])),
      );
      breaker.succeed();
    } catch (error) {
      await this.#settleBatchFailure({ ready, space, error, signal, outcome });
      return;
    }
    for (const picture of ready) await this.#complete(picture, space, outcome);
  }

  /** When one picture spoils a call, each is tried alone so that only that one fails. */
  async #settleBatchFailure(job: {
    ready: readonly ReadyPicture[];
    space: OpenSpace;
    error: unknown;
    signal: AbortSignal;
    outcome: BatchOutcome;
  }): Promise<void> {
    const { ready, space, signal, outcome } = job;
    const error = toImageSearchError(job.error);
    const mayBeOnePicture =
      error.code === 'provider-rejected-input' || error.code === 'provider-bad-answer';
    if (mayBeOnePicture && ready.length > 1) {
      for (const picture of ready) {
        await this.#embedAndStore({ ready: [picture], space, signal, outcome });
      }
      return;
    }
    if (isSharedFailure(error)) this.#options.breaker.fail(error);
    for (const { entry, asset } of ready) {
      await this.#settleFailure({ entry, error, asset, signal, outcome });
    }
  }

  async #complete(
    picture: UnchangedPicture,
    space: OpenSpace,
    outcome: BatchOutcome,
  ): Promise<void> {
    const { entry, result } = picture;
    const isStillOurs = await this.#settle(entry, (lease) =>
      this.#options.entries.complete(entry.fileId, lease, result),
    );
    if (isStillOurs) {
      outcome.indexed += 1;
      return;
    }
    // The file was replaced or deleted meanwhile. A replaced one will be indexed again; the vector of a deleted one
    // must not stay behind.
    const asset = await this.#options.assets.describe(entry.fileId);
    if (!asset) await space.collection.remove([entry.fileId]);
  }

  async #remove(entry: IndexEntry, space: OpenSpace, outcome: BatchOutcome): Promise<Prepared> {
    await space.collection.remove([entry.fileId]);
    await this.#settle(entry, (lease) => this.#options.entries.forget(entry.fileId, lease));
    outcome.removed += 1;
    return { kind: 'settled' };
  }

  async #settleFailure(job: {
    entry: IndexEntry;
    error: unknown;
    asset: AssetDescription | null;
    signal: AbortSignal;
    outcome: BatchOutcome;
  }): Promise<void> {
    const { entry, asset, signal, outcome } = job;
    const { breaker, clock, entries, logger, policy, random } = this.#options;
    const error = toImageSearchError(job.error);
    const now = clock.now();
    if (signal.aborted) {
      await this.#settle(entry, (lease) => entries.release(entry.fileId, lease, new Date(now)));
      return;
    }
    if (isSharedFailure(error) && !breaker.isClosed()) {
      // Behind the others, so that the next try is not with the same picture again.
      const dueAt = new Date(now + breaker.pauseMs() + 1_000);
      await this.#settle(entry, (lease) => entries.release(entry.fileId, lease, dueAt));
      return;
    }
    outcome.failed += 1;
    const next = judgeFailure({ error, attempts: entry.attempts, policy, now, random: random() });
    const name = asset?.name ?? `file ${String(entry.fileId)}`;
    if (next.state !== 'pending') {
      logger.warn(`Picture "${name}" (${String(entry.fileId)}) is ${next.state}: ${error.message}`);
    } else {
      logger.debug(
        `Picture "${name}" (${String(entry.fileId)}) will be tried again: ${error.message}`,
      );
    }
    await this.#settle(entry, (lease) =>
      entries.fail(entry.fileId, lease, {
        code: error.code,
        message: error.message,
        next,
        sourceSignature: asset?.signature ?? null,
      }),
    );
  }

  /** Writes an outcome; a database that refuses leaves the entry to its lease. */
  async #settle(
    entry: IndexEntry,
    write: (leaseToken: string) => Promise<boolean>,
  ): Promise<boolean> {
    if (entry.lease === null) throw new TypeError(`Entry ${String(entry.fileId)} was not claimed.`);
    try {
      return await write(entry.lease);
    } catch (error) {
      const { message } = toImageSearchError(error);
      this.#options.logger.error(
        `The index entry of file ${String(entry.fileId)} could not be written: ${message}`,
      );
      return true;
    }
  }
}

function toPoint(picture: ReadyPicture, vector: Float32Array | undefined): VectorPoint {
  if (!vector) throw new RangeError('The provider answered fewer vectors than pictures.');
  const { asset, result } = picture;
  return {
    fileId: asset.fileId,
    vector,
    payload: {
      mimeType: asset.mimeType,
      extension: asset.extension,
      createdAt: asset.createdAt,
      contentHash: result.contentHash,
    },
  };
}
