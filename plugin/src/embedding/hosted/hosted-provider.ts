import type { z } from 'zod';
import { isTimeout } from '../../abort';
import { HealthRecord } from '../../circuit-breaker';
import { systemClock, type Clock } from '../../clock';
import { abortedError, ImageSearchError } from '../../errors';
import type { EncodedImage, ImagePreparation, PreparedImage } from '../../images/contract';
import type {
  EmbeddingCallOptions,
  EmbeddingLimits,
  EmbeddingProvider,
  HealthCheckOptions,
  ProviderContext,
  ProviderDefinition,
  ProviderHealth,
  VectorSpace,
} from '../contract';
import { mostImagesPerRequest } from '../quota';
import { toUnitTextVector, toUnitVector } from '../vector-space';
import type { ApiAnswer, ApiRequest, HostedApi } from './api';
import { badAnswer, quote, timedOut, toProviderError, type Endpoint } from './http-failures';
import { RateLimiter } from './rate-limiter';

/** A vendor's part of a definition; opening is the same for all vendors. */
interface HostedDefinition<Schema extends z.ZodObject> extends Omit<
  ProviderDefinition<Schema>,
  'isLocal' | 'open'
> {
  createApi: (config: z.output<Schema>) => HostedApi | Promise<HostedApi>;
}

export function defineHostedProvider<Schema extends z.ZodObject>({
  createApi,
  ...definition
}: HostedDefinition<Schema>): ProviderDefinition<Schema> {
  return {
    ...definition,
    open: async (config, context) => new HostedProvider(await createApi(config), context),
  };
}

/** About what a token is in English; in most other scripts it's fewer characters, but each has more bytes. */
const BYTES_PER_TOKEN = 4;

interface Job {
  kind: 'image' | 'text';
  count: number;
  tokens: number;
  isUrgent: boolean;
  request: ApiRequest;
  /** Null for images. */
  texts: readonly string[] | null;
}

export interface HostedProviderOptions {
  onUsage?: ProviderContext['onUsage'];
  /** @default systemClock */
  clock?: Clock;
  /** @default a record of its own */
  health?: ProviderContext['health'];
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
  readonly #rateLimiter: RateLimiter;
  readonly #identity: ModelIdentity;
  readonly #health: HealthRecord;
  /** Each cancels a pending request. */
  readonly #cancellations = new Set<() => void>();
  #isDisposed = false;
  /** The request that concurrent checks share. */
  #checking: Promise<ProviderHealth> | null = null;

  constructor(
    api: HostedApi,
    {
      onUsage,
      clock = systemClock,
      health = new HealthRecord({ clock, random: Math.random }),
    }: HostedProviderOptions = {},
  ) {
    this.#api = api;
    this.#onUsage = onUsage;
    this.#clock = clock;
    this.#rateLimiter = new RateLimiter(api.quota, clock);
    this.#identity = new ModelIdentity(api.expectedModel, api.endpoint);
    this.#health = health;
    this.space = api.space;
    this.limits = limitsOf(api);
    this.imagePreparation = api.imagePreparation;
  }

  async embedImages(
    images: readonly PreparedImage[],
    options: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    requireAtMost(this.limits.imagesPerCall, images.length, 'images');
    if (images.length === 0) return [];
    const encoded = images.map(requireEncoded);
    const job: Job = {
      kind: 'image',
      count: encoded.length,
      tokens: sum(encoded.map((image) => this.#api.estimateTokens(image))),
      isUrgent: options.isUrgent ?? false,
      request: this.#api.createImagesRequest(encoded),
      texts: null,
    };
    return this.#embed(job, options.signal);
  }

  async embedTexts(
    texts: readonly string[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    requireAtMost(this.limits.textsPerCall, texts.length, 'texts');
    if (texts.length === 0) return [];
    const job: Job = {
      kind: 'text',
      count: texts.length,
      tokens: sum(texts.map((text) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN))),
      isUrgent: true,
      request: this.#api.createTextsRequest(texts),
      texts,
    };
    return this.#embed(job, signal);
  }

  /** Embeds one short text, unless recent requests already tell. */
  async checkHealth({
    signal,
    canBeCached = false,
  }: HealthCheckOptions = {}): Promise<ProviderHealth> {
    if (this.#isDisposed) return { ok: false, message: abortedError().message };
    const known = canBeCached ? this.#health.recentHealth() : this.#health.recentGoodHealth();
    if (known) return known;
    if (!canBeCached) return this.#probe(signal);
    this.#checking ??= this.#probe(signal).finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const cancel of this.#cancellations) cancel();
    return Promise.resolve();
  }

  async #probe(signal: AbortSignal | undefined): Promise<ProviderHealth> {
    const { endpoint } = this.#api;
    try {
      await this.embedTexts(['health'], { signal });
      return this.#goodHealth();
    } catch (error) {
      const { code, message } = toProviderError(error, endpoint, this.#clock.now());
      const isLate = isTimeout(signal);
      const health = {
        ok: false,
        message: isLate ? `${endpoint.host} didn't answer in time.` : message,
      };
      // Any other failure is recorded already; this server rejects the very text that checks its health.
      if (isLate || code === 'provider-rejected-input') this.#health.recordHealth(health);
      return health;
    }
  }

  #goodHealth(): ProviderHealth {
    const { host, model } = this.#api.endpoint;
    return { ok: true, message: `${host} serves "${model}".` };
  }

  /**
   * Waits for its turn, then for the whole answer. Removes its listener from the caller's signal, which may outlive
   * thousands of requests.
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
      const demand = { images: kind === 'image' ? count : 0, tokens, isUrgent };
      const correctTokens = await this.#rateLimiter.takeTurn(demand, controller.signal);
      return await this.#request(job, { controller, correctTokens });
    } catch (error) {
      throw this.#nameFailure(error, controller.signal);
    } finally {
      this.#cancellations.delete(cancel);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Records what it finds out about the server's health. */
  async #request(
    { kind, count, request, texts }: Job,
    turn: { controller: AbortController; correctTokens: (tokens: number) => void },
  ): Promise<Float32Array[]> {
    const { answerSchema, endpoint, space } = this.#api;
    const { host, requestSettings } = endpoint;
    try {
      const answer = readAnswer(await this.#send(request, turn.controller), answerSchema, host);
      if (answer.tokens !== null) turn.correctTokens(answer.tokens);
      this.#onUsage?.({
        images: kind === 'image' ? count : 0,
        texts: kind === 'text' ? count : 0,
        tokens: answer.tokens,
        cost: answer.cost,
      });
      this.#identity.check(answer.model);
      const { dimensions } = space;
      const expected = { host, kind, count, dimensions, requestSettings, texts };
      const vectors = toUnitVectors(answer.vectors, expected);
      this.#health.recordHealth(this.#goodHealth());
      return vectors;
    } catch (error) {
      this.#health.recordFailedRequest(this.#nameFailure(error, turn.controller.signal));
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

/** A batch larger than indexing's share of a minute would use up the share of searches. */
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
  if (typeof body === 'string')
    throw badAnswer(`${host} didn't send JSON. Check embedding.baseURL.`);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  // Says where, never what: an answer's values don't belong in a log.
  const place = result.error.issues[0]?.path.map(String).join('.') ?? '';
  throw badAnswer(
    `${host} sent JSON that isn't an embeddings answer${place === '' ? '' : ` (at ${place})`}. Check embedding.baseURL.`,
  );
}

function requireAtMost(limit: number, count: number, what: 'images' | 'texts'): void {
  if (count <= limit) return;
  throw new RangeError(
    `Expected at most ${String(limit)} ${what} in one call, got ${String(count)}.`,
  );
}

function requireEncoded(image: PreparedImage): EncodedImage {
  if (image.kind === 'encoded') return image;
  throw new TypeError('Expected an encoded image, got pixels: see `imagePreparation`.');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export interface ExpectedVectors {
  /** Host and port, for messages. */
  host: string;
  /** What was embedded. */
  kind: 'image' | 'text';
  count: number;
  dimensions: number;
  /** For messages. */
  requestSettings: string;
  /** The texts; null for images. */
  texts: readonly string[] | null;
}

/**
 * A server's answer → one unit vector per input, in input order whatever the order of the answer.
 *
 * @throws ImageSearchError `provider-bad-answer` unless there is exactly one good vector for every input, and
 * `text-unknown` for a text whose vector is all zeros
 */
export function toUnitVectors(
  answered: ApiAnswer['vectors'],
  expected: ExpectedVectors,
): Float32Array[] {
  const { host, kind, count, dimensions, requestSettings, texts } = expected;
  const byIndex = new Map(answered.map(({ index, values }) => [index, values]));
  if (answered.length !== count || byIndex.size !== count) {
    throw badAnswer(
      `${host} sent ${String(answered.length)} vectors for ${String(byIndex.size)} inputs instead of ${String(count)}.`,
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const values = byIndex.get(index);
    const what = `The vector of ${kind} ${String(index + 1)} from ${host}`;
    if (values === undefined) throw badAnswer(`${what} is missing.`);
    if (values.length !== dimensions) {
      throw badAnswer(
        `${what} has ${String(values.length)} values instead of ${String(dimensions)}. Check ${requestSettings}.`,
      );
    }
    const text = texts?.[index];
    return text === undefined
      ? toUnitVector(values, dimensions, what)
      : toUnitTextVector(values, dimensions, { text, what });
  });
}

/**
 * Makes sure that a server answers with the model of the space: vectors of another model would be stored among its
 * own and never match.
 *
 * Harmless differences in spelling pass on purpose: no name at all, upper and lower case, a path before the
 * name (`models/…`, `jinaai/…`, or the path of a file) and what follows a colon or an at sign (`:free`, `@001`). A name
 * followed by the date or number of a version is what an alias stands for, such as `embed-v4.0` for `embed`; it
 * may be any, but must stay the same.
 */
export class ModelIdentity {
  readonly #expected: string;
  readonly #endpoint: Endpoint;
  #version: string | null = null;

  constructor(expected: string, endpoint: Endpoint) {
    this.#expected = normalize(expected);
    this.#endpoint = endpoint;
  }

  /** @throws ImageSearchError `provider-model-changed` */
  check(reported: string | null): void {
    if (reported === null || reported.trim() === '') return;
    const name = normalize(reported);
    if (name === this.#expected) return;
    if (!isVersionOf(name, this.#expected)) throw this.#changed(reported, this.#expected);
    this.#version ??= name;
    if (name !== this.#version) throw this.#changed(reported, this.#version);
  }

  #changed(reported: string, expected: string): ImageSearchError {
    const { host, modelSetting, apiKey } = this.#endpoint;
    return new ImageSearchError({
      code: 'provider-model-changed',
      message: `${host} answered with the model "${quote(reported, apiKey)}" instead of "${expected}", so nothing is stored: their vectors can't be compared. Set ${modelSetting} to the model that answers, which reindexes everything, or have ${host} serve the previous one.`,
      retryable: false,
    });
  }
}

function normalize(name: string): string {
  const withoutPath = name.trim().toLowerCase().replace(/^.*\//, '');
  return withoutPath.replace(/[:@].*$/, '') || withoutPath;
}

/** `name` without path, and what follows is digits and separators, as in `-2026-03-15` and `-v4.0`. */
function isVersionOf(name: string, expected: string): boolean {
  return name.startsWith(expected) && /^[-_.]v?\d[\d._-]*$/.test(name.slice(expected.length));
}
