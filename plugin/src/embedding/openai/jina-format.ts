import type { ImageFormat } from './image-format';

/**
 * Jina AI: `{ model, input: [{ image } | { text }], dimensions, embedding_type, task?, truncate? }`.
 *
 * From the vendor's OpenAPI document, https://api.jina.ai/openapi.json (versions of February and April 2026; schemas
 * ClipV2Request and EmbeddingsV4Request):
 * - An image is a URL or the bare base64 of its file, up to 8 MB. Data URLs are not mentioned, so none are sent.
 * - Vectors come as numbers with `embedding_type: 'float'`. OpenAI's `encoding_format` is refused as an unknown field,
 *   as is any other that a model does not list: only fields that all models with pictures and dimensions share are
 *   sent. `normalized` is not among them, nor is `dimensions` for jina-clip-v1, which therefore cannot be used.
 * - jina-clip-v2 knows the task `retrieval.query` for what is searched with, and none for what is kept; the later
 *   models know `retrieval.passage` for that, and would take `text-matching` when nothing is said.
 * - A free key allows 500 requests a minute, a million tokens a minute and 5 calls at once.
 *
 * Not verified, for want of a document: that jina-embeddings-v5-omni takes the fields of v4; whether 429 answers
 * carry `retry-after`.
 */
export const jinaFormat: ImageFormat = {
  mimeType: 'image/jpeg',

  limits: {
    // One of the five calls that a free key allows is left to searching.
    concurrentCalls: 4,
    bytesPerImage: 8_000_000,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },

  createImagesBody: (images, { model, dimensions }) => ({
    model,
    input: images.map(({ data }) => ({ image: toBase64(data) })),
    dimensions,
    embedding_type: 'float',
    ...(hasPassageTask(model) ? { task: PASSAGE_TASK } : {}),
  }),

  createTextsBody: (texts, { model, dimensions }) => ({
    model,
    input: texts.map((text) => ({ text })),
    dimensions,
    embedding_type: 'float',
    task: QUERY_TASK,
    // An overlong text is cut, as local models do, rather than refused.
    truncate: true,
  }),

  describeModes: (model) =>
    `texts ${QUERY_TASK}, pictures ${hasPassageTask(model) ? PASSAGE_TASK : 'without task'}`,
};

const QUERY_TASK = 'retrieval.query';
const PASSAGE_TASK = 'retrieval.passage';

/** Self-hosted servers name models with their owner: `jinaai/jina-clip-v2`. */
function hasPassageTask(model: string): boolean {
  return !/(^|\/)jina-clip-/.test(model);
}

function toBase64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
