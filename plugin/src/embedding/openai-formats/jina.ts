import { unlimitedQuota } from '../contract';
import { describeImages, toBase64 } from '../hosted/api';
import { countPatches, type ImageFormat } from './format';

/**
 * Jina AI: `{ model, input: [{ image } | { text }], dimensions, embedding_type, task?, truncate? }`.
 *
 * From the vendor's OpenAPI document, https://api.jina.ai/openapi.json (versions of February and April 2026; schemas
 * ClipV2Request and EmbeddingsV4Request), and from its table of rate limits:
 * - An image is a URL or the bare base64 of its file, up to 8 MB. Data URLs aren't mentioned, so none are sent.
 * - Vectors come as numbers with `embedding_type: 'float'`. The API rejects unknown fields, OpenAI's
 *   `encoding_format` included, so only fields that all models with images and dimensions share are sent. `normalized`
 *   isn't one, and jina-clip-v1 lacks `dimensions`, so it can't be used.
 * - jina-clip-v2 has the task `retrieval.query` for queries and none for documents; later models have `retrieval.passage`
 *   for documents, and default to `text-matching`.
 * - A free key allows 100 requests and 100,000 tokens per minute, a paid one 500 and 2,000,000 (jina.ai/api-dashboard/rate-limit,
 *   2026). jina-clip-v2 counts 4,000 tokens for a tile of 512 × 512 pixels, the later models 10 for one of 28 × 28.
 *
 * Not verified, because no document says: that jina-embeddings-v5-omni accepts the fields of v4; whether 429 answers
 * have `retry-after`; how many concurrent calls a key allows; the tokens per tile, which the answer corrects.
 */
export const jinaFormat: ImageFormat = {
  limits: {
    imagesPerCall: 512,
    textsPerCall: 512,
    concurrentCalls: 4,
    bytesPerImage: 8_000_000,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },
  quota: { ...unlimitedQuota, requestsPerMinute: 100, tokensPerMinute: 100_000 },
  sendsDimensions: true,
  models: [
    { name: 'jina-clip-v2', dimensions: { from: 64, to: 1_024 } },
    { name: 'jina-embeddings-v4', dimensions: { from: 128, to: 2_048 } },
    { name: 'jina-embeddings-v5-omni-small', dimensions: { from: 32, to: 1_024 } },
    { name: 'jina-embeddings-v5-omni-nano', dimensions: { from: 32, to: 768 } },
  ],

  createImagesBody: (images, { model, dimensions }) => ({
    model,
    input: images.map((image) => ({ image: toBase64(image) })),
    ...(dimensions === undefined ? {} : { dimensions }),
    embedding_type: 'float',
    ...(hasPassageTask(model) ? { task: PASSAGE_TASK } : {}),
  }),

  createTextsBody: (texts, { model, dimensions }) => ({
    model,
    input: texts.map((text) => ({ text })),
    ...(dimensions === undefined ? {} : { dimensions }),
    embedding_type: 'float',
    task: QUERY_TASK,
    // Truncates a text that is too long, as local models do, instead of rejecting it.
    truncate: true,
  }),

  describeInputs: ({ model, maxEdge }) =>
    `texts ${QUERY_TASK}, pictures ${hasPassageTask(model) ? PASSAGE_TASK : 'without task'}; ${describeImages({ maxEdge })}`,

  estimateTokens: (image, model) => {
    if (hasPassageTask(model)) return countPatches(image) * TOKENS_OF_PATCH;
    return (
      Math.ceil(image.width / TILE_EDGE) * Math.ceil(image.height / TILE_EDGE) * TOKENS_OF_TILE
    );
  },
};

const QUERY_TASK = 'retrieval.query';
const PASSAGE_TASK = 'retrieval.passage';
const TILE_EDGE = 512;
const TOKENS_OF_TILE = 4_000;
const TOKENS_OF_PATCH = 10;

/** Self-hosted servers name models with their owner: `jinaai/jina-clip-v2`. */
function hasPassageTask(model: string): boolean {
  return !/(^|\/)jina-clip-/.test(model);
}
