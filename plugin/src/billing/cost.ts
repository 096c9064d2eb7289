import type { EmbeddingLimits, EmbeddingQuota } from '../embedding/contract';
import { requestsOfIndexing } from '../embedding/quota';
import { type BudgetSettings, type UsageFigures, noFigures } from './contract';

export type Prices = Pick<BudgetSettings, 'pricePerThousandImages' | 'pricePerMillionTokens'>;

/**
 * The cost that the provider reported, else the one by the configured prices.
 *
 * @returns null if unknown, as it is for tokens that were never counted
 */
export function costOf(figures: UsageFigures, prices: Prices): number | null {
  if (figures.cost > 0) return figures.cost;
  const { pricePerMillionTokens, pricePerThousandImages } = prices;
  const tokens = tokensOf(figures);
  const byTokens =
    pricePerMillionTokens === undefined || (tokens === null && isUsed(figures))
      ? null
      : ((tokens ?? 0) / 1_000_000) * pricePerMillionTokens;
  if (pricePerThousandImages === undefined) return byTokens;
  return (figures.images / 1_000) * pricePerThousandImages + (byTokens ?? 0);
}

/** As the provider counted them; null if it never did. */
export function tokensOf({ imageTokens, textTokens }: UsageFigures): number | null {
  const tokens = imageTokens + textTokens;
  return tokens > 0 ? tokens : null;
}

/** The average cost of an image, or its configured price before the first one; null if unknown. */
export function costPerImage(figures: UsageFigures, prices: Prices): number | null {
  if (figures.images === 0) {
    const { pricePerThousandImages: price, pricePerMillionTokens: byTokens } = prices;
    return price === undefined || byTokens !== undefined ? null : price / 1_000;
  }
  const cost = costOf(withoutTexts(figures), prices);
  return cost === null ? null : cost / figures.images;
}

/** A reported cost still includes texts, but they cost little compared to images. */
function withoutTexts(figures: UsageFigures): UsageFigures {
  return { ...figures, texts: 0, textTokens: 0 };
}

function isUsed({ images, texts }: UsageFigures): boolean {
  return images + texts > 0;
}

const SECONDS_PER_MINUTE = 60;

/** What embedding images takes; null for what is unknown. */
export interface Estimate {
  images: number;
  /** With their parts, frames and pages, each of which counts as an image. */
  embeddings: number;
  /** Images that are already in the queue. */
  waiting: number;
  requests: number | null;
  tokens: number | null;
  /** 0 for a local model. */
  cost: number | null;
  seconds: number | null;
}

export interface EstimateOptions {
  images: number;
  /** On average, at most. @default 1 */
  viewsPerImage?: number;
  waiting: number;
  isLocal: boolean;
  /** Null while the model can't be opened. */
  limits: Pick<
    EmbeddingLimits,
    'imagesPerCall' | 'concurrentCalls' | 'tokensPerImage' | keyof EmbeddingQuota
  > | null;
  /** What the model did recently; null if nothing. */
  usage: UsageFigures | null;
  prices: Prices;
}

/** Estimates what embedding images takes from the configuration and from what images took so far. */
export function estimate({ viewsPerImage = 1, ...options }: EstimateOptions): Estimate {
  const { images, isLocal, limits, waiting } = options;
  const embeddings = Math.round(images * viewsPerImage);
  const requests = limits && Math.ceil(embeddings / limits.imagesPerCall);
  const tokensPerImage = isLocal ? null : averageTokens(options.usage);
  const embedded = { ...options, images: embeddings };
  return {
    images,
    embeddings,
    waiting,
    requests,
    tokens: tokensPerImage === null ? null : Math.round(embeddings * tokensPerImage),
    cost: isLocal ? 0 : estimateCost(embedded),
    seconds: estimateSeconds(embedded, tokensPerImage),
  };
}

/** The sum, except for the longest time, because spaces fill in parallel; null where one estimate is unknown. */
export function totalOf(estimates: readonly (Estimate & { isLocal: boolean })[]): Estimate {
  const sum = (values: readonly (number | null)[]): number | null =>
    values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
  const paid = estimates.filter(({ isLocal }) => !isLocal);
  const seconds = estimates.map((space) => space.seconds);
  return {
    images: estimates.reduce((total, { images }) => total + images, 0),
    embeddings: estimates.reduce((total, { embeddings }) => total + embeddings, 0),
    waiting: estimates.reduce((total, { waiting }) => total + waiting, 0),
    requests: sum(estimates.map(({ requests }) => requests)),
    tokens: paid.length === 0 ? null : sum(paid.map(({ tokens }) => tokens)),
    cost: sum(estimates.map(({ cost }) => cost)),
    seconds: sum(seconds) === null ? null : Math.max(0, ...seconds.map((value) => value ?? 0)),
  };
}

function estimateCost({ images, prices, usage }: EstimateOptions): number | null {
  if (images === 0) return 0;
  if (usage && usage.images > 0) {
    const perImage = costPerImage(usage, prices);
    return perImage === null ? null : images * perImage;
  }
  if (prices.pricePerMillionTokens !== undefined) return null;
  return costOf({ ...noFigures, images }, prices);
}

/** The slower of the rate limit and the measured speed; null if both are unknown. */
function estimateSeconds(options: EstimateOptions, tokensPerImage: number | null): number | null {
  const { images, limits, usage } = options;
  if (images === 0) return 0;
  if (limits === null) return null;
  const requests = Math.ceil(images / limits.imagesPerCall);
  const batch = Math.min(images, limits.imagesPerCall);
  const tokens = batch * (tokensPerImage ?? limits.tokensPerImage);
  const minutes = requests / requestsOfIndexing(limits, { images: batch, tokens });
  const measured =
    usage && usage.images > 0
      ? (images * usage.imageMilliseconds) / usage.images / limits.concurrentCalls / 1_000
      : 0;
  const seconds = Math.max(minutes * SECONDS_PER_MINUTE, measured);
  return seconds === 0 ? null : Math.ceil(seconds);
}

function averageTokens(usage: UsageFigures | null): number | null {
  if (usage === null || usage.images === 0) return null;
  const tokens = tokensOf({ ...usage, textTokens: 0 });
  return tokens === null ? null : tokens / usage.images;
}

/** The calendar month of a moment (milliseconds since the epoch) in UTC: `2026-01`. */
export function monthOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 7);
}

/** When the next month begins, in milliseconds since the epoch. */
export function nextMonthAfter(moment: number): number {
  const date = new Date(moment);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** The month before that of a moment. */
export function monthBefore(moment: number): string {
  const date = new Date(moment);
  return monthOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1));
}
