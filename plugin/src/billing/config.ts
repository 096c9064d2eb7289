import { z } from 'zod';

const money = z.number().min(0).max(1_000_000_000);

/** Settings below `budget`. */
export const budgetConfigSchema = z
  .strictObject({
    imagesPerMonth: z.int().min(0).max(1_000_000_000).optional().meta({
      description:
        'Pictures that hosted models may embed in a calendar month (UTC); then indexing pauses until the next one. Searches never do. No limit by default',
    }),
    moneyPerMonth: money.optional().meta({
      description:
        'The same in money, texts that are searched for included; needs a price. No limit by default',
    }),
    pricePerThousandImages: money.optional().meta({
      description: 'What the hosted model of `embedding` costs, if it is paid by pictures',
    }),
    pricePerMillionTokens: money.optional().meta({
      description:
        'What it costs, if it is paid by tokens; costs that a provider states itself come first',
    }),
    currency: z.string().trim().min(1).max(10).default('USD').meta({
      description: 'Of all these, for showing',
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
        'needs a price: set budget.pricePerThousandImages or budget.pricePerMillionTokens as well',
    },
  );

export type BudgetSettings = z.output<typeof budgetConfigSchema>;
