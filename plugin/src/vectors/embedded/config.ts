import { z } from 'zod';

/** The setting `vectors` of a store in a file. */
export const embeddedConfigSchema = z.strictObject({
  store: z.literal('embedded'),
  path: z.string().min(1).default('.data/image-search.sqlite').meta({
    description: 'File of the embedded store, from the project folder',
  }),
  prefilterFrom: z.int().min(1).max(10_000_000).default(1_000).meta({
    description:
      'Number of pictures from which an index in memory, a byte per dimension and picture, speeds searches up',
  }),
});
