import { systemClock, type Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import type { PictureReader, PictureReading, ReadPictureOptions } from '../images/contract';
import type { ExampleImage } from './contract';
import { QueryPictures } from './query-pictures';
import { QueryTexts, type TextVectors } from './query-texts';

export interface QueryEmbedderOptions {
  pictures: PictureReader;
  /** 0: texts are embedded anew each time. */
  cacheEntries: number;
  cacheMs: number;
  /** @default systemClock */
  clock?: Clock;
}

/** Texts and pictures of a query → vectors of the provider's space. Texts are remembered, pictures never. */
export class QueryEmbedder {
  readonly #pictures: QueryPictures;
  readonly #texts: QueryTexts;

  constructor({ pictures, cacheEntries, cacheMs, clock = systemClock }: QueryEmbedderOptions) {
    this.#pictures = new QueryPictures(pictures);
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

  async embedImage(
    { bytes, onRead }: Pick<ExampleImage, 'bytes' | 'onRead'>,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const options = { preparation: provider.imagePreparation, fingerprint: onRead !== undefined };
    const reading = await this.#pictures.read(bytes, options, signal);
    onRead?.(reading);
    const [vector] = await provider.embedImages([reading.prepared], { signal, isUrgent: true });
    if (!vector) throw new RangeError('The provider answered no vector for a picture.');
    return vector;
  }
}
