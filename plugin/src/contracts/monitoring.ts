import * as z from 'zod';

/** For monitoring; `GET status` of the content API. Names no model, host, path or person. */
export const monitoringResponseSchema = z.object({
  data: z.object({
    /** Whether provider, store and storage work and indexing isn't paused by a failure; a reached budget is none. */
    ok: z.boolean(),
    coverage: z.object({
      /** Searchable images. */
      indexed: z.number(),
      /** Images in the library. */
      total: z.number(),
      /** 0 to 1; 1 for an empty library. */
      ratio: z.number(),
    }),
    /** Of the model that answers searches. */
    queue: z.object({
      pending: z.number(),
      indexing: z.number(),
      /** Images indexed in the last minute. */
      perMinute: z.number(),
      /** Null while unknown. */
      remainingSeconds: z.number().nullable(),
    }),
    failures: z.object({
      /** Images that need someone to fix something. */
      failed: z.number(),
      /** Images that can't be indexed as they are. */
      skipped: z.number(),
    }),
    health: z.object({
      /** Whether the embedding provider works. */
      provider: z.boolean(),
      /** Whether the vector store works. */
      store: z.boolean(),
      /** Whether every host of files that this process asks for them works. */
      storage: z.boolean(),
      worker: z.enum(['disabled', 'stopped', 'idle', 'working', 'paused']),
      /** Why indexing is paused: a failure, or `budget-reached`; null while it isn't. */
      pause: z.object({ code: z.string(), remainingSeconds: z.number() }).nullable(),
      /** Whether an operator has stopped indexing. */
      isHeld: z.boolean(),
      /** Whether the index is being compared with the library. */
      isReconciling: z.boolean(),
    }),
    budget: z.object({
      /** Calendar month in UTC: `2026-01`. */
      month: z.string(),
      /** Images that hosted models embedded this month. */
      images: z.number(),
      /** Null without a limit, as `moneyPerMonth`. */
      imagesPerMonth: z.number().nullable(),
      /** Cost this month; null if unknown. */
      cost: z.number().nullable(),
      moneyPerMonth: z.number().nullable(),
      currency: z.string().nullable(),
      /** When indexing resumes after the budget was used up (ISO 8601, UTC); null unless it is. */
      pausedUntil: z.string().nullable(),
    }),
  }),
});

export type MonitoringResponse = z.output<typeof monitoringResponseSchema>;
