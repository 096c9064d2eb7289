import type { EncodedImage, EncodedPreparation } from '../../images/contract';
import type { EmbeddingCallLimits, EmbeddingQuota, ProviderFacts } from '../contract';
import type { KnownModel } from '../http/dimensions';

interface ModelChoice {
  /** `embedding.model`. */
  model: string;
  /** The length of vectors to ask for; undefined for whatever the model answers. */
  dimensions: number | undefined;
}

/**
 * How one family of servers wants pictures and texts in `POST {baseURL}/embeddings`. OpenAI's own API has no
 * pictures, so every vendor added them in a way of its own; all that differs is here. The answer is the same
 * everywhere: `{ data: [{ index, embedding: number[] }], model, usage }`.
 */
export interface ImageFormat {
  /** How pictures are encoded before they are sent. */
  readonly mimeType: EncodedPreparation['mimeType'];
  /** Shortest side of a picture, in pixels: see `EncodedPreparation`. */
  readonly minEdge?: number;
  /**
   * Whether the shortest side is a part of the vector space. Not where it came later than spaces did: it changes tiny
   * pictures alone, and every other vector would have to be paid for again.
   *
   * @default true
   */
  readonly isMinEdgeInSpace?: boolean;
  /** Of pictures and texts in a call the most that any server of this family takes. */
  readonly limits: EmbeddingCallLimits;
  /** Unless the settings say otherwise. */
  readonly quota: EmbeddingQuota;
  /** Unless `embedding.sendDimensions` says otherwise: whether `dimensions` is a part of requests. */
  readonly sendsDimensions: boolean;
  readonly models: readonly KnownModel[];
  readonly facts: Omit<ProviderFacts, 'settings' | 'dimensions'>;
  /** The JSON body that asks for one vector per picture, for keeping. */
  createImagesBody(images: readonly EncodedImage[], choice: ModelChoice): object;
  /** The JSON body that asks for one vector per text, for searching. */
  createTextsBody(texts: readonly string[], choice: ModelChoice): object;
  /** What the bodies say beyond model and dimensions that changes the vectors: a part of the vector space. */
  describeModes(model: string): string;
  /** Tokens that the model makes of a picture, as far as is known. */
  estimateTokens(image: EncodedImage, model: string): number;
}

const PATCH_EDGE = 28;

/** What most vision-language models do: a token for every 28 × 28 pixels. */
export function countPatches({ width, height }: EncodedImage): number {
  return Math.ceil(width / PATCH_EDGE) * Math.ceil(height / PATCH_EDGE);
}

/**
 * A patch is the least that models of Qwen's family look at, and they refuse pictures more than 200 times as long as
 * wide.
 */
export const shortestEdgeOfPatches = PATCH_EDGE;
