import * as z from 'zod';
import { billSchema } from './billing';
import { apiLimits } from './limits';
import { numberSchema } from './numbers';
import { fileIdSchema, vectorSpaceSchema } from './search';

export const indexStateSchema = z.enum(['pending', 'indexing', 'indexed', 'skipped', 'failed']);

/**
 * `missing`: compare the library with the index now. `failed`, `skipped`: try these pictures again. `all`: embed every
 * picture anew.
 */
const reindexScopeSchema = z.enum(['missing', 'failed', 'skipped', 'all']);

/** Either a part of the library or files of it by their ids. */
export const reindexBodySchema = z
  .strictObject({
    scope: reindexScopeSchema.optional(),
    fileIds: z
      .array(z.unknown())
      .min(1, 'must name at least one file')
      .max(
        apiLimits.maxReindexedFiles,
        `must name at most ${String(apiLimits.maxReindexedFiles)} files`,
      )
      .pipe(z.array(fileIdSchema))
      .optional(),
  })
  .refine(
    ({ scope, fileIds }) => (scope === undefined) !== (fileIds === undefined),
    'give either scope or fileIds',
  );

export const entriesQuerySchema = z.strictObject({
  /** The space whose queue is looked at; by default the one that answers. */
  space: z.string().min(1).optional(),
  state: indexStateSchema.optional(),
  cursor: numberSchema.pipe(z.int().min(0)).optional(),
  limit: numberSchema.pipe(z.int().min(1).max(apiLimits.maxLimit)).default(apiLimits.defaultLimit),
});

export const spaceParametersSchema = z.object({
  id: z.string().regex(/^[a-z0-9-]{1,100}$/, 'must be the id of a space'),
});

const spaceStatusSchema = vectorSpaceSchema.extend({
  /**
   * `answering` searches, `filling` to take over, `fallback` for when the answering one's provider is down, or `kept`
   * from before.
   */
  role: z.enum(['answering', 'filling', 'fallback', 'kept']),
  /**
   * Whether the configuration names its model to answer: it cannot be dropped then, nor can one that answers or is the
   * fallback.
   */
  isConfigured: z.boolean(),
  counts: z.record(indexStateSchema, z.number()),
  /** Pictures indexed in the last minute, by all processes. */
  perMinute: z.number(),
  /** At that speed; null while nothing moves. */
  remainingSeconds: z.number().nullable(),
  /** What keeps it from filling or from taking over; null for nothing that the asked process knows of. */
  problem: z.string().nullable(),
});

const healthSchema = z.object({ ok: z.boolean(), message: z.string() });

const indexingHoldSchema = z.object({
  since: z.string(),
  /** Name of who stopped it; null when that is not known. */
  by: z.string().nullable(),
});

const testedSchema = healthSchema.extend({
  /** Until it answered, or was given up. */
  milliseconds: z.number(),
});

/** Whether provider and store do their work now; `POST test`. */
export const testResponseSchema = z.object({
  data: z.object({ provider: testedSchema, store: testedSchema }),
});

export const statusResponseSchema = z.object({
  data: z.object({
    /** Null until the provider could be opened. */
    space: vectorSpaceSchema.nullable(),
    /** Every space there are vectors of, the answering one first. */
    spaces: z.array(spaceStatusSchema),
    /** The model that the configuration names, when it cannot be opened and another one answers. */
    unopened: z.object({ model: z.string(), message: z.string() }).nullable(),
    total: z.number(),
    counts: z.record(indexStateSchema, z.number()),
    worker: z.object({
      state: z.enum(['disabled', 'stopped', 'idle', 'working', 'paused']),
      pause: z
        .object({ code: z.string(), message: z.string(), remainingSeconds: z.number() })
        .nullable(),
    }),
    /** What models did this month, and what the budget allows. */
    bill: billSchema,
    /** Set while an operator has stopped indexing, in all processes and until it is resumed. */
    hold: indexingHoldSchema.nullable(),
    isReconciling: z.boolean(),
    /** What long preparatory work (a model's download) is at; null when there is none. */
    preparation: z.string().nullable(),
    provider: healthSchema,
    store: healthSchema,
  }),
});

export const entriesResponseSchema = z.object({
  data: z.array(
    z.object({
      fileId: z.number(),
      state: indexStateSchema,
      attempts: z.number(),
      error: z.object({ code: z.string(), message: z.string() }).nullable(),
      indexedAt: z.string().nullable(),
    }),
  ),
  meta: z.object({ nextCursor: z.number().nullable() }),
});

export const reindexResponseSchema = z.object({ data: z.object({ marked: z.number() }) });

export type SpaceStatus = z.output<typeof spaceStatusSchema>;
export type StatusResponse = z.output<typeof statusResponseSchema>;
export type EntriesResponse = z.output<typeof entriesResponseSchema>;
export type ReindexResponse = z.output<typeof reindexResponseSchema>;
export type ReindexScope = z.output<typeof reindexScopeSchema>;
export type IndexingHold = z.output<typeof indexingHoldSchema>;
export type TestResponse = z.output<typeof testResponseSchema>;
