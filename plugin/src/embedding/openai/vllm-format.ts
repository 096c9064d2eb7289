import { unlimitedQuota } from '../contract';
import { toDataURL } from '../http/data-url';
import { countPatches, shortestEdgeOfPatches, type ImageFormat } from './image-format';

/**
 * vLLM, on a machine of one's own: `{ model, messages: [{ role: 'user', content: [part] }], dimensions?,
 * encoding_format, truncate_prompt_tokens? }`, one picture or text a request.
 *
 * From the server's examples and protocol (vllm-project/vllm, `examples/pooling/embed/vision_embedding_online.py`, 2026):
 * texts go as messages, too, so that both pass through the same chat template, which is the server's affair
 * (`--chat-template`) and with it the mode of query or document. `dimensions` is refused for models that cannot be
 * shortened, CLIP and SigLIP among them, so it is sent on demand (`embedding.sendDimensions`) alone.
 * `truncate_prompt_tokens: -1` cuts a text to what the model takes.
 *
 * Not verified: models whose template wants a word beside the picture, as Qwen3-VL-Embedding's example has a
 * placeholder, which vLLM adds by itself where it is missing.
 */
export const vllmFormat: ImageFormat = {
  mimeType: 'image/jpeg',
  minEdge: shortestEdgeOfPatches,

  limits: {
    imagesPerCall: 1,
    textsPerCall: 1,
    // The server makes batches of its own out of what arrives together.
    concurrentCalls: 8,
    bytesPerImage: Number.POSITIVE_INFINITY,
    pixelsPerImage: Number.POSITIVE_INFINITY,
    mimeTypes: ['image/jpeg', 'image/png', 'image/webp'],
  },
  quota: unlimitedQuota,
  sendsDimensions: false,
  models: [],
  facts: {
    serves: 'vLLM on your own machine: CLIP, SigLIP, Qwen3-VL-Embedding, VLM2Vec',
    sends: 'pictures as data URLs and texts, each as a chat message',
    limits: 'one picture or text a request, eight at once',
  },

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

  describeModes: () => 'texts and pictures as chat messages',
  estimateTokens: countPatches,
};
