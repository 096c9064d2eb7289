import * as z from 'zod';
import { fileIdSchema } from './search';

export const mergingLimits = {
  /** Files of one merge, the kept one among them. */
  maxFiles: 50,
  /** Uses told of one file; those that stand in the way of its merge come first. */
  maxUsesTold: 200,
} as const;

export const mergeBodySchema = z.strictObject({
  /** All files of the merge, the one to keep among them. */
  fileIds: z
    .array(fileIdSchema)
    .min(2, 'must name at least two files')
    .max(mergingLimits.maxFiles, `must name at most ${String(mergingLimits.maxFiles)} files`)
    .refine((ids) => new Set(ids).size === ids.length, 'must not name a file twice'),
  /** The file to keep; without it the one that is suggested. */
  keepId: fileIdSchema.optional(),
  /** Whether to answer the report alone and write nothing. */
  dryRun: z.boolean().default(false),
});

/**
 * How a place uses a file: as a value of a media field or another `relation`; its address in a `blocks` or a
 * `richtext` field; its address or its name in storage in a `text` of another kind, of which this product does not
 * know what it means.
 */
export const useKindSchema = z.enum(['relation', 'blocks', 'richtext', 'text']);

export const fileUseSchema = z.object({
  kind: useKindSchema,
  contentType: z.object({
    uid: z.string(),
    displayName: z.string(),
    kind: z.enum(['collectionType', 'singleType']),
  }),
  /** Of the entry; null for content that has none. */
  documentId: z.string().nullable(),
  /** Number of the entry's row: drafts, published versions and locales have one each. */
  entryId: z.number(),
  /** Null where the content type is not localized. */
  locale: z.string().nullable(),
  /** Null where the content type knows no drafts. */
  status: z.enum(['draft', 'published']).nullable(),
  /** From the entry to the field, list items counted from 0: `sections[1].slides[0].image`. */
  path: z.string(),
  /** What the entry is called; null when it is not called anything, or the caller may not read it. */
  title: z.string().nullable(),
  /** Why this place cannot be made to use another file; null when it can. */
  obstacle: z.string().nullable(),
});

export const suggestionCriteria = [
  'pixels',
  'format',
  'bytes',
  'usage',
  'alternativeText',
  'age',
] as const;

const losslessTypes = ['image/png', 'image/tiff', 'image/bmp', 'image/svg+xml'];

/** Whether a format keeps every pixel as it was; by media type. */
export function isLossless(mime: string): boolean {
  return losslessTypes.includes(mime);
}

const mergedFileSchema = z.object({
  id: z.number(),
  documentId: z.string(),
  name: z.string(),
  mime: z.string(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  bytes: z.number(),
  createdAt: z.string(),
  alternativeText: z.string().nullable(),
  caption: z.string().nullable(),
  /** What becomes of the file: `kept` as the one, `removed`, or `left` in the library because of an obstacle. */
  outcome: z.enum(['kept', 'removed', 'left']),
  /** Why it is left; null otherwise. */
  obstacle: z.string().nullable(),
  useCount: z.number(),
  /** At most `mergingLimits.maxUsesTold` of them. */
  uses: z.array(fileUseSchema),
});

export const mergeReportSchema = z.object({
  keepId: z.number(),
  suggestion: z.object({
    fileId: z.number(),
    /** In which respects no other file is better and some are worse, the weightiest first; empty for files alike. */
    reasons: z.array(z.enum(suggestionCriteria)),
  }),
  /** The kept one first, the others in the order asked for. */
  files: z.array(mergedFileSchema),
  /** What the kept file gets from a copy because it has none of its own; null for nothing. */
  carriedOver: z.object({
    alternativeText: z.string().nullable(),
    caption: z.string().nullable(),
    folder: z.object({ id: z.number(), name: z.string() }).nullable(),
  }),
  warnings: z.array(
    z.object({
      code: z.enum(['fewer-pixels', 'other-shape', 'lossy-kept', 'file-left']),
      fileId: z.number(),
      message: z.string(),
    }),
  ),
});

export const mergeResponseSchema = z.object({ data: mergeReportSchema });

/** Where a file is used; `GET files/:id/usage`. */
export const fileUsageResponseSchema = z.object({
  /** At most `mergingLimits.maxUsesTold` of them. */
  data: z.array(fileUseSchema),
  meta: z.object({ useCount: z.number() }),
});

export type FileUsageResponse = z.output<typeof fileUsageResponseSchema>;
export type MergeResponse = z.output<typeof mergeResponseSchema>;
export type UseKind = z.output<typeof useKindSchema>;
export type FileUse = z.output<typeof fileUseSchema>;
export type SuggestionCriterion = (typeof suggestionCriteria)[number];
export type MergeReport = z.output<typeof mergeReportSchema>;
export type MergedFile = z.output<typeof mergedFileSchema>;
export type MergeWarning = MergeReport['warnings'][number];
