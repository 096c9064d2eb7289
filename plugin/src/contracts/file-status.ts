import * as z from 'zod';
import { colorNames } from '../images/contract';

/**
 * The state of one file in the index:
 *
 * - `indexed`: searches find it.
 * - `waiting`: queued or being indexed.
 * - `failed`: no longer retried, for a reason that someone can fix.
 * - `skipped`: can't be indexed as it is (too large, an unsupported format).
 * - `not-queued`: an image that isn't in the queue yet.
 * - `not-an-image`: its type isn't indexed.
 * - `in-trash`: a merge moved it to the trash; `GET duplicates/merges` says where its uses went.
 */
const fileIndexStateSchema = z.enum([
  'indexed',
  'waiting',
  'failed',
  'skipped',
  'not-queued',
  'not-an-image',
  'in-trash',
]);

/** Why an image isn't indexed. All up to `rejected` lie in the file itself, so replacing it helps. */
export const failureReasonSchema = z.enum([
  'unreadable',
  'too-large',
  'unsupported',
  'decoder-missing',
  'missing',
  'rejected',
  'unreachable',
  'storage-refused',
  'provider',
  'store',
  'unexpected',
]);

/** Whether searches find a file, and if not, why; `GET files/:id/index`. */
export const fileIndexResponseSchema = z.object({
  data: z.object({
    fileId: z.number(),
    state: fileIndexStateSchema,
    /**
     * Whether searches find it. Also true for an image that waits to be reindexed, or couldn't be: searches then use
     * the version that was indexed last.
     */
    isSearchable: z.boolean(),
    /** For a waiting image: whether indexing is stopped, or paused by an outage. */
    isPaused: z.boolean(),
    /** Code of the error of its last attempt, or of the one that indexing pauses for; null for none. */
    code: z.string().nullable(),
    /** The reason behind that error; null for none. */
    reason: failureReasonSchema.nullable(),
    /** The error's message, which may name settings and hosts: null for roles that may not manage the index. */
    message: z.string().nullable(),
    /** When it was last indexed; null if never. */
    indexedAt: z.string().nullable(),
    /** Whether only part of a document or video was read, because reading all of it took too long. */
    isPartial: z.boolean(),
    /** How the text that was read of it begins; null for none. */
    text: z.string().nullable(),
  }),
});

/** The dominant colors of an image, the largest share first; `GET files/:id/colors`. */
export const fileColorsResponseSchema = z.object({
  data: z.array(
    z.object({
      /** `#rrggbb` */
      hex: z.string(),
      /** The basic color that it belongs to. */
      name: z.enum(colorNames),
      /** Of the image without its background. */
      share: z.number().min(0).max(1),
    }),
  ),
});

export type ImageColors = z.output<typeof fileColorsResponseSchema>['data'];
export type FailureReason = z.output<typeof failureReasonSchema>;
export type FileIndexState = z.output<typeof fileIndexStateSchema>;
export type FileIndexResponse = z.output<typeof fileIndexResponseSchema>;
