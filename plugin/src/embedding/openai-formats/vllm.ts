import { unlimitedQuota } from '../contract';
import { describeImages, toDataURL } from '../hosted/api';
import { countPatches, shortestEdgeOfPatches, type ImageFormat } from './format';

/**
 * vLLM, self-hosted: `{ model, messages: [{ role: 'user', content: [part] }], dimensions?,
 * encoding_format, truncate_prompt_tokens? }`, one image or text per request.
 *
 * From the server's examples and protocol (vllm-project/vllm, `examples/pooling/embed/vision_embedding_online.py`, 2026):
 * texts go as messages, too, so that both pass through the same chat template, which the server sets
 * (`--chat-template`), and with it the mode of query or document. Models whose vectors can't be shortened, such as CLIP
 * and SigLIP, reject `dimensions`, so it's only sent on demand (`embedding.sendDimensions`).
 * `truncate_prompt_tokens: -1` truncates a text to what the model accepts.
 *
 * Not verified: models whose template needs text next to the image. Qwen3-VL-Embedding's example has a placeholder, which
 * vLLM adds itself if missing.
 */
export const vllmFormat: ImageFormat = {
  minEdge: shortestEdgeOfPatches,

  limits: {
    imagesPerCall: 1,
    textsPerCall: 1,
    // The server batches concurrent requests itself.
    concurrentCalls: 8,
    bytesPerImage: Number.POSITIVE_INFINITY,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },
  quota: unlimitedQuota,
  sendsDimensions: false,
  models: [],

  createImagesBody: ([image], { model, dimensions }) => ({
    model,
    messages: [
      {
        role: 'user',
        content: image ? [{ type: 'image_url', image_url: { url: toDataURL(image) } }] : [],
      },
    ],
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
  }),

  createTextsBody: ([text], { model, dimensions }) => ({
    model,
    messages: [{ role: 'user', content: [{ type: 'text', text }] }],
    ...(dimensions === undefined ? {} : { dimensions }),
    encoding_format: 'float',
    truncate_prompt_tokens: -1,
  }),

  describeInputs: ({ maxEdge }) =>
    `texts and images as chat messages; ${describeImages({ maxEdge, minEdge: shortestEdgeOfPatches })}`,
  estimateTokens: countPatches,
};
