import type { z } from 'zod';
import type { HealthRecord } from '../circuit-breaker';
import type { ImagePreparation, PreparedImage } from '../images/contract';
import type { Logger } from '../logger';

/**
 * Only vectors of one space can be compared. Vectors of two spaces never mix, neither in a collection nor in a query.
 */
export interface VectorSpace {
  /** Derived from all the other fields; lower-case letters, digits and hyphens, at most 100 characters. */
  readonly id: string;
  /** `embedding.provider`. */
  readonly provider: string;
  /** The model's name without any path of this machine. */
  readonly model: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /** Everything else that changes the vectors: weights, number format, the preparation of images and texts. */
  readonly preprocessing: string;
}

/**
 * The settings of a provider that determine its vectors, its name as `provider` included: enough to recognize it, and
 * never a secret, so it may be stored.
 */
export type EmbeddingIdentity = Readonly<Record<string, unknown>> & { readonly provider: string };

/** Limits per minute, which the provider enforces itself; Infinity for no limit. */
export interface EmbeddingQuota {
  requestsPerMinute: number;
  tokensPerMinute: number;
  imagesPerMinute: number;
}

export const unlimitedQuota: EmbeddingQuota = {
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
  imagesPerMinute: Number.POSITIVE_INFINITY,
};

/** Longer side of the largest image that is ever sent to a hosted provider, in pixels. */
export const LARGEST_EDGE = 4_096;

/** Limits of a call. */
export interface EmbeddingCallLimits {
  /** Maximum images in one `embedImages` call. */
  imagesPerCall: number;
  /** Maximum texts in one `embedTexts` call. */
  textsPerCall: number;
  /** Maximum calls at the same time. */
  concurrentCalls: number;
  /** Largest encoded image that the provider accepts, in bytes; Infinity for a local model. */
  bytesPerImage: number;
  /** Largest image that the provider accepts, in pixels; Infinity for a local model. */
  pixelsPerImage: number;
  /** Encodings that the provider accepts; empty for a local model, which gets pixels. */
  mimeTypes: readonly string[];
}

export interface EmbeddingLimits extends EmbeddingCallLimits, EmbeddingQuota {
  /** Tokens of the largest image that is sent, as far as known in advance; 0 where tokens don't count. */
  tokensPerImage: number;
}

export interface EmbeddingCallOptions {
  signal?: AbortSignal | undefined;
  /**
   * Someone is waiting for the answer: the call overtakes indexing, and fails rather than wait for long. Texts are always
   * urgent.
   */
  isUrgent?: boolean;
}

export interface HealthCheckOptions {
  signal?: AbortSignal | undefined;
  /**
   * A result of the last minute will do, good or bad, and concurrent checks share one request, which ends with the signal
   * of the first: for pages that poll. Otherwise only a good result is reused for a minute.
   */
  canBeCached?: boolean;
}

/** What a request to a hosted API used, by the vendor's count. */
export interface EmbeddingUsage {
  /** Images in the request. */
  images: number;
  /** Texts in the request. */
  texts: number;
  /** Billed tokens; null if the vendor doesn't say. */
  tokens: number | null;
  /** US dollars; null if the vendor doesn't say. */
  cost: number | null;
}

export interface ProviderHealth {
  ok: boolean;
  /** For the operator: what is wrong and what to do, or which model answers. */
  message: string;
}

/**
 * Texts and images → vectors of one space.
 *
 * - Both embed calls return one Float32Array of unit length and `space.dimensions` values per input, in input order. An
 *   empty list returns an empty list without any work. Inputs may repeat.
 * - A vector with another number of values, a value that isn't finite, or only zeros is never returned.
 * - An error concerns the whole call.
 * - A provider with a rate limit waits before it sends a request.
 * - `dispose` fails pending calls with `aborted` and frees everything; it may be called twice.
 *
 * @throws ImageSearchError from both embed calls: `provider-rejected-input` when at least one input is to blame, so
 * that smaller calls may succeed; `text-unknown` when the model embeds a text as zero; `provider-bad-answer` for a vector of the wrong shape; `aborted`; and the other
 * `provider-` codes
 * @throws RangeError for more inputs than `limits` allow, which is a programming error
 * @example
 * const [vector] = await provider.embedTexts(['red flowers'], { signal });
 */
export interface EmbeddingProvider {
  readonly space: VectorSpace;
  readonly limits: EmbeddingLimits;
  /** How images for `embedImages` must be prepared. */
  readonly imagePreparation: ImagePreparation;
  /**
   * Cosine similarity (-1 to 1) of text and image below which even the best match means nothing: the model doesn't know
   * the words, or no image shows them. It differs from model to model; null if unknown.
   */
  readonly closeScore: number | null;
  embedImages(
    images: readonly PreparedImage[],
    options?: EmbeddingCallOptions,
  ): Promise<Float32Array[]>;
  embedTexts(texts: readonly string[], options?: EmbeddingCallOptions): Promise<Float32Array[]>;
  /** Never rejects. */
  checkHealth(options?: HealthCheckOptions): Promise<ProviderHealth>;
  /** Loads what the first text would have to wait for, if the configuration says so. @throws as `embedTexts` */
  warmUp?(): Promise<void>;
  dispose(): Promise<void>;
}

/** What a provider gets from its host. */
export interface ProviderContext {
  logger: Logger;
  /** The project folder, which relative paths in the configuration start from. */
  projectFolder: string;
  /** Called with a sentence whenever long preparation (a model's download) progresses; with null when it's done. */
  onProgress(progress: string | null): void;
  /** Called once for every request that a hosted API answered, with the vendor's figures. */
  onUsage?(usage: EmbeddingUsage): void;
  /** Outlives the provider. A hosted one records its responses here, so that checks rarely need a request. */
  health?: HealthRecord;
}

/** A kind of provider in the registry: its settings, and how to open it. */
export interface ProviderDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** `embedding.provider` in the configuration. */
  readonly name: string;
  /** Settings below `embedding`, `provider` included as a literal; defaults filled in. */
  readonly configSchema: Schema;
  /** True for a model on this machine: it costs nothing, and `onUsage` is never called. */
  readonly isLocal?: boolean;
  /** The settings that change the vectors, and the address that a key belongs to; never a secret. */
  readonly identifyingSettings: readonly (keyof z.output<Schema> & string)[];
  /**
   * Opens the provider far enough to know its space; weights are loaded on first use.
   *
   * @throws ImageSearchError `provider-not-installed`, `provider-model-missing`, `provider-unavailable`, or
   * `config-invalid` for a model that this kind of provider can't run
   */
  open(config: z.output<Schema>, context: ProviderContext): Promise<EmbeddingProvider>;
}
