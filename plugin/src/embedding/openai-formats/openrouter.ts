import { unlimitedQuota } from '../contract';
import { describeImages, toDataURL } from '../hosted/api';
import { countPatches, shortestEdgeOfPatches, type ImageFormat } from './format';

/**
 * OpenRouter, which passes requests on to many vendors:
 * `{ model, input: string[] | [{ content: [{ type: 'image_url', image_url: { url } }] }], input_type, dimensions?,
 * encoding_format }`.
 *
 * From the vendor's API reference (POST /embeddings) and its own client's types of August 2026: every item of `input`
 * becomes one vector; `usage.cost` is in credits, which are US dollars; `index` may be missing; an exhausted balance is
 * a 402. `input_type` is a hint in the words of the vendor behind it, such as `search_query`.
 *
 * Not verified: which models accept `dimensions` (set `embedding.sendDimensions: false` for one that doesn't), which
 * images each of them accepts, and how the answer names a model with dated versions.
 */
export const openrouterFormat: ImageFormat = {
  minEdge: shortestEdgeOfPatches,

  limits: {
    imagesPerCall: 128,
    textsPerCall: 512,
    concurrentCalls: 4,
    bytesPerImage: 5_000_000,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },
  quota: { ...unlimitedQuota, requestsPerMinute: 500 },
  sendsDimensions: true,
  models: [],

  createImagesBody: (images, { model, dimensions }) => ({
    model,
    input: images.map((image) => ({
      content: [{ type: 'image_url', image_url: { url: toDataURL(image) } }],
    })),
    input_type: DOCUMENT_TYPE,
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  createTextsBody: (texts, { model, dimensions }) => ({
    model,
    input: texts,
    input_type: QUERY_TYPE,
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  describeInputs: ({ maxEdge }) =>
    `texts ${QUERY_TYPE}, pictures ${DOCUMENT_TYPE}; ${describeImages({ maxEdge, minEdge: shortestEdgeOfPatches })}`,
  estimateTokens: countPatches,
};

const QUERY_TYPE = 'search_query';
const DOCUMENT_TYPE = 'search_document';
