import { z } from 'zod';
import type { EncodedImage } from '../../images/contract';
import { createVectorSpace } from '../contract';
import type { ApiAnswer, HostedApi } from '../http/api';
import { describePictures } from '../http/picture-rule';
import { createTransport } from '../http/transport';
import type { AzureConfig } from './config';

const API_VERSION = '2024-02-01';
const DIMENSIONS = 1_024;
const MOST_WORDS = 70;
/** Pictures must have more than 10 pixels a side. */
const SHORTEST_EDGE = 11;

const answerSchema: z.ZodType<ApiAnswer> = z
  .object({ vector: z.array(z.number()), modelVersion: z.string().nullish() })
  .transform(({ vector, modelVersion }) => ({
    vectors: [{ index: 0, values: vector }],
    model: modelVersion ?? null,
    tokens: null,
    cost: null,
  }));

/**
 * `POST {endpoint}/computervision/retrieval:vectorizeImage` with the picture's bytes, and `…:vectorizeText` with
 * `{ text }`; both answer `{ vector, modelVersion }`.
 *
 * From the vendor's how-to ("Do image retrieval using multimodal embeddings", version 4.0) and REST reference of
 * 2024-02-01: a picture has less than 20 MB and more than 10 × 10 but less than 16,000 × 16,000 pixels, a text 1 to 70
 * words. `model-version` 2022-04-11 is another model, whose vectors cannot be compared with those of 2023-04-15; the
 * version that the answer names is held to the one that was asked for.
 *
 * The vendor's FAQ names 20 requests a second for a paid resource and 20 a minute for a free one; other pages of it, 10 a
 * second, which the default keeps to.
 *
 * Not verified: how words are counted in writing without blanks; such a text is sent as it is.
 */
export function createAzureApi(config: AzureConfig): HostedApi {
  const { baseURL, apiKey, modelVersion, maxEdge } = config;
  const picture = { mimeType: 'image/jpeg', maxEdge, minEdge: SHORTEST_EDGE } as const;
  const limits = {
    imagesPerCall: 1,
    textsPerCall: 1,
    concurrentCalls: 4,
    bytesPerImage: 20_000_000 - 1,
    pixelsPerImage: 15_999 * 15_999,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  };
  const query = `?api-version=${API_VERSION}&model-version=${modelVersion}`;
  return {
    space: createVectorSpace({
      provider: config.provider,
      model: `azure-ai-vision-${modelVersion}`,
      dimensions: DIMENSIONS,
      preprocessing: `texts of at most ${String(MOST_WORDS)} words; ${describePictures(picture)}`,
    }),
    limits,
    imagePreparation: { kind: 'encoded', ...picture, maxBytes: limits.bytesPerImage },
    endpoint: {
      host: new URL(baseURL).host,
      model: modelVersion,
      apiKey,
      modelSetting: 'embedding.modelVersion',
      requestSettings: 'embedding.modelVersion and embedding.baseURL',
    },
    quota: {
      requestsPerMinute: config.requestsPerMinute,
      tokensPerMinute: Number.POSITIVE_INFINITY,
      imagesPerMinute: Number.POSITIVE_INFINITY,
    },
    timeoutSeconds: config.timeoutSeconds,
    expectedModel: modelVersion,
    send: createTransport(baseURL, { 'ocp-apim-subscription-key': apiKey }),
    createImagesRequest: ([image]) => ({
      path: `/computervision/retrieval:vectorizeImage${query}`,
      body: bytesOf(image),
    }),
    createTextsRequest: ([text = '']) => ({
      path: `/computervision/retrieval:vectorizeText${query}`,
      body: { text: firstWords(text) },
    }),
    answerSchema,
    estimateTokens: () => 0,
  };
}

function bytesOf(image: EncodedImage | undefined): Uint8Array {
  return image?.data ?? new Uint8Array();
}

function firstWords(text: string): string {
  return text.split(/\s+/u).slice(0, MOST_WORDS).join(' ');
}
