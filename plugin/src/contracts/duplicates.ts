import * as z from 'zod';
import { apiLimits } from './limits';
import { LARGEST_ID, numberSchema } from './numbers';

export const duplicateKindSchema = z.enum(['identical', 'same-picture', 'variant']);
export const pairStatusSchema = z.enum(['open', 'ignored', 'merged']);

export const duplicatesQuerySchema = z.strictObject({
  status: pairStatusSchema.default('open'),
  kind: duplicateKindSchema.optional(),
  /** What `meta.nextCursor` of the page before said. */
  cursor: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)).optional(),
  /**
   * Only the group that has the pair with this id, wherever in the list it is; none when the pair is not as asked for, or
   * when its cluster has more and newer pairs than a page reads.
   */
  pair: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)).optional(),
  /** Groups; a page may have some more, or fewer though it is not the last. */
  limit: numberSchema.pipe(z.int().min(1).max(apiLimits.maxLimit)).default(apiLimits.defaultLimit),
});

export const fileDuplicatesQuerySchema = z.strictObject({
  status: pairStatusSchema.default('open'),
});

/** In an address. */
export const pairParametersSchema = z.object({
  id: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)),
});

/** One pair is decided, not a group: what belongs together is worked out anew from pairs. */
export const decisionBodySchema = z.strictObject({
  /** `ignored`: the two are no duplicates. `open`: takes that back. */
  status: z.enum(['open', 'ignored']),
});

/** What a verdict rests on; which numbers there are depends on the kind. */
export const evidenceSchema = z.object({
  /** Bits of 256 in which the fingerprints differ. */
  fingerprintDistance: z.number().optional(),
  /** Of the two thumbnails, or of the details where one lies on the other, -1 to 1. */
  correlation: z.number().optional(),
  /** Cosine similarity of the embeddings, -1 to 1. */
  similarity: z.number().optional(),
  /** How one picture lies on the other; for `variant` alone. */
  alignment: z
    .object({
      /** Id of the file that shows less, or the same; null for a picture that is no file, which was checked. */
      innerFileId: z.number().nullable(),
      isMirrored: z.boolean(),
      /** Where it lies, as parts of the other picture's width and height. */
      region: z.object({
        left: z.number(),
        top: z.number(),
        width: z.number(),
        height: z.number(),
      }),
    })
    .optional(),
});

const duplicatePairSchema = z.object({
  id: z.number(),
  fileA: z.number(),
  fileB: z.number(),
  kind: duplicateKindSchema,
  evidence: evidenceSchema,
  status: pairStatusSchema,
  foundAt: z.string(),
  /** Null while it is open. */
  decision: z
    .object({
      at: z.string(),
      /** Null when the user is gone or not known. */
      by: z.object({ id: z.number(), name: z.string() }).nullable(),
    })
    .nullable(),
});

/** What Strapi shows of an upload file to this user. */
export const libraryFileSchema = z.looseObject({ id: z.number() });

const duplicateGroupSchema = z.object({
  /** Id of its newest pair. */
  id: z.number(),
  /** The file that every other one of the group was found to be a duplicate of. */
  representativeId: z.number(),
  /** The representative first; of `merged` pairs, files that are deleted are left out. */
  files: z.array(libraryFileSchema),
  /**
   * The pairs that have the status asked for and make it up, newest first: every file has one with the representative.
   * Each pair is in one group, though a file may be in several.
   */
  pairs: z.array(duplicatePairSchema),
  /** Whether there are more files than are told; they come up when these are decided. */
  hasMore: z.boolean().default(false),
});

/** Groups, newest first; `GET duplicates`. */
export const duplicatesResponseSchema = z.object({
  data: z.array(duplicateGroupSchema),
  meta: z.object({
    nextCursor: z.number().nullable(),
    /** Pairs of the whole library; null for a user whose role shows a part of it: to count that all would be read. */
    counts: z.record(pairStatusSchema, z.number()).nullable(),
  }),
});

export const decisionResponseSchema = z.object({ data: duplicatePairSchema });

/** One file's duplicates, newest first; `GET files/:id/duplicates` of the panel. */
export const fileDuplicatesResponseSchema = z.object({
  data: z.array(z.object({ pair: duplicatePairSchema, file: libraryFileSchema })),
});

/** One file's open duplicates, those most alike first; `GET /api/image-search/duplicates/:id`. */
export const publicDuplicatesResponseSchema = z.object({
  data: z.array(
    z.object({
      /** How alike the two are where one lies on the other, -1 to 1; 1 for the same bytes. */
      score: z.number(),
      kind: duplicateKindSchema,
      evidence: evidenceSchema,
      file: libraryFileSchema,
    }),
  ),
  meta: z.object({
    pagination: z.object({ start: z.number(), limit: z.number(), hasMore: z.boolean() }),
  }),
});

/** Whether a picture is here already; `POST check`. */
export const checkResponseSchema = z.object({
  data: z.array(
    z.object({
      kind: duplicateKindSchema,
      evidence: evidenceSchema,
      file: libraryFileSchema,
    }),
  ),
  meta: z.object({
    /** False when there is no model to ask now: then only equal bytes were looked for. */
    isComplete: z.boolean(),
  }),
});

/** Pairs of files that this user uploaded, found after a moment; `GET duplicates/notes?after=`. */
export const notesQuerySchema = z.strictObject({
  /** Pairs above this id; without it none, only where to go on from. */
  after: numberSchema.pipe(z.int().min(0).max(LARGEST_ID)).optional(),
});

export const notesResponseSchema = z.object({
  data: z.array(
    z.object({
      pair: duplicatePairSchema,
      /** The upload. */
      file: libraryFileSchema,
      /** What it is a duplicate of. */
      duplicateOf: libraryFileSchema,
    }),
  ),
  meta: z.object({
    /** Hand it to the next request. */
    after: z.number(),
    /** Whether uploaders are to be told; `duplicates.policy` is `warn`. */
    isWarning: z.boolean(),
  }),
});

/** The comparison of the whole library; `GET`, `POST` (start or go on) and `DELETE` (stop) `duplicates/scan`. */
export const scanResponseSchema = z.object({
  data: z.object({
    /** `off`: the policy says that no duplicates are looked for. */
    state: z.enum(['off', 'never', 'running', 'stopped', 'done']),
    /** Pictures that were compared in this scan, those that failed included. */
    done: z.number(),
    /** Pictures to compare in all. */
    total: z.number(),
    /** Pairs that the scan added. */
    found: z.number(),
    /** Pictures that it could not compare; the log says which and why, the next scan tries them again. */
    failed: z.number(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    /** At the present speed; null while nothing moves. */
    remainingSeconds: z.number().nullable(),
    /** What keeps it from going on; null for nothing. */
    problem: z.string().nullable(),
  }),
});

export type DuplicatesResponse = z.output<typeof duplicatesResponseSchema>;
export type DuplicateGroupView = DuplicatesResponse['data'][number];
export type DuplicatePairView = DuplicateGroupView['pairs'][number];
export type DuplicateEvidence = z.output<typeof evidenceSchema>;
export type PublicDuplicatesResponse = z.output<typeof publicDuplicatesResponseSchema>;
export type DecisionResponse = z.output<typeof decisionResponseSchema>;
export type FileDuplicatesResponse = z.output<typeof fileDuplicatesResponseSchema>;
export type CheckResponse = z.output<typeof checkResponseSchema>;
export type NotesResponse = z.output<typeof notesResponseSchema>;
export type ScanResponse = z.output<typeof scanResponseSchema>;
