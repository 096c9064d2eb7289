import { unlimitedQuota } from '../contract';
import { describeImages, toDataURL } from '../hosted/api';
import { countPatches, type ImageFormat } from './format';

/**
 * NVIDIA NIM, hosted or self-hosted: `{ model, input: string[], input_type, modality, truncate?,
 * dimensions?, encoding_format }`, where an image is its data URL.
 *
 * From the API reference of the NeMo Retriever embedding NIM (2.x) and the page of nvclip: `input_type` is `query` or
 * `passage`, images are only accepted as `passage`; nvclip has neither modes nor modalities. `dimensions` is for models
 * whose vectors can be shortened, so it's only sent on demand (`embedding.sendDimensions`).
 *
 * NVIDIA's samples for its hosted image models reject more than 180,000 characters of base64 and send larger images in
 * another way; 134,000 bytes are 178,668, 178,691 with the start of the data URL.
 *
 * Not verified: that this holds for embeddings, too, and the maximum images per request.
 */
export const nvidiaFormat: ImageFormat = {
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
    // Truncates a text that is too long, as local models do, instead of rejecting it.
    ...(hasModes(model) ? { input_type: 'query', modality: 'text', truncate: 'END' } : {}),
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  describeInputs: ({ model, maxEdge }) =>
    `${hasModes(model) ? 'texts query, pictures passage' : 'texts and pictures without modes'}; ${describeImages({ maxEdge })}`,
  estimateTokens: countPatches,
};

function hasModes(model: string): boolean {
  return !/(^|\/)nvclip/i.test(model);
}
