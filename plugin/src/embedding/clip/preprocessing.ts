import { z } from 'zod';
import type { PixelPreparation, ResizeKernel, ResizeRule } from '../../images/contract';
import type { ImageRecipe, ModelFamily } from './protocol';

const edge = z.int().min(1).max(4_096);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const box = z.object({ width: edge, height: edge });
const squareOrBox = z.union([edge.transform((size) => ({ width: size, height: size })), box]);

/** Kernels by the numbers that PIL, and so every preprocessor_config.json, has for them. */
const kernels: Record<number, ResizeKernel | undefined> = {
  0: 'nearest',
  1: 'lanczos3',
  2: 'linear',
  3: 'cubic',
};

/**
 * preprocessor_config.json, as far as it bears on pixels. Old files leave out what was the default of their family,
 * which is filled in here: models were trained with those.
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

export interface ImagePreprocessing {
  preparation: PixelPreparation;
  recipe: ImageRecipe;
}

/**
 * What a model's preprocessor_config.json asks for, split into what the picture reader does (geometry) and what the
 * model's process does (numbers). Fails with a ZodError, or with a RangeError for combinations that do not bring all
 * pictures to one size.
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

/** A bare number is the shortest edge for CLIP, as torchvision reads it, and both edges for SigLIP. */
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

/** Padding is centred; where the file names no `background_color`, it is the colour that normalisation makes 0. */
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
    'pictures would have different sizes: neither do_center_crop nor do_pad is set, and size names no width and height',
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
