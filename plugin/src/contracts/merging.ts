import * as z from 'zod';
import { apiLimits } from './limits';
import { fileIdSchema } from './search';
import { LARGEST_ID, numberSchema } from './values';

export const mergingLimits = {
  /** Files per merge, including the kept one. */
  maxFiles: 50,
  /** Uses listed per file; those that prevent its deletion come first. */
  maxListedUses: 200,
} as const;

export const mergeBodySchema = z.strictObject({
  /** All files of the merge, including the one to keep. */
  fileIds: z
    .array(fileIdSchema)
    .min(2, 'must name at least two files')
    .max(mergingLimits.maxFiles, `must name at most ${String(mergingLimits.maxFiles)} files`)
    .refine((ids) => new Set(ids).size === ids.length, 'must not name a file twice'),
  /** The file to keep; by default the suggested one. Required to merge when none is suggested. */
  keepId: fileIdSchema.optional(),
  /** Whether to return the report only and write nothing. */
  dryRun: z.boolean().default(false),
});

/**
 * How a field uses a file: `relation`, as a value of a media field or another relation; `blocks` and `richtext`, by its
 * URL; `text`, by its URL or its name in storage in any other text, whose meaning the plugin doesn't know; `id`, by its
 * numeric id in JSON, in a custom field or in a text.
 */
export const useKindSchema = z.enum(['relation', 'blocks', 'richtext', 'text', 'id']);

/**
 * Why a use can't be pointed to another file:
 *
 * - `relation`: a relation that isn't a media field uses it; `setting`: Strapi's settings do; `file-id`: by its numeric id.
 * - `custom-field`, `field-type`: the plugin doesn't know what a text in this custom field, or field of this type, means
 *   (`value`); `no-text`: the field contains something else.
 * - `file-type`: the field doesn't allow files of the kept file's type (`value`).
 * - `other-storage`: the two files are in different storage; `unsafe-url`: the kept file's URL has characters that end one
 *   in a text; `signed-url`: the URL is signed for this file only; `not-by-url`: the text names the file in another way.
 * - `unknown-size`, `custom-url`, `unexpected-place`: in blocks.
 */
export const useObstacleCodes = [
  'relation',
  'setting',
  'file-id',
  'custom-field',
  'field-type',
  'no-text',
  'file-type',
  'other-storage',
  'unsafe-url',
  'signed-url',
  'not-by-url',
  'unknown-size',
  'custom-url',
  'unexpected-place',
] as const;

const useObstacleSchema = z.object({
  code: z.enum(useObstacleCodes),
  message: z.string(),
  /** What the message names: a type or a custom field. */
  value: z.string().optional(),
});

export const fileUseSchema = z.object({
  kind: useKindSchema,
  /** `possible`: a bare number that may be the file's id or anything else. It doesn't keep the file from being deleted. */
  certainty: z.enum(['sure', 'possible']),
  /** For `id`, and for settings: the place and the number, such as `hero.imageId: 5`; null if the caller may not read it. */
  mention: z.string().nullable(),
  contentType: z.object({
    uid: z.string(),
    displayName: z.string(),
    /** `setting`: a row of Strapi's settings, such as an e-mail template. */
    kind: z.enum(['collectionType', 'singleType', 'setting']),
  }),
  /** The entry's document id; null for content without one. */
  documentId: z.string().nullable(),
  /** Id of the entry's row: drafts, published versions and locales have one each. */
  entryId: z.number(),
  /** Null if the content type isn't localized. */
  locale: z.string().nullable(),
  /** Null if the content type has no drafts. */
  status: z.enum(['draft', 'published']).nullable(),
  /** From the entry to the field, with list items counted from 0: `sections[1].slides[0].image`. */
  path: z.string(),
  /** The entry's title, or the setting's key and the place in it; null if it has none or the caller may not read it. */
  title: z.string().nullable(),
  /** Why this use can't be pointed to another file; null if it can. */
  obstacle: useObstacleSchema.nullable(),
});

/**
 * - `unedited`: nothing covers, blurs, frames or crops it; `detail`: it isn't enlarged or strongly compressed;
 *   `color`: it isn't gray.
 * - `pixels`; `compression`: it keeps more fine detail; `usage`: number of uses; `texts`: alternative text and caption.
 * - `age`: the time of the upload in milliseconds, negative, so that the oldest is largest.
 */
export const suggestionCriteria = [
  'unedited',
  'detail',
  'color',
  'pixels',
  'compression',
  'usage',
  'texts',
  'age',
] as const;

const suggestionReasonSchema = z.object({
  criterion: z.enum(suggestionCriteria),
  /** Of the suggested file, and the best of the others; 1 or 0 for yes or no, null for the pixels of a vector image. */
  value: z.number().nullable(),
  others: z.number().nullable(),
});

const losslessTypes = ['image/png', 'image/tiff', 'image/bmp', 'image/svg+xml'];

/** Whether a format, by its media type, is lossless. */
export function isLossless(mime: string): boolean {
  return losslessTypes.includes(mime);
}

/**
 * - `unchangeable-uses`: uses of it can't be changed; `used-again`, `replaced`: since the merge.
 * - `used-without-file`: it was used again after storage was asked to delete its file.
 * - `deleted-by-hand`: in the Media Library.
 * - `not-deleted`: storage refused; `unanswered`: storage didn't respond in time, and may delete it yet; `not-asked`: it
 *   didn't respond for another file; `entry-left`: storage deleted the file, but its entry in the library is left.
 */
export const copyReasons = [
  'unchangeable-uses',
  'used-again',
  'used-without-file',
  'replaced',
  'deleted-by-hand',
  'not-deleted',
  'unanswered',
  'not-asked',
  'entry-left',
] as const;

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
  /** `kept`, moved to the trash (`trashed`), deleted (`removed`), or `left` in the library because of an obstacle. */
  outcome: z.enum(['kept', 'trashed', 'removed', 'left']),
  /** Why it was left; null otherwise. */
  obstacle: z.object({ code: z.enum(copyReasons), message: z.string() }).nullable(),
  /** Without possible ones. */
  useCount: z.number(),
  possibleUseCount: z.number(),
  /** At most `mergingLimits.maxListedUses`: those that prevent its deletion first, possible ones last. */
  uses: z.array(fileUseSchema),
  /**
   * What stops working when a copy is deleted, wherever it is used outside Strapi's content: the URLs of the original
   * and of its formats. Empty for files that stay.
   */
  addresses: z.array(z.string()),
});

/**
 * - `unrelated`: nothing shows that the copy and the kept file are duplicates; `ignored`: a user said that they aren't.
 * - `edited-version`: one of them is an edited version of the other; `edited-kept` and `edited-copy`: it is the kept file
 *   or the copy that something covers, blurs, frames or crops (`effect`).
 * - `differing-regions`: they differ in `count` places; `blurred-regions`: one of them is blurred in `count` places, such as
 *   a face or a plate.
 * - `gray-kept`, `gray-copy`: one of them has no colors.
 * - `other-colors`: their colors differ by more than light explains.
 * - `fewer-sizes`: `count` texts offer several sizes of the copy, such as in `srcset`; the kept file has fewer.
 * - `listed-once`: `count` lists contain both; they will contain the kept file once, at the earlier place.
 * - `named-twice`: `count` entries use both; they will use the kept file twice.
 * - `possible-uses`: `count` fields have a number that may be the copy's id.
 * - `file-left`: the copy can't be deleted.
 */
export const mergeWarningCodes = [
  'unrelated',
  'ignored',
  'edited-version',
  'edited-kept',
  'edited-copy',
  'differing-regions',
  'blurred-regions',
  'gray-kept',
  'gray-copy',
  'other-colors',
  'fewer-pixels',
  'other-shape',
  'lossy-kept',
  'transparency',
  'animation',
  'other-texts',
  'fewer-sizes',
  'listed-once',
  'named-twice',
  'possible-uses',
  'file-left',
] as const;

export const mergeReportSchema = z.object({
  keepId: z.number(),
  /** Days until trashed copies are deleted; 0: they are deleted at once. */
  trashDays: z.number(),
  /** By which it can be undone; null for a dry run, and if copies were deleted at once. */
  mergeId: z.number().nullable(),
  suggestion: z.object({
    /** Null if nothing tells which file is better. */
    fileId: z.number().nullable(),
    /** Facts in which no file is better and some are worse, most important first. */
    reasons: z.array(suggestionReasonSchema),
  }),
  /** The kept one first, the others in the requested order. */
  files: z.array(mergedFileSchema),
  /** What the kept file takes over from a copy because it has none itself; null for nothing. */
  carriedOver: z.object({
    alternativeText: z.string().nullable(),
    caption: z.string().nullable(),
    folder: z.object({ id: z.number(), name: z.string() }).nullable(),
  }),
  warnings: z.array(
    z.object({
      code: z.enum(mergeWarningCodes),
      /** The copy. */
      fileId: z.number(),
      message: z.string(),
      /** What the message says in numbers. */
      count: z.number().optional(),
      effect: z.enum(['covered', 'blurred', 'framed', 'cropped']).optional(),
    }),
  ),
});

export const mergeResponseSchema = z.object({ data: mergeReportSchema });

/**
 * What became of a copy: in the trash (`trashed`), being deleted, so that its file may be gone (`emptying`), deleted, brought back by an undo
 * (`restored`), or never or no longer in the trash (`left`).
 */
export const copyStates = ['trashed', 'emptying', 'deleted', 'restored', 'left'] as const;

/** Of a file that the caller may not see, only its id and state; the name is empty, everything else null. */
const mergedCopySchema = z.object({
  fileId: z.number(),
  documentId: z.string().nullable(),
  name: z.string(),
  /** SHA-256 of its bytes; null if it was never indexed. */
  contentHash: z.string().nullable(),
  mime: z.string().nullable(),
  bytes: z.number().nullable(),
  /** For an image: of its smallest format; null if there is nothing to show. */
  url: z.string().nullable(),
  state: z.enum(copyStates),
  /** Why it is in this state, unless a merge or undo is the whole reason. */
  reason: z.enum(copyReasons).nullable(),
});

const userSchema = z.object({ id: z.number(), name: z.string() });

/** A use that an undo didn't bring back. */
const unrestoredUseSchema = z.object({
  use: fileUseSchema,
  /** `changed`: the field or its entry was changed since; `file-gone`: the copy that it had no longer exists. */
  reason: z.enum(['changed', 'file-gone']),
});

export const mergeRecordSchema = z.object({
  id: z.number(),
  /** The bulk merge that it is part of; null for none. */
  batchId: z.number().nullable(),
  state: z.enum(['done', 'undone']),
  mergedAt: z.string(),
  /** Null if unknown, or if the user was deleted. */
  mergedBy: userSchema.nullable(),
  kept: z.object({
    fileId: z.number(),
    name: z.string(),
    mime: z.string(),
    url: z.string().nullable(),
    isDeleted: z.boolean(),
  }),
  copies: z.array(mergedCopySchema),
  /** Number of uses that were moved to the kept file. */
  movedUses: z.number(),
  /** When the copies in the trash are deleted; null if none is there. */
  emptiesAt: z.string().nullable(),
  canUndo: z.boolean(),
  /** Null unless undone. */
  undo: z
    .object({
      at: z.string(),
      by: userSchema.nullable(),
      restoredUses: z.number(),
      /** At most `mergingLimits.maxListedUses`. */
      unrestored: z.array(unrestoredUseSchema),
      unrestoredCount: z.number(),
    })
    .nullable(),
});

/** `POST duplicates/merges/:id/undo`, and `…/empty`, which deletes the copies in the trash now. */
export const mergeRecordResponseSchema = z.object({ data: mergeRecordSchema });

/** Path parameters. */
export const mergeParametersSchema = z.object({
  id: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)),
});

export const mergesQuerySchema = z.strictObject({
  page: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)).default(1),
  pageSize: numberSchema.pipe(z.int().min(1).max(apiLimits.maxLimit)).default(10),
});

/** Merges, newest first; `GET duplicates/merges`. */
export const mergesResponseSchema = z.object({
  data: z.array(mergeRecordSchema),
  meta: z.object({
    pagination: z.object({
      page: z.number(),
      pageSize: z.number(),
      pageCount: z.number(),
      total: z.number(),
    }),
  }),
});

/** Where a file is used; `GET files/:id/usage`. */
export const fileUsageResponseSchema = z.object({
  /** At most `mergingLimits.maxListedUses`: those that prevent its deletion first, possible ones last. */
  data: z.array(fileUseSchema),
  /** `useCount` is without possible uses. */
  meta: z.object({ useCount: z.number(), possibleUseCount: z.number() }),
});

export type FileUsageResponse = z.output<typeof fileUsageResponseSchema>;
export type MergeResponse = z.output<typeof mergeResponseSchema>;
export type UseKind = z.output<typeof useKindSchema>;
export type FileUse = z.output<typeof fileUseSchema>;
export type UseObstacle = z.output<typeof useObstacleSchema>;
export type SuggestionCriterion = (typeof suggestionCriteria)[number];
export type SuggestionReason = z.output<typeof suggestionReasonSchema>;
export type MergeReport = z.output<typeof mergeReportSchema>;
export type MergedFile = z.output<typeof mergedFileSchema>;
export type MergeRecord = z.output<typeof mergeRecordSchema>;
export type MergeRecordResponse = z.output<typeof mergeRecordResponseSchema>;
export type MergesResponse = z.output<typeof mergesResponseSchema>;
export type CopyState = (typeof copyStates)[number];
export type CopyReason = (typeof copyReasons)[number];
export type MergeWarning = MergeReport['warnings'][number];
