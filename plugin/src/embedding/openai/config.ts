import { z } from 'zod';
import { checkDimensions } from '../http/dimensions';
import {
  apiKeySetting,
  baseURLSetting,
  batchSizeSetting,
  dimensionsSetting,
  maxEdgeSetting,
  modelSetting,
  textBatchSizeSetting,
  timeoutSecondsSetting,
} from '../http/settings';
import { imageFormatNames, imageFormats } from './image-formats';

/** Settings below `embedding` for a hosted model behind an embeddings API in OpenAI's manner. */
export const openaiConfigSchema = z
  .strictObject({
    provider: z.literal('openai'),
    baseURL: baseURLSetting('Address above /embeddings, such as https://api.jina.ai/v1'),
    apiKey: apiKeySetting(
      'Sent as bearer token; keep it in an environment variable. Any word for a server that asks for none',
    ),
    model: modelSetting(
      'Name of a model that embeds pictures and texts into one space: jina-clip-v2',
    ),
    imageFormat: z.enum(imageFormatNames).default('jina').meta({
      description: 'How the server wants pictures, which every vendor defines on its own',
    }),
    // Every model of Jina that offers a choice offers 512; of its 1024 dimensions jina-clip-v2 keeps 99 % of its quality
    // in 256 (jina.ai/news, November 2024), and half the length is half the store and half the time of a search.
    dimensions: dimensionsSetting(
      512,
      'Length of the vectors; the model must offer it (jina-clip-v2: 64 to 1024)',
    ),
    sendDimensions: z.boolean().optional().meta({
      description:
        'Whether the server is asked for vectors of that length, or answers it anyway; by default it is asked by the formats jina, openrouter and deepinfra',
    }),
    batchSize: batchSizeSetting(8, 128),
    textBatchSize: textBatchSizeSetting(32, 512),
    requestsPerMinute: z.int().min(1).max(100_000).optional().meta({
      description:
        'Most requests in a minute; by default the 100 that a free key of Jina allows (a paid one: 500), no limit for infinity and vllm, and 500 for the other formats',
    }),
    tokensPerMinute: z.int().min(1_000).max(1_000_000_000).optional().meta({
      description:
        'Most tokens in a minute; by default the 100,000 that a free key of Jina allows (a paid one: 2,000,000), and no limit for the other formats',
    }),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(),
  })
  .superRefine((config, context) => {
    checkDimensions(imageFormats[config.imageFormat].models, config, context);
  });
