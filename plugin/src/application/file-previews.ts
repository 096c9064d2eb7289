import { LRUCache } from 'lru-cache';
import { untilAborted } from '../abort';
import type { ImageSearchConfig } from '../config';
import { isShownByBrowsers, kindOf } from '../contracts/file-kinds';
import { ImageSearchError } from '../errors';
import type {
  FilePreview,
  ImagePreparation,
  ImageReader,
  PreviewStore,
  VideoReader,
  ViewLimits,
} from '../images/contract';
import { PreviewCache } from '../images/preview-cache';
import type { AssetDescription, AssetSource } from '../indexing/contract';
import { readContent, withContent, type ReadLimits } from '../indexing/file-content';
import type { Logger } from '../logger';
import { BoundedQueue } from '../search/bounded-queue';
import { besideVectorFile } from '../vectors/registry';

/** What can't be shown is remembered, and for how long: reading a file again takes a process. */
const REMEMBERED = 1_000;
const REMEMBERED_MS = 10 * 60_000;
/** Files that are read, and that wait for it: more than a page of results has. */
const READ_AT_ONCE = 2;
const MAX_WAITING = 100;
/** What views a file of a kind may have. */
const viewsOfKind = { image: null, document: 'page', video: 'frame' } as const;

/** The smallest that there is. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

const MEGABYTE = 1_000_000;

/** In a folder beside the vectors. */
export function createPreviewCache({
  config: { indexing, vectors },
  logger,
  projectFolder,
}: {
  config: ImageSearchConfig;
  logger: Logger;
  projectFolder: string;
}): PreviewCache {
  return new PreviewCache({
    folder: besideVectorFile(vectors, projectFolder, 'previews'),
    maxBytes: indexing.previewMegabytes * MEGABYTE,
    logger,
  });
}

export interface FilePreviewsOptions {
  assets: Pick<AssetSource, 'describe' | 'read' | 'withFile'>;
  /** Of their own, so that previews don't stand before indexing. */
  images: ImageReader & VideoReader;
  cache: Pick<PreviewStore, 'get' | 'put'>;
  views: ViewLimits;
  limits: ReadLimits;
}

/** A file that is being read, for all who wait for its previews. */
interface SharedReading {
  previews: Promise<readonly FilePreview[]>;
  waiting: number;
  abandoned: AbortController;
}

/** Images of files that browsers don't show as images, such as pages of documents. */
export class FilePreviews {
  readonly #options: FilePreviewsOptions;
  readonly #queue = new BoundedQueue({
    concurrency: READ_AT_ONCE,
    maxWaiting: MAX_WAITING,
    what: 'previews',
  });
  /** By signature and what of the file is read. */
  readonly #readings = new Map<string, SharedReading>();
  /** By signature. */
  readonly #failures = new LRUCache<string, ImageSearchError>({
    max: REMEMBERED,
    ttl: REMEMBERED_MS,
  });
  /** The views that a file has, by signature, once they were read. */
  readonly #views = new LRUCache<string, ReadonlySet<number>>({ max: REMEMBERED });

  constructor(options: FilePreviewsOptions) {
    this.#options = options;
  }

  /**
   * A small WebP file; null for a file that isn't in the library or that browsers show themselves, and for a view that it
   * doesn't have. Doesn't check who asks. A file that nobody waits for any more isn't read on.
   *
   * @param view undefined for what shows the whole file
   * @throws ImageSearchError as `AssetSource.read` and `ImageReader.read`; `rate-limited` while too many are read
   */
  async read(
    fileId: number,
    view: FilePreview['view'],
    signal?: AbortSignal,
  ): Promise<Uint8Array | null> {
    const asset = await this.#options.assets.describe(fileId);
    const kind = asset && kindOf(asset.mimeType);
    if (!asset || !kind || isShownByBrowsers(asset.mimeType)) return null;
    const { signature } = asset;
    const mayHave = view === undefined || view.kind === viewsOfKind[kind];
    if (!mayHave || this.#views.get(signature)?.has(view?.number ?? 0) === false) return null;
    const cached = await this.#options.cache.get(signature, view);
    if (cached) return cached;
    const known = this.#failures.get(signature);
    if (known) throw known;
    const isMeant = (preview: FilePreview): boolean =>
      preview.view?.kind === view?.kind && preview.view?.number === view?.number;
    const found = (await this.#share(asset, view, signal)).find(isMeant);
    return found?.webp ?? null;
  }

  /** Waits with all others who want the same of the file. */
  async #share(
    asset: AssetDescription,
    view: FilePreview['view'],
    signal: AbortSignal | undefined,
  ): Promise<readonly FilePreview[]> {
    const key = `${asset.signature}/${view ? 'views' : 'whole'}`;
    const reading = this.#readings.get(key) ?? this.#begin(asset, view);
    this.#readings.set(key, reading);
    reading.waiting += 1;
    try {
      return await untilAborted(reading.previews, signal);
    } finally {
      reading.waiting -= 1;
      if (reading.waiting === 0) {
        reading.abandoned.abort();
        this.#readings.delete(key);
      }
    }
  }

  #begin(asset: AssetDescription, view: FilePreview['view']): SharedReading {
    const abandoned = new AbortController();
    const { signal } = abandoned;
    const previews = this.#queue.run(() => this.#read(asset, view, signal), signal);
    return { previews, waiting: 0, abandoned };
  }

  /** What shows the whole of a file takes few of its pages; its views are read together. */
  async #read(
    asset: AssetDescription,
    view: FilePreview['view'],
    signal: AbortSignal,
  ): Promise<readonly FilePreview[]> {
    const { assets, cache, images, limits } = this.#options;
    const views = view ? this.#options.views : { ...this.#options.views, pages: 0, videoFrames: 0 };
    try {
      const options = { preparation, views, previews: true, signal };
      const { previews = [] } = await withContent(assets, asset, { ...limits, signal }, (content) =>
        readContent({ images, videos: images }, content, options),
      );
      await cache.put(asset.signature, previews);
      // Number 0 stands for the whole.
      const numbers = [0, ...previews.map(({ view: read }) => read?.number ?? 0)];
      if (view) this.#views.set(asset.signature, new Set(numbers));
      return previews;
    } catch (error) {
      // A reader may be installed at any time.
      const isMissing = error instanceof ImageSearchError && error.code === 'image-decoder-missing';
      if (error instanceof ImageSearchError && !error.retryable && !isMissing) {
        this.#failures.set(asset.signature, error);
      }
      throw error;
    }
  }
}
