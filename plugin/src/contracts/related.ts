import * as z from 'zod';
import { paginationMetaSchema, paginationSchema, parametersSchema } from './rest';
import { filtersSchema, minScoreSchema } from './search';

/** Path parameters of `GET related/:uid/:documentId`. */
export const entryParametersSchema = z.object({
  uid: z
    .string()
    .regex(
      /^api::[\w-]+\.[\w-]+$/,
      'must be the uid of a content type, such as api::article.article',
    )
    .describe('Content type, such as api::article.article'),
  documentId: z.string().regex(/^\w{1,64}$/, 'must be the documentId of an entry'),
});

/** `fields`, `filters`, `populate`, `locale` and `status` are Strapi's own and about entries. */
export const relatedQuerySchema = parametersSchema({
  field: z
    .string()
    .regex(/^\w{1,255}$/, 'must be the name of a media field')
    .describe('The media field whose images are compared'),
  filters: filtersSchema.optional(),
  fields: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('Attributes of the entries'),
  populate: z.unknown().optional().describe("As in Strapi's own requests for entries"),
  locale: z.string().optional().describe('The default locale if omitted'),
  status: z.enum(['published', 'draft']).default('published'),
  pagination: paginationSchema,
  minScore: minScoreSchema.optional(),
});

export type RelatedQuery = z.output<typeof relatedQuerySchema>;

/** Entries of the same type, the one with the most similar image first. */
export const relatedResponseSchema = z.object({
  data: z.array(
    z.object({
      /** Cosine similarity of the images, -1 to 1; 1 for the same file. */
      score: z.number(),
      /** The image of the entry that is most similar. */
      fileId: z.number(),
      entry: z.looseObject({ id: z.number(), documentId: z.string() }),
    }),
  ),
  meta: z.object({ pagination: paginationMetaSchema }),
});

export type RelatedResponse = z.output<typeof relatedResponseSchema>;
