import type { z } from 'zod';
import { abortedError, ImageSearchError } from '../../errors';
import type { EncodedImage, ImagePreparation, PreparedImage } from '../../images/contract';
import {
  createVectorSpace,
  type EmbeddingCallOptions,
  type EmbeddingLimits,
  type EmbeddingProvider,
  type ProviderHealth,
  type VectorSpace,
} from '../contract';
import { readEmbeddings } from './answer';
import { EmbeddingsClient } from './client';
import type { openaiConfigSchema } from './config';
import { timedOut, toProviderError, type Endpoint } from './failures';
import type { ImageFormat } from './image-format';
import { imageFormats } from './image-formats';

export type OpenaiConfig = z.output<typeof openaiConfigSchema>;

/** How long a good health is believed. */
const HEALTH_LIFETIME_MS = 60_000;

interface EmbeddingRequest {
  kind: 'picture' | 'text';
  count: number;
  body: object;
}

/** A hosted model behind `POST {baseURL}/embeddings`. Every call of the contract is one request. */
export class OpenaiProvider implements EmbeddingProvider {
  readonly space: VectorSpace;
  readonly limits: EmbeddingLimits;
  readonly imagePreparation: ImagePreparation;
  readonly closeScore = null;
  readonly #config: OpenaiConfig;
  readonly #format: ImageFormat;
  readonly #client: EmbeddingsClient;
  readonly #endpoint: Endpoint;
  readonly #now: () => number;
  /** Cancels a request that is under way. */
  readonly #cancellations = new Set<() => void>();
  #isDisposed = false;
  #healthySince = Number.NEGATIVE_INFINITY;

  /** `now` answers milliseconds since 1970. */
  constructor(config: OpenaiConfig, now: () => number = Date.now) {
    const { baseURL, apiKey, model, maxEdge } = config;
    this.#config = config;
    this.#now = now;
    this.#format = imageFormats[config.imageFormat];
    this.#client = new EmbeddingsClient({ baseURL: baseURL.replace(/\/+$/, ''), apiKey });
    this.#endpoint = { host: new URL(baseURL).host, model, apiKey };
    this.space = createSpace(config, this.#format);
    this.imagePreparation = { kind: 'encoded', mimeType: this.#format.mimeType, maxEdge };
    this.limits = {
      ...this.#format.limits,
      imagesPerCall: config.batchSize,
      textsPerCall: config.textBatchSize,
      requestsPerMinute: config.requestsPerMinute,
    };
  }

  async embedImages(
    images: readonly PreparedImage[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    refuseMoreThan(this.limits.imagesPerCall, images.length, 'pictures (embedding.batchSize)');
    if (images.length === 0) return [];
    const body = this.#format.createImagesBody(images.map(requireEncoded), this.#config);
    return this.#embed({ kind: 'picture', count: images.length, body }, signal);
  }

  async embedTexts(
    texts: readonly string[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    refuseMoreThan(this.limits.textsPerCall, texts.length, 'texts (embedding.textBatchSize)');
    if (texts.length === 0) return [];
    const body = this.#format.createTextsBody(texts, this.#config);
    return this.#embed({ kind: 'text', count: texts.length, body }, signal);
  }

  /** Embeds one short text, unless the last call went well less than a minute ago. */
  async checkHealth(options: EmbeddingCallOptions = {}): Promise<ProviderHealth> {
    try {
      if (this.#isDisposed) throw abortedError();
      if (this.#now() - this.#healthySince >= HEALTH_LIFETIME_MS) {
        await this.embedTexts(['health'], options);
      }
      const { host, model } = this.#endpoint;
      return { ok: true, message: `${host} answers for "${model}".` };
    } catch (error) {
      return { ok: false, message: toProviderError(error, this.#endpoint, this.#now()).message };
    }
  }

  dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const cancel of this.#cancellations) cancel();
    return Promise.resolve();
  }

  async #embed(
    { kind, count, body }: EmbeddingRequest,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    const { host } = this.#endpoint;
    const { dimensions } = this.space;
    this.#healthySince = Number.NEGATIVE_INFINITY;
    const answer = await this.#request(body, signal);
    const vectors = readEmbeddings(answer, { host, kind, count, dimensions });
    this.#healthySince = this.#now();
    return vectors;
  }

  /**
   * Waits for the whole answer, which the package's own timeout does not: that ends with the headers. Listeners of the
   * caller's signal are taken off again, for it may outlive thousands of requests.
   */
  async #request(body: object, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#isDisposed || signal?.aborted === true) throw abortedError();
    const { timeoutSeconds } = this.#config;
    const controller = new AbortController();
    const cancel = (): void => {
      controller.abort(abortedError());
    };
    const timer = setTimeout(() => {
      controller.abort(timedOut(this.#endpoint.host, timeoutSeconds));
    }, timeoutSeconds * 1_000);
    this.#cancellations.add(cancel);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await this.#client.postEmbeddings(body, controller.signal);
    } catch (error) {
      const reason: unknown = controller.signal.reason;
      if (reason instanceof ImageSearchError) throw reason;
      throw toProviderError(error, this.#endpoint, this.#now());
    } finally {
      clearTimeout(timer);
      this.#cancellations.delete(cancel);
      signal?.removeEventListener('abort', cancel);
    }
  }
}

/** The address is no part of the space: the same model answers the same vectors wherever it is served. */
function createSpace(config: OpenaiConfig, format: ImageFormat): VectorSpace {
  const { provider, model, dimensions, imageFormat, maxEdge } = config;
  const preprocessing = [
    `${imageFormat}: ${format.describeModes(model)}`,
    `${format.mimeType} of at most ${String(maxEdge)} px`,
  ].join('; ');
  return createVectorSpace({ provider, model, dimensions, preprocessing });
}

function refuseMoreThan(limit: number, count: number, what: string): void {
  if (count <= limit) return;
  throw new RangeError(
    `Expected at most ${String(limit)} ${what} in one call, got ${String(count)}.`,
  );
}

function requireEncoded(image: PreparedImage): EncodedImage {
  if (image.kind === 'encoded') return image;
  throw new TypeError('Expected an encoded picture, got pixels: see `imagePreparation`.');
}
