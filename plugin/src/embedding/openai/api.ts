import type { z } from 'zod';
import { createVectorSpace, type VectorSpace } from '../contract';
import type { HostedApi } from '../http/api';
import { describePictures } from '../http/picture-rule';
import { openaiAnswerSchema } from './answer';
import type { openaiConfigSchema } from './config';
import type { ImageFormat } from './image-format';
import { imageFormats } from './image-formats';
import { createOpenaiTransport } from './transport';

export type OpenaiConfig = z.output<typeof openaiConfigSchema>;

const PATH = '/embeddings';

/** A model behind `POST {baseURL}/embeddings`. */
export function createOpenaiApi(config: OpenaiConfig): HostedApi {
  const { baseURL, apiKey, model, maxEdge } = config;
  const format: ImageFormat = imageFormats[config.imageFormat];
  const { limits, mimeType, minEdge = 1 } = format;
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
      mimeType,
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
    send: createOpenaiTransport({ baseURL, apiKey }),
    createImagesRequest: (images) => ({
      path: PATH,
      body: format.createImagesBody(images, choice),
    }),
    createTextsRequest: (texts) => ({ path: PATH, body: format.createTextsBody(texts, choice) }),
    answerSchema: openaiAnswerSchema,
    estimateTokens: (image) => format.estimateTokens(image, model),
  };
}

/** The address is no part of the space: the same model answers the same vectors wherever it is served. */
function createSpace(config: OpenaiConfig, format: ImageFormat): VectorSpace {
  const { provider, model, dimensions, imageFormat, maxEdge } = config;
  const { mimeType, minEdge = 1, isMinEdgeInSpace = true } = format;
  const pictures = describePictures({ mimeType, maxEdge, minEdge: isMinEdgeInSpace ? minEdge : 1 });
  const preprocessing = `${imageFormat}: ${format.describeModes(model)}; ${pictures}`;
  return createVectorSpace({ provider, model, dimensions, preprocessing });
}
