import * as z from 'zod';

/** What one model did in the month. Hosted models may cost money, local ones don't. */
const providerUsageSchema = z.object({
  provider: z.string(),
  model: z.string(),
  images: z.number(),
  texts: z.number(),
  /** As the provider counted them; null if it never did. */
  tokens: z.number().nullable(),
  /** In `budget.currency`: as the provider reported it, else by the configured prices; null if neither is known. */
  cost: z.number().nullable(),
  /** Whether some requests had no reported usage, so that the plugin's own counts fill in. */
  isEstimated: z.boolean(),
});

export const usageSchema = z.object({
  /** Calendar month in UTC: `2026-01`. */
  month: z.string(),
  /** The configured limits; null if there are none. */
  budget: z
    .object({
      imagesPerMonth: z.number().nullable(),
      moneyPerMonth: z.number().nullable(),
      currency: z.string(),
    })
    .nullable(),
  /** One per provider and model. */
  providers: z.array(providerUsageSchema),
  /** When indexing resumes by itself after the budget was used up (ISO 8601, UTC); null unless it is used up. */
  pausedUntil: z.string().nullable(),
});

export const estimateQuerySchema = z.strictObject({
  /**
   * As for `POST reindex`, or `new`: every image, in a new space of the configured model, as after a change of one of
   * its settings.
   */
  scope: z.enum(['missing', 'failed', 'skipped', 'all', 'new']).default('all'),
});

const estimateShape = {
  /** Maximum number of images to embed; those whose bytes turn out to be unchanged cost nothing. */
  images: z.number(),
  /** With their parts, frames and pages, each of which is embedded and counts as an image for a budget. */
  embeddings: z.number(),
  /** How many of the images are in the queue already and would be embedded anyway. */
  waiting: z.number(),
  /** Null while the model can't be opened. */
  requests: z.number().nullable(),
  /** Based on what images took so far; null if unknown, and for a local model. */
  tokens: z.number().nullable(),
  /** In `currency`; 0 for a local model, null if no price is known. */
  cost: z.number().nullable(),
  /** At the configured rate limit or the measured speed, whichever is slower; null if both are unknown. */
  seconds: z.number().nullable(),
};

const spaceEstimateSchema = z.object({
  /** Null for a space that doesn't exist yet. */
  id: z.string().nullable(),
  role: z.enum(['active', 'building', 'fallback', 'new']),
  provider: z.string(),
  model: z.string(),
  /** Whether the model runs on this machine, at no cost. */
  isLocal: z.boolean(),
  ...estimateShape,
});

export const estimateResponseSchema = z.object({
  data: z.object({
    scope: estimateQuerySchema.shape.scope.unwrap(),
    currency: z.string(),
    /** Images that the budget still covers this month; null without a budget. */
    affordableImages: z.number().nullable(),
    /** The sum, except for the longest time, because spaces fill in parallel; null where one estimate is unknown. */
    total: z.object(estimateShape),
    spaces: z.array(spaceEstimateSchema),
  }),
});

export type Usage = z.output<typeof usageSchema>;
export type ProviderUsage = Usage['providers'][number];
export type EstimateResponse = z.output<typeof estimateResponseSchema>;
export type EstimateScope = EstimateResponse['data']['scope'];
export type SpaceEstimate = EstimateResponse['data']['spaces'][number];
