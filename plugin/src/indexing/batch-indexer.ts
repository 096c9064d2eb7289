import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import { toImageSearchError, type ImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { VectorPoint } from '../vectors/contract';
import type { CircuitBreaker } from './circuit-breaker';
import type { AssetSource, IndexedPicture, IndexEntries, IndexEntry } from './contract';
import type { EntryPreparation, Prepared, ReadyPicture } from './entry-preparation';
import type { EntrySettlement, FailedTry } from './entry-settlement';
import { isContentFailure, isSharedFailure } from './retry-policy';

export interface BatchIndexerOptions {
  entries: IndexEntries;
  preparation: EntryPreparation;
  settlement: EntrySettlement;
  assets: AssetSource;
  breaker: CircuitBreaker;
  /** Bounds how many calls of the provider are under way, and how many start in a minute. */
  embedQueue: PQueue;
  logger: Logger;
}

/** How a batch ended, in files. */
export interface BatchOutcome {
  indexed: number;
  failed: number;
  removed: number;
}

interface Batch {
  space: OpenSpace;
  signal: AbortSignal;
  outcome: BatchOutcome;
  /** Whether it told the breaker of a failure: one batch is one failure. */
  isReported: boolean;
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
    const batch: Batch = { space, signal, outcome, isReported: false };
    const prepared = await Promise.all(
      entries.map((entry) => this.#options.preparation.prepare(entry, space, signal)),
    );
    const ready: ReadyPicture[] = [];
    for (const item of prepared) {
      if (item.kind === 'ready') ready.push(item.picture);
      else await this.#settle(item, batch);
    }
    if (ready.length > 0) await this.#embedAndStore(ready, batch);
    return outcome;
  }

  async #settle(item: Exclude<Prepared, { kind: 'ready' }>, batch: Batch): Promise<void> {
    switch (item.kind) {
      case 'unchanged':
        return this.#complete(item.picture, batch);
      case 'gone':
        await this.#options.settlement.forget(item.entry);
        batch.outcome.removed += 1;
        return;
      case 'failed':
        this.#report(item.failure.error, batch);
        return this.#settleFailure(item.failure, batch);
    }
  }

  async #embedAndStore(ready: readonly ReadyPicture[], batch: Batch): Promise<void> {
    const { breaker, embedQueue } = this.#options;
    const { space, signal } = batch;
    try {
      const images = ready.map((picture) => picture.image);
      const vectors = await embedQueue.add(() => space.provider.embedImages(images, { signal }), {
        signal,
      });
      const points = ready.map((picture, index) => toPoint(picture, vectors[index]));
      const held = await this.#idsStillHeld(ready);
      await space.collection.upsert(points.filter((point) => held.has(point.fileId)));
      breaker.succeed();
    } catch (error) {
      await this.#settleBatchFailure(ready, toImageSearchError(error), batch);
      return;
    }
    for (const picture of ready) await this.#complete(picture, batch);
  }

  /** A file that was replaced meanwhile may be indexed already: its new vector must not be overwritten. */
  async #idsStillHeld(ready: readonly ReadyPicture[]): Promise<Set<number>> {
    const leases = new Map(ready.map(({ entry }) => [entry.fileId, entry.lease]));
    const entries = await this.#options.entries.get([...leases.keys()]);
    const held = entries.filter((entry) => entry.lease === leases.get(entry.fileId));
    return new Set(held.map((entry) => entry.fileId));
  }

  /** When one picture spoils a call, each is tried alone so that only that one fails. */
  async #settleBatchFailure(
    ready: readonly ReadyPicture[],
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    const mayBeOnePicture =
      error.code === 'provider-rejected-input' || error.code === 'provider-bad-answer';
    if (mayBeOnePicture && ready.length > 1) {
      for (const picture of ready) await this.#embedAndStore([picture], batch);
      return;
    }
    const [picture] = ready;
    if (picture && ready.length === 1 && (await isPictureToBlame(error, batch))) {
      this.#options.breaker.succeed();
      await this.#countFailure({ ...picture, error }, batch);
      return;
    }
    this.#report(error, batch);
    for (const { entry, asset } of ready) {
      await this.#settleFailure({ entry, asset, error }, batch);
    }
  }

  #report(error: ImageSearchError, batch: Batch): void {
    if (batch.isReported || batch.signal.aborted || !isSharedFailure(error)) return;
    batch.isReported = true;
    this.#options.breaker.fail(error);
  }

  async #settleFailure(failure: FailedTry, batch: Batch): Promise<void> {
    const { settlement } = this.#options;
    if (batch.signal.aborted) await settlement.release(failure.entry);
    else if (isSharedFailure(failure.error)) await settlement.postpone(failure);
    else await this.#countFailure(failure, batch);
  }

  async #countFailure(failure: FailedTry, { outcome, space }: Batch): Promise<void> {
    outcome.failed += 1;
    const error = await removeFormerVector(failure, space);
    await this.#options.settlement.fail({ ...failure, error });
  }

  async #complete(
    { entry, result }: { entry: IndexEntry; result: IndexedPicture },
    { outcome, space }: Batch,
  ): Promise<void> {
    const { assets, logger, settlement } = this.#options;
    const settled = await settlement.complete(entry, result);
    if (settled === 'written') outcome.indexed += 1;
    if (settled !== 'lost') return;
    // The file was replaced or deleted meanwhile. A replaced one will be indexed again; the vector of a deleted one
    // must not stay behind.
    try {
      const asset = await assets.describe(entry.fileId);
      if (!asset) await space.collection.remove([entry.fileId]);
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.warn(
        `The vector of file ${String(entry.fileId)}, which was changed meanwhile, was not looked at: ${message}`,
      );
    }
  }
}

/**
 * A failure that all pictures share says nothing about one; unless that one fails alone while the provider is well
 * otherwise. Without this a picture that breaks a hosted model would be taken for an outage for ever.
 */
async function isPictureToBlame(
  error: ImageSearchError,
  { space, signal }: Batch,
): Promise<boolean> {
  const isPlainOutage = error.retryable && error.retryAfterMs === undefined;
  if (error.code !== 'provider-unavailable' || !isPlainOutage || signal.aborted) return false;
  const { ok } = await space.provider.checkHealth({ signal });
  return ok;
}

/**
 * A picture that cannot be embedded must not be found by what its file showed before.
 *
 * @returns the failure that counts: that of the store, when the vector could not be removed
 */
async function removeFormerVector(
  { entry, error }: FailedTry,
  space: OpenSpace,
): Promise<ImageSearchError> {
  if (entry.indexedAt === null || !isContentFailure(error)) return error;
  try {
    await space.collection.remove([entry.fileId]);
    return error;
  } catch (storeError) {
    return toImageSearchError(storeError);
  }
}

function toPoint({ asset, result }: ReadyPicture, vector: Float32Array | undefined): VectorPoint {
  if (!vector) throw new RangeError('The provider answered fewer vectors than pictures.');
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
