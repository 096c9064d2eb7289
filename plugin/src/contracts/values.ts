import * as z from 'zod';

/** Ids are 32-bit integers in all of Strapi's databases, some of which fail on larger numbers. */
export const LARGEST_ID = 2 ** 31 - 1;

/** A number, or a decimal as text from a query string or a form; empty text is invalid. */
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

/** A boolean, or its text from a query string or a form. */
export const booleanSchema = z
  .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], {
    error: 'must be true or false',
  })
  .pipe(z.boolean());

/** Whether every object has a member of this name, such as `constructor`, so that a caller's key must not have it. */
export function isPrototypeKey(key: string): boolean {
  return Object.hasOwn(Object.prototype, key);
}
