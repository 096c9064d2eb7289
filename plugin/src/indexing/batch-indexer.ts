import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import { backoffMs, type CircuitBreaker } from '../circuit-breaker';
import type { BudgetShare, IndexingBudget } from '../billing/contract';
import { chunksOf } from '../chunks';
import type { Clock } from '../clock';
import type { DuplicateWatch, ImageTraces } from '../duplicates/contract';
import type { ProviderHealth } from '../embedding/contract';
import {
  ImageSearchError,
  isBlameless,
  isContentFailure,
  isRejection,
  isSharedFailure,
  toImageSearchError,
} from '../errors';
import type { PreparedImage } from '../images/contract';
import type { Logger } from '../logger';
import type { FileVectors, VectorPoint } from '../vectors/contract';
import {
  indexPriorities,
  type AssetSource,
  type EntryFailure,
  type IndexedEntry,
  type IndexEntries,
  type IndexEntry,
} from './contract';
import {
  hasOnlyMoreViews,
  inputsOf,
  toVectors,
  type EntryPreparation,
  type FailedTry,
  type ImageToStore,
  type Prepared,
  type ReadImage,
  type ReadyImage,
  type ReusedImage,
} from './entry-preparation';

/** Images in a row that a provider may reject; beyond that, the provider is to blame. */
const MAX_REJECTIONS_IN_A_ROW = 10;

export interface RetryPolicy {
  /** Attempts before an image fails. */
  maxAttempts: number;
  firstRetryMs: number;
  longestRetryMs: number;
}

export interface BatchIndexerOptions {
  entries: IndexEntries;
  preparation: EntryPreparation;
  assets: AssetSource;
  traces: Pick<ImageTraces, 'put'>;
  duplicates: DuplicateWatch;
  /** Only asked here; the worker records. */
  breaker: CircuitBreaker;
  onSuccess: () => void;
  /** Called once for a batch, when a part that all images share has failed. */
  onFailure: (error: ImageSearchError) => void;
  /** Limits further views; the caller limits how many images a batch has. */
  budget?: IndexingBudget | undefined;
  /** Limits how many provider calls run at once. */
  embedQueue: PQueue;
  policy: RetryPolicy;
  logger: Logger;
  clock: Clock;
  /** 0 ≤ value < 1, for jitter. */
  random: () => number;
}

/** The result of a batch, in files. */
export interface BatchOutcome {
  /** Stored. */
  indexed: number;
  /** Those of the indexed ones whose vectors were known. */
  reused: number;
  /** Not embedded again: their vectors are stored already. */
  unchanged: number;
  failed: number;
  removed: number;
}

interface Batch {
  space: OpenSpace;
  signal: AbortSignal;
  outcome: BatchOutcome;
  /** Whether the breaker knows of its failure: one batch counts as one. */
  isReported: boolean;
  /** Checked once, however many images of the batch the provider rejects. */
  health: ProviderHealth | null;
}

/**
 * Takes claimed entries through read → decode → embed → store and settles each of them: completed, due again, failed,
 * or removed because its file is gone. Never rejects because of a file, the provider or the store; if the database
 * can't be written, the entry's lease expires.
 */
export class BatchIndexer {
  readonly #options: BatchIndexerOptions;
  readonly #settlement: EntrySettlement;
  /** Files rejected one by one with nothing embedded in between. */
  readonly #rejectedInARow = new Set<number>();

  constructor(options: BatchIndexerOptions) {
    this.#options = options;
    this.#settlement = new EntrySettlement(options);
  }

  async index(
    entries: readonly IndexEntry[],
    space: OpenSpace,
    signal: AbortSignal,
  ): Promise<BatchOutcome> {
    const outcome: BatchOutcome = { indexed: 0, reused: 0, unchanged: 0, failed: 0, removed: 0 };
    const batch: Batch = { space, signal, outcome, isReported: false, health: null };
    const prepared = await this.#options.preparation.prepare(entries, space, signal);
    await this.#keepTraces(prepared);
    const ready: ReadyImage[] = [];
    const reused: ReusedImage[] = [];
    const unchanged: ReadImage[] = [];
    for (const item of prepared) {
      if (item.kind === 'ready') ready.push(item.image);
      else if (item.kind === 'reused') reused.push(item.image);
      else if (item.kind === 'unchanged') unchanged.push(item.image);
      else await this.#settle(item, batch);
    }
    if (unchanged.length > 0) await this.#completeAll(unchanged, batch);
    if (reused.length > 0) await this.#storeReused(reused, batch);
    if (ready.length > 0) await this.#embedAndStore(ready, batch);
    return outcome;
  }

  /** Before embedding, so that an image is not read again for its trace while the model is down. */
  async #keepTraces(prepared: readonly Prepared[]): Promise<void> {
    const read = prepared.flatMap((item) => {
      return 'image' in item && item.image.trace ? [item.image] : [];
    });
    if (read.length === 0) return;
    try {
      const held = await this.#idsStillHeld(read);
      const traces = read.flatMap(({ trace }) => (trace && held.has(trace.fileId) ? [trace] : []));
      await this.#options.traces.put(traces);
    } catch (error) {
      // Searches need no traces, so the images are embedded anyway.
      const { message } = toImageSearchError(error);
      this.#options.logger.warn(`New images are not checked for duplicates yet: ${message}`);
    }
  }

  async #settle(item: Extract<Prepared, { kind: 'gone' | 'failed' }>, batch: Batch): Promise<void> {
    if (item.kind === 'gone') {
      await this.#settlement.forget(item.entry);
      batch.outcome.removed += 1;
      return;
    }
    if (isSharedFailure(item.failure.error)) this.#report(item.failure.error, batch);
    await this.#settleFailure(item.failure, batch);
  }

  async #storeReused(reused: readonly ReusedImage[], batch: Batch): Promise<void> {
    try {
      await this.#store(
        reused.map((image) => toPoint(image, image.vectors)),
        reused,
        batch,
      );
    } catch (thrown) {
      const error = toImageSearchError(thrown);
      if (isSharedFailure(error)) await this.#postponeAll(reused, error, batch);
      else for (const image of reused) await this.#settleFailure({ ...image, error }, batch);
      return;
    }
    batch.outcome.reused += reused.length;
    await this.#completeAll(reused, batch);
  }

  async #embedAndStore(ready: readonly ReadyImage[], batch: Batch): Promise<void> {
    const { onSuccess } = this.#options;
    // Equal bytes are embedded once.
    const distinct = new Map(ready.map((image) => [image.result.contentHash, image]));
    const { share, affordable, isCut } = await this.#limitViews([...distinct.values()]);
    try {
      const embedded = await this.#embed([...affordable.values()].flat(), batch);
      const points = ready.map((image) => {
        const { contentHash } = image.result;
        const inputs = affordable.get(contentHash) ?? [];
        return toPoint(image, toVectors(distinct.get(contentHash) ?? image, inputs, embedded));
      });
      await this.#store(points, ready, batch);
      this.#rejectedInARow.clear();
      onSuccess();
    } catch (error) {
      await this.#settleBatchFailure(ready, toImageSearchError(error), batch);
      return;
    } finally {
      await share.release();
    }
    await this.#completeAll(ready, batch);
    await this.#queueRest(ready.filter(({ result }) => isCut.has(result.contentHash)));
  }

  /** Images whose further views the budget doesn't cover are found by the others, and wait for these. */
  async #queueRest(images: readonly ReadyImage[]): Promise<void> {
    const { entries, logger } = this.#options;
    if (images.length === 0) return;
    try {
      await entries.markPending(idsOf(images));
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.warn(`Further views of ${String(images.length)} images aren't embedded: ${message}`);
    }
  }

  /**
   * What to embed of each image, by content hash: its share of the budget covers the first input, and further views
   * take a share of their own.
   */
  async #limitViews(images: readonly ReadyImage[]): Promise<{
    share: BudgetShare;
    affordable: Map<string, PreparedImage[]>;
    isCut: Set<string>;
  }> {
    const wanted = images.map(inputsOf);
    const extra = wanted.flat().length - images.length;
    const { budget } = this.#options;
    const share = (extra > 0 && (await budget?.share(extra))) || unlimitedShare(extra);
    let left = share.images;
    const affordable = new Map<string, PreparedImage[]>();
    const isCut = new Set<string>();
    for (const [index, { result }] of images.entries()) {
      const inputs = wanted[index] ?? [];
      const covered = inputs.slice(0, 1 + left);
      left -= Math.max(0, covered.length - 1);
      affordable.set(result.contentHash, covered);
      if (covered.length < inputs.length) isCut.add(result.contentHash);
    }
    return { share, affordable, isCut };
  }

  async #embed(
    inputs: readonly PreparedImage[],
    { space, signal }: Batch,
  ): Promise<Map<PreparedImage, Float32Array>> {
    const { provider } = space;
    const calls = chunksOf(inputs, provider.limits.imagesPerCall).map(async (images) => {
      const call = () => provider.embedImages(images, { signal });
      const vectors = await this.#options.embedQueue.add(call, { signal });
      return images.map((image, index): [PreparedImage, Float32Array] => {
        const vector = vectors[index];
        if (!vector) throw new RangeError('The provider returned fewer vectors than images.');
        return [image, vector];
      });
    });
    // All of them end before the batch is settled.
    const results = await Promise.allSettled(calls);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return new Map((await Promise.all(calls)).flat());
  }

  async #store(
    points: readonly VectorPoint[],
    images: readonly ImageToStore[],
    { space }: Batch,
  ): Promise<void> {
    const held = await this.#idsStillHeld(images);
    const changed = images.filter((image) => !hasOnlyMoreViews(image));
    if (changed.length > 0) {
      await this.#options.duplicates.beforeIndexing(idsOf(changed), space.provider.space.id);
    }
    await space.collection.upsert(points.filter((point) => held.has(point.fileId)));
  }

  /** A file that was replaced meanwhile may be indexed already; its new vector must not be overwritten. */
  async #idsStillHeld(images: readonly ReadImage[]): Promise<Set<number>> {
    const leases = new Map(images.map(({ entry }) => [entry.fileId, entry.lease]));
    const entries = await this.#options.entries.get([...leases.keys()]);
    const held = entries.filter((entry) => entry.lease === leases.get(entry.fileId));
    return new Set(held.map((entry) => entry.fileId));
  }

  /** If one image fails a call, each is retried alone, so that only that one fails. */
  async #settleBatchFailure(
    ready: readonly ReadyImage[],
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    const [image] = ready;
    const isSingle = ready.length === 1;
    if (image && isSingle && image.views.length > 0 && isRejection(error)) {
      // One part may be what is rejected: without them, the image is found as before.
      await this.#embedAndStore([{ ...image, views: [] }], batch);
      return;
    }
    if (isRejection(error)) {
      await this.#settleRejection(ready, error, batch);
      return;
    }
    if (image && isSingle && (await isImageToBlame(error, batch))) {
      this.#options.onSuccess();
      await this.#countFailure({ ...image, error }, batch);
      return;
    }
    if (isSharedFailure(error)) await this.#postponeAll(ready, error, batch);
    else for (const image of ready) await this.#settleFailure({ ...image, error }, batch);
  }

  /** A provider that returns nonsense or rejects everything must not fail the whole library image by image. */
  async #settleRejection(
    ready: readonly ReadyImage[],
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    const { provider } = batch.space;
    batch.health ??= await provider.checkHealth({ signal: batch.signal });
    if (!batch.health.ok) {
      await this.#postponeAll(ready, error, batch);
      return;
    }
    const [image, ...others] = ready;
    if (!image) return;
    if (others.length === 0) {
      await this.#settleSingleRejection(image, error, batch);
      return;
    }
    for (const [index, single] of ready.entries()) {
      await this.#embedAndStore([single], batch);
      const isProviderToBlame = this.#rejectedInARow.size > MAX_REJECTIONS_IN_A_ROW;
      if (!isProviderToBlame) continue;
      await this.#postponeAll(ready.slice(index + 1), allRejectedError(error), batch);
      return;
    }
  }

  async #settleSingleRejection(
    image: ReadyImage,
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    this.#rejectedInARow.add(image.asset.fileId);
    if (this.#rejectedInARow.size > MAX_REJECTIONS_IN_A_ROW) {
      await this.#postponeAll([image], allRejectedError(error), batch);
      return;
    }
    await this.#settleFailure({ ...image, error }, batch);
  }

  /** After a failure that no image is to blame for. */
  async #postponeAll(
    images: readonly ImageToStore[],
    error: ImageSearchError,
    batch: Batch,
  ): Promise<void> {
    this.#report(error, batch);
    for (const { entry, asset } of images) {
      if (batch.signal.aborted) await this.#settlement.release(entry);
      else await this.#settlement.postpone({ entry, asset, error });
    }
  }

  #report(error: ImageSearchError, batch: Batch): void {
    if (batch.isReported || batch.signal.aborted) return;
    batch.isReported = true;
    this.#options.onFailure(error);
  }

  async #settleFailure(failure: FailedTry, batch: Batch): Promise<void> {
    if (batch.signal.aborted) await this.#settlement.release(failure.entry);
    else if (isBlameless(failure.error)) await this.#settlement.postpone(failure);
    else await this.#countFailure(failure, batch);
  }

  async #countFailure(failure: FailedTry, { outcome, space }: Batch): Promise<void> {
    outcome.failed += 1;
    const error = await this.#removeFormerContent(failure, space);
    await this.#settlement.fail({ ...failure, error });
  }

  /**
   * An image that can't be embedded must not be found by what its file showed before, and one that can't even be read
   * is not a duplicate of anything.
   *
   * @returns the error to record: the store's, if the vector could not be removed
   */
  async #removeFormerContent(
    { asset, entry, error }: FailedTry,
    space: OpenSpace,
  ): Promise<ImageSearchError> {
    if (entry.indexedAt === null || !isContentFailure(error)) return error;
    // Another process has read the same file, and this one can't.
    const isUnchanged = asset !== null && asset.signature === entry.sourceSignature;
    if (isUnchanged && error.code === 'image-decoder-missing') return error;
    try {
      await space.collection.remove([entry.fileId]);
      if (!isRejection(error)) await this.#options.duplicates.forget([entry.fileId]);
      return error;
    } catch (otherError) {
      return toImageSearchError(otherError);
    }
  }

  async #completeAll(images: readonly ReadImage[], batch: Batch): Promise<void> {
    const written = await this.#settlement.complete(images);
    for (const image of images) {
      if (written?.has(image.entry.fileId)) {
        batch.outcome['asset' in image ? 'indexed' : 'unchanged'] += 1;
      } else if (written) await this.#removeDeleted(image, batch);
    }
    const changed = images.filter(
      (image) => ('asset' in image || image.trace !== null) && !hasOnlyMoreViews(image),
    );
    if (changed.length === 0) return;
    for (const priority of indexPriorities) {
      const fileIds = idsOf(changed.filter(({ entry }) => entry.priority === priority));
      if (fileIds.length === 0) continue;
      this.#options.duplicates.indexed(fileIds, batch.space.provider.space.id, priority);
    }
  }

  /** Of a file that was replaced or deleted meanwhile: a replaced one will be indexed again; a deleted one's vector must go. */
  async #removeDeleted({ entry }: ReadImage, { space }: Batch): Promise<void> {
    const { assets, duplicates, logger } = this.#options;
    try {
      const asset = await assets.describe(entry.fileId);
      if (asset) return;
      await space.collection.remove([entry.fileId]);
      await duplicates.forget([entry.fileId]);
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.warn(
        `The vector of file ${String(entry.fileId)}, which was changed or deleted while it was indexed, couldn't be checked: ${message}`,
      );
    }
  }
}

/**
 * An outage says nothing about an image, unless that image fails alone while the provider is healthy. Without this
 * check, an image that crashes a hosted model would count as an outage forever.
 */
async function isImageToBlame(error: ImageSearchError, { space, signal }: Batch): Promise<boolean> {
  const isPlainOutage = error.retryable && error.retryAfterMs === undefined;
  if (error.code !== 'provider-unavailable' || !isPlainOutage || signal.aborted) return false;
  const { ok } = await space.provider.checkHealth({ signal });
  return ok;
}

function allRejectedError({ code, message }: ImageSearchError): ImageSearchError {
  return new ImageSearchError({
    code,
    message: `The provider embeds texts but rejected more than ${String(MAX_REJECTIONS_IN_A_ROW)} images in a row. ${message} Check that embedding.model embeds images and that imageFormat, dimensions and dtype match it.`,
    retryable: false,
  });
}

function idsOf(images: readonly ReadImage[]): number[] {
  return images.map(({ entry }) => entry.fileId);
}

function unlimitedShare(images: number): BudgetShare {
  return { images, release: () => Promise.resolve() };
}

function toPoint({ asset, result }: ImageToStore, vectors: FileVectors): VectorPoint {
  return {
    fileId: asset.fileId,
    ...vectors,
    payload: {
      mimeType: asset.mimeType,
      extension: asset.extension,
      createdAt: asset.createdAt,
      contentHash: result.contentHash,
    },
  };
}

type EntrySettlementOptions = Pick<
  BatchIndexerOptions,
  'entries' | 'breaker' | 'policy' | 'logger' | 'clock' | 'random'
>;

/** Writes the outcome of a claimed entry to the queue. Never rejects because of the database. */
class EntrySettlement {
  readonly #options: EntrySettlementOptions;

  constructor(options: EntrySettlementOptions) {
    this.#options = options;
  }

  /** The ids of those whose lease was still held; null if the database failed, so that the leases will expire. */
  async complete(images: readonly ReadImage[]): Promise<Set<number> | null> {
    const indexed = images.map(({ entry, result }): IndexedEntry => ({
      fileId: entry.fileId,
      lease: leaseOf(entry),
      ...result,
    }));
    return this.#write(
      images.map(({ entry }) => entry),
      async () => new Set(await this.#options.entries.complete(indexed)),
    );
  }

  async forget(entry: IndexEntry): Promise<void> {
    await this.#write([entry], () => this.#options.entries.forget(entry.fileId, leaseOf(entry)));
  }

  /** Returns a canceled claim: due at once, and the attempt doesn't count. */
  async release(entry: IndexEntry): Promise<void> {
    await this.#releaseAfter(entry, 0);
  }

  /** Returns a claim that failed through no fault of its file: due later, and the attempt doesn't count. */
  async postpone({ entry, error }: FailedTry): Promise<void> {
    const { breaker, policy, random } = this.#options;
    const wait =
      breaker.state() === 'closed'
        ? backoffMs(policy, 1, random(), error.retryAfterMs)
        : // Behind the others, so that the next trial uses a different image.
          breaker.pauseMs() + 1_000;
    await this.#releaseAfter(entry, wait);
  }

  /** Counts the attempt: the file is due again, or it has failed. */
  async fail({ entry, asset, error }: FailedTry): Promise<void> {
    const { clock, entries, logger, policy, random } = this.#options;
    const next = nextStateAfter({
      error,
      attempts: entry.attempts,
      policy,
      now: clock.now(),
      random: random(),
    });
    const image = `Image "${asset?.name ?? 'unknown'}" (${String(entry.fileId)})`;
    if (next.state === 'pending') logger.debug(`${image} will be retried: ${error.message}`);
    // A library may have thousands; the Index page and `doctor` say it once.
    else if (error.code === 'image-decoder-missing')
      logger.debug(`${image} was skipped: ${error.message}`);
    else
      logger.warn(
        `${image} ${next.state === 'failed' ? 'failed' : 'was skipped'}: ${error.message}`,
      );
    await this.#write([entry], () =>
      entries.fail(entry.fileId, leaseOf(entry), {
        code: error.code,
        message: error.message,
        next,
        sourceSignature: asset?.signature ?? null,
      }),
    );
  }

  async #releaseAfter(entry: IndexEntry, milliseconds: number): Promise<void> {
    const { clock, entries } = this.#options;
    const dueAt = new Date(clock.now() + milliseconds);
    await this.#write([entry], () => entries.release(entry.fileId, leaseOf(entry), dueAt));
  }

  async #write<Result>(
    entries: readonly IndexEntry[],
    write: () => Promise<Result>,
  ): Promise<Result | null> {
    try {
      return await write();
    } catch (error) {
      const { message } = toImageSearchError(error);
      const files = entries.map(({ fileId }) => String(fileId)).join(', ');
      const what = entries.length === 1 ? `entry of file ${files}` : `entries of files ${files}`;
      this.#options.logger.error(`The index ${what} couldn't be written: ${message}`);
      return null;
    }
  }
}

function leaseOf({ fileId, lease }: IndexEntry): string {
  if (lease !== null) return lease;
  throw new TypeError(`Entry ${String(fileId)} must be claimed first.`);
}

/** The next state of an entry after a failed attempt that counts. */
export function nextStateAfter(options: {
  error: ImageSearchError;
  attempts: number;
  policy: RetryPolicy;
  now: number;
  random: number;
}): EntryFailure['next'] {
  const { error, attempts, policy, now, random } = options;
  if (error.traits.isSkipped) return { state: 'skipped' };
  if (!error.retryable || attempts >= policy.maxAttempts) return { state: 'failed' };
  const wait = backoffMs(policy, attempts, random, error.retryAfterMs);
  return { state: 'pending', dueAt: new Date(now + wait) };
}
