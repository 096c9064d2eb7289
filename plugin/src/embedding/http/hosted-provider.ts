import type { z } from 'zod';
import { systemClock, type Clock } from '../../clock';
import { isTimeout } from '../../deadline';
import { abortedError, ImageSearchError } from '../../errors';
import type { EncodedImage, ImagePreparation, PreparedImage } from '../../images/contract';
import type {
  EmbeddingCallOptions,
  EmbeddingLimits,
  EmbeddingProvider,
  HealthCheckOptions,
  ProviderContext,
  ProviderHealth,
  VectorSpace,
} from '../contract';
import { mostImagesPerRequest } from '../quota';
import type { ApiAnswer, ApiRequest, HostedApi } from './api';
import { badAnswer, timedOut, toProviderError } from './failures';
import { KnownHealth } from './known-health';
import { ModelIdentity } from './model-identity';
import { Pace } from './pace';
import { toUnitVectors } from './vectors';

/** A token of English is some four bytes; of most other writing fewer characters, but those have more bytes. */
const BYTES_PER_TOKEN = 4;

interface Job {
  kind: 'picture' | 'text';
  count: number;
  tokens: number;
  isUrgent: boolean;
  request: ApiRequest;
}

export interface HostedProviderOptions {
  onUsage?: ProviderContext['onUsage'];
  /** @default systemClock */
  clock?: Clock;
}

/** A model behind an HTTP API. Every call of the contract is one request. */
export class HostedProvider implements EmbeddingProvider {
  readonly space: VectorSpace;
  readonly limits: EmbeddingLimits;
  readonly imagePreparation: ImagePreparation;
  readonly closeScore = null;
  readonly #api: HostedApi;
  readonly #onUsage: HostedProviderOptions['onUsage'];
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #identity: ModelIdentity;
  readonly #health: KnownHealth;
  /** Cancels a request that waits or is under way. */
  readonly #cancellations = new Set<() => void>();
  #isDisposed = false;
  /** Shared by all that look at the same time. */
  #checking: Promise<ProviderHealth> | null = null;

  constructor(api: HostedApi, { onUsage, clock = systemClock }: HostedProviderOptions = {}) {
    this.#api = api;
    this.#onUsage = onUsage;
    this.#clock = clock;
    this.#pace = new Pace(api.quota, clock);
    this.#identity = new ModelIdentity(api.expectedModel, api.endpoint);
    this.#health = new KnownHealth(clock);
    this.space = api.space;
    this.limits = limitsOf(api);
    this.imagePreparation = api.imagePreparation;
  }

  async embedImages(
    images: readonly PreparedImage[],
    options: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    refuseMoreThan(this.limits.imagesPerCall, images.length, 'pictures');
    if (images.length === 0) return [];
    const encoded = images.map(requireEncoded);
    const job: Job = {
      kind: 'picture',
      count: encoded.length,
      tokens: sum(encoded.map((image) => this.#api.estimateTokens(image))),
      isUrgent: options.isUrgent ?? false,
      request: this.#api.createImagesRequest(encoded),
    };
    return this.#embed(job, options.signal);
  }

  async embedTexts(
    texts: readonly string[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    refuseMoreThan(this.limits.textsPerCall, texts.length, 'texts');
    if (texts.length === 0) return [];
    const job: Job = {
      kind: 'text',
      count: texts.length,
      tokens: sum(texts.map((text) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN))),
      isUrgent: true,
      request: this.#api.createTextsRequest(texts),
    };
    return this.#embed(job, signal);
  }

  /** Embeds one short text, unless what was asked lately tells enough. */
  async checkHealth({ signal, isLook = false }: HealthCheckOptions = {}): Promise<ProviderHealth> {
    if (this.#isDisposed) return { ok: false, message: abortedError().message };
    const known = isLook ? this.#health.get() : this.#health.getGood();
    if (known) return known;
    if (!isLook) return this.#ask(signal);
    this.#checking ??= this.#ask(signal).finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const cancel of this.#cancellations) cancel();
    return Promise.resolve();
  }

  async #ask(signal: AbortSignal | undefined): Promise<ProviderHealth> {
    const { endpoint } = this.#api;
    try {
      await this.embedTexts(['health'], { signal });
      return this.#goodHealth();
    } catch (error) {
      const { code, message } = toProviderError(error, endpoint, this.#clock.now());
      const isLate = isTimeout(signal);
      const health = {
        ok: false,
        message: isLate ? `${endpoint.host} gave no answer in time.` : message,
      };
      // Whatever else a server answers is noted already; this one refuses the very text that asks how it is.
      if (isLate || code === 'provider-rejected-input') this.#health.note(health);
      return health;
    }
  }

  #goodHealth(): ProviderHealth {
    const { host, model } = this.#api.endpoint;
    return { ok: true, message: `${host} answers for "${model}".` };
  }

  /**
   * Waits for its turn and then for the whole answer. Listeners of the caller's signal are taken off again, for it may
   * outlive thousands of requests.
   */
  async #embed(job: Job, signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const { count, isUrgent, kind, tokens } = job;
    if (this.#isDisposed || signal?.aborted === true) throw abortedError();
    const controller = new AbortController();
    const cancel = (): void => {
      controller.abort(abortedError());
    };
    this.#cancellations.add(cancel);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const demand = { images: kind === 'picture' ? count : 0, tokens, isUrgent };
      const correctTokens = await this.#pace.takeTurn(demand, controller.signal);
      return await this.#request(job, { controller, correctTokens });
    } catch (error) {
      throw this.#nameFailure(error, controller.signal);
    } finally {
      this.#cancellations.delete(cancel);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** What it finds out about the server is remembered. */
  async #request(
    { kind, count, request }: Job,
    turn: { controller: AbortController; correctTokens: (tokens: number) => void },
  ): Promise<Float32Array[]> {
    const { answerSchema, endpoint, space } = this.#api;
    const { host, requestSettings } = endpoint;
    try {
      const answer = readAnswer(await this.#send(request, turn.controller), answerSchema, host);
      if (answer.tokens !== null) turn.correctTokens(answer.tokens);
      this.#onUsage?.({
        images: kind === 'picture' ? count : 0,
        texts: kind === 'text' ? count : 0,
        tokens: answer.tokens,
        cost: answer.cost,
      });
      this.#identity.check(answer.model);
      const { dimensions } = space;
      const expected = { host, kind, count, dimensions, requestSettings };
      const vectors = toUnitVectors(answer.vectors, expected);
      this.#health.note(this.#goodHealth());
      return vectors;
    } catch (error) {
      this.#health.noteFailure(this.#nameFailure(error, turn.controller.signal));
      throw error;
    }
  }

  #nameFailure(error: unknown, { reason }: AbortSignal): ImageSearchError {
    if (reason instanceof ImageSearchError) return reason;
    return toProviderError(error, this.#api.endpoint, this.#clock.now());
  }

  async #send(request: ApiRequest, controller: AbortController): Promise<unknown> {
    const { endpoint, send, timeoutSeconds } = this.#api;
    const timer = setTimeout(() => {
      controller.abort(timedOut(endpoint.host, timeoutSeconds));
    }, timeoutSeconds * 1_000);
    try {
      return await send(request, controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A batch that a minute of indexing has no room for would use up what is left to searches. */
function limitsOf(api: HostedApi): EmbeddingLimits {
  const { limits, quota } = api;
  const tokensPerImage = tokensOfLargest(api);
  const imagesPerCall = Math.min(limits.imagesPerCall, mostImagesPerRequest(quota, tokensPerImage));
  return { ...limits, ...quota, imagesPerCall, tokensPerImage };
}

function tokensOfLargest(api: HostedApi): number {
  const { kind, maxEdge, mimeType } = api.imagePreparation;
  return api.estimateTokens({
    kind,
    mimeType,
    width: maxEdge,
    height: maxEdge,
    data: new Uint8Array(),
  });
}

function readAnswer(body: unknown, schema: z.ZodType<ApiAnswer>, host: string): ApiAnswer {
  if (typeof body === 'string') throw badAnswer(`${host} answered something that is not JSON.`);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  // Says where, never what: an answer's values do not belong in a log.
  const place = result.error.issues[0]?.path.map(String).join('.') ?? '';
  throw badAnswer(
    `${host} answered JSON of another shape than an embeddings API${place === '' ? '' : `, first at ${place}`}.`,
  );
}

function refuseMoreThan(limit: number, count: number, what: 'pictures' | 'texts'): void {
  if (count <= limit) return;
  throw new RangeError(
    `Expected at most ${String(limit)} ${what} in one call, got ${String(count)}.`,
  );
}

function requireEncoded(image: PreparedImage): EncodedImage {
  if (image.kind === 'encoded') return image;
  throw new TypeError('Expected an encoded picture, got pixels: see `imagePreparation`.');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
