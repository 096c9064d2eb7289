import { LRUCache } from 'lru-cache';
import { kindOf } from '../contracts/file-kinds';
import { ImageSearchError } from '../errors';
import type {
  FilePreview,
  ImagePreparation,
  ImageReader,
  PreviewStore,
  VideoReader,
  ViewLimits,
} from '../images/contract';
import type { AssetDescription, AssetSource } from '../indexing/contract';
import { readContent, withContent, type ReadLimits } from '../indexing/file-content';

/** What can't be shown is remembered, and for how long: reading a file again takes a process. */
const REMEMBERED = 1_000;
const REMEMBERED_MS = 10 * 60_000;
/** Image types that browsers show as images. */
const SHOWN_TYPES = /^image\/(?!heic|heif)/;

/** The smallest that there is. */
const preparation: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 64, height: 64 },
  kernel: 'cubic',
};

export interface FilePreviewsOptions {
  assets: Pick<AssetSource, 'describe' | 'read' | 'withFile'>;
  images: ImageReader & VideoReader;
  cache: PreviewStore;
  views: ViewLimits;
  limits: ReadLimits;
}

/** Images of files that browsers don't show as images, such as pages of documents. */
export class FilePreviews {
  readonly #options: FilePreviewsOptions;
  readonly #reading = new Map<string, Promise<readonly FilePreview[]>>();
  /** By signature. */
  readonly #failures = new LRUCache<string, ImageSearchError>({
    max: REMEMBERED,
    ttl: REMEMBERED_MS,
  });
  /** Views that files don't have, by signature and view. */
  readonly #missing = new LRUCache<string, true>({ max: REMEMBERED, ttl: REMEMBERED_MS });

  constructor(options: FilePreviewsOptions) {
    this.#options = options;
  }

  /**
   * A small WebP file; null for a file that isn't in the library or that browsers show themselves, and for a view that it
   * doesn't have. Doesn't check who asks.
   *
   * @param view undefined for what shows the whole file
   * @throws ImageSearchError as `AssetSource.read` and `ImageReader.read`
   */
  async read(fileId: number, view: FilePreview['view']): Promise<Uint8Array | null> {
    const asset = await this.#options.assets.describe(fileId);
    if (!asset || kindOf(asset.mimeType) === null || SHOWN_TYPES.test(asset.mimeType)) return null;
    const { signature } = asset;
    const cached = await this.#options.cache.get(signature, view);
    if (cached) return cached;
    const known = this.#failures.get(signature);
    if (known) throw known;
    const key = [signature, view?.kind, view?.number].join('/');
    if (this.#missing.has(key)) return null;
    const reading = this.#reading.get(signature) ?? this.#readAll(asset);
    const isMeant = (preview: FilePreview): boolean =>
      preview.view?.kind === view?.kind && preview.view?.number === view?.number;
    const found = (await reading).find(isMeant);
    if (!found) this.#missing.set(key, true);
    return found?.webp ?? null;
  }

  /** All of a file's previews, which are read together. */
  #readAll(asset: AssetDescription): Promise<readonly FilePreview[]> {
    const { assets, cache, images, limits, views } = this.#options;
    const { signature } = asset;
    const read = async (): Promise<readonly FilePreview[]> => {
      try {
        const { previews = [] } = await withContent(assets, asset, limits, (content) =>
          readContent({ images, videos: images }, content, { preparation, views, previews: true }),
        );
        await cache.put(signature, previews);
        return previews;
      } catch (error) {
        if (error instanceof ImageSearchError && !error.retryable) {
          this.#failures.set(signature, error);
        }
        throw error;
      } finally {
        this.#reading.delete(signature);
      }
    };
    const reading = read();
    this.#reading.set(signature, reading);
    return reading;
  }
}
