import type PQueue from 'p-queue';
import type { DuplicateWatch, FileTrace, ImageTraces } from '../duplicates/contract';
import { toImageSearchError } from '../errors';
import type { ImagePreparation, ImageReader, VideoReader } from '../images/contract';
import type { Logger } from '../logger';
import {
  indexPriorities,
  type AssetDescription,
  type AssetSource,
  type IndexEntries,
  type IndexEntry,
  type IndexPriority,
} from './contract';
import { isTraceOf, toTrace } from './entry-preparation';
import { hashOf, readContent, withContent } from './file-content';

/** Queue entries looked at per pass. */
const PAGE_SIZE = 50;
/** Files read per pass. The next pass follows soon. */
const MAX_READ = 20;

/** The smallest image that a trace can be made from. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

export interface UntracedImagesOptions {
  entries: Pick<IndexEntries, 'list'>;
  assets: AssetSource;
  images: ImageReader;
  /** @default no videos */
  videos?: VideoReader | undefined;
  traces: Pick<ImageTraces, 'get' | 'put'>;
  duplicates: Pick<DuplicateWatch, 'forget' | 'traced'>;
  readQueue: PQueue;
  maxBytes: number;
  maxVideoBytes: number;
  logger: Logger;
}

/**
 * Reads images that wait for a model which is down, so that identical files are found anyway. Entries stay as they
 * are: none is claimed, and no attempt counts. Each file is read once, even if that fails, uploads first.
 */
export class UntracedImages {
  readonly #options: UntracedImagesOptions;
  /** Signatures of the files seen in this outage; null for a file that was gone. */
  readonly #seen = new Map<number, string | null>();
  /** Where the walk over the entries of each priority continues; null: at the start. */
  readonly #cursors = new Map<IndexPriority, number | null>();

  constructor(options: UntracedImagesOptions) {
    this.#options = options;
  }

  /** The model is back, so the worker reads the images again. */
  reset(): void {
    this.#seen.clear();
    this.#cursors.clear();
  }

  /** Reads some of the waiting images and returns how many. Never rejects. */
  async readSome(signal: AbortSignal): Promise<number> {
    const { logger } = this.#options;
    try {
      for (const priority of indexPriorities) {
        const read = await this.#readNext(priority, signal);
        if (read > 0) return read;
      }
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.debug(`Couldn't read images that wait for the model: ${message}`);
    }
    return 0;
  }

  async #readNext(priority: IndexPriority, signal: AbortSignal): Promise<number> {
    const { duplicates, entries, traces } = this.#options;
    const page = await entries.list({
      states: ['pending'],
      priorities: [priority],
      cursor: this.#cursors.get(priority) ?? null,
      limit: PAGE_SIZE,
    });
    this.#cursors.set(priority, page.nextCursor);
    const unseen = await this.#unseenOf(page.entries);
    // Continue with the rest of the page next time.
    const next = unseen[MAX_READ];
    if (next) this.#cursors.set(priority, next.fileId - 1);
    const read = await this.#readAll(unseen.slice(0, MAX_READ), signal);
    if (read.length === 0) return 0;
    await traces.put(read);
    duplicates.traced(
      read.map(({ fileId }) => fileId),
      priority,
    );
    return read.length;
  }

  /** The files of these entries that weren't read yet, by id. */
  async #unseenOf(entries: readonly IndexEntry[]): Promise<AssetDescription[]> {
    const { assets, duplicates } = this.#options;
    const described = await assets.describeMany(entries.map(({ fileId }) => fileId));
    const present = new Map(described.map((asset) => [asset.fileId, asset]));
    const gone = entries.flatMap(({ fileId }) => (present.has(fileId) ? [] : [fileId]));
    const goneNow = gone.filter((fileId) => this.#seen.get(fileId) !== null);
    if (goneNow.length > 0) await duplicates.forget(goneNow);
    for (const fileId of goneNow) this.#seen.set(fileId, null);
    return described
      .filter(({ fileId, signature }) => this.#seen.get(fileId) !== signature)
      .sort((one, other) => one.fileId - other.fileId);
  }

  async #readAll(wanted: readonly AssetDescription[], signal: AbortSignal): Promise<FileTrace[]> {
    const { readQueue } = this.#options;
    const read = wanted.map((asset) =>
      readQueue.add(() => this.#read(asset, signal), { signal }).catch(() => null),
    );
    return (await Promise.all(read)).flatMap((trace) => (trace ? [trace] : []));
  }

  /** Null when the trace is stored already. */
  async #read(asset: AssetDescription, signal: AbortSignal): Promise<FileTrace | null> {
    const { assets, maxBytes, maxVideoBytes, images, traces, videos } = this.#options;
    const { fileId } = asset;
    this.#seen.set(fileId, asset.signature);
    return withContent(assets, asset, { maxBytes, maxVideoBytes, signal }, async (content) => {
      const contentHash = await hashOf(content, signal);
      if (isTraceOf(contentHash, await traces.get([fileId]))) return null;
      const options = { preparation, fingerprint: true, text: true, signal };
      const reading = await readContent({ images, videos }, content, options);
      return toTrace(fileId, contentHash, reading);
    });
  }
}
