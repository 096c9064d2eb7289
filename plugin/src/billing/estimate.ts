import {
  requestsOfIndexing,
  type EmbeddingLimits,
  type EmbeddingQuota,
} from '../embedding/contract';
import { noFigures, type UsageFigures } from './contract';
import { costOf, costPerImage, tokensOf, type Prices } from './price';

const SECONDS_PER_MINUTE = 60;

/** What it takes; null for what is not known. */
export interface Estimate {
  images: number;
  /** Those of them that wait in the queue already. */
  waiting: number;
  requests: number | null;
  tokens: number | null;
  /** 0 for a local model. */
  cost: number | null;
  seconds: number | null;
}

export interface EstimateOptions {
  images: number;
  waiting: number;
  isLocal: boolean;
  /** Null while the model cannot be opened. */
  limits: Pick<
    EmbeddingLimits,
    'imagesPerCall' | 'concurrentCalls' | 'tokensPerImage' | keyof EmbeddingQuota
  > | null;
  /** What the model did lately; null for nothing. */
  usage: UsageFigures | null;
  prices: Prices;
}

/** What it takes to embed so many pictures, by what the configuration says and what pictures took so far. */
export function estimate(options: EstimateOptions): Estimate {
  const { images, isLocal, limits, waiting } = options;
  const requests = limits && Math.ceil(images / limits.imagesPerCall);
  const tokensPerImage = isLocal ? null : averageTokens(options.usage);
  return {
    images,
    waiting,
    requests,
    tokens: tokensPerImage === null ? null : Math.round(images * tokensPerImage),
    cost: isLocal ? 0 : estimateCost(options),
    seconds: estimateSeconds(options, tokensPerImage),
  };
}

/** The sum, and the longest time, for spaces fill side by side; null where one of them is not known. */
export function totalOf(estimates: readonly (Estimate & { isLocal: boolean })[]): Estimate {
  const sum = (values: readonly (number | null)[]): number | null =>
    values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
  const paid = estimates.filter(({ isLocal }) => !isLocal);
  const seconds = estimates.map((space) => space.seconds);
  return {
    images: estimates.reduce((total, { images }) => total + images, 0),
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

/** The slowest of what is allowed in a minute and of what was measured; null when nothing is known of either. */
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
