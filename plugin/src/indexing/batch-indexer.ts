import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import type { DuplicateWatch, PictureTraces } from '../duplicates/contract';
import { ImageSearchError, toImageSearchError, type ErrorCode } from '../errors';
import type { ProviderHealth } from '../embedding/contract';
import type { Logger } from '../logger';
import type { VectorPoint } from '../vectors/contract';
import type { CircuitBreaker } from './circuit-breaker';
import type { AssetSource, IndexEntries, IndexEntry } from './contract';
import type { EntryPreparation, Prepared, ReadPicture, ReadyPicture } from './entry-preparation';
import type { EntrySettlement, FailedTry } from './entry-settlement';
import { isContentFailure, isSharedFailure } from './retry-policy';

/** Failures that say that at least one picture of a call is to blame; or else that the provider does not work. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'provider-rejected-input',
  'provider-bad-answer',
]);
/** Pictures in a row that are refused for what they are; with the next one the provider is to blame. */
const MOST_REFUSALS_IN_A_ROW = 10;

export interface BatchIndexerOptions {
  entries: IndexEntries;
  preparation: EntryPreparation;
  settlement: EntrySettlement;
  assets: AssetSource;
  traces: Pick<PictureTraces, 'put'>;
  duplicates: DuplicateWatch;
  breaker: CircuitBreaker;
  /** Bounds how many calls of the provider are under way. */
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
  /** Asked once for all that the provider refuses of a batch. */
  health: ProviderHealth | null;
}

/**
 * Takes claimed entries through read → decode → embed → store and settles every one of them: completed, due again,
 * given up, or forgotten because its file is gone. Never throws for a fault of a file, the provider or the store; a
 * database that cannot be written leaves the entry to its lease, which runs out.
 */
export class BatchIndexer {
  readonly #options: BatchIndexerOptions;
  /** Files that were refused one by one with nothing embedded in between. */
  readonly #refusedInARow = new Set<number>();

  constructor(options: BatchIndexerOptions) {
    this.#options = options;
  }

  async index(
    entries: readonly IndexEntry[],
    space: OpenSpace,
    signal: AbortSignal,
  ): Promise<BatchOutcome> {
    const outcome: BatchOutcome = { indexed: 0, failed: 0, removed: 0 };
    const batch: Batch = { space, signal, outcome, isReported: false, health: null };
    const prepared = await Promise.all(
      entries.map((entry) => this.#options.preparation.prepare(entry, space, signal)),
    );
    await this.#keepTraces(prepared);
    const ready: ReadyPicture[] = [];
    for (const item of prepared) {
      if (item.kind === 'ready') ready.push(item.picture);
      else await this.#settle(item, batch);
    }
    if (ready.length > 0) await this.#embedAndStore(ready, batch);
    return outcome;
  }

  /** Before they are embedded: what the model cannot do today is not read again for that. */
  async #keepTraces(prepared: readonly Prepared[]): Promise<void> {
    const read = prepared.flatMap((item) => {
      const isNew = (item.kind === 'ready' || item.kind === 'unchanged') && item.picture.trace;
      return isNew ? [item.picture] : [];
    });
    if (read.length === 0) return;
    try {
      const held = await this.#idsStillHeld(read);
      const traces = read.flatMap(({ trace }) => (trace && held.has(trace.fileId) ? [trace] : []));
      await this.#options.traces.put(traces);
    } catch (error) {
      // Searches need no trace: the pictures are embedded all the same.
      const { message } = toImageSearchError(error);
      this.#options.logger.warn(`Pictures cannot be compared with others yet: ${message}`);
    }
  }

  async #settle(item: Exclude<Prepared, { kind: 'ready' }>, batch: Batch): Promise<void> {
    switch (item.kind) {
      case 'unchanged':
        return this.#completeAll([item.picture], batch);
      case 'gone':
        await this.#options.settlement.forget(item.entry);
        batch.outcome.removed += 1;
        return;
      case 'failed':
        if (isSharedFailure(item.failure.error)) this.#report(item.failure.error, batch);
        return this.#settleFailure(item.failure, batch);
    }
  }

  async #embedAndStore(ready: readonly ReadyPicture[], batch: Batch): Promise<void> {
    const { breaker, duplicates, embedQueue } = this.#options;
    const { space, signal } = batch;
    try {
      const images = ready.map((picture) => picture.image);
      const vectors = await embedQueue.add(() => space.provider.embedImages(images, { signal }), {
        signal,
      });
      const points = ready.map((picture, index) => toPoint(picture, vectors[index]));
      const held = await this.#idsStillHeld(ready);
      await duplicates.expect(idsOf(ready), space.provider.space.id);
      await space.collection.upsert(points.filter((point) => held.has(point.fileId)));
      this.#refusedInARow.clear();
      breaker.succeed();
    } catch (error) {
      await this.#settleBatchFailure(ready, toImageSearchError(error), batch);
      return;
    }
    await this.#completeAll(ready, batch);
  }

  /** A file that was replaced meanwhile may be indexed already: its new vector must not be overwritten. */
  async #idsStillHeld(pictures: readonly ReadPicture[]): Promise<Set<number>> {
    const leases = new Map(pictures.map(({ entry }) => [entry.fileId, entry.lease]));
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
    if (REFUSALS.has(error.code)) {
      await this.#settleRefusal(ready, error, batch);
      return;
    }
    const [picture] = ready;
    if (picture && ready.length === 1 && (await isPictureToBlame(error, batch))) {
      this.#options.breaker.succeed();
      await this.#countFailure({ ...picture, error }, batch);
      return;
    }
    if (isSharedFailure(error)) await this.#postponeAll(ready, error, batch);
    else for (const picture of ready) await this.#settleFailure({ ...picture, error }, batch);
  }

  /** A provider that answers nonsense, or refuses everything, must not fail the whole library picture by picture. */
  async #settleRefusal(
    ready: readonly ReadyPicture[],
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    const { provider } = batch.space;
    batch.health ??= await provider.checkHealth({ signal: batch.signal });
    if (!batch.health.ok) {
      await this.#postponeAll(ready, error, batch);
      return;
    }
    const [picture, ...others] = ready;
    if (!picture) return;
    if (others.length === 0) {
      await this.#settleSingleRefusal(picture, error, batch);
      return;
    }
    for (const [index, single] of ready.entries()) {
      await this.#embedAndStore([single], batch);
      const isProviderToBlame = this.#refusedInARow.size > MOST_REFUSALS_IN_A_ROW;
      if (!isProviderToBlame) continue;
      await this.#postponeAll(ready.slice(index + 1), everythingRefusedError(error), batch);
      return;
    }
  }

  async #settleSingleRefusal(
    picture: ReadyPicture,
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    this.#refusedInARow.add(picture.asset.fileId);
    if (this.#refusedInARow.size > MOST_REFUSALS_IN_A_ROW) {
      await this.#postponeAll([picture], everythingRefusedError(error), batch);
      return;
    }
    await this.#settleFailure({ ...picture, error }, batch);
  }

  /** For a failure that no picture is to blame for. */
  async #postponeAll(
    ready: readonly ReadyPicture[],
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    const { settlement } = this.#options;
    this.#report(error, batch);
    for (const { entry, asset } of ready) {
      if (batch.signal.aborted) await settlement.release(entry);
      else await settlement.postpone({ entry, asset, error });
    }
  }

  #report(error: ImageSearchError, batch: Batch): void {
    if (batch.isReported || batch.signal.aborted) return;
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
    const error = await this.#forgetFormerContent(failure, space);
    await this.#options.settlement.fail({ ...failure, error });
  }

  /**
   * A picture that cannot be embedded must not be found by what its file showed before; and one that cannot even be
   * read is no duplicate of anything.
   *
   * @returns the failure that counts: that of the store, when the vector could not be removed
   */
  async #forgetFormerContent(
    { entry, error }: FailedTry,
    space: OpenSpace,
  ): Promise<ImageSearchError> {
    if (entry.indexedAt === null || !isContentFailure(error)) return error;
    try {
      await space.collection.remove([entry.fileId]);
      if (!REFUSALS.has(error.code)) await this.#options.duplicates.forget([entry.fileId]);
      return error;
    } catch (otherError) {
      return toImageSearchError(otherError);
    }
  }

  async #completeAll(pictures: readonly ReadPicture[], batch: Batch): Promise<void> {
    for (const picture of pictures) await this.#complete(picture, batch);
    const changed = pictures.filter((picture) => 'image' in picture || picture.trace !== null);
    if (changed.length === 0) return;
    this.#options.duplicates.indexed(idsOf(changed), batch.space.provider.space.id);
  }

  async #complete({ entry, result }: ReadPicture, { outcome, space }: Batch): Promise<void> {
    const { assets, duplicates, logger, settlement } = this.#options;
    const settled = await settlement.complete(entry, result);
    if (settled === 'written') outcome.indexed += 1;
    if (settled !== 'lost') return;
    // The file was replaced or deleted meanwhile. A replaced one will be indexed again; the vector of a deleted one
    // must not stay behind.
    try {
      const asset = await assets.describe(entry.fileId);
      if (asset) return;
      await space.collection.remove([entry.fileId]);
      await duplicates.forget([entry.fileId]);
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

function everythingRefusedError({ code, message }: ImageSearchError): ImageSearchError {
  return new ImageSearchError({
    code,
    message: `The provider refuses every picture, more than ${String(MOST_REFUSALS_IN_A_ROW)} in a row, though it embeds texts. ${message} See that embedding.model embeds pictures, too, and that the other settings of embedding (imageFormat, dimensions, dtype) fit it.`,
    retryable: false,
  });
}

function idsOf(pictures: readonly ReadPicture[]): number[] {
  return pictures.map(({ entry }) => entry.fileId);
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
