import { z } from 'zod';

/** A number as JSON has it, or as an address or a form spells it: nothing else, and no empty text, is taken for one. */
export const numberSchema = z.union(
  [
    z.number(),
    z
      .string()
      .trim()
      .regex(/^-?\d+(\.\d+)?$/)
      .transform(Number),
  ],
  { error: 'must be a number' },
);
