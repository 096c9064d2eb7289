import type { z } from 'zod';
import type { ImagePreparation, PreparedImage } from '../images/contract';
import type { Logger } from '../logger';
import type { EmbeddingQuota } from './quota';
import type { VectorSpace } from './vector-space';

export { isSameIdentity, type EmbeddingIdentity } from './identity';
export { requestsOfIndexing, unlimitedQuota, type EmbeddingQuota } from './quota';
export { createVectorSpace, type VectorSpace } from './vector-space';

/** Longer side of the largest picture that any hosted provider is sent, in pixels, whatever is configured. */
export const LARGEST_EDGE = 4_096;

/** What one call may be. */
export interface EmbeddingCallLimits {
  /** Most pictures in one `embedImages` call. */
  imagesPerCall: number;
  /** Most texts in one `embedTexts` call. */
  textsPerCall: number;
  /** Calls that may be under way at once. */
  concurrentCalls: number;
  /** Largest encoded picture that the provider takes, in bytes; Infinity for a local model. */
  bytesPerImage: number;
  /** Largest picture that the provider takes, in pixels; Infinity for a local model. */
  pixelsPerImage: number;
  /** Encodings that the provider takes; empty for a local model, which is handed pixels. */
  mimeTypes: readonly string[];
}

export interface EmbeddingLimits extends EmbeddingCallLimits, EmbeddingQuota {
  /** What the largest picture that is sent will count, as far as is known beforehand; 0 where tokens do not count. */
  tokensPerImage: number;
}

export interface EmbeddingCallOptions {
  signal?: AbortSignal | undefined;
  /**
   * Somebody waits for the answer: it goes ahead of what is indexed, and fails rather than wait for long. Texts always
   * do.
   */
  isUrgent?: boolean;
}

export interface HealthCheckOptions {
  signal?: AbortSignal | undefined;
  /**
   * Somebody only looks, perhaps again and again: what was found out less than a minute ago will do, good or bad, and
   * all that look at a time share one check, which ends with the signal of the first. Otherwise a good health alone is
   * believed that long.
   */
  isLook?: boolean;
}

/** What one request to a hosted API was, by the vendor's own count. */
export interface EmbeddingUsage {
  /** Pictures in the request. */
  images: number;
  /** Texts in the request. */
  texts: number;
  /** Tokens that are billed; null when the vendor does not say. */
  tokens: number | null;
  /** US dollars; null when the vendor does not say. */
  cost: number | null;
}

export interface ProviderHealth {
  ok: boolean;
  /** One sentence for the operator: what is wrong and what to do, or what answers. */
  message: string;
}

/**
 * Texts and pictures → vectors of one space.
 *
 * - Both embed calls answer one unit-length Float32Array of `space.dimensions` per input, in input order; an empty
 *   list answers an empty list without any work. Equal inputs may be given twice.
 * - A vector of another length, with a value that is not finite, or of length zero is `provider-bad-answer`: it is
 *   never returned.
 * - An error concerns the whole call. `provider-rejected-input` says that at least one input is to blame and that
 *   smaller calls may succeed. Aborting rejects with `aborted`.
 * - More inputs than `limits` allow is a programming error and throws a RangeError.
 * - A provider that may only be asked so often waits by itself before it asks.
 * - `dispose` ends what is under way with `aborted` and frees everything; it may be called twice.
 */
export interface EmbeddingProvider {
  readonly space: VectorSpace;
  readonly limits: EmbeddingLimits;
  /** What `embedImages` must be handed. */
  readonly imagePreparation: ImagePreparation;
  /**
   * Cosine similarity (-1 to 1) of a text with a picture below which even the best picture means nothing: the words
   * are unknown, or nothing shows them. It differs from model to model; null when it is not known for this one.
   */
  readonly closeScore: number | null;
  embedImages(
    images: readonly PreparedImage[],
    options?: EmbeddingCallOptions,
  ): Promise<Float32Array[]>;
  embedTexts(texts: readonly string[], options?: EmbeddingCallOptions): Promise<Float32Array[]>;
  /** Never rejects. */
  checkHealth(options?: HealthCheckOptions): Promise<ProviderHealth>;
  dispose(): Promise<void>;
}

/** What the house hands to a provider. */
export interface ProviderContext {
  logger: Logger;
  /** Folder of the project that relative paths of the configuration start from. */
  projectFolder: string;
  /** Called with a sentence whenever long preparatory work (a model's download) moves on; null when it is over. */
  onProgress(progress: string | null): void;
  /** Called once for every request that a hosted API answered, with the vendor's own figures. */
  onUsage?(usage: EmbeddingUsage): void;
}

/** A row of the README's table of providers: what an operator wants to know before choosing one. */
export interface ProviderFacts {
  /** Who serves which models. */
  serves: string;
  /** The settings that choose it, as they are written into the configuration. */
  settings: string;
  /** Lengths of vectors, model by model. */
  dimensions: string;
  /** What leaves the machine. */
  sends: string;
  /** What it may be asked, and what of that is not known for certain. */
  limits: string;
}

/** A kind of provider as the registry lists it: its settings and how to open it. */
export interface ProviderDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** `embedding.provider` in the configuration. */
  readonly name: string;
  /** Settings below `embedding`, `provider` among them as a literal; defaults filled in. */
  readonly configSchema: Schema;
  /** True for a model on this machine: there is nothing to pay, and `onUsage` is not called. */
  readonly isLocal?: boolean;
  readonly facts: readonly ProviderFacts[];
  /** Names of the settings that change the vectors, and of the address that a key belongs to; never a secret. */
  readonly identifyingSettings: readonly (keyof z.output<Schema> & string)[];
  /**
   * Opens the provider far enough to know its space; weights are loaded on first use. Fails with
   * `provider-not-installed`, `provider-model-missing`, `provider-unavailable`, or `config-invalid` (a model that this
   * kind of provider cannot run).
   */
  open(config: z.output<Schema>, context: ProviderContext): Promise<EmbeddingProvider>;
}
