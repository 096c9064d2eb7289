import { systemClock, type Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import type { PictureReader, PictureReading, ReadPictureOptions } from '../images/contract';
import type { ExampleImage } from './contract';
import { QueryImages } from './query-images';
import { QueryPictures } from './query-pictures';
import { QueryTexts, type TextVectors } from './query-texts';

export interface QueryEmbedderOptions {
  pictures: PictureReader;
  /** As many texts as pictures; 0: they are embedded anew each time. */
  cacheEntries: number;
  cacheMs: number;
  /** @default systemClock */
  clock?: Clock;
}

/** Texts and pictures of a query → vectors of the provider's space, which are remembered for a while. */
export class QueryEmbedder {
  readonly #pictures: QueryPictures;
  readonly #images: QueryImages;
  readonly #texts: QueryTexts;

  constructor({ pictures, cacheEntries, cacheMs, clock = systemClock }: QueryEmbedderOptions) {
    this.#pictures = new QueryPictures(pictures);
    this.#images = new QueryImages(this.#pictures, { cacheEntries, cacheMs, clock });
    this.#texts = new QueryTexts({ cacheEntries, cacheMs, clock });
  }

  /** Fails as the provider does, and with `aborted`. */
  async embedTexts(
    texts: readonly string[],
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<TextVectors> {
    return this.#texts.embed(texts, provider, signal);
  }

  /** Whether the vectors of all these texts are remembered. */
  hasTexts(texts: readonly string[], provider: EmbeddingProvider): boolean {
    return this.#texts.has(texts, provider);
  }

  /** In turn with the pictures that are embedded; fails as `PictureReader.read` does, and with `rate-limited`. */
  async readPicture(
    bytes: Uint8Array,
    options: ReadPictureOptions,
    signal: AbortSignal | undefined,
  ): Promise<PictureReading> {
    return this.#pictures.read(bytes, options, signal);
  }

  /** Fails as reading the picture and the provider do, and with `aborted`. */
  async embedImage(
    image: Pick<ExampleImage, 'bytes' | 'onRead'>,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    return this.#images.embed(image, provider, signal);
  }

  /** Whether the vectors of all these pictures are remembered. Fails with `rate-limited` and `aborted`. */
  async hasImages(
    images: readonly Pick<ExampleImage, 'bytes'>[],
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    return this.#images.has(images, provider, signal);
  }
}
