import type { BudgetSettings } from './config';
import type { UsageFigures } from './contract';

export type Prices = Pick<BudgetSettings, 'pricePerThousandImages' | 'pricePerMillionTokens'>;

/**
 * What it costs: as the provider stated, else by the prices that are set.
 *
 * @returns null when nothing is known; of tokens that were never counted nothing is
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

/** As the provider counted them; null when it never did. */
export function tokensOf({ imageTokens, textTokens }: UsageFigures): number | null {
  const tokens = imageTokens + textTokens;
  return tokens > 0 ? tokens : null;
}

/** What one picture has cost on average, before the first one by the price of pictures; null when not even that is known. */
export function costPerImage(figures: UsageFigures, prices: Prices): number | null {
  if (figures.images === 0) {
    const { pricePerThousandImages: price, pricePerMillionTokens: byTokens } = prices;
    return price === undefined || byTokens !== undefined ? null : price / 1_000;
  }
  const cost = costOf(withoutTexts(figures), prices);
  return cost === null ? null : cost / figures.images;
}

/** A cost that was stated is that of all; texts weigh little beside pictures. */
function withoutTexts(figures: UsageFigures): UsageFigures {
  return { ...figures, texts: 0, textTokens: 0 };
}

function isUsed({ images, texts }: UsageFigures): boolean {
  return images + texts > 0;
}
