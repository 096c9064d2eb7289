import { z } from 'zod';
import type { VectorSpace } from '../contract';
import { deepinfraFormat } from '../openai-formats/deepinfra';
import type { ImageFormat } from '../openai-formats/format';
import { infinityFormat } from '../openai-formats/infinity';
import { jinaFormat } from '../openai-formats/jina';
import { nvidiaFormat } from '../openai-formats/nvidia';
import { openrouterFormat } from '../openai-formats/openrouter';
import { vllmFormat } from '../openai-formats/vllm';
import { createVectorSpace } from '../vector-space';
import type { ApiAnswer, HostedApi, Transport } from './api';
import { defineHostedProvider } from './hosted-provider';
import {
  checkDimensions,
  apiKeySetting,
  baseURLSetting,
  batchSizeSetting,
  dimensionsSetting,
  maxEdgeSetting,
  modelSetting,
  textBatchSizeSetting,
  timeoutSecondsSetting,
} from './settings';

/** Every value of `embedding.imageFormat`. To add one, write its file and list it here. */
export const imageFormats = {
  jina: jinaFormat,
  openrouter: openrouterFormat,
  deepinfra: deepinfraFormat,
  nvidia: nvidiaFormat,
  infinity: infinityFormat,
  vllm: vllmFormat,
} satisfies Record<string, ImageFormat>;

const imageFormatNames = Object.keys(imageFormats) as (keyof typeof imageFormats)[];

/** Settings below `embedding` for a model behind an OpenAI-compatible embeddings API. */
const configSchema = z
  .strictObject({
    provider: z.literal('openai'),
    baseURL: baseURLSetting('API URL without /embeddings, such as https://api.jina.ai/v1'),
    apiKey: apiKeySetting(
      'API key, sent as a bearer token. Keep it in an environment variable. For a server without keys, any value works',
    ),
    model: modelSetting('Name of a model that embeds both images and texts, such as jina-clip-v2'),
    imageFormat: z.enum(imageFormatNames).default('jina').meta({
      description: 'How the server expects images; every vendor has its own format',
    }),
    // Every model of Jina that offers a choice offers 512; jina-clip-v2 keeps 99% of its quality with 256 of
    // 1024 (jina.ai/news, November 2024). Half the length halves storage and search time.
    dimensions: dimensionsSetting(
      512,
      'Vector length; the model must offer it (jina-clip-v2: 64 to 1024)',
    ),
    sendDimensions: z.boolean().optional().meta({
      description:
        'Whether requests ask for vectors of that length. Turn it off for a server that rejects `dimensions`; by default on for the formats jina, openrouter and deepinfra',
    }),
    batchSize: batchSizeSetting(8, 128),
    textBatchSize: textBatchSizeSetting(32, 512),
    requestsPerMinute: z.int().min(1).max(100_000).optional().meta({
      description:
        'Maximum requests per minute; by default 100 for jina (a free key; a paid one allows 500), no limit for infinity and vllm, and 500 for the other formats',
    }),
    tokensPerMinute: z.int().min(1_000).max(1_000_000_000).optional().meta({
      description:
        'Maximum tokens per minute; by default 100,000 for jina (a free key; a paid one allows 2,000,000), and no limit for the other formats',
    }),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(),
  })
  .superRefine((config, context) => {
    checkDimensions(imageFormats[config.imageFormat].models, config, context);
  });

const count = z.number().nullish().catch(undefined);

/** The answer of every OpenAI-compatible server; everything but the vectors is optional. */
const answerSchema: z.ZodType<ApiAnswer> = z
  .object({
    data: z.array(z.object({ index: z.int().optional(), embedding: z.array(z.number()) })),
    model: z.string().nullish().catch(undefined),
    usage: z
      .object({ total_tokens: count, prompt_tokens: count, cost: count, estimated_cost: count })
      .nullish()
      .catch(undefined),
  })
  .transform(({ data, model, usage }) => ({
    vectors: data.map(({ index, embedding }, place) => ({
      index: index ?? place,
      values: embedding,
    })),
    model: model ?? null,
    tokens: usage?.total_tokens ?? usage?.prompt_tokens ?? null,
    cost: usage?.cost ?? usage?.estimated_cost ?? null,
  }));

export type OpenaiConfig = z.output<typeof configSchema>;

const PATH = '/embeddings';

/** Models behind an OpenAI-compatible embeddings API, whatever format it has for images. */
export const openaiProvider = defineHostedProvider({
  name: 'openai',
  configSchema,
  identifyingSettings: ['baseURL', 'model', 'imageFormat', 'dimensions', 'maxEdge'],
  createApi: async (config) => {
    // Loaded on demand: the `openai` package takes about 10 MB of memory.
    const { createOpenaiTransport } = await import('./openai-transport');
    return createOpenaiApi(config, createOpenaiTransport(config));
  },
});

/** A model behind `POST {baseURL}/embeddings`. */
export function createOpenaiApi(config: OpenaiConfig, send: Transport): HostedApi {
  const { baseURL, apiKey, model, maxEdge } = config;
  const format: ImageFormat = imageFormats[config.imageFormat];
  const { limits, minEdge = 1 } = format;
  const isLengthSent = config.sendDimensions ?? format.sendsDimensions;
  const choice = { model, dimensions: isLengthSent ? config.dimensions : undefined };
  return {
    space: createSpace(config, format),
    limits: {
      ...limits,
      imagesPerCall: Math.min(config.batchSize, limits.imagesPerCall),
      textsPerCall: Math.min(config.textBatchSize, limits.textsPerCall),
    },
    imagePreparation: {
      kind: 'encoded',
      mimeType: 'image/jpeg',
      maxEdge,
      minEdge,
      maxBytes: limits.bytesPerImage,
    },
    endpoint: {
      host: new URL(baseURL).host,
      model,
      apiKey,
      modelSetting: 'embedding.model',
      requestSettings: 'embedding.model, embedding.dimensions and embedding.imageFormat',
    },
    quota: {
      ...format.quota,
      requestsPerMinute: config.requestsPerMinute ?? format.quota.requestsPerMinute,
      tokensPerMinute: config.tokensPerMinute ?? format.quota.tokensPerMinute,
    },
    timeoutSeconds: config.timeoutSeconds,
    expectedModel: model,
    send,
    createImagesRequest: (images) => ({
      path: PATH,
      body: format.createImagesBody(images, choice),
    }),
    createTextsRequest: (texts) => ({ path: PATH, body: format.createTextsBody(texts, choice) }),
    answerSchema,
    estimateTokens: (image) => format.estimateTokens(image, model),
  };
}

/** Without the address: the same model makes the same vectors wherever it is served. */
function createSpace(config: OpenaiConfig, format: ImageFormat): VectorSpace {
  const { provider, model, dimensions, imageFormat, maxEdge } = config;
  const preprocessing = `${imageFormat}: ${format.describeInputs({ model, maxEdge })}`;
  return createVectorSpace({ provider, model, dimensions, preprocessing });
}
