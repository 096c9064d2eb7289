import type { z } from 'zod';
import type { EncodedImage, EncodedPreparation } from '../../images/contract';
import type { EmbeddingCallLimits, EmbeddingQuota, VectorSpace } from '../contract';
import type { Endpoint } from './http-failures';

/** One request to a hosted API; all of them are POST. */
export interface ApiRequest {
  /** Appended to the base URL, query included: `/embeddings`. */
  path: string;
  /** An object is sent as JSON, bytes as they are. */
  body: object | Uint8Array;
}

/**
 * Sends a request and returns the parsed JSON. Fails with StatusError, ConnectionError, a SyntaxError for invalid JSON,
 * or the reason of the signal. No retries: the queue decides on those.
 */
export type Transport = (request: ApiRequest, signal: AbortSignal) => Promise<unknown>;

/** What a 200 answer says, whatever its shape. */
export interface ApiAnswer {
  /** In any order; `index` counts the inputs of the request from 0. */
  vectors: readonly { index: number; values: readonly number[] }[];
  /** The model, or its version, that the server names; null if it names none. */
  model: string | null;
  /** Billed tokens; null if the server doesn't say. */
  tokens: number | null;
  /** US dollars; null if the server doesn't say. */
  cost: number | null;
}

/**
 * One vendor's API: how to request vectors, and what the answer means. What all vendors share is in `HostedProvider`.
 */
export interface HostedApi {
  readonly space: VectorSpace;
  readonly limits: EmbeddingCallLimits;
  readonly imagePreparation: EncodedPreparation;
  readonly endpoint: Endpoint;
  /** What the key allows per minute. */
  readonly quota: EmbeddingQuota;
  /** Time limit for a request, answer included. */
  readonly timeoutSeconds: number;
  /** The model that the answer must name, give or take its spelling. */
  readonly expectedModel: string;
  readonly send: Transport;
  /** Requests one vector per image, for the index. */
  createImagesRequest(images: readonly EncodedImage[]): ApiRequest;
  /** Requests one vector per text, for a search. */
  createTextsRequest(texts: readonly string[]): ApiRequest;
  /** Parses the JSON of a 200 answer. */
  readonly answerSchema: z.ZodType<ApiAnswer>;
  /** Tokens that an image will be billed for, as far as known in advance. */
  estimateTokens(image: EncodedImage): number;
}

export function toBase64({ data }: EncodedImage): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

/** `data:image/jpeg;base64,…` (RFC 2397). */
export function toDataURL(image: EncodedImage): string {
  return `data:${image.mimeType};base64,${toBase64(image)}`;
}

/** How images are scaled before they are sent; part of the vector space's id. */
export function describeImages(rule: { maxEdge: number; minEdge?: number }): string {
  const { maxEdge, minEdge = 1 } = rule;
  const least = minEdge > 1 ? ` and at least ${String(minEdge)} px` : '';
  return `image/jpeg of at most ${String(maxEdge)} px${least}`;
}
