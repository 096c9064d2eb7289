import { availableParallelism } from 'node:os';
import { z } from 'zod';

/** Number formats in which transformers.js looks for weights; each is a file of its own beside the others. */
const weightFormats = [
  'fp32',
  'fp16',
  'q8',
  'int8',
  'uint8',
  'q4',
  'bnb4',
  'q4f16',
  'q2',
  'q2f16',
  'q1',
  'q1f16',
] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** Settings below `embedding` for a model that runs on this machine. */
export const clipConfigSchema = z.strictObject({
  provider: z.literal('clip'),
  model: z.string().trim().min(1).default('Xenova/clip-vit-base-patch32').meta({
    description:
      'CLIP or SigLIP model in the layout of transformers.js: its name on the Hugging Face hub, or the path of a local folder',
  }),
  dtype: z.enum(weightFormats).default('q8').meta({
    description:
      'Number format of the weights; q8 is a quarter as large as fp32 and about twice as fast',
  }),
  threads: z
    .int()
    .min(1)
    .max(256)
    .default(() => Math.max(1, availableParallelism() - 1))
    .meta({
      description: 'Threads of the model; by default all cores but one, which is left to Strapi',
    }),
  cacheFolder: z.string().trim().min(1).default('.cache/image-search').meta({
    description: 'Where downloaded models are kept, relative to the project folder',
  }),
  batchSize: z.int().min(1).max(64).default(8).meta({
    description: 'Pictures handed to the model at a time',
  }),
  allowDownloads: z.boolean().default(true).meta({
    description: 'Whether a model that is not in the cache folder may be downloaded from the hub',
  }),
});

export type ClipConfig = z.output<typeof clipConfigSchema>;
