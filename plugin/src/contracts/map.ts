import * as z from 'zod';
import { problemSchema } from './errors';

export const mapQuerySchema = z.strictObject({
  /** `madeAt` of the map that the caller has: its `data` isn't repeated. */
  known: z.string().optional(),
});

const mapDataSchema = z.object({
  /** Cells in a row of the square grid, and rows. */
  side: z.number(),
  /** The files on the map. The next two lists follow their order. */
  fileIds: z.array(z.number()),
  /** Columns from the left, and rows from the top, from 0. No two files share a cell. */
  x: z.array(z.number()),
  y: z.array(z.number()),
  /** Ids of files with duplicates to review, of which another is on the map or can be read, too. */
  duplicates: z.array(z.number()),
  /** Ids of files that no entry uses. */
  unused: z.array(z.number()),
});

/** The map of the library, as far as the caller may read its files; `GET map`. */
export const mapResponseSchema = z.object({
  /** Null if the caller has it. */
  data: mapDataSchema.nullable(),
  meta: z.object({
    /** `empty`: too few images are indexed. `computing`: there is none yet. `failed`: there is none, see `problem`. */
    state: z.enum(['empty', 'computing', 'failed', 'ready']),
    /** Of the next map, 0 to 1; null unless it is being made. */
    progress: z.number().nullable(),
    /** When the map was made, ISO 8601; null without one. */
    madeAt: z.string().nullable(),
    /** Whether the library is so large that the map shows a sample. */
    isSample: z.boolean(),
    /** Why the next map couldn't be made; null if it could. */
    problem: problemSchema.nullable(),
  }),
});

export type MapData = z.output<typeof mapDataSchema>;
export type MapResponse = z.output<typeof mapResponseSchema>;
