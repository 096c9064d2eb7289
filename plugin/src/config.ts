import { inspect } from 'node:util';
import { z } from 'zod';
import { embeddingConfigSchema } from './embedding/registry';
import { ImageSearchError } from './errors';

const MEGABYTE = 1_000_000;

/** An object that takes no key it does not know, and says which it knows. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has no setting ${issue.keys.map((key) => `"${key}"`).join(', ')}; allowed: ${Object.keys(shape).join(', ')}`
        : undefined,
  });
}

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

const vectorsSchema = z.discriminatedUnion('store', [
  section({
    store: z.literal('embedded'),
    path: z.string().min(1).default('.data/image-search.sqlite').meta({
      description: 'File of the embedded store, from the project folder',
    }),
    prefilterFrom: wholeNumber(1_000, 10_000_000).default(20_000).meta({
      description: 'Number of pictures from which a binary pre-filter speeds the search up',
    }),
  }),
]);

const indexingSchema = section({
  enabled: z.boolean().default(true).meta({
    description: 'Whether this process indexes; a process that does not still searches',
  }),
  concurrency: wholeNumber(1, 32).default(2).meta({
    description: 'Pictures that are read and decoded at once',
  }),
  leaseSeconds: wholeNumber(10, 3_600).default(60).meta({
    description: 'How long a killed process keeps its claimed pictures from others',
  }),
  maxAttempts: wholeNumber(1, 50).default(8).meta({
    description: 'Tries before a picture is given up as failed',
  }),
  firstRetrySeconds: wholeNumber(1, 3_600).default(5).meta({
    description: 'Wait before the second try; doubles from try to try, with jitter',
  }),
  longestRetrySeconds: wholeNumber(1, 86_400).default(3_600).meta({
    description: 'Longest wait between two tries',
  }),
  reconcileMinutes: wholeNumber(0, 10_080).default(60).meta({
    description: 'How often the library is compared with the index; 0: only at boot',
  }),
  maxBytes: wholeNumber(1, 2_000 * MEGABYTE)
    .default(50 * MEGABYTE)
    .meta({
      description: 'Larger files are skipped, in bytes',
    }),
  maxPixels: wholeNumber(1, 1_000_000_000).default(268_402_689).meta({
    description: 'Pictures with more pixels (width × height × frames) are skipped',
  }),
  readTimeoutSeconds: wholeNumber(1, 600).default(60).meta({
    description: 'Time for reading one file from its storage',
  }),
  decodeTimeoutSeconds: wholeNumber(1, 600).default(30).meta({
    description: 'Time for decoding one picture',
  }),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description:
      'Host names of remote storage that may be read even though they lie in a private network',
  }),
});

const searchSchema = section({
  maxTextLength: wholeNumber(1, 10_000).default(1_000).meta({
    description: 'Longest text that is searched for, in characters',
  }),
  maxImageBytes: wholeNumber(1, 200 * MEGABYTE)
    .default(20 * MEGABYTE)
    .meta({
      description: 'Largest picture that is searched with, in bytes',
    }),
  requestsPerMinute: wholeNumber(0, 1_000_000).default(120).meta({
    description: 'Content API requests per API token, user or address; 0: no limit',
  }),
  queryCacheEntries: wholeNumber(0, 1_000_000).default(1_000).meta({
    description: 'Texts whose embeddings are kept in memory; 0: none',
  }),
  queryCacheMinutes: wholeNumber(1, 10_080).default(60).meta({
    description: 'How long they are kept',
  }),
});

/** The whole configuration: the only place of its keys, defaults, limits and their meaning. */
export const configSchema = section({
  embedding: embeddingConfigSchema.prefault({ provider: 'clip' }),
  vectors: vectorsSchema.prefault({ store: 'embedded' }),
  indexing: indexingSchema.prefault({}),
  search: searchSchema.prefault({}),
});

export type ImageSearchConfig = z.output<typeof configSchema>;
/** What a user writes: every key with a default may be left out. */
export type ImageSearchConfigInput = z.input<typeof configSchema>;

/**
 * Reads what the user wrote and fills in the defaults.
 *
 * @throws ImageSearchError `config-invalid` that lists every fault with its key, what was given and what is allowed.
 */
export function parseConfig(input: unknown): ImageSearchConfig {
  const result = configSchema.safeParse(input ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const faults = result.error.issues.map(describeFault);
  throw new ImageSearchError({
    code: 'config-invalid',
    message: [
      'The configuration of image-search (config/plugins) is not valid:',
      ...faults.map((fault) => `  - ${fault}`),
    ].join('\n'),
    retryable: false,
  });
}

function describeFault(issue: z.core.$ZodIssue): string {
  const key = issue.path.map(String).join('.') || 'config';
  if (issue.code === 'unrecognized_keys') return `${key} ${issue.message}`;
  return `${key}: ${issue.message}; given: ${describeValue(key, issue.input)}`;
}

const SECRET_KEY = /key|token|secret|password/i;
const LONGEST_SHOWN_VALUE = 80;

function describeValue(key: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (SECRET_KEY.test(key)) return `a ${typeof value} (not shown)`;
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (typeof value === 'object' && value !== null) {
    return `an object with ${Object.keys(value).join(', ') || 'no keys'}`;
  }
  const text = inspect(value);
  return text.length > LONGEST_SHOWN_VALUE ? `${text.slice(0, LONGEST_SHOWN_VALUE)}…` : text;
}
