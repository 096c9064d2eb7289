import { inspect } from 'node:util';
import { z } from 'zod';
import { budgetConfigSchema } from './billing/config';
import { duplicatePolicies } from './duplicates/contract';
import { LARGEST_EDGE } from './embedding/contract';
import { configuredEmbeddingSchema, embeddingConfigSchema } from './embedding/registry';
import { ImageSearchError } from './errors';
import { vectorsConfigSchema } from './vectors/registry';

const MEGABYTE = 1_000_000;

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

const indexingSchema = z.strictObject({
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
    description: 'Pictures with more pixels (width × height) are skipped',
  }),
  readTimeoutSeconds: wholeNumber(1, 600).default(60).meta({
    description: 'Time for reading one file from its storage',
  }),
  decodeTimeoutSeconds: wholeNumber(1, 600).default(30).meta({
    description: 'Time for decoding one picture',
  }),
  sendMaxEdge: wholeNumber(64, LARGEST_EDGE).optional().meta({
    description:
      'Longer side of the largest picture that may be sent to any hosted provider, in pixels: `embedding.maxEdge` is lowered to it, which makes another space. By default that setting alone counts',
  }),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description:
      'Host names of remote storage that may be read even though they lie in a private network',
  }),
});

const searchUrlsSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({
    description:
      'Whether a picture may be searched with by its address (`url`), from which this server then fetches it',
  }),
  timeoutSeconds: wholeNumber(1, 14).default(8).meta({
    description: 'Time for fetching one, redirects included',
  }),
  concurrency: wholeNumber(1, 32).default(4).meta({
    description: 'Pictures that are fetched at once; four times as many wait, more are refused',
  }),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description:
      'Host names that callers may make this server ask even though they lie in a private network or on another port than 80 and 443',
  }),
});

const searchSchema = z.strictObject({
  maxTextLength: wholeNumber(1, 10_000).default(1_000).meta({
    description: 'Longest text that is searched for, in characters',
  }),
  maxImageBytes: wholeNumber(1, 200 * MEGABYTE)
    .default(20 * MEGABYTE)
    .meta({
      description: 'Largest picture that is searched with, in bytes',
    }),
  maxPixels: wholeNumber(1, 1_000_000_000).default(50_000_000).meta({
    description: 'Pictures with more pixels (width × height × frames) are not searched with',
  }),
  decodeTimeoutSeconds: wholeNumber(1, 600).default(10).meta({
    description: 'Time for decoding a picture that is searched with',
  }),
  requestsPerMinute: wholeNumber(0, 1_000_000).default(120).meta({
    description: 'Content API requests per API token, user or address; 0: no limit',
  }),
  urls: searchUrlsSchema.prefault({}).meta({
    description: 'Searching by the address of a picture',
  }),
  queryCacheEntries: wholeNumber(0, 1_000_000).default(1_000).meta({
    description:
      'Texts that were searched for whose embeddings are kept in memory, and as many pictures; 0: none',
  }),
  queryCacheMinutes: wholeNumber(1, 10_080).default(60).meta({
    description: 'How long they are kept',
  }),
  closeScore: z.number().min(-1).max(1).optional().meta({
    description:
      'Similarity of a text with a picture below which even the best picture means nothing (`meta.nothingClose`); by default what the model says of itself, if it does',
  }),
});

const panelSchema = z.strictObject({
  mediaLibrary: z.boolean().default(true).meta({
    description:
      'Whether the Media Library shows “Find similar”, duplicates and the state of indexing in the details of a file; Strapi may change what that rests on',
  }),
});

const duplicatesSchema = z.strictObject({
  policy: z.enum(duplicatePolicies).default('flag').meta({
    description:
      '`flag`: duplicates of new pictures are looked for and listed; `warn`: whoever uploads one is told, too; `off`: they are not looked for',
  }),
});

/** The whole configuration: the only place of its keys, defaults, limits and their meaning. */
export const configSchema = z.strictObject({
  embedding: configuredEmbeddingSchema.prefault({ provider: 'clip' }),
  previousEmbedding: embeddingConfigSchema.optional().meta({
    description:
      'Settings of the model that answers until a new one named by `embedding` holds every picture; needed only for a hosted one whose key or address `embedding` does not name any more',
  }),
  vectors: vectorsConfigSchema.prefault({ store: 'embedded' }),
  indexing: indexingSchema.prefault({}),
  duplicates: duplicatesSchema.prefault({}),
  search: searchSchema.prefault({}),
  budget: budgetConfigSchema.prefault({}),
  panel: panelSchema.prefault({}),
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
  const result = configSchema.safeParse(withDefaultKinds(input ?? {}), {
    reportInput: true,
    error: nameAllowedSettings,
  });
  if (result.success) return withCappedEdge(result.data);
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

/**
 * From here on `embedding.maxEdge` is the only edge there is: it is a part of what the vector space is known by. That of
 * `previousEmbedding` stays, for it names a space that exists.
 */
function withCappedEdge(config: ImageSearchConfig): ImageSearchConfig {
  const { embedding, indexing } = config;
  const { sendMaxEdge } = indexing;
  if (sendMaxEdge === undefined || !('maxEdge' in embedding)) return config;
  const maxEdge = Math.min(embedding.maxEdge, sendMaxEdge);
  return { ...config, embedding: { ...embedding, maxEdge } };
}

/** A section that does not say of which kind it is means the local one. */
function withDefaultKinds(input: unknown): unknown {
  if (!isSection(input)) return input;
  const { embedding, previousEmbedding, vectors } = input;
  return {
    ...input,
    ...(isSection(embedding) && {
      embedding: withDefaultFallback({ ...embedding, provider: embedding.provider ?? 'clip' }),
    }),
    ...(isSection(previousEmbedding) && {
      previousEmbedding: { ...previousEmbedding, provider: previousEmbedding.provider ?? 'clip' },
    }),
    ...(isSection(vectors) && { vectors: { ...vectors, store: vectors.store ?? 'embedded' } }),
  };
}

function withDefaultFallback(embedding: Record<string, unknown>): Record<string, unknown> {
  const { fallback } = embedding;
  if (!isSection(fallback)) return embedding;
  return { ...embedding, fallback: { ...fallback, provider: fallback['provider'] ?? 'clip' } };
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameAllowedSettings(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys' || !(issue.inst instanceof z.ZodObject)) return undefined;
  const unknown = issue.keys.map((key) => `"${key}"`).join(', ');
  return `has no setting ${unknown}; allowed: ${Object.keys(issue.inst.shape).join(', ')}`;
}

function describeFault(issue: z.core.$ZodIssue): string {
  const key = issue.path.map(String).join('.') || 'config';
  if (issue.code === 'unrecognized_keys') return `${key} ${issue.message}`;
  return `${key}: ${issue.message}; given: ${describeValue(key, inputOf(issue))}`;
}

/** The faulty value; of a section of an unknown kind that is its kind, not the section. */
function inputOf(issue: z.core.$ZodIssue): unknown {
  if (issue.code !== 'invalid_union' || issue.discriminator === undefined) return issue.input;
  return isSection(issue.input) ? issue.input[issue.discriminator] : issue.input;
}

/** Addresses are among them because people write passwords into those. */
const SECRET_KEY = /key|token|secret|password|url/i;
const LONGEST_SHOWN_VALUE = 80;

function describeValue(key: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (SECRET_KEY.test(key)) return `a ${typeof value} (not shown)`;
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (isSection(value)) return `an object with ${Object.keys(value).join(', ') || 'no keys'}`;
  const text = inspect(value);
  return text.length > LONGEST_SHOWN_VALUE ? `${text.slice(0, LONGEST_SHOWN_VALUE)}…` : text;
}
