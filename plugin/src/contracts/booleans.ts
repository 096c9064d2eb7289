import * as z from 'zod';

/** A boolean as JSON has it, or as an address or a form spells it. */
export const booleanSchema = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')],
  { error: 'must be true or false' },
);
