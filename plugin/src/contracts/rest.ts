/** Strapi's REST conventions, as far as they make sense for files. */
import * as z from 'zod';
import { sortFields, type FileOrder } from '../search/contract';
import { apiLimits } from './limits';
import { booleanSchema, isPrototypeKey, numberSchema } from './values';

const startSchema = z
  .int()
  .min(0)
  .max(apiLimits.maxStart, `must be at most ${String(apiLimits.maxStart)}`);
const limitSchema = z.int().min(1).max(apiLimits.maxLimit);

/** As a caller sends it: by `start` and `limit`, or by `page` and `pageSize`. */
export const paginationParametersSchema = z
  .strictObject({
    start: numberSchema.pipe(startSchema).optional(),
    limit: numberSchema.pipe(limitSchema).optional(),
    page: numberSchema.pipe(z.int().min(1)).optional(),
    pageSize: numberSchema.pipe(limitSchema).optional(),
    withCount: booleanSchema.optional().describe('Whether to count all results, where possible.'),
  })
  .superRefine(({ start, limit, page, pageSize }, context) => {
    const isByPage = page !== undefined || pageSize !== undefined;
    if (isByPage && (start !== undefined || limit !== undefined)) {
      context.addIssue({
        code: 'custom',
        message: 'use page and pageSize, or start and limit, not both',
      });
    }
    if (((page ?? 1) - 1) * (pageSize ?? apiLimits.defaultLimit) > apiLimits.maxStart) {
      const message = `is too large: at most ${String(apiLimits.maxStart)} results may precede the page`;
      context.addIssue({ code: 'custom', path: ['page'], message });
    }
  });

/** The part of the results that a caller wants. */
export interface Pagination {
  start: number;
  limit: number;
  /** From 1; undefined for callers that count by `start` and `limit`. */
  page: number | undefined;
  withCount: boolean;
}

export const paginationSchema = paginationParametersSchema
  .prefault({})
  .transform(({ start, limit, page, pageSize, withCount = false }): Pagination => {
    if (page === undefined && pageSize === undefined) {
      return { start: start ?? 0, limit: limit ?? apiLimits.defaultLimit, page, withCount };
    }
    const size = pageSize ?? apiLimits.defaultLimit;
    return { start: ((page ?? 1) - 1) * size, limit: size, page: page ?? 1, withCount };
  });

/** `meta.pagination` of a response. */
export const paginationMetaSchema = z.object({
  start: z.number(),
  limit: z.number(),
  hasMore: z.boolean(),
  /** Only for callers that count by pages. */
  page: z.number().optional(),
  pageSize: z.number().optional(),
  /** With `withCount`: how many results all pages have; null where that is unknown, as for anything ranked. */
  total: z.number().nullable().optional(),
  pageCount: z.number().nullable().optional(),
});

export type PaginationMeta = z.output<typeof paginationMetaSchema>;

/** @param total null if unknown; left out of the response unless the caller asked for it */
export function toPaginationMeta(
  { start, limit, page, withCount }: Pagination,
  { hasMore, total }: { hasMore: boolean; total: number | null },
): PaginationMeta {
  return {
    ...(page !== undefined && { page, pageSize: limit }),
    start,
    limit,
    hasMore,
    ...(withCount && { total }),
    ...(withCount &&
      page !== undefined && { pageCount: total === null ? null : Math.ceil(total / limit) }),
  };
}

/** Names of attributes of a file, and of its formats such as `formats.small`; undefined for all of them. */
export const fieldsSchema = z
  .union([z.string().transform((names) => names.split(',')), z.array(z.string())], {
    error: 'must be names of attributes, in a list or separated by commas',
  })
  .pipe(
    z
      .array(z.string().trim())
      .min(1)
      .max(apiLimits.maxFields)
      .refine((names) => !names.some((name) => name.split('.').some(isPrototypeKey)), {
        message: 'has a name that no attribute may have',
      }),
  )
  .describe(
    'Attributes of the file, such as url, alternativeText or formats.small; `*` for all. The id is always included.',
  );

/** As in `sort=createdAt:desc`, several in a list or separated by commas. */
export const sortSchema = z
  .union([z.string().transform((keys) => keys.split(',')), z.array(z.string())], {
    error: 'must be fields such as createdAt:desc, in a list or separated by commas',
  })
  .pipe(
    z
      .array(
        z
          .string()
          .trim()
          .regex(
            new RegExp(`^(${sortFields.join('|')})(:(asc|desc))?$`),
            `must be one of ${sortFields.join(', ')}, with :asc or :desc`,
          ),
      )
      .min(1)
      .max(sortFields.length),
  )
  .describe('Order of the relevant images, or of all that pass the filters, such as name:asc.');

/** @param sort as `sortSchema` has it */
export function toFileOrder(sort: readonly string[]): FileOrder[] {
  return sort.map((key) => {
    const [field, direction] = key.split(':');
    return {
      field: sortFields.find((name) => name === field) ?? 'createdAt',
      isDescending: direction === 'desc',
    };
  });
}

/** Parameters of every route that lists files. */
export const fileListShape = {
  fields: fieldsSchema.optional(),
  /** Files have neither locales nor drafts: these are accepted because clients send them everywhere. */
  locale: z.string().optional().describe('Ignored: files have no locales.'),
  status: z.enum(['published', 'draft']).optional().describe('Ignored: files have no drafts.'),
};

const alternatives: Record<string, string> = {
  limit: 'use pagination[limit]',
  page: 'use pagination[page]',
  pageSize: 'use pagination[pageSize]',
  populate: 'files have nothing to populate here; use fields to choose attributes',
  start: 'use pagination[start]',
  withCount: 'use pagination[withCount]',
  _q: 'use text',
};

/** An object of parameters that refuses unknown ones, naming what to use instead of those that Strapi has elsewhere. */
export function parametersSchema<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: ({ code, keys }) => {
      if (code !== 'unrecognized_keys' || !Array.isArray(keys)) return undefined;
      const key = keys.find((name) => Object.hasOwn(alternatives, name));
      return key === undefined ? undefined : `unknown key "${key}": ${alternatives[key] ?? ''}`;
    },
  });
}

/** An upload file in API documents; a response has those attributes that the caller may see and asked for. */
export const documentedFileSchema = z.looseObject({
  id: z.int(),
  documentId: z.string().optional(),
  name: z.string().optional(),
  alternativeText: z.string().nullable().optional(),
  caption: z.string().nullable().optional(),
  width: z.int().nullable().optional(),
  height: z.int().nullable().optional(),
  formats: z
    .record(
      z.string(),
      z.looseObject({
        url: z.string(),
        width: z.int(),
        height: z.int(),
        mime: z.string().optional(),
      }),
    )
    .nullable()
    .optional(),
  hash: z.string().optional(),
  ext: z.string().nullable().optional(),
  mime: z.string().optional(),
  size: z.number().optional().describe('In kilobytes'),
  url: z.string().optional(),
  previewUrl: z.string().nullable().optional(),
  provider: z.string().optional(),
  createdAt: z.string().optional(),
  updatedAt: z.string().optional(),
});
