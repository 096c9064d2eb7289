import { chunksOf } from '../chunks';
import { systemClock, type Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import { abortedError, isTextFailure } from '../errors';
import type { ImageReader, ImageReading, ReadImageOptions } from '../images/contract';
import { hashContent } from '../images/trace';
import { BoundedQueue } from './bounded-queue';
import type { ExampleImage } from './contract';
import {
  joinCalls,
  VectorCache,
  vectorFor,
  type KeyedVectors,
  type VectorCall,
} from './vector-cache';

/** Decoding takes a lot of memory, and searches share the machine with the rest of Strapi. */
const READ_CONCURRENCY = 2;
/** The encoded images of searches in line are in memory, too. */
const MAX_WAITING = 20;
/** Removed at the end of a text; its only white space is the space. */
const TRAILING = ' .。';

export interface QueryEmbedderOptions {
  images: ImageReader;
  /** For texts and for images each; 0 caches nothing. */
  cacheEntries: number;
  cacheMs: number;
  /** @default systemClock */
  clock?: Clock;
}

type QueryImage = Pick<ExampleImage, 'bytes' | 'onRead' | 'region'>;

/**
 * Embeds the texts and images of queries. Vectors are cached per space, because a search is repeated for every page
 * and filter; equal inputs at the same time share one call. Images themselves are not kept, only their hashes.
 */
export class QueryEmbedder {
  readonly #images: ImageReader;
  readonly #imageVectors: VectorCache;
  readonly #textVectors: VectorCache;
  readonly #reads = new BoundedQueue({ concurrency: READ_CONCURRENCY, maxWaiting: MAX_WAITING });
  /** Separate, because an image is hashed before its turn to be read. */
  readonly #hashes = new BoundedQueue({ concurrency: READ_CONCURRENCY, maxWaiting: MAX_WAITING });

  constructor({ images, cacheEntries, cacheMs, clock = systemClock }: QueryEmbedderOptions) {
    this.#images = images;
    this.#imageVectors = new VectorCache({ cacheEntries, cacheMs, clock });
    this.#textVectors = new VectorCache({ cacheEntries, cacheMs, clock });
  }

  /** Whether the vectors of all these texts are cached. */
  hasTexts(texts: readonly string[], provider: EmbeddingProvider): boolean {
    return texts.every((text) => this.#textVectors.has(textKeyOf(text, provider)));
  }

  /**
   * @returns the vector of each text, with as few calls as the provider's limits allow
   * @throws ImageSearchError as the provider does, and `aborted`
   */
  async embedTexts(
    texts: readonly string[],
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    if (signal?.aborted) throw abortedError(signal.reason);
    const keys = new Map(texts.map((text) => [text, textKeyOf(text, provider)]));
    const textsByKey = new Map([...keys].map(([text, key]) => [key, normalizeText(text)]));
    const vectors = await this.#embedKeyedTexts(textsByKey, provider, signal);
    return new Map([...keys].map(([text, key]) => [text, vectorFor(key, vectors)]));
  }

  async #embedKeyedTexts(
    textsByKey: ReadonlyMap<string, string>,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<KeyedVectors> {
    const vectors = new Map<string, Float32Array>();
    const joined = new Map<string, VectorCall>();
    const missing: string[] = [];
    for (const key of textsByKey.keys()) {
      const cached = this.#textVectors.get(key);
      const call = this.#textVectors.callFor(key);
      if (cached) vectors.set(key, cached);
      else if (call) joined.set(key, call);
      else missing.push(key);
    }
    const started = chunksOf(missing, provider.limits.textsPerCall).map((keys) =>
      this.#textVectors.start(keys, async (shared) => {
        const texts = keys.map((key) => textsByKey.get(key) ?? '');
        const found = await provider.embedTexts(texts, { signal: shared });
        return zip(keys, found);
      }),
    );
    const add = (key: string, found: KeyedVectors): void => {
      vectors.set(key, vectorFor(key, found));
    };
    const results = [
      ...started.map(async (call) => {
        const found = await call.result;
        for (const key of call.keys) add(key, found);
      }),
      ...[...joined].map(async ([key, call]) => {
        const text = textsByKey.get(key) ?? '';
        add(key, await this.#resultOf(call, { key, text, provider, signal }));
      }),
    ];
    await joinCalls([...started, ...joined.values()], Promise.all(results), signal);
    return vectors;
  }

  /** Another search's call, repeated for this text alone when one of that search's other texts may have failed it. */
  async #resultOf(
    call: VectorCall,
    query: {
      key: string;
      text: string;
      provider: EmbeddingProvider;
      signal: AbortSignal | undefined;
    },
  ): Promise<KeyedVectors> {
    const { key, text, provider, signal } = query;
    try {
      return await call.result;
    } catch (error) {
      if (!isTextFailure(error) || call.keys.length === 1 || signal?.aborted) throw error;
      return this.#embedKeyedTexts(new Map([[key, text]]), provider, signal);
    }
  }

  /**
   * Whether the vectors of all these images are cached.
   *
   * @throws ImageSearchError `rate-limited` and `aborted`
   */
  async hasImages(
    images: readonly Pick<QueryImage, 'bytes' | 'region'>[],
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    for (const image of images) {
      if (!this.#imageVectors.has(await this.#imageKeyOf(image, provider, signal))) return false;
    }
    return true;
  }

  /** @throws ImageSearchError as `readImage` and the provider do */
  async embedImage(
    { bytes, onRead, region }: QueryImage,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const key = await this.#imageKeyOf({ bytes, region }, provider, signal);
    if (signal?.aborted) throw abortedError(signal.reason);
    const options = { preparation: provider.imagePreparation, region };
    const reading =
      onRead && (await this.readImage(bytes, { ...options, fingerprint: true }, signal));
    if (reading) onRead(reading);
    const cached = this.#imageVectors.get(key);
    if (cached) return cached;
    const call =
      this.#imageVectors.callFor(key) ??
      this.#imageVectors.start([key], async (shared) => {
        const { prepared } = reading ?? (await this.readImage(bytes, options, shared));
        const urgent = { signal: shared, isUrgent: true };
        return zip([key], await provider.embedImages([prepared], urgent));
      });
    return vectorFor(key, await joinCalls([call], call.result, signal));
  }

  /**
   * Reads an image in turn with those that are embedded.
   *
   * @throws ImageSearchError as `ImageReader.read` does, `rate-limited` when too many wait, and `aborted`
   */
  async readImage(
    bytes: Uint8Array,
    options: ReadImageOptions,
    signal: AbortSignal | undefined,
  ): Promise<ImageReading> {
    return this.#reads.run(() => this.#images.read(bytes, options), signal);
  }

  async #imageKeyOf(
    { bytes, region }: Pick<QueryImage, 'bytes' | 'region'>,
    { space }: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const contentHash = await this.#hashes.run(() => hashContent(bytes), signal);
    if (!region) return `${space.id}\n${contentHash}`;
    const { height, width, x, y } = region;
    return `${space.id}\n${contentHash}\n${[x, y, width, height].join(' ')}`;
  }
}

function textKeyOf(text: string, { space }: EmbeddingProvider): string {
  return `${space.id}\n${normalizeText(text)}`;
}

/**
 * Equal queries become equal strings: one Unicode form, single spaces, none at the ends. Trailing periods go, too:
 * models take them for a word, and without them 300 photo captions found their own photo among the first five in 61 %
 * instead of 58 % of cases (a small CLIP; first in 27 % instead of 25 %).
 */
export function normalizeText(text: string): string {
  const normalized = text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  let end = normalized.length;
  // Not a regular expression: one that looks for trailing periods restarts at every period of the text.
  while (end > 0 && TRAILING.includes(normalized.charAt(end - 1))) end -= 1;
  return normalized.slice(0, end) || normalized;
}

function zip(keys: readonly string[], vectors: readonly Float32Array[]): KeyedVectors {
  const found = new Map<string, Float32Array>();
  keys.forEach((key, index) => {
    const vector = vectors[index];
    if (vector) found.set(key, vector);
  });
  return found;
}
