import type { z } from 'zod';
import { createVectorSpace, type VectorSpace } from '../contract';
import type { HostedApi } from '../http/api';
import { openaiAnswerSchema } from './answer';
import type { openaiConfigSchema } from './config';
import type { ImageFormat } from './image-format';
import { imageFormats } from './image-formats';
import { createOpenaiTransport } from './transport';

export type OpenaiConfig = z.output<typeof openaiConfigSchema>;

/** A model behind `POST {baseURL}/embeddings`. */
export function createOpenaiApi(config: OpenaiConfig): HostedApi {
  const { baseURL, apiKey, model, maxEdge } = config;
  const format: ImageFormat = imageFormats[config.imageFormat];
  return {
    space: createSpace(config, format),
    limits: {
      ...format.limits,
      imagesPerCall: config.batchSize,
      textsPerCall: config.textBatchSize,
    },
    imagePreparation: { kind: 'encoded', mimeType: format.mimeType, maxEdge },
    endpoint: {
      host: new URL(baseURL).host,
      model,
      apiKey,
      modelSetting: 'embedding.model',
      requestSettings: 'embedding.model, embedding.dimensions and embedding.imageFormat',
    },
    quota: {
      requestsPerMinute: config.requestsPerMinute,
      tokensPerMinute: Number.POSITIVE_INFINITY,
      imagesPerMinute: Number.POSITIVE_INFINITY,
    },
    timeoutSeconds: config.timeoutSeconds,
    expectedModel: model,
    send: createOpenaiTransport({ baseURL, apiKey }),
    createImagesRequest: (images) => ({
      path: '/embeddings',
      body: format.createImagesBody(images, config),
    }),
    createTextsRequest: (texts) => ({
      path: '/embeddings',
      body: format.createTextsBody(texts, config),
    }),
    answerSchema: openaiAnswerSchema,
    estimateTokens: () => 0,
  };
}

/** The address is no part of the space: the same model answers the same vectors wherever it is served. */
function createSpace(config: OpenaiConfig, format: ImageFormat): VectorSpace {
  const { provider, model, dimensions, imageFormat, maxEdge } = config;
  const preprocessing = [
    `${imageFormat}: ${format.describeModes(model)}`,
    `${format.mimeType} of at most ${String(maxEdge)} px`,
  ].join('; ');
  return createVectorSpace({ provider, model, dimensions, preprocessing });
}
