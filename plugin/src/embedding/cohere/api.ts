import { z } from 'zod';
import { createVectorSpace } from '../contract';
import type { ApiAnswer, ApiRequest, HostedApi } from '../http/api';
import { toDataURL } from '../http/data-url';
import { offersChoice } from '../http/dimensions';
import { describePictures } from '../http/picture-rule';
import { createTransport } from '../http/transport';
import { cohereModels, type CohereConfig } from './config';

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

/**
 * `POST {base}/v2/embed` with `{ model, input_type, embedding_types: ['float'], images: [dataURL] | texts,
 * output_dimension?, truncate? }`.
 *
 * From the vendor's API reference and its TypeScript client of August 2026: one picture (JPEG, PNG, WebP or GIF, 5 MB) or
 * 96 texts a request; `input_type` is `image` for `images` and `search_query` for what is searched with;
 * `output_dimension` is for embed-v4.0 and newer. The answer has the vectors in the order of the inputs, does not name
 * the model, and counts what is billed in `meta.billed_units`. Rate limits count inputs (docs.cohere.com/docs/rate-limits, 2026):
 * 2,000 texts a minute with any key; 400 pictures with a production key, 5 with a trial key, which is good for 1,000 calls
 * a month.
 */
export function createCohereApi(config: CohereConfig): HostedApi {
  const { baseURL, apiKey, model, dimensions, maxEdge } = config;
  const picture = { mimeType: 'image/jpeg', maxEdge } as const;
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
      ...(offersChoice(cohereModels, model) ? { output_dimension: dimensions } : {}),
    },
  });
  return {
    space: createVectorSpace({
      provider: config.provider,
      model,
      dimensions,
      preprocessing: `texts search_query, pictures image; ${describePictures(picture)}`,
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
      tokensPerMinute: Number.POSITIVE_INFINITY,
      imagesPerMinute: config.imagesPerMinute,
    },
    timeoutSeconds: config.timeoutSeconds,
    expectedModel: model,
    send: createTransport(baseURL, { authorization: `Bearer ${apiKey}` }),
    createImagesRequest: (images) =>
      createRequest({ input_type: 'image', images: images.map(toDataURL) }),
    createTextsRequest: (texts) =>
      // An overlong text is cut, as local models do, rather than refused.
      createRequest({ input_type: 'search_query', texts, truncate: 'END' }),
    answerSchema,
    estimateTokens: () => 0,
  };
}

function sumOf(...counts: (number | null | undefined)[]): number | null {
  const given = counts.filter((value) => value !== null && value !== undefined);
  return given.length === 0 ? null : given.reduce((total, value) => total + value, 0);
}
