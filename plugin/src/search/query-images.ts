import { LRUCache } from 'lru-cache';
import type { EmbeddingProvider } from '../embedding/contract';
import { abortedError } from '../errors';
import { untilAborted } from './abortion';
import type { ExampleImage } from './contract';
import type { QueryPictures } from './query-pictures';
import type { QueryCacheOptions } from './query-texts';
import { SharedCall } from './shared-call';

type QueryImage = Pick<ExampleImage, 'bytes' | 'onRead'>;

/**
 * Pictures of queries → vectors, remembered for a while: who drops a picture asks for page after page with it, changes the
 * filters, and has it looked for in the library, each time with all its bytes. They are not kept, only their hash is.
 */
export class QueryImages {
  readonly #pictures: QueryPictures;
  readonly #cache: LRUCache<string, Float32Array> | null;
  /** Calls that are under way. */
  readonly #calls = new Map<string, SharedCall<Float32Array>>();

  constructor(pictures: QueryPictures, { cacheEntries, cacheMs, clock }: QueryCacheOptions) {
    this.#pictures = pictures;
    this.#cache =
      cacheEntries > 0
        ? new LRUCache({ max: cacheEntries, ttl: cacheMs, ttlResolution: 0, perf: clock })
        : null;
  }

  /** Whether the vectors of all these pictures are remembered. Fails with `rate-limited` and `aborted`. */
  async has(
    images: readonly QueryImage[],
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    for (const { bytes } of images) {
      if (this.#cache?.has(await this.#keyOf(bytes, provider, signal)) !== true) return false;
    }
    return true;
  }

  /** Fails as reading the picture and the provider do, with `rate-limited` when too many wait, and with `aborted`. */
  async embed(
    { bytes, onRead }: QueryImage,
    provider: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const key = await this.#keyOf(bytes, provider, signal);
    if (signal?.aborted) throw abortedError(signal.reason);
    const read = { preparation: provider.imagePreparation };
    const reading =
      onRead && (await this.#pictures.read(bytes, { ...read, fingerprint: true }, signal));
    if (reading) onRead(reading);
    const known = this.#cache?.get(key);
    if (known) return known;
    const call = this.#callOf(key, async (shared) => {
      const { prepared } = reading ?? (await this.#pictures.read(bytes, read, shared));
      const options = { signal: shared, isUrgent: true };
      const [vector] = await provider.embedImages([prepared], options);
      if (!vector) throw new RangeError('The provider answered no vector for a picture.');
      return vector;
    });
    call.join();
    try {
      return await untilAborted(call.result, signal);
    } finally {
      call.leave();
    }
  }

  /** The call that is under way for this key, or a new one. */
  #callOf(
    key: string,
    begin: (signal: AbortSignal) => Promise<Float32Array>,
  ): SharedCall<Float32Array> {
    const known = this.#calls.get(key);
    if (known && !known.isGivenUp) return known;
    const call = new SharedCall(begin);
    const settle = (vector?: Float32Array): void => {
      // One that was given up may have been followed by another.
      if (this.#calls.get(key) === call) this.#calls.delete(key);
      if (vector) this.#cache?.set(key, vector);
    };
    this.#calls.set(key, call);
    call.result.then(settle, () => {
      settle();
    });
    return call;
  }

  async #keyOf(
    bytes: Uint8Array,
    { space }: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    return `${space.id}\n${await this.#pictures.hash(bytes, signal)}`;
  }
}
