import * as z from 'zod';

/** What one model did in the month; a hosted one is paid for, a local one is not. */
const billedProviderSchema = z.object({
  provider: z.string(),
  model: z.string(),
  images: z.number(),
  texts: z.number(),
  /** As the provider counted them; null when it never said. */
  tokens: z.number().nullable(),
  /** In `budget.currency`: as the provider said, else by the prices that are set; null when neither is known. */
  cost: z.number().nullable(),
  /** Whether the provider did not say what all of it used, so that these are our own counts. */
  isEstimated: z.boolean(),
});

export const billSchema = z.object({
  /** Calendar month in UTC: `2026-01`. */
  month: z.string(),
  /** What the configuration allows; null without a limit. */
  budget: z
    .object({
      imagesPerMonth: z.number().nullable(),
      moneyPerMonth: z.number().nullable(),
      currency: z.string(),
    })
    .nullable(),
  /** By provider and model. */
  providers: z.array(billedProviderSchema),
  /** When indexing goes on by itself (ISO 8601, UTC), because the budget is used up; null while it is not. */
  pausedUntil: z.string().nullable(),
});

export const estimateQuerySchema = z.strictObject({
  /**
   * As in a rebuild, or `new`: every picture, in a new space of the model that `embedding` names, as after a change
   * of one of its settings.
   */
  scope: z.enum(['missing', 'failed', 'skipped', 'all', 'new']).default('all'),
});

const estimateShape = {
  /** Most pictures that would be embedded; those whose bytes turn out to be unchanged cost nothing. */
  images: z.number(),
  /** How many of them wait in the queue already, and are embedded without a rebuild, too. */
  waiting: z.number(),
  /** Null while the model cannot be opened. */
  requests: z.number().nullable(),
  /** By what pictures took so far; null when that is not known, and for a local model. */
  tokens: z.number().nullable(),
  /** In `currency`; 0 for a local model, null when no price is known. */
  cost: z.number().nullable(),
  /** At the configured rate of requests, or as fast as it was so far if that is slower; null when neither is known. */
  seconds: z.number().nullable(),
};

const spaceEstimateSchema = z.object({
  /** Null for a space that is not there yet. */
  id: z.string().nullable(),
  role: z.enum(['answering', 'filling', 'fallback', 'new']),
  provider: z.string(),
  model: z.string(),
  /** Whether the model runs on this machine: there is nothing to pay. */
  isLocal: z.boolean(),
  ...estimateShape,
});

export const estimateResponseSchema = z.object({
  data: z.object({
    scope: estimateQuerySchema.shape.scope.unwrap(),
    currency: z.string(),
    /** Pictures that the budget still pays for this month; null without a budget. */
    affordableImages: z.number().nullable(),
    /** All spaces together; null where it is for one of them. They fill side by side: the slowest one's time counts. */
    total: z.object(estimateShape),
    spaces: z.array(spaceEstimateSchema),
  }),
});

export type Bill = z.output<typeof billSchema>;
export type BilledProvider = Bill['providers'][number];
export type EstimateResponse = z.output<typeof estimateResponseSchema>;
export type EstimateScope = EstimateResponse['data']['scope'];
export type SpaceEstimate = EstimateResponse['data']['spaces'][number];
