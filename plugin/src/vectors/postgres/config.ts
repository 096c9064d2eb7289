import { z } from 'zod';

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

/** The `vectors` setting of a store in PostgreSQL. */
export const postgresConfigSchema = z.strictObject({
  store: z.literal('postgres'),
  url: z
    .string()
    .refine(isPostgresUrl, 'must be an address such as postgres://user:password@host:5432/database')
    .optional()
    .meta({
      description:
        "URL of the PostgreSQL database, with user and password. Keep it in an environment variable. By default, Strapi's own database",
    }),
  schema: z
    .string()
    .regex(
      /^[a-z_][a-z0-9_]{0,39}$/,
      'must be up to 40 lowercase letters, digits and underscores, the first not a digit',
    )
    .refine((name) => !isReserved(name), {
      error: ({ input }) => `must not be ${String(input)}, which is for other tables`,
    })
    .default('image_search')
    .meta({
      description:
        "Schema of the tables, created if missing. Strapi's own tables must be in another one",
    }),
  connections: wholeNumber(2, 100).default(5).meta({
    description:
      "Maximum connections of each Strapi process, beside two for words and those of Strapi's own pool",
  }),
  hnsw: z
    .strictObject({
      from: wholeNumber(1, 10_000_000).default(10_000).meta({
        description:
          'Number of vectors from which an index is built in the background. Below it, every vector is compared',
      }),
      m: wholeNumber(4, 64).default(16).meta({
        description: 'Links per vector in a new index',
      }),
      efConstruction: wholeNumber(8, 1_000).default(100).meta({
        description: 'Candidates per vector when an index is built',
      }),
      buildMegabytes: wholeNumber(64, 65_536).default(512).meta({
        description:
          'Memory that the server may use to build an index. If the index is larger, building takes many times longer',
      }),
    })
    .prefault({})
    .refine(({ efConstruction, m }) => efConstruction >= 2 * m, {
      path: ['efConstruction'],
      error: 'must be at least twice m',
    }),
  timeoutSeconds: wholeNumber(1, 300).default(10).meta({
    description: 'Time limit for a request',
  }),
});

export type PostgresConfig = z.output<typeof postgresConfigSchema>;

/** Strapi's tables are usually in `public`. */
function isReserved(schema: string): boolean {
  return schema === 'public' || schema === 'information_schema' || schema.startsWith('pg_');
}

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\/./.test(text) && URL.canParse(text);
}
