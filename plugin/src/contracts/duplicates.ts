import * as z from 'zod';
import { problemSchema } from './errors';
import { apiLimits } from './limits';
import { paginationMetaSchema } from './rest';
import { similarQuerySchema } from './search';
import { LARGEST_ID, numberSchema } from './values';

export const duplicateKindSchema = z.enum(['identical', 'same-image', 'edited']);
export const pairStatusSchema = z.enum(['open', 'ignored', 'merged']);

export const duplicatesQuerySchema = z.strictObject({
  status: pairStatusSchema.default('open'),
  kind: duplicateKindSchema.optional(),
  /** `meta.nextCursor` of the previous page. */
  cursor: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)).optional(),
  /**
   * Only the group with this pair, wherever it is in the list. Empty if `status` or `kind` exclude the pair, or if its
   * cluster has more newer pairs than one page reads.
   */
  pair: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)).optional(),
  /** Approximate number of groups: a page may have a few more, or fewer without being the last. */
  limit: numberSchema.pipe(z.int().min(1).max(apiLimits.maxLimit)).default(apiLimits.defaultLimit),
});

export const fileDuplicatesQuerySchema = z.strictObject({
  status: pairStatusSchema.default('open'),
});

/** `GET /api/image-search/duplicates/:id`: pairs have neither relevance nor an order of their own. */
export const publicDuplicatesQuerySchema = similarQuerySchema.omit({
  minRelevance: true,
  autocut: true,
  collapse: true,
  diversity: true,
  sort: true,
  facets: true,
  groupBy: true,
  groupSize: true,
  region: true,
});

/** Path parameters. */
export const pairParametersSchema = z.object({
  id: numberSchema.pipe(z.int().min(1).max(LARGEST_ID)),
});

/** Sets the status of one pair; groups are derived from pairs. */
export const reviewBodySchema = z.strictObject({
  /** `ignored`: the files aren't duplicates. `open`: reopens the pair. */
  status: z.enum(['open', 'ignored']),
});

/** Evidence for a verdict; which values it has depends on the kind. */
export const evidenceSchema = z.object({
  /** Number of fingerprint bits that differ, of 256. */
  fingerprintDistance: z.number().optional(),
  /** Of the thumbnails, or of the details where the images overlap, -1 to 1. */
  correlation: z.number().optional(),
  /** Cosine similarity of the embeddings, -1 to 1. */
  similarity: z.number().optional(),
  /** How the images overlap; only for `edited`. */
  alignment: z
    .object({
      /** Id of the file that shows less, or the same; null for a checked image that isn't a file. */
      innerFileId: z.number().nullable(),
      isMirrored: z.boolean(),
      /** Its clockwise quarter turns after mirroring, and its further clockwise tilt; 0 when missing. */
      quarterTurns: z.number().optional(),
      degrees: z.number().optional(),
      /** Its position in the other image, as fractions of that image's width and height. */
      region: z.object({
        left: z.number(),
        top: z.number(),
        width: z.number(),
        height: z.number(),
      }),
    })
    .optional(),
  /**
   * Parts in which the images differ, as fractions of the file's width and height: once for either file, in the same
   * order; only for `edited`. Missing until the pixels were compared.
   */
  differences: z
    .array(
      z.object({
        /** Null for a checked image that isn't a file. */
        fileId: z.number().nullable(),
        left: z.number(),
        top: z.number(),
        width: z.number(),
        height: z.number(),
      }),
    )
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
  /** Null while open. */
  review: z
    .object({
      at: z.string(),
      /** Null if the user is unknown or was deleted. */
      by: z.object({ id: z.number(), name: z.string() }).nullable(),
    })
    .nullable(),
});

/** An upload file with the fields that this user may see. */
export const libraryFileSchema = z.looseObject({ id: z.number() });

const duplicateGroupSchema = z.object({
  /** Id of the newest pair. */
  id: z.number(),
  /** The file that all others in the group are duplicates of. */
  representativeId: z.number(),
  /** The representative first; without deleted files of `merged` pairs. */
  files: z.array(libraryFileSchema),
  /**
   * The pairs with the requested status, newest first: every file has one with the representative. Each pair is in one
   * group, but a file may be in several.
   */
  pairs: z.array(duplicatePairSchema),
  /** Whether the group has more files than it lists; they follow once these are reviewed. */
  hasMore: z.boolean().default(false),
});

/** Groups, newest first; `GET duplicates`. */
export const duplicatesResponseSchema = z.object({
  data: z.array(duplicateGroupSchema),
  meta: z.object({
    nextCursor: z.number().nullable(),
    /**
     * Groups to review and ignored ones in the whole library, and merges; null for a user who sees only a part of the
     * library, because counting reads every pair.
     */
    counts: z.record(pairStatusSchema, z.number()).nullable(),
  }),
});

export const reviewResponseSchema = z.object({ data: duplicatePairSchema });

/** One file's duplicates, newest first; `GET files/:id/duplicates` of the panel. */
export const fileDuplicatesResponseSchema = z.object({
  data: z.array(z.object({ pair: duplicatePairSchema, file: libraryFileSchema })),
});

/** One file's open duplicates, most similar first; `GET /api/image-search/duplicates/:id`. */
export const publicDuplicatesResponseSchema = z.object({
  data: z.array(
    z.object({
      /** Correlation of the two images where they overlap, -1 to 1; 1 for identical files. */
      score: z.number(),
      kind: duplicateKindSchema,
      evidence: evidenceSchema,
      file: libraryFileSchema,
    }),
  ),
  meta: z.object({ pagination: paginationMetaSchema }),
});

/** Whether an image is in the library already; `POST check`. */
export const checkResponseSchema = z.object({
  data: z.array(
    z.object({
      kind: duplicateKindSchema,
      evidence: evidenceSchema,
      file: libraryFileSchema,
    }),
  ),
  meta: z.object({
    /** False while the model or the store is unavailable: only identical files were searched for. */
    isComplete: z.boolean(),
  }),
});

/** New pairs whose newer file this user uploaded; `GET duplicates/notes?after=`. */
export const notesQuerySchema = z.strictObject({
  /** Returns pairs above this id; if omitted, none, only the id to start from. */
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
    /** Pass it to the next request. */
    after: z.number(),
    /** Whether to warn uploaders: `duplicates.policy` is `warn`. */
    warnsUploaders: z.boolean(),
  }),
});

/** The scan of the whole library; `GET`, `POST` (start or resume) and `DELETE` (stop) `duplicates/scan`. */
export const scanResponseSchema = z.object({
  data: z.object({
    /** `off`: `duplicates.policy` is `off`. */
    state: z.enum(['off', 'never', 'running', 'stopped', 'done']),
    /** Images scanned so far, including failed ones. */
    done: z.number(),
    /** Images to scan. */
    total: z.number(),
    /** Pairs that the scan added. */
    found: z.number(),
    /** Groups to review in the whole library, whichever scan or upload found them. */
    toReview: z.number(),
    /** Images that couldn't be scanned; the log has the reasons, and the next scan retries them. */
    failed: z.number(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    /** At the current speed; null while nothing moves. */
    remainingSeconds: z.number().nullable(),
    /** Why it can't continue; null if it can. */
    problem: problemSchema.nullable(),
  }),
});

export type DuplicatesResponse = z.output<typeof duplicatesResponseSchema>;
export type DuplicateGroupView = DuplicatesResponse['data'][number];
export type DuplicatePairView = DuplicateGroupView['pairs'][number];
export type DuplicateEvidence = z.output<typeof evidenceSchema>;
export type PublicDuplicatesResponse = z.output<typeof publicDuplicatesResponseSchema>;
export type ReviewResponse = z.output<typeof reviewResponseSchema>;
export type FileDuplicatesResponse = z.output<typeof fileDuplicatesResponseSchema>;
export type CheckResponse = z.output<typeof checkResponseSchema>;
export type NotesResponse = z.output<typeof notesResponseSchema>;
export type ScanResponse = z.output<typeof scanResponseSchema>;
