import { z } from 'zod';
import { createVectorSpace } from '../vector-space';
import { type ApiAnswer, type ApiRequest, type HostedApi, toBase64, describeImages } from './api';
import { defineHostedProvider } from './hosted-provider';
import {
  checkDimensions,
  type KnownModel,
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
  { name: 'gemini-embedding-2', dimensions: { from: 128, to: 3_072 } },
];

const configSchema = z
  .strictObject({
    provider: z.literal('gemini'),
    baseURL: vendorURLSetting(
      'https://generativelanguage.googleapis.com/v1beta',
      'API URL without /models',
    ),
    apiKey: apiKeySetting('Gemini API key. Keep it in an environment variable'),
    model: vendorModelSetting('gemini-embedding-2', 'Model name, with or without `models/`'),
    dimensions: dimensionsSetting(
      768,
      'Vector length; gemini-embedding-2: 128 to 3072, best 768, 1536 or 3072',
    ),
    batchSize: batchSizeSetting(6, 6),
    textBatchSize: textBatchSizeSetting(32, 100),
    requestsPerMinute: requestsPerMinuteSetting(
      100,
      'Google AI Studio shows the limit of your project',
    ),
    tokensPerMinute: tokensPerMinuteSetting(
      30_000,
      'Google AI Studio shows the limit of your project; an image is about 258',
    ),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(),
  })
  .superRefine((config, context) => {
    checkDimensions(models, config, context);
  });

type Config = z.output<typeof configSchema>;

const QUERY_PREFIX = 'task: search result | query: ';
const TOKENS_PER_IMAGE = 258;

const answerSchema: z.ZodType<ApiAnswer> = z
  .object({
    embeddings: z.array(z.object({ values: z.array(z.number()) })),
    modelVersion: z.string().nullish(),
    usageMetadata: z
      .object({ promptTokenCount: z.number().nullish(), totalTokenCount: z.number().nullish() })
      .nullish(),
  })
  .transform(({ embeddings, modelVersion, usageMetadata }) => ({
    vectors: embeddings.map(({ values }, index) => ({ index, values })),
    model: modelVersion ?? null,
    tokens: usageMetadata?.totalTokenCount ?? usageMetadata?.promptTokenCount ?? null,
    cost: null,
  }));

/** Google's Gemini API, multimodal embeddings. */
export const geminiProvider = defineHostedProvider({
  name: 'gemini',
  configSchema,
  identifyingSettings: ['baseURL', 'model', 'dimensions', 'maxEdge'],
  createApi,
});

/**
 * `POST {base}/models/{model}:batchEmbedContents` with `{ requests: [{ model, content: { parts: [part] },
 * outputDimensionality }] }`, where a part is `{ text }` or `{ inlineData: { mimeType, data } }`.
 *
 * From the vendor's guide to embeddings and its JavaScript client of August 2026, which uses this method for every
 * request: all parts of one content make ONE vector together, so every image needs its own content; the answer has one
 * vector per request, in order. gemini-embedding-2 has no `taskType`: a prefix marks a query, and images have none. It
 * accepts PNG and JPEG, at most six images per prompt and 8,192 tokens. Errors are a 400 with `API_KEY_INVALID` for a
 * wrong key, and a 429 with the wait in `details[].retryDelay`. The tokens billed for an image come from answers that
 * others recorded (maximhq/bifrost#7295, pydantic/pydantic-ai#6781, 2026): 258 tokens, in
 * `usageMetadata.promptTokenCount`, without a total and without the model's name.
 *
 * Not verified: whether the limit of six images is per content, as it seems, or per batch (assumed here, to be safe),
 * and the rate limits, which Google shows only per project.
 */
function createApi(config: Config): HostedApi {
  const { baseURL, apiKey, dimensions, maxEdge } = config;
  const model = config.model.replace(/^models\//, '');
  const image = { mimeType: 'image/jpeg', maxEdge } as const;
  const limits = {
    imagesPerCall: config.batchSize,
    textsPerCall: config.textBatchSize,
    concurrentCalls: 4,
    bytesPerImage: 3_000_000,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png'],
  };
  const createRequest = (parts: readonly object[]): ApiRequest => ({
    path: `/models/${encodeURIComponent(model)}:batchEmbedContents`,
    body: {
      requests: parts.map((part) => ({
        model: `models/${model}`,
        content: { parts: [part] },
        outputDimensionality: dimensions,
      })),
    },
  });
  return {
    space: createVectorSpace({
      provider: config.provider,
      model,
      dimensions,
      preprocessing: `texts after "${QUERY_PREFIX}"; ${describeImages(image)}`,
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
    send: createTransport(baseURL, { 'x-goog-api-key': apiKey }),
    createImagesRequest: (images) =>
      createRequest(
        images.map((image) => ({
          inlineData: { mimeType: image.mimeType, data: toBase64(image) },
        })),
      ),
    createTextsRequest: (texts) =>
      createRequest(texts.map((text) => ({ text: `${QUERY_PREFIX}${text}` }))),
    answerSchema,
    estimateTokens: () => TOKENS_PER_IMAGE,
  };
}
