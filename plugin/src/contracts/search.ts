import * as z from 'zod';
import { basicColors, colorNames, fileKinds, type ColorName } from '../images/contract';
import {
  facetNames,
  groupings,
  MOST_IN_GROUP,
  relevanceBands,
  searchModes,
  type FacetName,
} from '../search/contract';
import { wordFields } from '../text/contract';
import { MAX_VIEW_NUMBER } from '../vectors/contract';
import { apiLimits } from './limits';
import {
  fileListShape,
  paginationMetaSchema,
  paginationSchema,
  parametersSchema,
  sortSchema,
} from './rest';
import { booleanSchema, isPrototypeKey, LARGEST_ID, numberSchema } from './values';

const FILE_ID_EXPECTED = 'must be the numeric id of a file';

export const fileIdSchema = z
  .int(FILE_ID_EXPECTED)
  .min(1, FILE_ID_EXPECTED)
  .max(LARGEST_ID, FILE_ID_EXPECTED);

const textSchema = z
  .string()
  .refine((text) => text.trim().length > 0, 'must not be empty')
  // eslint-disable-next-line no-control-regex -- finds null bytes
  .refine((text) => !/\u0000/.test(text), 'must not contain null bytes');

/** An image as base64 or as a data URL. */
const imageTextSchema = z.string().min(1, 'must not be empty');

const urlSchema = z
  .string()
  .max(apiLimits.maxUrlLength, `must have at most ${String(apiLimits.maxUrlLength)} characters`)
  .refine(
    isPlainWebUrl,
    'must be the http or https URL of an image, without a user name or password',
  );

function isPlainWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

const exampleSchema = z.union([fileIdSchema, textSchema], {
  error: 'must be the numeric id of a file or a text',
});

/** Checks a list's length before its items: a long list of invalid items would be slow and fill the error message. */
function shortList<Item extends z.ZodType>(item: Item, { max, things }: ListLimit) {
  return z
    .array(z.unknown())
    .max(max, `must be at most ${String(max)} ${things}`)
    .pipe(z.array(item));
}

interface ListLimit {
  max: number;
  /** What the items are called. */
  things: string;
}

const examplesSchema = shortList(exampleSchema, {
  max: apiLimits.maxExamples,
  things: 'examples',
});

const vectorSchema = shortList(z.number(), { max: apiLimits.maxDimensions, things: 'numbers' });

export { fileKinds };

export const orientations = ['landscape', 'portrait', 'square'] as const;

const HEX_COLOR = /^#?(?:[\da-f]{3}|[\da-f]{6})$/;

/** The `#` may be missing: in an address it must be encoded. */
export const colorSchema = z
  .string()
  .trim()
  .toLowerCase()
  .refine(
    (color) => isColorName(color) || HEX_COLOR.test(color),
    `must be ${colorNames.join(', ')}, or a color such as #00aa77`,
  );

export function isColorName(color: string): color is ColorName {
  return (colorNames as readonly string[]).includes(color);
}

export const tagsSchema = z
  .union([z.string().transform((names) => names.split(',')), z.array(z.string())], {
    error: 'must be names of tags, in a list or separated by commas',
  })
  .pipe(z.array(z.string().trim().min(1, 'must not be empty')).min(1).max(apiLimits.maxTags));

/** Conditions that Strapi's filters can't express. */
const traitsShape = {
  /** By the file's MIME type. */
  kind: z.enum(fileKinds, `must be one of ${fileKinds.join(', ')}`).optional(),
  /** By the image's sides as displayed, once it was read; by those in Strapi until then. */
  orientation: z.enum(orientations, `must be one of ${orientations.join(', ')}`).optional(),
  /**
   * `true`: only files that no media field or other relation uses; `false`: only files that one uses. A file that
   * only occurs in texts counts as unused.
   */
  unused: booleanSchema.optional(),
  /** `false`: only files whose alternative text is missing or empty. */
  hasAlternativeText: booleanSchema.optional(),
  /** One of the image's dominant colors, its background left out: a basic color, or any as `#rrggbb` or `#rgb`. */
  color: colorSchema.optional(),
  /**
   * How far the image's color may be from one in hexadecimal: the distance in OKLab, in which lightness counts half,
   * times 100.
   *
   * @default 10
   */
  colorTolerance: numberSchema.pipe(z.number().min(0).max(apiLimits.maxColorTolerance)).optional(),
  /** Only images with all of these tags of the configuration. */
  tags: tagsSchema.optional(),
};

/** Strapi filters on `plugin::upload.file`. Strapi validates their fields, but neither their size nor their operands. */
// zod's own records drop the key `__proto__` in silence, and API documents can't show a transformation.
export const filtersSchema = z
  .unknown()
  .superRefine((filters, context) => {
    const problem = problemOf(filters);
    if (problem !== null) context.addIssue({ code: 'custom', ...problem });
  })
  .meta({ type: 'object', additionalProperties: true }) as unknown as z.ZodType<
  Record<string, unknown>
>;

/** Cosine similarity. */
export const minScoreSchema = numberSchema.pipe(z.number().min(-1).max(1));

const shareSchema = numberSchema.pipe(z.number().min(0).max(1));
const lengthSchema = numberSchema.pipe(z.number().gt(0, 'must be above 0').max(1));
/** Sums of shares such as 0.7 and 0.3 may be a little above 1. */
const ROUNDING = 1e-6;

/** A part of the query's image as displayed, in shares of its width and height. */
export const regionSchema = z
  .strictObject({ x: shareSchema, y: shareSchema, width: lengthSchema, height: lengthSchema })
  .superRefine(({ height, width, x, y }, context) => {
    const beyond = x + width > 1 + ROUNDING ? 'width' : y + height > 1 + ROUNDING ? 'height' : null;
    if (beyond === null) return;
    const start = beyond === 'width' ? 'x' : 'y';
    const message = `must end within the image: ${start} and ${beyond} are above 1 together`;
    context.addIssue({ code: 'custom', path: [beyond], message });
  })
  .describe(
    'A part of the one image of the query, in shares of its width and height as displayed.',
  );

/** As a band or as a number. */
const minimumRelevanceSchema = z.union(
  [z.enum(['strong', 'likely']), numberSchema.pipe(z.number().min(0).max(1))],
  { error: 'must be "likely", "strong" or a number from 0 to 1' },
);

const facetsSchema = z
  .union([z.string().transform((names) => names.split(',')), z.array(z.string())], {
    error: 'must be names of facets, in a list or separated by commas',
  })
  .pipe(
    z
      .array(
        z
          .string()
          .trim()
          .pipe(z.enum(facetNames, `must be one of ${facetNames.join(', ')}`)),
      )
      .min(1)
      .max(facetNames.length),
  )
  .describe('Counts the relevant images, or all that pass the filters, by these.');

/** Parameters of every search. */
const commonShape = {
  filters: filtersSchema.optional(),
  ...traitsShape,
  ...fileListShape,
  pagination: paginationSchema,
  minScore: minScoreSchema.optional(),
  /** Leaves out what is less relevant. */
  minRelevance: minimumRelevanceSchema.optional(),
  /** Ends the results where similarity falls steeply. */
  autocut: booleanSchema.optional(),
  sort: sortSchema.optional(),
  facets: facetsSchema.optional(),
  /** Results are groups; each has its best image, and others under `group`. */
  groupBy: z.enum(groupings, `must be one of ${groupings.join(', ')}`).optional(),
  /** Images of each group. */
  groupSize: numberSchema.pipe(z.int().min(1).max(MOST_IN_GROUP)).optional(),
  /** Shows files of the same image as one result. */
  collapse: booleanSchema.optional(),
  /** How much images that resemble better ones lose their places. */
  diversity: numberSchema.pipe(z.number().min(0).max(1)).optional(),
};

/** How a single text is matched. */
const textShape = {
  /** With images and words, or one of them. */
  mode: z.enum(searchModes, `must be one of ${searchModes.join(', ')}`).optional(),
  /** How much words count beside images: at 0 next to nothing, at 1 alone. */
  weight: numberSchema.pipe(z.number().min(0).max(1)).optional(),
};

export const textSearchQuerySchema = parametersSchema({
  text: textSchema.optional(),
  ...textShape,
  ...commonShape,
});

export const similarQuerySchema = parametersSchema({
  ...commonShape,
  region: regionSchema.optional(),
});

export const searchBodySchema = parametersSchema({
  text: textSchema.optional(),
  image: imageTextSchema.optional(),
  url: urlSchema.optional(),
  fileId: fileIdSchema.optional(),
  vector: vectorSchema.optional(),
  space: z.string().min(1).optional(),
  like: examplesSchema.optional(),
  unlike: examplesSchema.optional(),
  region: regionSchema.optional(),
  ...textShape,
  ...commonShape,
});

export const embeddingBodySchema = z.strictObject({
  text: textSchema.optional(),
  image: imageTextSchema.optional(),
  url: urlSchema.optional(),
});

const viewNumberSchema = numberSchema.pipe(z.int().min(1).max(MAX_VIEW_NUMBER));

/** A preview of what shows the whole file, or of one page of a document or frame of a video; `GET previews/:id`, which answers a WebP file. */
export const previewQuerySchema = z.strictObject({
  page: viewNumberSchema.optional(),
  /** Of a video: its second, as in `view`. */
  frame: viewNumberSchema.optional(),
});

export const imageBodySchema = z.strictObject({ image: imageTextSchema.optional() });

export { basicColors, colorNames, facetNames, type ColorName, type FacetName };
export type SearchBody = z.output<typeof searchBodySchema>;
export type EmbeddingBody = z.output<typeof embeddingBodySchema>;
export type CommonSearchInput = z.output<typeof similarQuerySchema>;
export type TextMatching = Pick<z.output<typeof textSearchQuerySchema>, keyof typeof textShape>;
export type FileTraits = Pick<CommonSearchInput, keyof typeof traitsShape>;

export const vectorSpaceSchema = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  dimensions: z.number(),
});

/** How many of the images there are of each value, the most frequent first. */
const facetSchema = <Value extends z.ZodType>(value: Value) =>
  z.array(z.object({ value, count: z.int().min(1) })).optional();

const hitSchema = z.object({
  /** Cosine similarity, -1 to 1; null without a query, and if the image has no vector or only words were searched. */
  score: z.number().nullable(),
  /** What matched: the image, or the words of a field. Empty without a query. */
  matchedBy: z.array(z.enum(['image', ...wordFields])),
  /** How sure it is that this is what was asked for; null if unknown, as before the library was calibrated. */
  relevance: z.object({ band: z.enum(relevanceBands), value: z.number().min(0).max(1) }).nullable(),
  /** How many other files it stands for; only with `collapse`. */
  duplicateCount: z.int().min(0).optional(),
  /** Where the words that matched are in the file's own fields: from and to, in characters as JavaScript counts. */
  highlights: z.partialRecord(z.enum(wordFields), z.array(z.tuple([z.number(), z.number()]))),
  /** What of the file matched best; absent when it is the whole image, or what shows the whole document. */
  view: z.object({ kind: z.enum(['part', 'frame', 'page']), number: z.int().min(1) }).optional(),
  /** The image's tags, the most relevant first; absent unless the configuration has a vocabulary. */
  tags: z.array(z.string()).optional(),
  file: z.looseObject({ id: z.number() }),
});

/** `file` is an upload file with the fields that this caller may see. */
export const searchResponseSchema = z.object({
  data: z.array(
    hitSchema.extend({
      /** What it is the best image of; only with `groupBy`, whose pages are of groups. */
      group: z
        .object({
          /** The folder's id, null for images in none; the file that the others are duplicates of. */
          value: z.number().nullable(),
          /** Relevant images in it, the best one included. */
          count: z.int().min(1),
          /** The next ones, the best first. */
          others: z.array(hitSchema),
        })
        .optional(),
    }),
  ),
  meta: z.object({
    pagination: paginationMetaSchema,
    index: z.object({
      /** Id of the space that answered, or would have; null before a model was opened for the first time. */
      space: z.string().nullable(),
      /** Searchable images. */
      indexed: z.number(),
      /** Images in the library. */
      total: z.number(),
    }),
    /**
     * Whether even the best match of all pages is weak: the model doesn't know the words, or no image shows them, and
     * no file has most of them. Null if unknown: nothing was found, or the library isn't calibrated, and the query isn't
     * a single text or the model has no close score. Always true for a text of which neither the model nor a file knows
     * a word.
     */
    noCloseMatch: z.boolean().nullable(),
    /** Only those that were asked for. */
    facets: z
      .object({
        kind: facetSchema(z.enum(fileKinds)),
        /** MIME types. */
        type: facetSchema(z.string()),
        /** Ids of folders, without their subfolders; null for images in none. */
        folder: facetSchema(z.number().nullable()),
        /** Years of upload, in UTC. */
        year: facetSchema(z.number()),
        /** Basic colors; an image counts once for each that is one of its own. */
        color: facetSchema(z.enum(colorNames)),
        /** Tags of the configuration; an image counts once for each. */
        tags: facetSchema(z.string()),
        /** How many images were counted. */
        counted: z.int().min(0),
        /** Whether there are more, so that each count is a lower bound. */
        isLowerBound: z.boolean(),
      })
      .optional(),
    /** How the query was answered; null without one. */
    mode: z.enum(searchModes).nullable(),
    /** Whether the model isn't responding, so that only words were searched. */
    isDegraded: z.boolean(),
  }),
});

export const embeddingResponseSchema = z.object({
  data: z.object({ embedding: z.array(z.number()), space: vectorSpaceSchema }),
});

/** Whether a media field or another relation uses a file; `GET usage/:id` of the content API. */
export const isUsedResponseSchema = z.object({
  data: z.object({ fileId: z.number(), isUsed: z.boolean() }),
});

export type IsUsedResponse = z.output<typeof isUsedResponseSchema>;
export type SearchResponse = z.output<typeof searchResponseSchema>;
export type EmbeddingResponse = z.output<typeof embeddingResponseSchema>;

interface FilterProblem {
  path: string[];
  message: string;
}

/** Doesn't recurse, and stops at the limits, so that filters of any size and depth are rejected quickly. */
function problemOf(filters: unknown): FilterProblem | null {
  const { maxFilterIds, maxFilterNodes, maxFilterLevels } = apiLimits;
  if (!isRecord(filters)) {
    return { path: [], message: 'must be an object of Strapi filters' };
  }
  const waiting: { parent: object; path: string[] }[] = [{ parent: filters, path: [] }];
  let nodes = 0;
  let ids = 0;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { parent, path } = next;
    const children = Object.entries(parent) as [string, unknown][];
    if (isListOfIds(path)) ids += children.length;
    else nodes += children.length;
    if (ids > maxFilterIds) {
      return { path, message: `must have at most ${String(maxFilterIds)} ids, all lists together` };
    }
    if (nodes > maxFilterNodes) {
      return {
        path: [],
        message: `must have at most ${String(maxFilterNodes)} keys and list items, all levels together`,
      };
    }
    if (path.length >= maxFilterLevels && children.length > 0) {
      return { path: [], message: `must have at most ${String(maxFilterLevels)} levels` };
    }
    for (const [key, child] of children) {
      const message = problemOfOperand(child, { key, path, isItem: Array.isArray(parent) });
      if (message !== null) return { path: [...path, key], message };
      if (isParent(child)) waiting.push({ parent: child, path: [...path, key] });
    }
  }
  return null;
}

/** Of the file itself: cheap to look up, however many there are. */
function isListOfIds(path: readonly string[]): boolean {
  return path.at(-2) === 'id' && path.at(-1) === '$in' && !path.slice(0, -2).some(isAttribute);
}

function isAttribute(key: string): boolean {
  return !key.startsWith('$') && !/^\d+$/.test(key);
}

const GROUP_OPERATORS = ['$and', '$or'];
const LIST_OPERATORS = ['$in', '$notIn', '$between'];
/** Operators whose operand is a single value; Strapi refuses unknown ones itself. */
const VALUE_OPERATORS = [
  ...['$eq', '$eqi', '$ne', '$nei', '$lt', '$lte', '$gt', '$gte', '$null', '$notNull'],
  ...['$contains', '$containsi', '$notContains', '$notContainsi'],
  ...['$startsWith', '$startsWithi', '$endsWith', '$endsWithi'],
];

/** What is wrong with a key of the filters, or with what it stands for; null if nothing is. */
function problemOfOperand(
  value: unknown,
  { key, path, isItem }: { key: string; path: readonly string[]; isItem: boolean },
): string | null {
  if (!isItem && isPrototypeKey(key)) return "isn't a valid name in filters";
  if (isItem) {
    const isGroup = GROUP_OPERATORS.includes(path.at(-1) ?? '');
    if (isGroup) return isRecord(value) ? null : 'must be an object of filters';
    return isParent(value) ? 'must be a single value' : null;
  }
  if (GROUP_OPERATORS.includes(key)) {
    return isParent(value) ? null : 'must be a list of filters';
  }
  if (VALUE_OPERATORS.includes(key)) return isParent(value) ? 'must be a single value' : null;
  if (LIST_OPERATORS.includes(key)) {
    return isRecord(value) ? 'must be a list of values' : null;
  }
  return null;
}

function isRecord(value: unknown): value is object {
  return isParent(value) && !Array.isArray(value);
}

function isParent(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
