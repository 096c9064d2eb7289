import { z } from 'zod';
import { createVectorSpace } from '../vector-space';
import { type ApiAnswer, type ApiRequest, type HostedApi, toDataURL, describeImages } from './api';
import { defineHostedProvider } from './hosted-provider';
import {
  checkDimensions,
  type KnownModel,
  offersChoice,
  apiKeySetting,
  dimensionsSetting,
  imagesPerMinuteSetting,
  maxEdgeSetting,
  requestsPerMinuteSetting,
  textBatchSizeSetting,
  timeoutSecondsSetting,
  vendorModelSetting,
  vendorURLSetting,
} from './settings';
import { createTransport } from './transport';

const models: readonly KnownModel[] = [
  { name: 'embed-v4.0', dimensions: [256, 512, 1_024, 1_536] },
  { name: 'embed-english-v3.0', dimensions: [1_024] },
  { name: 'embed-multilingual-v3.0', dimensions: [1_024] },
  { name: 'embed-english-light-v3.0', dimensions: [384] },
  { name: 'embed-multilingual-light-v3.0', dimensions: [384] },
];
/** The vendor scales down images above 2,458,624 pixels. */
const LARGEST_EDGE = 1_568;

const configSchema = z
  .strictObject({
    provider: z.literal('cohere'),
    baseURL: vendorURLSetting('https://api.cohere.com', 'API URL without /v2/embed'),
    apiKey: apiKeySetting('API key, sent as a bearer token. Keep it in an environment variable'),
    model: vendorModelSetting('embed-v4.0', 'Model name'),
    dimensions: dimensionsSetting(1_024, 'Vector length; embed-v4.0: 256, 512, 1024 or 1536'),
    textBatchSize: textBatchSizeSetting(32, 96),
    requestsPerMinute: requestsPerMinuteSetting(2_000, 'any key allows 2,000 texts per minute'),
    imagesPerMinute: imagesPerMinuteSetting(400, 'a production key allows 400, a trial key 5'),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(LARGEST_EDGE),
  })
  .superRefine((config, context) => {
    checkDimensions(models, config, context);
  });

type Config = z.output<typeof configSchema>;

const count = z.number().nullish();

const answerSchema: z.ZodType<ApiAnswer> = z
  .object({
    embeddings: z.object({ float: z.array(z.array(z.number())) }),
    meta: z
      .object({ billed_units: z.object({ input_tokens: count, image_tokens: count }).nullish() })
      .nullish(),
  })
  .transform(({ embeddings, meta }) => ({
    vectors: embeddings.float.map((values, index) => ({ index, values })),
    model: null,
    tokens: sumOf(meta?.billed_units?.input_tokens, meta?.billed_units?.image_tokens),
    cost: null,
  }));

/** Cohere Embed. */
export const cohereProvider = defineHostedProvider({
  name: 'cohere',
  configSchema,
  identifyingSettings: ['baseURL', 'model', 'dimensions', 'maxEdge'],
  createApi,
});

/**
 * `POST {base}/v2/embed` with `{ model, input_type, embedding_types: ['float'], images: [dataURL] | texts,
 * output_dimension?, truncate? }`.
 *
 * From the vendor's API reference and its TypeScript client of August 2026: one image (JPEG, PNG, WebP or GIF, 5 MB) or
 * 96 texts per request; `input_type` is `image` for `images` and `search_query` for queries; `output_dimension` is for
 * embed-v4.0 and newer. The answer has the vectors in the order of the inputs, doesn't name the model, and reports billed
 * units in `meta.billed_units`. Rate limits count inputs (docs.cohere.com/docs/rate-limits, 2026): 2,000 texts per minute
 * with any key; 400 images with a production key, 5 with a trial key, which allows 1,000 calls per month.
 */
function createApi(config: Config): HostedApi {
  const { baseURL, apiKey, model, dimensions, maxEdge } = config;
  const image = { mimeType: 'image/jpeg', maxEdge } as const;
  const limits = {
    imagesPerCall: 1,
    textsPerCall: config.textBatchSize,
    concurrentCalls: 4,
    bytesPerImage: 5_000_000,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  };
  const createRequest = (body: object): ApiRequest => ({
    path: '/v2/embed',
    body: {
      model,
      ...body,
      embedding_types: ['float'],
      ...(offersChoice(models, model) ? { output_dimension: dimensions } : {}),
    },
  });
  return {
    space: createVectorSpace({
      provider: config.provider,
      model,
      dimensions,
      preprocessing: `texts search_query, pictures image; ${describeImages(image)}`,
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
      tokensPerMinute: Number.POSITIVE_INFINITY,
      imagesPerMinute: config.imagesPerMinute,
    },
    timeoutSeconds: config.timeoutSeconds,
    expectedModel: model,
    send: createTransport(baseURL, { authorization: `Bearer ${apiKey}` }),
    createImagesRequest: (images) =>
      createRequest({ input_type: 'image', images: images.map(toDataURL) }),
    createTextsRequest: (texts) =>
      // Truncates a text that is too long, as local models do, instead of rejecting it.
      createRequest({ input_type: 'search_query', texts, truncate: 'END' }),
    answerSchema,
    estimateTokens: () => 0,
  };
}

function sumOf(...counts: (number | null | undefined)[]): number | null {
  const given = counts.filter((value) => value !== null && value !== undefined);
  return given.length === 0 ? null : given.reduce((total, value) => total + value, 0);
}
