import { z } from 'zod';
import type { EncodedImage } from '../../images/contract';
import { createVectorSpace } from '../vector-space';
import { type ApiAnswer, type HostedApi, describeImages } from './api';
import { defineHostedProvider } from './hosted-provider';
import {
  apiKeySetting,
  baseURLSetting,
  maxEdgeSetting,
  requestsPerMinuteSetting,
  timeoutSecondsSetting,
} from './settings';
import { createTransport } from './transport';

const configSchema = z.strictObject({
  provider: z.literal('azure'),
  baseURL: baseURLSetting(
    'Endpoint of the resource, such as https://my-resource.cognitiveservices.azure.com',
  ),
  apiKey: apiKeySetting('Key of the resource. Keep it in an environment variable'),
  modelVersion: z.enum(['2023-04-15', '2022-04-11']).default('2023-04-15').meta({
    description:
      '2023-04-15 is multilingual (102 languages), 2022-04-11 is English only. Changing it reindexes everything',
  }),
  requestsPerMinute: requestsPerMinuteSetting(
    600,
    'a paid resource allows 10 to 20 per second, a free one (F0) 20 per minute',
  ),
  timeoutSeconds: timeoutSecondsSetting,
  maxEdge: maxEdgeSetting(),
});

type Config = z.output<typeof configSchema>;

const API_VERSION = '2024-02-01';
const DIMENSIONS = 1_024;
const MAX_WORDS = 70;
/** Images must have more than 10 pixels per side. */
const SHORTEST_EDGE = 11;

const answerSchema: z.ZodType<ApiAnswer> = z
  .object({ vector: z.array(z.number()), modelVersion: z.string().nullish() })
  .transform(({ vector, modelVersion }) => ({
    vectors: [{ index: 0, values: vector }],
    model: modelVersion ?? null,
    tokens: null,
    cost: null,
  }));

/** Azure AI Vision 4.0, multimodal embeddings. */
export const azureProvider = defineHostedProvider({
  name: 'azure',
  configSchema,
  identifyingSettings: ['baseURL', 'modelVersion', 'maxEdge'],
  createApi,
});

/**
 * `POST {endpoint}/computervision/retrieval:vectorizeImage` with the image's bytes, and `…:vectorizeText` with
 * `{ text }`; both answer `{ vector, modelVersion }`.
 *
 * From the vendor's how-to ("Do image retrieval using multimodal embeddings", version 4.0) and REST reference of
 * 2024-02-01: an image has less than 20 MB and more than 10 × 10 but less than 16,000 × 16,000 pixels, a text 1 to 70
 * words. `model-version` 2022-04-11 is another model, whose vectors can't be compared with those of 2023-04-15, so
 * the version in the answer must be the requested one.
 *
 * The vendor's FAQ says 20 requests per second for a paid resource and 20 per minute for a free one; other pages say 10
 * per second, which is the default here.
 *
 * Not verified: how words are counted in scripts without spaces; such a text is sent as it is.
 */
function createApi(config: Config): HostedApi {
  const { baseURL, apiKey, modelVersion, maxEdge } = config;
  const image = { mimeType: 'image/jpeg', maxEdge, minEdge: SHORTEST_EDGE } as const;
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
      preprocessing: `texts of at most ${String(MAX_WORDS)} words; ${describeImages(image)}`,
    }),
    limits,
    imagePreparation: { kind: 'encoded', ...image, maxBytes: limits.bytesPerImage },
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
  return text.split(/\s+/u).slice(0, MAX_WORDS).join(' ');
}
