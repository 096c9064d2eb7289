import { unlimitedQuota } from '../contract';
import { toDataURL } from '../http/data-url';
import { countPatches, type ImageFormat } from './image-format';

/**
 * NVIDIA NIM, hosted or on a machine of one's own: `{ model, input: string[], input_type, modality, truncate?,
 * dimensions?, encoding_format }`, where a picture is a string that holds its data URL.
 *
 * From the API reference of the NeMo Retriever embedding NIM (2.x) and the page of nvclip: `input_type` is `query` or
 * `passage`, pictures are taken as `passage` alone; nvclip has neither modes nor modalities. Models have native lengths;
 * `dimensions` is for those that can be shortened, so it is sent on demand (`embedding.sendDimensions`) alone.
 *
 * NVIDIA's own samples for its hosted models of pictures refuse more than 180,000 characters of base64 and send what is
 * larger another way; 134,000 bytes are 178,668, with the data URL's beginning 178,691.
 *
 * Not verified: that this holds for embeddings, too, and the most pictures of a request.
 */
export const nvidiaFormat: ImageFormat = {
  mimeType: 'image/jpeg',

  limits: {
    imagesPerCall: 64,
    textsPerCall: 64,
    concurrentCalls: 4,
    bytesPerImage: 134_000,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png'],
  },
  quota: { ...unlimitedQuota, requestsPerMinute: 500 },
  sendsDimensions: false,
  models: [{ name: 'nvclip', dimensions: [1_024] }],
  facts: {
    serves: 'NVIDIA NIM: llama-nemotron-embed-vl-1b-v2, nemotron-3.5-embed-1b, nvclip',
    sends: 'pictures as data URLs with `passage`, texts with `query`',
    limits: 'pictures of at most 134 kB',
  },

  createImagesBody: (images, { model, dimensions }) => ({
    model,
    input: images.map(toDataURL),
    ...(hasModes(model) ? { input_type: 'passage', modality: 'image' } : {}),
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  createTextsBody: (texts, { model, dimensions }) => ({
    model,
    input: texts,
    // An overlong text is cut, as local models do, rather than refused.
    ...(hasModes(model) ? { input_type: 'query', modality: 'text', truncate: 'END' } : {}),
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  describeModes: (model) =>
    hasModes(model) ? 'texts query, pictures passage' : 'texts and pictures without modes',
  estimateTokens: countPatches,
};

function hasModes(model: string): boolean {
  return !/(^|\/)nvclip/i.test(model);
}
