import { isShownByBrowsers, thumbnailUrl, type Asset } from '../../api/asset';
import { fetchAssets } from '../../api/map';

/** Files whose data is requested at a time. */
const BATCH = 50;
const SETTLE_MS = 80;
/** Images that load at a time. */
const CONCURRENCY = 6;
const MOST_KEPT = 600;
/** In kilobytes of 1,000 bytes; a larger image without a copy stays a point. */
const LARGEST_ORIGINAL = 1_000;

interface ThumbnailsOptions {
  onChange: () => void;
  /** Of a file that browsers don't show; null for none. */
  previewUrlOf: (asset: Asset) => Promise<string | null>;
}

/**
 * Names and thumbnails of the images on the map, loaded as they come into view. What is no longer wanted isn't loaded.
 */
export class Thumbnails {
  readonly #options: ThumbnailsOptions;
  readonly #ended = new AbortController();
  /** Null for a file that is gone. */
  readonly #assets = new Map<number, Asset | null>();
  /** Least recently drawn first; null for an image that can't be loaded. */
  readonly #images = new Map<number, HTMLImageElement | null>();
  readonly #requested = new Set<number>();
  /** Since the map has moved. */
  readonly #failed = new Set<number>();
  #wanted: readonly number[] = [];
  #timer: number | undefined;
  #loading = 0;

  constructor(options: ThumbnailsOptions) {
    this.#options = options;
  }

  assetOf(id: number): Asset | null {
    return this.#assets.get(id) ?? null;
  }

  /** Null until it has loaded, or if it can't be. */
  imageOf(id: number): HTMLImageElement | null {
    const image = this.#images.get(id);
    if (image === undefined) return null;
    this.#images.delete(id);
    this.#images.set(id, image);
    return image;
  }

  /** Loads these files, the first ones first, instead of those that were wanted before. */
  want(ids: readonly number[]): void {
    this.#wanted = ids;
    for (const id of this.#failed) this.#images.delete(id);
    this.#failed.clear();
    if (ids.every((id) => this.#images.has(id))) return;
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      void this.#load();
    }, SETTLE_MS);
  }

  end(): void {
    window.clearTimeout(this.#timer);
    this.#ended.abort();
  }

  async #load(): Promise<void> {
    this.#loadImages();
    const unknown = this.#wanted.filter((id) => !this.#assets.has(id) && !this.#requested.has(id));
    const batch = unknown.slice(0, BATCH);
    if (batch.length === 0 || this.#ended.signal.aborted) return;
    for (const id of batch) this.#requested.add(id);
    try {
      const assets = await fetchAssets(batch, this.#ended.signal);
      for (const id of batch) this.#assets.set(id, null);
      for (const asset of assets) this.#assets.set(asset.id, asset);
      this.#options.onChange();
      await this.#load();
    } catch {
      // They stay points, and are asked for again once the map has moved.
    } finally {
      for (const id of batch) this.#requested.delete(id);
    }
  }

  #loadImages(): void {
    for (const id of this.#wanted) {
      if (this.#loading >= CONCURRENCY || this.#ended.signal.aborted) return;
      const asset = this.#assets.get(id);
      if (!asset || this.#images.has(id)) continue;
      this.#loading += 1;
      this.#images.set(id, null);
      this.#loadImage(asset)
        .then(
          (image) => {
            this.#images.set(id, image);
            this.#options.onChange();
          },
          () => {
            // It stays a point, and is asked for again once the map has moved.
            this.#failed.add(id);
          },
        )
        .finally(() => {
          this.#loading -= 1;
          this.#forgetOldest();
          this.#loadImages();
        });
    }
  }

  /** Null if there is none that is small. */
  async #loadImage(asset: Asset): Promise<HTMLImageElement | null> {
    const address = isShownByBrowsers(asset)
      ? smallUrl(asset)
      : await this.#options.previewUrlOf(asset);
    if (address === null) return null;
    const image = new Image();
    image.decoding = 'async';
    image.src = address;
    await image.decode();
    return image;
  }

  #forgetOldest(): void {
    const wanted = new Set(this.#wanted);
    for (const id of this.#images.keys()) {
      if (this.#images.size <= MOST_KEPT) return;
      if (!wanted.has(id)) this.#images.delete(id);
    }
  }
}

function smallUrl(asset: Asset): string | null {
  const isSmall =
    asset.formats?.['thumbnail'] !== undefined || (asset.size ?? 0) <= LARGEST_ORIGINAL;
  return isSmall ? thumbnailUrl(asset) : null;
}
