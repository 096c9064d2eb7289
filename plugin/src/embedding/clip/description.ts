import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ImageSearchError } from '../../errors';
import type { PixelPreparation, ResizeKernel, ResizeRule } from '../../images/contract';
import type { VectorSpace } from '../contract';
import { createVectorSpace } from '../vector-space';
import type { ClipConfig } from './config';
import type { ImageRecipe, ModelFamily, ModelFiles, ModelSource, TextRecipe } from './protocol';

/** A folder if `model` is a path (`./model`, `/srv/model`) or exists in the project folder, else a model of the hub. */
export function locateModel(config: ClipConfig, projectFolder: string): ModelSource {
  const { model, cacheFolder, allowDownloads } = config;
  const folder = path.resolve(projectFolder, model);
  // The variable that points all Hugging Face tools to a mirror.
  const { HF_ENDPOINT: endpoint = '' } = process.env;
  if (model.startsWith('.') || path.isAbsolute(model) || existsSync(folder)) {
    return { kind: 'folder', path: folder };
  }
  return {
    kind: 'hub',
    name: model,
    cacheFolder: path.resolve(projectFolder, cacheFolder),
    allowDownloads,
    endpoint: endpoint === '' ? null : endpoint,
  };
}

/** Without any path of this machine. */
export function nameOfModel(source: ModelSource): string {
  return source.kind === 'hub' ? source.name : path.basename(source.path);
}

/** To be raised when this code makes different vectors from the same files. */
const PIPELINE_VERSION = 1;
const DIGEST_LENGTH = 16;

/** Everything needed to prepare a model's inputs. */
export interface ModelDescription {
  space: VectorSpace;
  preparation: PixelPreparation;
  imageRecipe: ImageRecipe;
  textRecipe: TextRecipe;
  /** See `EmbeddingProvider.closeScore`. */
  closeScore: number | null;
}

const size = z.int().positive();

/** A key of this project: the similarity below which a match means nothing. transformers.js ignores it. */
const ownShape = {
  image_search: z.object({ close_score: z.number().min(-1).max(1).nullish() }).nullish(),
};

/** config.json; the defaults are those of the family. */
const clipSchema = z.object({
  ...ownShape,
  model_type: z.literal('clip'),
  projection_dim: size.default(512),
  text_config: z.object({ max_position_embeddings: size.default(77) }).prefault({}),
});
const siglipSchema = z.object({
  ...ownShape,
  model_type: z.literal('siglip'),
  text_config: z.object({ max_position_embeddings: size.default(64) }).prefault({}),
  vision_config: z.object({ hidden_size: size.default(768) }).prefault({}),
});
const configSchema = z.discriminatedUnion('model_type', [clipSchema, siglipSchema]);

/** @throws ImageSearchError `config-invalid` for a model that this provider can't run */
export function describeModel(
  { dtype }: ClipConfig,
  source: ModelSource,
  files: ModelFiles,
): ModelDescription {
  const { family, dimensions, maxTokens, closeScore } = parse(source, 'config.json', () =>
    readConfig(files.config),
  );
  const { preparation, recipe } = parse(source, 'preprocessor_config.json', () =>
    parsePreprocessing(files.preprocessor, family),
  );
  const textRecipe = { family, maxTokens };
  const preprocessing = [
    `pipeline ${String(PIPELINE_VERSION)}`,
    dtype,
    describeGeometry(preparation),
    `${String(maxTokens)} tokens`,
    `details ${digest([preparation, recipe, textRecipe])}`,
    ...(files.digest === null ? [] : [`files ${files.digest.slice(0, DIGEST_LENGTH)}`]),
  ].join('; ');
  const model = nameOfModel(source);
  const space = createVectorSpace({ provider: 'clip', model, dimensions, preprocessing });
  return { space, preparation, imageRecipe: recipe, textRecipe, closeScore };
}

function readConfig(config: unknown): {
  family: ModelFamily;
  dimensions: number;
  maxTokens: number;
  closeScore: number | null;
} {
  const parsed = configSchema.parse(config);
  return {
    family: parsed.model_type,
    dimensions:
      parsed.model_type === 'clip' ? parsed.projection_dim : parsed.vision_config.hidden_size,
    maxTokens: parsed.text_config.max_position_embeddings,
    closeScore: parsed.image_search?.close_score ?? null,
  };
}

function parse<Result>(source: ModelSource, file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof z.ZodError || error instanceof RangeError)) throw error;
    const problem = error instanceof z.ZodError ? describeIssues(error) : error.message;
    throw new ImageSearchError({
      code: 'config-invalid',
      message: `The model "${nameOfModel(source)}" can't be used: its ${file} isn't supported (${problem}). Set embedding.model to a CLIP or SigLIP model.`,
      retryable: false,
      cause: error,
    });
  }
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ message, path: place }) => `${place.join('.')}: ${message}`).join('; ');
}

function describeGeometry({ resize, kernel, crop, pad }: PixelPreparation): string {
  const steps = [];
  if (resize.mode === 'shortest-edge') steps.push(`shortest edge ${String(resize.size)}`);
  else if (resize.mode !== 'none') steps.push(`${resize.mode} ${times(resize)}`);
  if (resize.mode !== 'none') steps.push(kernel);
  if (crop !== undefined) steps.push(`crop ${times(crop)}`);
  if (pad !== undefined) steps.push(`pad ${times(pad)}`);
  return steps.join(', ');
}

function times({ width, height }: { width: number; height: number }): string {
  return `${String(width)}x${String(height)}`;
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, DIGEST_LENGTH);
}

const edge = z.int().min(1).max(4_096);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const box = z.object({ width: edge, height: edge });
const squareOrBox = z.union([edge.transform((size) => ({ width: size, height: size })), box]);

/** Kernels by their numbers in PIL, which preprocessor_config.json uses. */
const kernels: Record<number, ResizeKernel | undefined> = {
  0: 'nearest',
  1: 'lanczos3',
  2: 'linear',
  3: 'cubic',
};

/**
 * The part of preprocessor_config.json that affects pixels. Old files omit the defaults of their family, which are filled
 * in here because the models were trained with them.
 */
function preprocessorSchema(family: ModelFamily) {
  return z.object({
    do_resize: z.boolean().default(true),
    size: z
      .union([edge, box, z.object({ shortest_edge: edge }), z.object({ longest_edge: edge })])
      .default(224),
    resample: z
      .number()
      .default(3)
      .transform((number, { issues }) => {
        const kernel = kernels[number];
        if (kernel !== undefined) return kernel;
        issues.push({ code: 'custom', input: number, message: 'must be 0, 1, 2 or 3' });
        return z.NEVER;
      }),
    do_center_crop: z.boolean().default(family === 'clip'),
    crop_size: squareOrBox.default({ width: 224, height: 224 }),
    do_pad: z.boolean().default(false),
    pad_size: squareOrBox.optional(),
    background_color: channels.optional(),
    do_rescale: z.boolean().default(true),
    rescale_factor: z
      .number()
      .positive()
      .default(1 / 255),
    do_normalize: z.boolean().default(true),
    image_mean: channels.default([0.5, 0.5, 0.5]),
    image_std: channels.default([0.5, 0.5, 0.5]),
  });
}

type Preprocessor = z.output<ReturnType<typeof preprocessorSchema>>;

interface ImagePreprocessing {
  preparation: PixelPreparation;
  recipe: ImageRecipe;
}

/**
 * A model's preprocessor_config.json, split into what the image reader does (geometry) and what the model's process does
 * (numbers).
 *
 * @throws ZodError for an invalid file, RangeError for settings that would leave images with different sizes
 */
export function parsePreprocessing(preprocessor: unknown, family: ModelFamily): ImagePreprocessing {
  const parsed = preprocessorSchema(family).parse(preprocessor);
  const { crop_size: crop, do_center_crop: isCropped } = parsed;
  const pad = paddingOf(parsed);
  const preparation: PixelPreparation = {
    kind: 'pixels',
    resize: resizeRuleOf(parsed, family),
    kernel: parsed.resample,
    ...(isCropped ? { crop } : {}),
    ...(pad === null ? {} : { pad }),
  };
  return { preparation, recipe: { family, ...finalSize(preparation), ...scalingOf(parsed) } };
}

/** A bare number is the shortest edge for CLIP, as in torchvision, and both edges for SigLIP. */
function resizeRuleOf(
  { do_resize: isResized, size }: Preprocessor,
  family: ModelFamily,
): ResizeRule {
  if (!isResized) return { mode: 'none' };
  if (typeof size === 'number') {
    return family === 'clip'
      ? { mode: 'shortest-edge', size }
      : { mode: 'exact', width: size, height: size };
  }
  if ('shortest_edge' in size) return { mode: 'shortest-edge', size: size.shortest_edge };
  if ('longest_edge' in size) {
    return { mode: 'fit', width: size.longest_edge, height: size.longest_edge };
  }
  return { mode: 'exact', width: size.width, height: size.height };
}

/** Padding is centered; without `background_color` in the file, its color is the one that normalization maps to 0. */
function paddingOf(parsed: Preprocessor): NonNullable<PixelPreparation['pad']> | null {
  if (!parsed.do_pad) return null;
  if (parsed.pad_size === undefined)
    throw new RangeError('do_pad is true, but pad_size is missing');
  const [red, green, blue] = parsed.background_color ?? parsed.image_mean.map((mean) => mean * 255);
  const background = [red, green, blue].map((value) => Math.round(value ?? 0));
  return { ...parsed.pad_size, background: background as [number, number, number] };
}

function finalSize({ resize, crop, pad }: PixelPreparation): { width: number; height: number } {
  const size = pad ?? crop ?? (resize.mode === 'exact' ? resize : undefined);
  if (size !== undefined) return { width: size.width, height: size.height };
  throw new RangeError(
    'images would have different sizes, because neither do_center_crop nor do_pad is set and size has no width and height',
  );
}

/** `(value * rescale - mean) / std` as one multiplication and one addition. */
function scalingOf(parsed: Preprocessor): Pick<ImageRecipe, 'factors' | 'offsets'> {
  const scale = parsed.do_rescale ? parsed.rescale_factor : 1;
  const mean = parsed.do_normalize ? parsed.image_mean : ([0, 0, 0] as const);
  const deviation = parsed.do_normalize ? parsed.image_std : ([1, 1, 1] as const);
  return {
    factors: [scale / deviation[0], scale / deviation[1], scale / deviation[2]],
    offsets: [-mean[0] / deviation[0], -mean[1] / deviation[1], -mean[2] / deviation[2]],
  };
}
