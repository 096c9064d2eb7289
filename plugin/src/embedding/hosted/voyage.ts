import { z } from 'zod';
import { createVectorSpace } from '../vector-space';
import { type ApiAnswer, type ApiRequest, type HostedApi, toDataURL, describeImages } from './api';
import { defineHostedProvider } from './hosted-provider';
import {
  checkDimensions,
  type KnownModel,
  offersChoice,
  apiKeySetting,
  batchSizeSetting,
  dimensionsSetting,
  maxEdgeSetting,
  requestsPerMinuteSetting,
  textBatchSizeSetting,
  timeoutSecondsSetting,
  vendorModelSetting,
  vendorURLSetting,
  tokensPerMinuteSetting,
} from './settings';
import { createTransport } from './transport';

const models: readonly KnownModel[] = [
  { name: 'voyage-multimodal-3.5', dimensions: [256, 512, 1_024, 2_048] },
  { name: 'voyage-multimodal-3', dimensions: [1_024] },
];
/** An image may have 16 million pixels. */
const LARGEST_EDGE = 4_000;

const configSchema = z
  .strictObject({
    provider: z.literal('voyage'),
    baseURL: vendorURLSetting(
      'https://api.voyageai.com/v1',
      'API URL without /multimodalembeddings',
    ),
    apiKey: apiKeySetting('API key, sent as a bearer token. Keep it in an environment variable'),
    model: vendorModelSetting('voyage-multimodal-3.5', 'Model name'),
    dimensions: dimensionsSetting(
      1_024,
      'Vector length; voyage-multimodal-3.5: 256, 512, 1024 or 2048',
    ),
    batchSize: batchSizeSetting(8, 128),
    textBatchSize: textBatchSizeSetting(32, 512),
    requestsPerMinute: requestsPerMinuteSetting(
      2_000,
      'the first tier allows 2,000, an account without a payment method 3',
    ),
    tokensPerMinute: tokensPerMinuteSetting(
      2_000_000,
      'the first tier allows 2,000,000; an image of 512 px is about 470',
    ),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(LARGEST_EDGE),
  })
  .superRefine((config, context) => {
    checkDimensions(models, config, context);
  });

type Config = z.output<typeof configSchema>;

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

/** Voyage AI, multimodal embeddings. */
export const voyageProvider = defineHostedProvider({
  name: 'voyage',
  configSchema,
  identifyingSettings: ['baseURL', 'model', 'dimensions', 'maxEdge'],
  createApi,
});

/**
 * `POST {base}/multimodalembeddings` with `{ inputs: [{ content: [part] }], model, input_type, truncation,
 * output_dimension? }`, where a part is `{ type: 'text', text }` or `{ type: 'image_base64', image_base64 }` with a data
 * URL.
 *
 * From the vendor's documentation (multimodal embeddings, rate limits) and its Python client of July 2026: every input
 * becomes one vector, at most 1,000 of them, 16 million pixels and 20 MB per image, 320,000 tokens in total; 560 pixels
 * are a token. `input_type` puts a prompt for queries or documents before the input. Images by URL and by base64 must not
 * be mixed; only base64 is sent. `output_dimension` is for models that offer a choice.
 */
function createApi(config: Config): HostedApi {
  const { baseURL, apiKey, model, dimensions, maxEdge } = config;
  const image = { mimeType: 'image/jpeg', maxEdge } as const;
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
      ...(offersChoice(models, model) ? { output_dimension: dimensions } : {}),
    },
  });
  return {
    space: createVectorSpace({
      provider: config.provider,
      model,
      dimensions,
      preprocessing: `texts query, pictures document; ${describeImages(image)}`,
    }),
    limits,
    imagePreparation: { kind: 'encoded', ...image, maxBytes: limits.bytesPerImage },
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
