import { unlimitedQuota } from '../contract';
import { describeImages, toDataURL } from '../hosted/api';
import { countPatches, shortestEdgeOfPatches, type ImageFormat } from './format';

/**
 * DeepInfra: `{ model, input: [string | [{ type: 'image_url', image_url: { url } }]], task, dimensions?,
 * encoding_format }`.
 *
 * From the API pages of its multimodal models (embeddinggemma-2, Nemotron-3.5-Embed-8B, autumn 2026): an item of
 * `input` is a string or a list of content parts that make one vector together, so every image is in its own list.
 * `task` is `document` or `query`.
 *
 * Not verified: that models without modes ignore `task`, the limits of images, and whether `usage` has a price.
 */
export const deepinfraFormat: ImageFormat = {
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
  models: [
    { name: 'embeddinggemma-2', dimensions: [128, 256, 512, 768] },
    { name: 'nemotron-3.5-embed-8b-bf16', dimensions: { from: 16, to: 4_096 } },
  ],

  createImagesBody: (images, { model, dimensions }) => ({
    model,
    input: images.map((image) => [{ type: 'image_url', image_url: { url: toDataURL(image) } }]),
    task: DOCUMENT_TASK,
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  createTextsBody: (texts, { model, dimensions }) => ({
    model,
    input: texts,
    task: QUERY_TASK,
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  describeInputs: ({ maxEdge }) =>
    `texts ${QUERY_TASK}, pictures ${DOCUMENT_TASK}; ${describeImages({ maxEdge, minEdge: shortestEdgeOfPatches })}`,
  estimateTokens: countPatches,
};

const QUERY_TASK = 'query';
const DOCUMENT_TASK = 'document';
