import type { EncodedImage } from '../../images/contract';
import type { EmbeddingCallLimits, EmbeddingQuota } from '../contract';
import type { KnownModel } from '../hosted/settings';

interface ModelChoice {
  /** `embedding.model`. */
  model: string;
  /** The vector length to request; undefined for the model's default. */
  dimensions: number | undefined;
}

/**
 * How one family of servers expects images and texts in `POST {baseURL}/embeddings`. OpenAI's own API has no images, so
 * every vendor added them in its own way; all differences are here. The answer is the same everywhere: `{ data: [{ index, embedding: number[] }], model, usage }`.
 */
export interface ImageFormat {
  /** Shortest side of an image, in pixels: see `EncodedPreparation`. */
  readonly minEdge?: number;
  /** The most that any server of this family accepts. */
  readonly limits: EmbeddingCallLimits;
  /** The defaults of the settings. */
  readonly quota: EmbeddingQuota;
  /** Default of `embedding.sendDimensions`. */
  readonly sendsDimensions: boolean;
  readonly models: readonly KnownModel[];
  /** The JSON body that requests one vector per image, for the index. */
  createImagesBody(images: readonly EncodedImage[], choice: ModelChoice): object;
  /** The JSON body that requests one vector per text, for a search. */
  createTextsBody(texts: readonly string[], choice: ModelChoice): object;
  /** What changes the vectors besides model and length, such as image sizes and modes; part of the vector space's id. */
  describeInputs(choice: { model: string; maxEdge: number }): string;
  /** Tokens of an image, as far as known. */
  estimateTokens(image: EncodedImage, model: string): number;
}

const PATCH_EDGE = 28;

/** A token per 28 × 28 pixels, as in most vision-language models. */
export function countPatches({ width, height }: EncodedImage): number {
  return Math.ceil(width / PATCH_EDGE) * Math.ceil(height / PATCH_EDGE);
}

/**
 * Qwen's models see nothing smaller than a patch, and reject images more than 200 times as long as wide.
 */
export const shortestEdgeOfPatches = PATCH_EDGE;
