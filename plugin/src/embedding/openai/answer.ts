import { z } from 'zod';
import type { ApiAnswer } from '../http/api';

const count = z.number().nullish().catch(undefined);

/** The answer of every server in OpenAI's manner; what is no vector is optional. */
export const openaiAnswerSchema: z.ZodType<ApiAnswer> = z
  .object({
    data: z.array(z.object({ index: z.int().optional(), embedding: z.array(z.number()) })),
    model: z.string().nullish().catch(undefined),
    usage: z
      .object({ total_tokens: count, prompt_tokens: count, cost: count, estimated_cost: count })
      .nullish()
      .catch(undefined),
  })
  .transform(({ data, model, usage }) => ({
    vectors: data.map(({ index, embedding }, place) => ({
      index: index ?? place,
      values: embedding,
    })),
    model: model ?? null,
    tokens: usage?.total_tokens ?? usage?.prompt_tokens ?? null,
    cost: usage?.cost ?? usage?.estimated_cost ?? null,
  }));
