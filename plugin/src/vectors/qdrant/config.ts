import { z } from 'zod';

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

/** The setting `vectors` of a store in Qdrant. */
export const qdrantConfigSchema = z
  .strictObject({
    store: z.literal('qdrant'),
    url: z.string().superRefine(refuseUnusableUrl).meta({
      description:
        'Address of Qdrant: http or https, with the path prefix of a proxy if there is one. Port 6333 unless it names another, also for https',
    }),
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces')
      .optional()
      .meta({ description: 'Sent as `api-key`; keep it in an environment variable' }),
    collectionPrefix: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/,
        'must be up to 60 letters, digits, hyphens and underscores, the first a letter or digit',
      )
      .default('image-search')
      .meta({
        description: 'Start of the collections’ names; two projects in one Qdrant need two',
      }),
    shards: wholeNumber(1, 1_000).optional().meta({
      description: 'Shards of a new collection; by default one per node',
    }),
    replicas: wholeNumber(1, 100).optional().meta({
      description:
        'Copies of every shard of a new collection; by default what the server is set to',
    }),
    writeConsistency: wholeNumber(1, 100).optional().meta({
      description:
        'Copies that must confirm a write; as many as replicas, if searches must find at once what was stored',
    }),
    quantization: z.enum(['none', 'scalar', 'binary']).default('none').meta({
      description:
        'Smaller vectors kept in memory besides the full ones, which settle scores and order: a quarter (scalar) or a 32nd (binary, for 1,024 dimensions and more)',
    }),
    onDisk: z.boolean().default(false).meta({
      description:
        'Whether vectors and graph of a new collection stay on disk: less memory, slower',
    }),
    hnsw: z
      .strictObject({
        m: wholeNumber(4, 128).optional().meta({
          description: 'Links per point in the graph of a new collection; by default 16',
        }),
        efConstruct: wholeNumber(4, 4_096).optional().meta({
          description: 'Candidates per point when that graph is built; by default 100',
        }),
        efSearch: wholeNumber(1, 10_000).default(512).meta({
          description:
            'Candidates that a search follows in the graph: more find more of the best, and take longer',
        }),
      })
      .prefault({}),
    timeoutSeconds: wholeNumber(1, 300).default(10).meta({
      description: 'Longest wait for one answer',
    }),
  })
  .refine(({ replicas, writeConsistency }) => (writeConsistency ?? 1) <= (replicas ?? Infinity), {
    path: ['writeConsistency'],
    error: 'must not be more than replicas',
  });

export type QdrantConfig = z.output<typeof qdrantConfigSchema>;

function refuseUnusableUrl(text: string, context: z.core.$RefinementCtx<string>): void {
  const fault = faultOf(text);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault, input: text });
}

function faultOf(text: string): string | null {
  if (!URL.canParse(text)) return 'must be an address such as http://localhost:6333';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return 'must begin with http:// or https://';
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user or a password; the key belongs in vectors.apiKey';
  }
  if (url.search !== '' || url.hash !== '') return 'must not have a query or a fragment';
  return null;
}
