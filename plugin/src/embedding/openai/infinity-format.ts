import { unlimitedQuota } from '../contract';
import { toDataURL } from '../http/data-url';
import { countPatches, shortestEdgeOfPatches, type ImageFormat } from './image-format';

/**
 * Infinity, on a machine of one's own: `{ model, input: string[], modality?, dimensions?, encoding_format }`, where a
 * picture is its data URL and `modality` is `image`; texts go without.
 *
 * From the server's source (michaelfeil/infinity, October 2025, `fastapi_schemas/pymodels.py`), and tried out on version
 * 0.0.77 with a CLIP model:
 * - At most 32 pictures and 2,048 texts in a request by default; a request for `dimensions` cuts the vectors of
 *   whatever model. The path is `/embeddings` right below the address unless the server was started with a prefix.
 * - A picture that it cannot read is a 400, a busy server a 429. A server of one model answers under whatever name;
 *   the name in the answer is its own.
 * - A picture whose header alone can be read, or of a single pixel, ends the thread that prepares pictures: the server
 *   takes requests but answers none until it is started anew, and its `/health` stays good. So pictures are always
 *   encoded anew and have a margin when they are tiny.
 */
export const infinityFormat: ImageFormat = {
  mimeType: 'image/jpeg',
  minEdge: shortestEdgeOfPatches,
  isMinEdgeInSpace: false,

  limits: {
    imagesPerCall: 32,
    textsPerCall: 512,
    // The server makes batches of its own out of what arrives together.
    concurrentCalls: 2,
    bytesPerImage: Number.POSITIVE_INFINITY,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },
  quota: unlimitedQuota,
  sendsDimensions: false,
  models: [],
  facts: {
    serves: 'Infinity on your own machine: CLIP, SigLIP, jina-clip',
    sends: 'pictures as data URLs with the modality `image`, texts as they are',
    limits: '32 pictures a request',
  },

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

  describeModes: () => 'texts and pictures without modes',
  estimateTokens: countPatches,
};
