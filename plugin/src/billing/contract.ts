import { z } from 'zod';
import type { ImageSearchError } from '../errors';

/** One model in one calendar month. */
export interface UsageKey {
  /** In UTC: `2026-01`. */
  month: string;
  /** `embedding.provider`. */
  provider: string;
  /** The model's name without any path of this machine. */
  model: string;
}

/** What a model did; figures can be summed. */
export interface UsageFigures {
  images: number;
  texts: number;
  /** As the provider counted them. */
  imageTokens: number;
  textTokens: number;
  /** As the provider reported it, in the currency of its account. */
  cost: number;
  /** Requests without reported usage. */
  unstatedRequests: number;
  /** Total duration of requests with images, which may overlap. */
  imageMilliseconds: number;
}

export type UsageRecord = UsageKey & UsageFigures;

/**
 * What all processes that share a database have used.
 *
 * - `add` adds to the existing figures atomically, however many processes do so at the same time.
 * - `list` returns the records of a month in any order, one per provider and model.
 *
 * @throws whatever the database throws
 * @example
 * await records.add({ month: '2026-01', provider: 'voyage', model: 'voyage-multimodal-3.5' }, { ...noFigures, images: 1 });
 */
export interface UsageRecords {
  add(key: UsageKey, figures: UsageFigures): Promise<void>;
  list(month: string): Promise<UsageRecord[]>;
}

/** Images that may be sent. */
export interface BudgetShare {
  images: number;
  /** To be called once they were sent, or won't be; never rejects. */
  release(): Promise<void>;
}

export interface BudgetPause {
  error: ImageSearchError;
  /** Milliseconds since the epoch. */
  until: number;
}

/** What indexing asks before it sends images to a paid model. */
export interface IndexingBudget {
  /**
   * At most `images`; 0 while the budget is used up or held by shares that aren't released.
   *
   * @throws whatever the database throws
   */
  share(images: number): Promise<BudgetShare>;
  /** Why and until when nothing is sent, as of the last check; null while images may be sent. */
  pause(): BudgetPause | null;
}

export const noFigures: UsageFigures = {
  images: 0,
  texts: 0,
  imageTokens: 0,
  textTokens: 0,
  cost: 0,
  unstatedRequests: 0,
  imageMilliseconds: 0,
};

const money = z.number().min(0).max(1_000_000_000);

/** Settings below `budget`. */
export const budgetConfigSchema = z
  .strictObject({
    imagesPerMonth: z.int().min(0).max(1_000_000_000).optional().meta({
      description:
        'Maximum images that hosted models embed per calendar month (UTC). Indexing then pauses until the next month; searches never do. No limit by default',
    }),
    moneyPerMonth: money.optional().meta({
      description:
        'Maximum cost of hosted models per calendar month, searches included. Requires a price. No limit by default',
    }),
    pricePerThousandImages: money.optional().meta({
      description: 'Price of 1,000 images, if the hosted model charges per image',
    }),
    pricePerMillionTokens: money.optional().meta({
      description:
        'Price of 1,000,000 tokens, if the hosted model charges per token. Costs that the provider reports take precedence',
    }),
    currency: z.string().trim().min(1).max(10).default('USD').meta({
      description: 'Currency of these amounts, for display',
    }),
  })
  .refine(
    ({ moneyPerMonth, pricePerThousandImages, pricePerMillionTokens }) =>
      moneyPerMonth === undefined ||
      pricePerThousandImages !== undefined ||
      pricePerMillionTokens !== undefined,
    {
      path: ['moneyPerMonth'],
      error:
        'requires a price: set budget.pricePerThousandImages or budget.pricePerMillionTokens, too',
    },
  );

export type BudgetSettings = z.output<typeof budgetConfigSchema>;
