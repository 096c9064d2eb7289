import { unlimitedQuota } from '../contract';
import { describeImages, toDataURL } from '../hosted/api';
import { countPatches, shortestEdgeOfPatches, type ImageFormat } from './format';

/**
 * Infinity, self-hosted: `{ model, input: string[], modality?, dimensions?, encoding_format }`, where an
 * image is its data URL and `modality` is `image`; texts have none.
 *
 * From the server's source (michaelfeil/infinity, October 2025, `fastapi_schemas/pymodels.py`), and tested with version
 * 0.0.77 and a CLIP model:
 * - At most 32 images and 2,048 texts in a request by default; `dimensions` truncates the vectors of any model.
 *   The path is `/embeddings` right below the address unless the server was started with a prefix.
 * - An unreadable image is a 400, a busy server a 429. A server with one model accepts any name; the answer has the real
 *   one.
 * - An image with only a readable header, or of a single pixel, kills the thread that prepares images: the server
 *   accepts requests but answers none until it restarts, and its `/health` stays good. So images are always reencoded,
 *   and tiny ones get a margin.
 */
export const infinityFormat: ImageFormat = {
  minEdge: shortestEdgeOfPatches,

  limits: {
    imagesPerCall: 32,
    textsPerCall: 512,
    // The server batches concurrent requests itself.
    concurrentCalls: 2,
    bytesPerImage: Number.POSITIVE_INFINITY,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },
  quota: unlimitedQuota,
  sendsDimensions: false,
  models: [],

  createImagesBody: (images, { model, dimensions }) => ({
    model,
    input: images.map(toDataURL),
    modality: 'image',
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  createTextsBody: (texts, { model, dimensions }) => ({
    model,
    input: texts,
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  // Without the margin of tiny images: it's newer than existing spaces and changes no other image's vector.
  describeInputs: ({ maxEdge }) =>
    `texts and pictures without modes; ${describeImages({ maxEdge })}`,
  estimateTokens: countPatches,
};
