import * as z from 'zod';
import { usageSchema } from './billing';
import { spaceProblemSchema } from './errors';
import { failureReasonSchema } from './file-status';
import { apiLimits } from './limits';
import { fileIdSchema, vectorSpaceSchema } from './search';
import { numberSchema } from './values';

export const indexStateSchema = z.enum(['pending', 'indexing', 'indexed', 'skipped', 'failed']);

/**
 * `missing`: sync the index with the library now. `failed`, `skipped`: retry these images. `all`: embed every image
 * again.
 */
const reindexScopeSchema = z.enum(['missing', 'failed', 'skipped', 'all']);

/** Either a part of the library, or files by their ids. */
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
    'must have either scope or fileIds',
  );

export const entriesQuerySchema = z.strictObject({
  /** The space to list; by default the active one. */
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
   * `active`: searches use it. `building`: takes over once it holds every image. `fallback`: searches use it while the
   * active one's provider is down. `standby`: was active before.
   */
  role: z.enum(['active', 'building', 'fallback', 'standby']),
  /** Whether the configuration names its model. Such a space can't be deleted, nor can the active or fallback one. */
  isConfigured: z.boolean(),
  counts: z.record(indexStateSchema, z.number()),
  /** Images indexed in the last minute, by all processes. */
  perMinute: z.number(),
  /** At the speed of the last seconds of work, known after some ten of them; null before that and while nothing moves. */
  remainingSeconds: z.number().nullable(),
  /** Why it can't be built or take over, as far as the responding process knows; null if nothing is wrong. */
  problem: spaceProblemSchema.nullable(),
});

const healthSchema = z.object({ ok: z.boolean(), message: z.string() });

const indexingHoldSchema = z.object({
  since: z.string(),
  /** Name of the user who stopped it; null if unknown. */
  by: z.string().nullable(),
});

const testedSchema = healthSchema.extend({
  /** Until it responded or timed out. */
  milliseconds: z.number(),
});

/** Whether provider and store work; `POST test`. */
export const testResponseSchema = z.object({
  data: z.object({ provider: testedSchema, store: testedSchema }),
});

export const statusResponseSchema = z.object({
  data: z.object({
    /** Null until the provider has been opened. */
    space: vectorSpaceSchema.nullable(),
    /** Every space with vectors, the active one first. */
    spaces: z.array(spaceStatusSchema),
    /** The configured model, if it can't be opened and another one answers searches. */
    failedModel: z.object({ model: z.string(), message: z.string() }).nullable(),
    /** Images that searches find now, those included that are indexed again and answered as before until then. */
    searchable: z.number(),
    /** Images in the library. */
    total: z.number(),
    counts: z.record(indexStateSchema, z.number()),
    worker: z.object({
      state: z.enum(['disabled', 'stopped', 'idle', 'working', 'paused']),
      pause: z
        .object({ code: z.string(), message: z.string(), remainingSeconds: z.number() })
        .nullable(),
    }),
    /** Hosts of files that this process doesn't ask for now, because many in a row couldn't be read. */
    pausedHosts: z.array(
      z.object({ host: z.string(), message: z.string(), remainingSeconds: z.number() }),
    ),
    /** This month's usage and budget. */
    usage: usageSchema,
    /** Set while an operator has stopped indexing, which holds in all processes until it is resumed. */
    hold: indexingHoldSchema.nullable(),
    isReconciling: z.boolean(),
    /** Progress of lengthy preparation, such as a model's download; null if there is none. */
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
      error: z
        .object({ code: z.string(), reason: failureReasonSchema, message: z.string() })
        .nullable(),
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
export type TestResponse = z.output<typeof testResponseSchema>;

/** The part of the configuration that the panel needs, for every role; `GET panel`. */
export const panelResponseSchema = z.object({
  data: z.object({
    /** Whether the panel extends the Media Library. */
    mediaLibrary: z.boolean(),
    /** Whether the panel extends the dialogs that pick files. */
    imagePicker: z.boolean(),
    /** The names of the tags that images get. */
    tags: z.array(z.string()),
  }),
});

export type PanelResponse = z.output<typeof panelResponseSchema>;
