import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ImageSearchError } from '../../errors';
import type { PixelPreparation } from '../../images/contract';
import { createVectorSpace, type VectorSpace } from '../contract';
import type { ClipConfig } from './config';
import { nameOfModel } from './location';
import { parsePreprocessing } from './preprocessing';
import type { ImageRecipe, ModelFamily, ModelFiles, ModelSource, TextRecipe } from './protocol';

/** Raised whenever this code would make other vectors from the same files. */
const PIPELINE_VERSION = 1;
const DIGEST_LENGTH = 16;

/** All that the server must know of a model to prepare its inputs. */
export interface ModelDescription {
  space: VectorSpace;
  preparation: PixelPreparation;
  imageRecipe: ImageRecipe;
  textRecipe: TextRecipe;
  /** See `EmbeddingProvider.closeScore`. */
  closeScore: number | null;
}

const size = z.int().positive();

/** Beside what transformers.js reads, a model may say which similarity means something: this project's own key. */
const ownShape = {
  image_search: z.object({ close_score: z.number().min(-1).max(1).nullish() }).nullish(),
};

/** config.json; what it leaves out has the defaults of its family. */
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

/** Fails with `config-invalid` for a model that this provider cannot run. */
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
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : error.message;
    throw new ImageSearchError({
      code: 'config-invalid',
      message: `The model "${nameOfModel(source)}" (embedding.model) cannot be used: its ${file} asks for what this provider does not do. ${problem}. Models of the families CLIP and SigLIP can be used.`,
      retryable: false,
      cause: error,
    });
  }
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
