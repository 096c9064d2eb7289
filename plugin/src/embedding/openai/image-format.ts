import type { EncodedImage, EncodedPreparation } from '../../images/contract';
import type { EmbeddingLimits } from '../contract';

interface ModelChoice {
  /** `embedding.model`. */
  model: string;
  /** `embedding.dimensions`. */
  dimensions: number;
}

/**
 * How one family of servers wants pictures and texts in `POST {baseURL}/embeddings`. OpenAI's own API has no
 * pictures, so every vendor added them in a way of its own; all that differs is here. The answer is the same
 * everywhere: `{ data: [{ index, embedding: number[] }] }`.
 */
export interface ImageFormat {
  /** How pictures are encoded before they are sent. */
  readonly mimeType: EncodedPreparation['mimeType'];
  readonly limits: Pick<
    EmbeddingLimits,
    'concurrentCalls' | 'bytesPerImage' | 'pixelsPerImage' | 'mimeTypes'
  >;
  /** The JSON body that asks for one vector per picture, for keeping. */
  createImagesBody(images: readonly EncodedImage[], choice: ModelChoice): object;
  /** The JSON body that asks for one vector per text, for searching. */
  createTextsBody(texts: readonly string[], choice: ModelChoice): object;
  /** What the bodies say beyond model and dimensions that changes the vectors: a part of the vector space. */
  describeModes(model: string): string;
}
