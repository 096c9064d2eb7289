import { z } from 'zod';
import { createVectorSpace } from '../contract';
import type { ApiAnswer, ApiRequest, HostedApi } from '../http/api';
import { toDataURL } from '../http/data-url';
import { offersChoice } from '../http/dimensions';
import { describePictures } from '../http/picture-rule';
import { createTransport } from '../http/transport';
import { voyageModels, type VoyageConfig } from './config';

const PIXELS_PER_TOKEN = 560;
const TOKENS_PER_REQUEST = 320_000;

const answerSchema: z.ZodType<ApiAnswer> = z
  .object({
    data: z.array(z.object({ index: z.int(), embedding: z.array(z.number()) })),
    model: z.string().nullish(),
    usage: z.object({ total_tokens: z.number().nullish() }).nullish(),
  })
  .transform(({ data, model, usage }) => ({
    vectors: data.map(({ index, embedding }) => ({ index, values: embedding })),
    model: model ?? null,
    tokens: usage?.total_tokens ?? null,
    cost: null,
  }));

/**
 * `POST {base}/multimodalembeddings` with `{ inputs: [{ content: [part] }], model, input_type, truncation,
 * output_dimension? }`, where a part is `{ type: 'text', text }` or `{ type: 'image_base64', image_base64 }` with a data
 * URL.
 *
 * From the vendor's documentation (multimodal embeddings, rate limits) and its Python client of July 2026: every input
 * becomes one vector, at most 1,000 of them, 16 million pixels and 20 MB a picture, 320,000 tokens in all; 560 pixels are
 * a token. `input_type` puts a prompt for queries or documents before the input. Pictures by URL and by base64 must not
 * be mixed; only base64 is sent. `output_dimension` is for models that offer a choice.
 */
export function createVoyageApi(config: VoyageConfig): HostedApi {
  const { baseURL, apiKey, model, dimensions, maxEdge } = config;
  const picture = { mimeType: 'image/jpeg', maxEdge } as const;
  const limits = {
    imagesPerCall: Math.min(
      config.batchSize,
      Math.floor(TOKENS_PER_REQUEST / tokensOf({ width: maxEdge, height: maxEdge })),
    ),
    textsPerCall: config.textBatchSize,
    concurrentCalls: 4,
    bytesPerImage: 20_000_000,
    pixelsPerImage: 16_000_000,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  };
  const createRequest = (inputType: string, parts: readonly object[]): ApiRequest => ({
    path: '/multimodalembeddings',
    body: {
      inputs: parts.map((part) => ({ content: [part] })),
      model,
      input_type: inputType,
      truncation: true,
      ...(offersChoice(voyageModels, model) ? { output_dimension: dimensions } : {}),
    },
  });
  return {
    space: createVectorSpace({
      provider: config.provider,
      model,
      dimensions,
      preprocessing: `texts query, pictures document; ${describePictures(picture)}`,
    }),
    limits,
    imagePreparation: { kind: 'encoded', ...picture, maxBytes: limits.bytesPerImage },
    endpoint: {
      host: new URL(baseURL).host,
      model,
      apiKey,
      modelSetting: 'embedding.model',
      requestSettings: 'embedding.model and embedding.dimensions',
    },
    quota: {
      requestsPerMinute: config.requestsPerMinute,
      tokensPerMinute: config.tokensPerMinute,
      imagesPerMinute: Number.POSITIVE_INFINITY,
    },
    timeoutSeconds: config.timeoutSeconds,
    expectedModel: model,
    send: createTransport(baseURL, { authorization: `Bearer ${apiKey}` }),
    createImagesRequest: (images) =>
      createRequest(
        'document',
        images.map((image) => ({ type: 'image_base64', image_base64: toDataURL(image) })),
      ),
    createTextsRequest: (texts) =>
      createRequest(
        'query',
        texts.map((text) => ({ type: 'text', text })),
      ),
    answerSchema,
    estimateTokens: tokensOf,
  };
}

function tokensOf({ width, height }: { width: number; height: number }): number {
  return Math.ceil((width * height) / PIXELS_PER_TOKEN);
}
