import type { EncodedImage, EncodedPreparation } from '../../images/contract';
import type { EmbeddingCallLimits, EmbeddingQuota, VectorSpace } from '../contract';
import type { z } from 'zod';
import type { Endpoint } from './failures';
import type { Transport } from './transport';

/** One request to a hosted API; all of them are POST. */
export interface ApiRequest {
  /** What follows the base address, with its query: `/embeddings`. */
  path: string;
  /** An object travels as JSON, bytes as they are. */
  body: object | Uint8Array;
}

/** What matters of a 200 answer, whatever its shape. */
export interface ApiAnswer {
  /** In any order; `index` counts the inputs of the request from 0. */
  vectors: readonly { index: number; values: readonly number[] }[];
  /** The model, or its version, that the server says has answered; null when it does not say. */
  model: string | null;
  /** Tokens that are billed; null when the server does not say. */
  tokens: number | null;
  /** US dollars; null when the server does not say. */
  cost: number | null;
}

/**
 * What one vendor's API is like: how pictures and texts are asked for, and what the answer means. Everything that is
 * the same for all of them is in `HostedProvider`.
 */
export interface HostedApi {
  readonly space: VectorSpace;
  readonly limits: EmbeddingCallLimits;
  readonly imagePreparation: EncodedPreparation;
  readonly endpoint: Endpoint;
  /** What the key may ask for in a minute. */
  readonly quota: EmbeddingQuota;
  /** Longest wait for a whole answer. */
  readonly timeoutSeconds: number;
  /** What the answer must call the model, up to its spelling. */
  readonly expectedModel: string;
  readonly send: Transport;
  /** Asks for one vector per picture, for keeping. */
  createImagesRequest(images: readonly EncodedImage[]): ApiRequest;
  /** Asks for one vector per text, for searching. */
  createTextsRequest(texts: readonly string[]): ApiRequest;
  /** Reads the parsed JSON of a 200 answer. */
  readonly answerSchema: z.ZodType<ApiAnswer>;
  /** Tokens that a picture will be billed for, as far as is known beforehand. */
  estimateTokens(image: EncodedImage): number;
}
