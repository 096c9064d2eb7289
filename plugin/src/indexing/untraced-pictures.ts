import type PQueue from 'p-queue';
import type { DuplicateWatch, FileTrace, PictureTraces } from '../duplicates/contract';
import { toImageSearchError } from '../errors';
import { hashContent, type ImagePreparation, type PictureReader } from '../images/contract';
import type { Logger } from '../logger';
import type { AssetDescription, AssetSource, IndexEntries, IndexEntry } from './contract';
import { isTraceOf, toTrace } from './entry-preparation';

/** Entries that are looked at in one go. */
const PAGE_SIZE = 50;
/** Files that are read in one go: the queue is looked at again soon. */
const MOST_READ = 20;

/** As small as a trace can be made of. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

export interface UntracedPicturesOptions {
  entries: Pick<IndexEntries, 'list'>;
  assets: AssetSource;
  pictures: PictureReader;
  traces: Pick<PictureTraces, 'get' | 'put'>;
  duplicates: Pick<DuplicateWatch, 'forget' | 'traced'>;
  readQueue: PQueue;
  maxBytes: number;
  logger: Logger;
}

/**
 * Reads what waits for a model that is down, so that copies of equal bytes are found all the same. Entries are left
 * as they are: nothing is claimed, and no try is counted. A file is read once, whatever comes of it.
 */
export class UntracedPictures {
  readonly #options: UntracedPicturesOptions;
  /** Files that were looked at in this outage, as their rows described them then; null for one that was gone. */
  readonly #seen = new Map<number, string | null>();
  #cursor: number | null = null;

  constructor(options: UntracedPicturesOptions) {
    this.#options = options;
  }

  /** The model is back: what waits is read for it. */
  forgetOutage(): void {
    this.#seen.clear();
    this.#cursor = null;
  }

  /** Looks at some of the waiting entries; answers how many pictures it read. Never rejects. */
  async readSome(signal: AbortSignal): Promise<number> {
    const { duplicates, entries, logger, traces } = this.#options;
    try {
      const page = await entries.list({
        states: ['pending'],
        cursor: this.#cursor,
        limit: PAGE_SIZE,
      });
      this.#cursor = page.nextCursor;
      const read = await this.#readPage(page.entries, signal);
      if (read.length > 0) {
        await traces.put(read);
        duplicates.traced(read.map(({ fileId }) => fileId));
      }
      return read.length;
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.debug(`Pictures that wait for the model could not be looked at: ${message}`);
      return 0;
    }
  }

  async #readPage(entries: readonly IndexEntry[], signal: AbortSignal): Promise<FileTrace[]> {
    const { assets, duplicates, readQueue } = this.#options;
    const described = await assets.describeMany(entries.map(({ fileId }) => fileId));
    const present = new Map(described.map((asset) => [asset.fileId, asset]));
    const gone = entries.flatMap(({ fileId }) => (present.has(fileId) ? [] : [fileId]));
    const goneNow = gone.filter((fileId) => this.#seen.get(fileId) !== null);
    if (goneNow.length > 0) await duplicates.forget(goneNow);
    for (const fileId of goneNow) this.#seen.set(fileId, null);
    const unseen = described
      .filter(({ fileId, signature }) => this.#seen.get(fileId) !== signature)
      .sort((one, other) => one.fileId - other.fileId);
    const wanted = unseen.slice(0, MOST_READ);
    // The rest of the page next time.
    const next = unseen[MOST_READ];
    if (next) this.#cursor = next.fileId - 1;
    const read = wanted.map((asset) =>
      readQueue.add(() => this.#read(asset, signal), { signal }).catch(() => null),
    );
    return (await Promise.all(read)).flatMap((trace) => (trace ? [trace] : []));
  }

  /** Null when the trace is there already. */
  async #read(asset: AssetDescription, signal: AbortSignal): Promise<FileTrace | null> {
    const { assets, maxBytes, pictures, traces } = this.#options;
    const { fileId } = asset;
    this.#seen.set(fileId, asset.signature);
    const bytes = await assets.read(fileId, { maxBytes, signal });
    const contentHash = await hashContent(bytes);
    if (isTraceOf(contentHash, await traces.get([fileId]))) return null;
    return toTrace(
      fileId,
      contentHash,
      await pictures.read(bytes, { preparation, fingerprint: true }),
    );
  }
}
