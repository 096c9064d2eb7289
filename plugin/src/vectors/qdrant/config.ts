import { z } from 'zod';

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

/** The `vectors` setting of a store in Qdrant. */
export const qdrantConfigSchema = z
  .strictObject({
    store: z.literal('qdrant'),
    url: z.string().superRefine(rejectInvalidUrl).meta({
      description:
        'URL of Qdrant, http or https, with the path prefix of a proxy, if any. The default port is 6333, also for https',
    }),
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces')
      .optional()
      .meta({ description: 'API key, sent as `api-key`. Keep it in an environment variable' }),
    collectionPrefix: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/,
        'must be up to 60 letters, digits, hyphens and underscores, the first a letter or digit',
      )
      .default('image-search')
      .meta({ description: 'Prefix of collection names' }),
    shards: wholeNumber(1, 1_000).optional().meta({
      description: 'Shards of a new collection; by default one per node',
    }),
    replicas: wholeNumber(1, 100).optional().meta({
      description:
        'Copies of every shard of a new collection; by default the setting of the server',
    }),
    writeConsistency: wholeNumber(1, 100).optional().meta({
      description:
        'Copies that must confirm a write. Set it to `replicas` if searches must find new images at once',
    }),
    quantization: z.enum(['none', 'scalar', 'binary']).default('none').meta({
      description:
        'Keeps compressed vectors in memory, a quarter of the size (`scalar`) or a 32nd (`binary`, for 1,024 dimensions or more). Full vectors still decide scores and order',
    }),
    onDisk: z.boolean().default(false).meta({
      description:
        'Whether the vectors and graph of a new collection stay on disk, which saves memory but is slower',
    }),
    hnsw: z
      .strictObject({
        m: wholeNumber(4, 128).optional().meta({
          description: 'Links per point in the graph of a new collection; by default 16',
        }),
        efConstruct: wholeNumber(4, 4_096).optional().meta({
          description: 'Candidates per point when the graph is built; by default 100',
        }),
        efSearch: wholeNumber(1, 10_000).default(512).meta({
          description:
            'Candidates that a search follows in the graph. More candidates find more of the best matches, but take longer',
        }),
      })
      .prefault({}),
    timeoutSeconds: wholeNumber(1, 300).default(10).meta({
      description: 'Time limit for a request',
    }),
  })
  .refine(({ replicas, writeConsistency }) => (writeConsistency ?? 1) <= (replicas ?? Infinity), {
    path: ['writeConsistency'],
    error: 'must not be more than replicas',
  });

export type QdrantConfig = z.output<typeof qdrantConfigSchema>;

function rejectInvalidUrl(text: string, context: z.core.$RefinementCtx<string>): void {
  const problem = problemOf(text);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem, input: text });
}

function problemOf(text: string): string | null {
  if (!URL.canParse(text)) return 'must be an address such as http://localhost:6333';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return 'must begin with http:// or https://';
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not have a user name or password; set vectors.apiKey instead';
  }
  if (url.search !== '' || url.hash !== '') return 'must not have a query or a fragment';
  return null;
}
