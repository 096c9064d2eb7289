import * as z from 'zod';

/**
 * What the index has of one file:
 *
 * - `indexed`: searches find it.
 * - `waiting`: due, or under way.
 * - `failed`: given up for a reason that a person may mend.
 * - `skipped`: left out for what it is (too large, a format that cannot be read).
 * - `unseen`: a picture that the index has not heard of yet.
 * - `not-a-picture`: of a type that is not indexed.
 */
const fileIndexStateSchema = z.enum([
  'indexed',
  'waiting',
  'failed',
  'skipped',
  'unseen',
  'not-a-picture',
]);

/** Whether searches find a file now, and if not, why; `GET files/:id/index`. */
export const fileIndexResponseSchema = z.object({
  data: z.object({
    fileId: z.number(),
    state: fileIndexStateSchema,
    /**
     * Also true for a picture that is not `indexed` while searches find it as it was when it last was: it waits to be
     * embedded anew, or could not be read again.
     */
    isFindable: z.boolean(),
    /** Of one that waits: whether indexing stands still, because an operator stopped it or because something is down. */
    isPaused: z.boolean(),
    /** Code of the error that ended its last try, or that indexing pauses for; null for none. */
    reason: z.string().nullable(),
    /** The same in words, which name settings and hosts: null for roles that may not manage the index. */
    message: z.string().nullable(),
    /** When it was indexed last; null for never. */
    indexedAt: z.string().nullable(),
  }),
});

export type FileIndexState = z.output<typeof fileIndexStateSchema>;
export type FileIndexResponse = z.output<typeof fileIndexResponseSchema>;
