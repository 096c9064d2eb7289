import { LRUCache } from 'lru-cache';
import { systemClock, type Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import type { PictureReader } from '../images/contract';
import { QueryPictures } from './query-pictures';

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
  readonly #cache: LRUCache<string, Float32Array> | null;

  constructor({ pictures, cacheEntries, cacheMs, clock = systemClock }: QueryEmbedderOptions) {
    this.#pictures = new QueryPictures(pictures);
    this.#cache =
      cacheEntries > 0
        ? new LRUCache({ max: cacheEntries, ttl: cacheMs, ttlResolution: 0, perf: clock })
        : null;
  }

  async embedText(
    text: string,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const normalized = normalizeText(text);
    const key = `${provider.space.id}\n${normalized}`;
    const known = this.#cache?.get(key);
    if (known) return known;
    const [vector] = await provider.embedTexts([normalized], { signal });
    if (!vector) throw new RangeError('The provider answered no vector for a text.');
    this.#cache?.set(key, vector);
    return vector;
  }

  async embedImage(
    bytes: Uint8Array,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const prepared = await this.#pictures.read(bytes, provider, signal);
    const [vector] = await provider.embedImages([prepared], { signal });
    if (!vector) throw new RangeError('The provider answered no vector for a picture.');
    return vector;
  }
}

/**
 * Equal questions are equal strings: one Unicode form, single spaces, nothing around. A full stop at the end goes as
 * well: models take it for a word, and without it the captions of 300 photographs found their own among the first five
 * in 61 % instead of 58 % of the cases (a small CLIP; the first hit was right in 27 % instead of 25 %).
 */
export function normalizeText(text: string): string {
  const normalized = text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  return normalized.replace(/[\s.。]+$/u, '') || normalized;
}
