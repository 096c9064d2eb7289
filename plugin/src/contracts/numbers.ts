import * as z from 'zod';

/** Ids are 32-bit integers in every database of Strapi; some fail when they are compared with a larger number. */
export const LARGEST_ID = 2 ** 31 - 1;

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
