import { z } from 'zod';
import { countCores } from '../../processor-cores';

/** Number formats of weights, with the names of transformers.js; each is a separate file. */
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

/**
 * Models by what they are for. Retrieval figures and sources are in docs/choosing-a-model.md.
 *
 * Their `dtype` is that of the published q8 files: a quarter of the size of fp32.
 */
export const presets = {
  fast: { model: 'Xenova/clip-vit-base-patch32', dtype: 'q8' },
  balanced: { model: 'Xenova/siglip-base-patch16-224', dtype: 'q8' },
  multilingual: { model: 'onnx-community/siglip2-base-patch16-224-ONNX', dtype: 'q8' },
} as const;

const presetNames = Object.keys(presets) as (keyof typeof presets)[];

/** Cores that a model may keep busy: Strapi keeps one, unless there is only one. */
export function countFreeCores(): number {
  return Math.max(1, countCores() - 1);
}

/** Settings below `embedding` for a model that runs on this machine; see `withPreset`. */
const settingsSchema = z.strictObject({
  provider: z.literal('clip'),
  preset: z.enum(presetNames).optional().meta({
    description:
      'Sets model and number format by need: fast (CLIP, English), balanced (SigLIP, English), multilingual (SigLIP 2). By default none, which is the same as fast',
  }),
  model: z.string().trim().min(1).default(presets.fast.model).meta({
    description:
      'CLIP or SigLIP model in the layout of transformers.js: its name on the Hugging Face Hub, or the path of a local folder',
  }),
  dtype: z.enum(weightFormats).default('q8').meta({
    description:
      'Number format of the weights; q8 is a quarter of the size of fp32 and about twice as fast',
  }),
  threads: z
    .int()
    .min(1)
    .max(256)
    .default(() => countFreeCores())
    .meta({
      description:
        'Threads of the model; by default all cores that the server may use but one, which Strapi keeps',
    }),
  idleMinutes: z.number().min(0).max(10_080).default(10).meta({
    description:
      'How long the model stays in memory after the last image or search. The next one takes a second or more, because it starts the model again; 0: it never ends',
  }),
  warmStart: z.boolean().default(true).meta({
    description:
      'Whether the model for texts is loaded in the background when Strapi starts, so that the first search is as fast as the next ones',
  }),
  cacheFolder: z.string().trim().min(1).default('.cache/image-search').meta({
    description: 'Directory for downloaded models, relative to the project folder',
  }),
  batchSize: z.int().min(1).max(64).default(8).meta({
    description: 'Maximum images per call of the model',
  }),
  allowDownloads: z.boolean().default(true).meta({
    description:
      'Whether a model that is missing from the cache folder is downloaded from the Hugging Face Hub',
  }),
});

export const clipConfigSchema = settingsSchema.superRefine(({ preset, model }, context) => {
  if (preset === undefined || model === presets[preset].model) return;
  context.addIssue({
    code: 'custom',
    path: ['model'],
    message: 'is set by the preset; remove one of them',
    input: model,
  });
});

/** Settings before they are validated, with what their preset stands for. */
export function withPreset(settings: Record<string, unknown>): Record<string, unknown> {
  const name = presetNames.find((preset) => preset === settings['preset']);
  if (name === undefined) return settings;
  // A setting from an environment variable that isn't set.
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { ...presets[name], ...Object.fromEntries(given) };
}

export type ClipConfig = z.output<typeof clipConfigSchema>;
