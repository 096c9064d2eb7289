import * as z from 'zod';
import { booleanSchema } from './booleans';
import { filtersSchema } from './filters';
import { apiLimits } from './limits';
import { LARGEST_ID, numberSchema } from './numbers';

const NO_FILE_ID = 'must be the numeric id of a file';

export const fileIdSchema = z.int(NO_FILE_ID).min(1, NO_FILE_ID).max(LARGEST_ID, NO_FILE_ID);

const textSchema = z
  .string()
  .refine((text) => text.trim().length > 0, 'must not be empty')
  // eslint-disable-next-line no-control-regex -- a null byte is exactly what is looked for
  .refine((text) => !/\u0000/.test(text), 'must not contain null bytes');

/** A picture as text: base64, or a data URL of a picture. */
const imageTextSchema = z.string().min(1, 'must not be empty');

const urlSchema = z
  .string()
  .max(apiLimits.maxUrlLength, `must have at most ${String(apiLimits.maxUrlLength)} characters`)
  .refine(
    isPlainWebAddress,
    'must be the http or https address of a picture, without a user name or password',
  );

function isPlainWebAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password } = new URL(address);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

const exampleSchema = z.union([fileIdSchema, textSchema], {
  error: 'must be the numeric id of a file or a text',
});

/** A list whose length is looked at before its items: a long one of wrong items costs and tells nothing. */
function shortList<Item extends z.ZodType>(item: Item, { most, things }: ListLimit) {
  return z
    .array(z.unknown())
    .max(most, `must be at most ${String(most)} ${things}`)
    .pipe(z.array(item));
}

interface ListLimit {
  most: number;
  /** What the items are called. */
  things: string;
}

const examplesSchema = shortList(exampleSchema, {
  most: apiLimits.maxExamples,
  things: 'examples',
});

const vectorSchema = shortList(z.number(), { most: apiLimits.maxDimensions, things: 'numbers' });

const paginationSchema = z.strictObject({
  start: numberSchema
    .pipe(
      z
        .int()
        .min(0)
        .max(apiLimits.maxStart, `must be at most ${String(apiLimits.maxStart)}`),
    )
    .default(0),
  limit: numberSchema.pipe(z.int().min(1).max(apiLimits.maxLimit)).default(apiLimits.defaultLimit),
});

export const orientations = ['landscape', 'portrait', 'square'] as const;

/** What files are asked to be that Strapi's filters cannot say; they narrow a search as filters do. */
const traitsShape = {
  /** By width and height of the file as Strapi has measured them; a file without them has none. */
  orientation: z.enum(orientations, `must be one of ${orientations.join(', ')}`).optional(),
  /**
   * `true`: only files that no media field and no other relation of an entry has; `false`: only those that one has.
   * A file that is only named in a text counts as unused.
   */
  unused: booleanSchema.optional(),
  /** `false`: only files whose alternative text is missing or empty. */
  hasAlternativeText: booleanSchema.optional(),
};

/** What every search takes. */
const commonShape = {
  filters: filtersSchema.optional(),
  ...traitsShape,
  pagination: paginationSchema.prefault({}),
  minScore: numberSchema.pipe(z.number().min(-1).max(1)).optional(),
};

export const textSearchQuerySchema = z.strictObject({ text: textSchema, ...commonShape });

export const similarQuerySchema = z.strictObject(commonShape);

export const searchBodySchema = z.strictObject({
  text: textSchema.optional(),
  image: imageTextSchema.optional(),
  url: urlSchema.optional(),
  fileId: fileIdSchema.optional(),
  vector: vectorSchema.optional(),
  space: z.string().min(1).optional(),
  like: examplesSchema.optional(),
  unlike: examplesSchema.optional(),
  ...commonShape,
});

export const embeddingBodySchema = z.strictObject({
  text: textSchema.optional(),
  image: imageTextSchema.optional(),
  url: urlSchema.optional(),
});

export const pictureBodySchema = z.strictObject({ image: imageTextSchema.optional() });

export type SearchBody = z.output<typeof searchBodySchema>;
export type EmbeddingBody = z.output<typeof embeddingBodySchema>;
export type CommonSearchInput = z.output<typeof similarQuerySchema>;
export type FileTraits = Pick<CommonSearchInput, keyof typeof traitsShape>;

export const vectorSpaceSchema = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  dimensions: z.number(),
});

/** A search's answer; `file` is what Strapi shows of an upload file to this caller. */
export const searchResponseSchema = z.object({
  data: z.array(
    z.object({
      /** Cosine similarity, -1 to 1. */
      score: z.number(),
      matchedBy: z.array(z.enum(['image'])),
      file: z.looseObject({ id: z.number() }),
    }),
  ),
  meta: z.object({
    pagination: z.object({ start: z.number(), limit: z.number(), hasMore: z.boolean() }),
    index: z.object({
      /** Id of the space that answered. */
      space: z.string(),
      /** Pictures that can be found. */
      indexed: z.number(),
      /** Pictures of the library. */
      total: z.number(),
    }),
    /**
     * Whether even the best picture, on whichever page it is, is less alike than what means something: the words are
     * unknown to the model, or nothing shows them. Null when that cannot be told: no score that means something is
     * known for this model, the question is not one text alone, or there is no picture to compare with.
     */
    nothingClose: z.boolean().nullable(),
  }),
});

export const embeddingResponseSchema = z.object({
  data: z.object({ embedding: z.array(z.number()), space: vectorSpaceSchema }),
});

export type SearchResponse = z.output<typeof searchResponseSchema>;
export type EmbeddingResponse = z.output<typeof embeddingResponseSchema>;
