import { z } from 'zod';
import { createVectorSpace } from '../contract';
import type { ApiAnswer, ApiRequest, HostedApi } from '../http/api';
import { toBase64 } from '../http/data-url';
import { describePictures } from '../http/picture-rule';
import { createTransport } from '../http/transport';
import type { GeminiConfig } from './config';

const QUERY_PREFIX = 'task: search result | query: ';
const TOKENS_PER_PICTURE = 258;

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

/**
 * `POST {base}/models/{model}:batchEmbedContents` with `{ requests: [{ model, content: { parts: [part] },
 * outputDimensionality }] }`, where a part is `{ text }` or `{ inlineData: { mimeType, data } }`.
 *
 * From the vendor's guide to embeddings and its JavaScript client of August 2026, which uses this method for every
 * request: all parts of one content make ONE vector together, so that each picture is a content of its own; the answer
 * has one vector per request, in order. gemini-embedding-2 has no `taskType`: a query is told by the words before it,
 * and pictures go without any. It takes PNG and JPEG, at most six pictures a prompt and 8,192 tokens. Errors are a 400 with
 * `API_KEY_INVALID` for a wrong key, and a 429 with the wait in `details[].retryDelay`. What a picture is billed was seen in
 * answers that others recorded (maximhq/bifrost#7295, pydantic/pydantic-ai#6781, 2026): 258 tokens, in
 * `usageMetadata.promptTokenCount`, without a total and without the model's name.
 *
 * Not verified: whether the six pictures are those of one content, as it seems, or of a whole batch (so they are
 * kept to), and the rates, which Google shows by project alone.
 */
export function createGeminiApi(config: GeminiConfig): HostedApi {
  const { baseURL, apiKey, dimensions, maxEdge } = config;
  const model = config.model.replace(/^models\//, '');
  const picture = { mimeType: 'image/jpeg', maxEdge } as const;
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
      preprocessing: `texts after "${QUERY_PREFIX}"; ${describePictures(picture)}`,
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
    estimateTokens: () => TOKENS_PER_PICTURE,
  };
}
