import type PQueue from 'p-queue';
import type { OpenSpace } from '../active-space';
import type { DuplicateWatch, FileTrace, ImageTraces } from '../duplicates/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import type {
  FileContent,
  FurtherView,
  ImageReader,
  ImageReading,
  PreparedImage,
  PreviewStore,
  VideoReader,
  ViewLimits,
} from '../images/contract';
import { isCurrentThumbnail } from '../images/trace';
import { countFurtherViews } from '../images/views';
import type { FileVectors, ViewVector } from '../vectors/contract';
import type { AssetDescription, AssetSource, IndexedImage, IndexEntry } from './contract';
import { hashOf, readContent, withContent } from './file-content';

/** A failed attempt. */
export interface FailedTry {
  entry: IndexEntry;
  /** Null when the file could not be looked up. */
  asset: AssetDescription | null;
  error: ImageSearchError;
}

/** A claimed entry whose image was read. */
export interface ReadImage {
  entry: IndexEntry;
  result: IndexedImage;
  /** To be stored; null when it is stored already. */
  trace: FileTrace | null;
}

/** A claimed entry whose vector is to be stored. */
export interface ImageToStore extends ReadImage {
  asset: AssetDescription;
}

/** A claimed entry of which views are ready to be embedded. */
export interface ReadyImage extends ImageToStore {
  /** What is stored or known of it; null when the whole image must be embedded, too. */
  known: FileVectors | null;
  whole: PreparedImage;
  /** Those that aren't known. */
  views: readonly FurtherView[];
}

/** What is to be embedded: the whole image first, if it isn't known. */
export function inputsOf({ known, whole, views }: ReadyImage): PreparedImage[] {
  const further = views.map(({ prepared }) => prepared);
  return known ? further : [whole, ...further];
}

/** All vectors of an image: those that were known, and those of the inputs that were embedded. */
export function toVectors(
  { known, whole, views }: ReadyImage,
  inputs: readonly PreparedImage[],
  embedded: ReadonlyMap<PreparedImage, Float32Array>,
): FileVectors {
  const vector = known?.vector ?? embedded.get(whole);
  if (!vector) throw new RangeError('An image was embedded without a vector.');
  const added = views.flatMap(({ kind, number, prepared }): ViewVector[] => {
    const found = inputs.includes(prepared) ? embedded.get(prepared) : undefined;
    return found ? [{ kind, number, vector: found }] : [];
  });
  return { vector, views: [...(known?.views ?? []), ...added] };
}

/** Whether an image is stored as it is but for some views, which duplicates don't go by. */
export function hasOnlyMoreViews(image: ReadImage): boolean {
  const { entry, result, trace } = image;
  const isStored = 'known' in image && image.known !== null;
  return isStored && trace === null && entry.contentHash === result.contentHash;
}

/** A claimed entry whose bytes were embedded before, for another file or another database. */
export interface ReusedImage extends ImageToStore {
  vectors: FileVectors;
}

export type Prepared =
  | { kind: 'ready'; image: ReadyImage }
  | { kind: 'reused'; image: ReusedImage }
  /** The bytes are those of its vector, which stays. */
  | { kind: 'unchanged'; image: ReadImage }
  /** Its file is gone; its vector and trace were removed. */
  | { kind: 'gone'; entry: IndexEntry }
  | { kind: 'failed'; failure: FailedTry };

export interface EntryPreparationOptions {
  assets: AssetSource;
  images: ImageReader;
  /** @default no videos */
  videos?: VideoReader | undefined;
  /** The error of files of this MIME type that this process can't read. @default all can be read */
  missingReaderFor?: ((mimeType: string) => ImageSearchError | null) | undefined;
  traces: Pick<ImageTraces, 'get' | 'textsOf' | 'withContentHash'>;
  /** Keeps previews of files that browsers don't show as images. @default none */
  previews?: Pick<PreviewStore, 'put' | 'remove'> | undefined;
  duplicates: Pick<DuplicateWatch, 'forget'>;
  /** Limits how many images are read and decoded at once, across all batches. */
  readQueue: PQueue;
  maxBytes: number;
  /** Of a video in the uploads folder. */
  maxVideoBytes: number;
  views: ViewLimits;
  /** After this many claims, an entry has probably crashed the process each time. */
  maxAttempts: number;
}

/** The first half of indexing: looks up the file of a claimed entry, reads it, and decodes it if necessary. */
export class EntryPreparation {
  readonly #options: EntryPreparationOptions;

  constructor(options: EntryPreparationOptions) {
    this.#options = options;
  }

  /** The outcome of each entry, in order. Never rejects. */
  async prepare(
    entries: readonly IndexEntry[],
    space: OpenSpace,
    signal: AbortSignal,
  ): Promise<Prepared[]> {
    const { assets, readQueue, traces } = this.#options;
    const fail = (entry: IndexEntry, asset: AssetDescription | null, error: unknown): Prepared => ({
      kind: 'failed',
      failure: { entry, asset, error: toImageSearchError(error) },
    });
    const fileIds = entries.map(({ fileId }) => fileId);
    try {
      // For all at once: each query takes time on the thread that answers requests.
      const [described, traced] = [await assets.describeMany(fileIds), await traces.get(fileIds)];
      const assetOf = new Map(described.map((asset) => [asset.fileId, asset]));
      const traceOf = new Map(traced.map((trace) => [trace.fileId, trace]));
      return await Promise.all(
        entries.map(async (entry) => {
          const asset = assetOf.get(entry.fileId) ?? null;
          const stored = traceOf.get(entry.fileId) ?? null;
          const read = () => this.#read({ entry, asset, stored, space, signal });
          // With the signal, the queue abandons what can't be interrupted, such as a long decode.
          return readQueue
            .add(read, { signal })
            .catch((error: unknown) => fail(entry, asset, error));
        }),
      );
    } catch (error) {
      return entries.map((entry) => fail(entry, null, error));
    }
  }

  async #read(job: {
    entry: IndexEntry;
    asset: AssetDescription | null;
    stored: FileTrace | null;
    space: OpenSpace;
    signal: AbortSignal;
  }): Promise<Prepared> {
    const { asset, entry, space, signal, stored } = job;
    const { assets, duplicates, maxBytes, maxVideoBytes } = this.#options;
    const { fileId } = entry;
    if (!asset) {
      await space.collection.remove([fileId]);
      await duplicates.forget([fileId]);
      await this.#removePreviews(entry, null);
      return { kind: 'gone', entry };
    }
    await this.#removePreviews(entry, asset);
    this.#rejectIfExhausted(entry, asset);
    // Before large files are read for nothing.
    const missing = this.#options.missingReaderFor?.(asset.mimeType);
    if (missing) throw missing;
    const limits = { maxBytes, maxVideoBytes, signal };
    return withContent(assets, asset, limits, (content) =>
      this.#readContent(content, { entry, space, signal, asset, stored }),
    );
  }

  async #readContent(
    content: FileContent,
    job: {
      entry: IndexEntry;
      space: OpenSpace;
      signal: AbortSignal;
      asset: AssetDescription;
      stored: FileTrace | null;
    },
  ): Promise<Prepared> {
    const { asset, entry, signal, space } = job;
    const { images, previews, videos } = this.#options;
    const { fileId } = entry;
    const contentHash = await hashOf(content, signal);
    const result = { contentHash, sourceSignature: asset.signature };
    const stored = await storedVectorsOf({ entry, contentHash, space });
    const isTraced = job.stored !== null && isTraceOf(contentHash, [job.stored]);
    let trace = isTraced ? null : await this.#copyTrace(fileId, contentHash);
    const known = stored ?? (await findVectors({ entry, contentHash, space }));
    const settle = (vectors: FileVectors): Prepared =>
      stored
        ? { kind: 'unchanged', image: { entry, result, trace } }
        : { kind: 'reused', image: { entry, asset, result, trace, vectors } };
    const isRead = isTraced || trace !== null;
    const { views: limits } = this.#options;
    const isComplete =
      known !== null && known.views.length >= (await countFurtherViews(content, limits));
    if (known && isRead && isComplete) return settle(known);
    const reading = await readContent({ images, videos }, content, {
      preparation: space.provider.imagePreparation,
      fingerprint: !isRead,
      text: !isRead,
      previews: previews !== undefined,
      signal,
      ...(!isComplete && { views: limits }),
    });
    if (reading.previews) await previews?.put(asset.signature, reading.previews);
    trace ??= isTraced ? null : toTrace(fileId, contentHash, reading);
    const views = (reading.views ?? []).filter(
      ({ kind, number }) =>
        !known?.views.some((view) => view.kind === kind && view.number === number),
    );
    if (known && views.length === 0) return settle(known);
    const image = { entry, asset, result, trace, known, whole: reading.prepared, views };
    return { kind: 'ready', image };
  }

  /** Of what the file was when it was indexed. Rows that share a file make them again. */
  async #removePreviews(entry: IndexEntry, asset: AssetDescription | null): Promise<void> {
    const { sourceSignature } = entry;
    if (sourceSignature === null || sourceSignature === asset?.signature) return;
    await this.#options.previews?.remove(sourceSignature);
  }

  /** The trace of another file with the same bytes, for this one; null when there is none. */
  async #copyTrace(fileId: number, contentHash: string): Promise<FileTrace | null> {
    const { traces } = this.#options;
    const found = await traces.get(await traces.withContentHash(contentHash, 1));
    const [trace] = found;
    if (!trace || !isTraceOf(contentHash, found)) return null;
    const text = (await traces.textsOf([trace.fileId])).get(trace.fileId);
    return { ...trace, fileId, ...(text !== undefined && { text }) };
  }

  /** An entry that was claimed too often without an outcome has probably crashed the process each time. */
  #rejectIfExhausted(entry: IndexEntry, asset: AssetDescription): void {
    if (entry.attempts <= this.#options.maxAttempts) return;
    throw new ImageSearchError({
      code: 'unexpected',
      message: `Indexing "${asset.name}" didn't finish in ${String(entry.attempts - 1)} attempts.`,
      retryable: false,
    });
  }
}

/** The stored vectors, if they are those of these bytes; else null. */
async function storedVectorsOf(job: {
  entry: IndexEntry;
  contentHash: string;
  space: OpenSpace;
}): Promise<FileVectors | null> {
  const { entry, contentHash, space } = job;
  if (entry.contentHash !== contentHash) return null;
  const [point] = await space.collection.getMany([entry.fileId]);
  if (point?.payload.contentHash !== contentHash) return null;
  const views = await space.collection.viewsOf([entry.fileId]);
  return { vector: point.vector, views: views.get(entry.fileId) ?? [] };
}

/** The vectors that these bytes have elsewhere; null when there are none, or when an operator wants new ones. */
async function findVectors(job: {
  entry: IndexEntry;
  contentHash: string;
  space: OpenSpace;
}): Promise<FileVectors | null> {
  const { entry, contentHash, space } = job;
  const isToBeEmbedded = entry.indexedAt !== null && entry.contentHash === null;
  return isToBeEmbedded ? null : space.collection.findByContentHash(contentHash);
}

/** Whether the trace belongs to these bytes and has the current format. */
export function isTraceOf(contentHash: string, [trace]: readonly FileTrace[]): boolean {
  return trace?.contentHash === contentHash && isCurrentThumbnail(trace.thumbnail);
}

export function toTrace(
  fileId: number,
  contentHash: string,
  { derived, fingerprint, isPartial, onBlack, text, thumbnail, size }: ImageReading,
): FileTrace {
  return {
    fileId,
    contentHash,
    fingerprint: fingerprint ?? null,
    thumbnail: thumbnail ?? null,
    ...(onBlack && { onBlack }),
    ...(derived && { derived }),
    ...(text !== undefined && { text }),
    ...(isPartial && { isPartial }),
    ...size,
  };
}
