import { z } from 'zod';

/** Schemas cover only the fields that are read. */
const resultOf = <Result extends z.ZodType>(result: Result) => z.object({ result });

const fileId = z.int().positive();

export const serverSchema = z.object({ version: z.string().min(1) });

export const collectionListSchema = resultOf(
  z.object({ collections: z.array(z.object({ name: z.string() })) }),
);

export const collectionSchema = resultOf(
  z.object({
    config: z.object({
      params: z.object({ vectors: z.unknown() }),
      metadata: z.unknown().optional(),
    }),
    payload_schema: z.record(z.string(), z.unknown()),
  }),
);

export const doneSchema = resultOf(z.boolean());

/** With any other status the change may take effect later. */
export const completedSchema = resultOf(z.object({ status: z.literal('completed') }));

export const hitsSchema = resultOf(
  z.object({ points: z.array(z.object({ id: fileId, score: z.number() })) }),
);

export const countSchema = resultOf(z.object({ count: z.int().min(0) }));

export const pageSchema = resultOf(
  z.object({
    points: z.array(z.object({ id: fileId })),
    next_page_offset: fileId.nullish(),
  }),
);

export const hashesSchema = resultOf(
  z.array(z.object({ id: fileId, payload: z.object({ contentHash: z.string() }) })),
);

export const vectorsSchema = (dimensions: number) =>
  resultOf(
    z.object({
      points: z.array(z.object({ id: fileId, vector: z.array(z.number()).length(dimensions) })),
      next_page_offset: fileId.nullish(),
    }),
  );

export const pointsSchema = (dimensions: number) =>
  resultOf(
    z.array(
      z.object({
        id: fileId,
        vector: z.array(z.number()).length(dimensions),
        payload: z.object({
          mimeType: z.string(),
          extension: z.string(),
          createdAt: z.string(),
          contentHash: z.string(),
        }),
      }),
    ),
  );
