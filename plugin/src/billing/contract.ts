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

/** What it did; all of it adds up. */
export interface UsageFigures {
  images: number;
  texts: number;
  /** As the provider counted them. */
  imageTokens: number;
  textTokens: number;
  /** As the provider stated it, in the currency of its account. */
  cost: number;
  /** Requests of which the provider did not say what they used. */
  unstatedRequests: number;
  /** Time of the requests with pictures, which may overlap. */
  imageMilliseconds: number;
}

export type UsageRecord = UsageKey & UsageFigures;

/**
 * What all processes that share a database have used.
 *
 * - `add` adds to what is there, in one atomic step, however many processes do so at a time.
 * - `list` answers the records of a month in no promised order, one for each provider and model.
 */
export interface UsageRecords {
  add(key: UsageKey, figures: UsageFigures): Promise<void>;
  list(month: string): Promise<UsageRecord[]>;
}

/** Pictures that may be sent. */
export interface BudgetShare {
  images: number;
  /** To be called when they were sent, or will not be; never rejects. */
  release(): Promise<void>;
}

export interface BudgetPause {
  error: ImageSearchError;
  /** Milliseconds since the epoch. */
  until: number;
}

/** What indexing asks before it sends pictures to a model that is paid for. */
export interface IndexingBudget {
  /** At most so many pictures; 0 while the budget is used up, or lies in shares that are not released. */
  share(images: number): Promise<BudgetShare>;
  /** Why and until when nothing is sent, as of the last look; null while something may be. */
  pause(): BudgetPause | null;
}

/** The share where nothing limits it. */
export function unlimitedShare(images: number): BudgetShare {
  return { images, release: () => Promise.resolve() };
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

export function addFigures(one: UsageFigures, other: UsageFigures): UsageFigures {
  return {
    images: one.images + other.images,
    texts: one.texts + other.texts,
    imageTokens: one.imageTokens + other.imageTokens,
    textTokens: one.textTokens + other.textTokens,
    cost: one.cost + other.cost,
    unstatedRequests: one.unstatedRequests + other.unstatedRequests,
    imageMilliseconds: one.imageMilliseconds + other.imageMilliseconds,
  };
}
