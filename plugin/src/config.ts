import { inspect } from 'node:util';
import { z } from 'zod';
import { budgetConfigSchema } from './billing/contract';
import { duplicatePolicies } from './duplicates/contract';
import { withPreset } from './embedding/clip/config';
import { LARGEST_EDGE } from './embedding/contract';
import {
  configuredEmbeddingSchema,
  embeddingConfigSchema,
  isLocalProvider,
} from './embedding/registry';
import { ImageSearchError } from './errors';
import type { ViewLimits } from './images/contract';
import { foldWord } from './text/tokens';
import { vectorsConfigSchema } from './vectors/registry';

const MEGABYTE = 1_000_000;

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

const indexingSchema = z.strictObject({
  enabled: z.boolean().default(true).meta({
    description: 'Whether this process indexes images. If not, it still answers searches',
  }),
  concurrency: wholeNumber(1, 32).default(2).meta({
    description: 'Maximum images that are read and decoded at the same time',
  }),
  leaseSeconds: wholeNumber(10, 3_600).default(60).meta({
    description: 'How long images stay locked after the process that claimed them was killed',
  }),
  maxAttempts: wholeNumber(1, 50).default(8).meta({
    description: 'Maximum attempts before an image counts as failed',
  }),
  firstRetrySeconds: wholeNumber(1, 3_600).default(5).meta({
    description: 'Wait before the second attempt. It doubles with every attempt, with jitter',
  }),
  longestRetrySeconds: wholeNumber(1, 86_400).default(3_600).meta({
    description: 'Maximum wait between two attempts',
  }),
  reconcileMinutes: wholeNumber(0, 10_080).default(60).meta({
    description: 'How often the Media Library is compared with the index; 0: only at startup',
  }),
  maxBytes: wholeNumber(1, 2_000 * MEGABYTE)
    .default(50 * MEGABYTE)
    .meta({
      description: 'Maximum file size, in bytes. Larger files are skipped',
    }),
  maxPixels: wholeNumber(1, 1_000_000_000).default(268_402_689).meta({
    description: 'Maximum pixels (width × height) of an image. Larger images are skipped',
  }),
  readTimeoutSeconds: wholeNumber(1, 600).default(60).meta({
    description: 'Time limit for reading a file from storage',
  }),
  decodeTimeoutSeconds: wholeNumber(1, 600).default(30).meta({
    description: 'Time limit for decoding an image',
  }),
  views: z
    .strictObject({
      parts: wholeNumber(0, 20).optional().meta({
        description:
          'Maximum square parts of a long image (from 1.4:1 on) that are embedded beside the whole image; 0 or 1: none. Each counts as an image. By default 5 with a local model, none with a hosted one',
      }),
      frames: wholeNumber(0, 20).optional().meta({
        description:
          'Maximum frames of a long animation that are embedded beside the first one; 0: none. Each counts as an image. By default 4 with a local model, none with a hosted one',
      }),
      pages: wholeNumber(0, 100).optional().meta({
        description:
          'Maximum pages of a PDF document that are embedded, where `@hyzyla/pdfium` is installed; 0: PDF documents are not indexed. Each counts as an image. By default 10 with a local model, 1 with a hosted one',
      }),
      videoFrames: wholeNumber(0, 100).optional().meta({
        description:
          'Maximum frames of a video that are embedded, where there is `ffmpeg`; 0: videos are not indexed. Each counts as an image. By default 10 with a local model, 0 with a hosted one',
      }),
    })
    .prefault({})
    .meta({ description: 'Further views of a file, by which searches find it, too' }),
  ffmpeg: z.string().min(1).default('ffmpeg').meta({
    description: 'The program that decodes videos: a path, or a name on the PATH',
  }),
  maxVideoBytes: wholeNumber(1, 1_000_000 * MEGABYTE)
    .default(5_000 * MEGABYTE)
    .meta({
      description:
        'Maximum size of a video in the uploads folder, in bytes. Videos on remote storage are fetched up to `indexing.maxBytes`. Larger ones are skipped',
    }),
  previewMegabytes: wholeNumber(0, 100_000).default(200).meta({
    description:
      'Maximum size of the previews of documents, videos and HEIC images on disk, beside `vectors.path`, in megabytes. Those used least recently are deleted; 0: none are kept',
  }),
  sendMaxEdge: wholeNumber(64, LARGEST_EDGE).optional().meta({
    description:
      'Longer side of the largest image that may be sent to a hosted provider, in pixels. Lowers `embedding.maxEdge`, which reindexes everything. No extra limit by default',
  }),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description:
      'Host names of remote storage that may be read although they are in a private network',
  }),
});

const searchUrlsSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({
    description:
      'Whether callers may search by the URL of an image (`url`), which this server then fetches',
  }),
  timeoutSeconds: wholeNumber(1, 14).default(8).meta({
    description: 'Time limit for fetching an image, redirects included',
  }),
  concurrency: wholeNumber(1, 32).default(4).meta({
    description:
      'Maximum images that are fetched at the same time. Four times as many wait; more are rejected',
  }),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description:
      'Host names that may be fetched although they are in a private network or use a port other than 80 and 443',
  }),
});

const searchSchema = z.strictObject({
  maxTextLength: wholeNumber(1, 10_000).default(1_000).meta({
    description: 'Maximum length of a text query, in characters',
  }),
  maxImageBytes: wholeNumber(1, 200 * MEGABYTE)
    .default(20 * MEGABYTE)
    .meta({
      description: 'Maximum size of a query image, in bytes',
    }),
  maxPixels: wholeNumber(1, 1_000_000_000).default(50_000_000).meta({
    description: 'Maximum pixels (width × height × frames) of a query image',
  }),
  decodeTimeoutSeconds: wholeNumber(1, 600).default(10).meta({
    description: 'Time limit for decoding a query image',
  }),
  requestsPerMinute: wholeNumber(0, 1_000_000).default(120).meta({
    description:
      'Maximum Content API requests per minute for an API token, user or IP address; 0: no limit',
  }),
  cacheSeconds: wholeNumber(0, 86_400).default(0).meta({
    description:
      'How long browsers and CDNs may use the answer to a public GET request (one without credentials) before they ask again; 0: they ask each time, and an unchanged answer is not sent again. Keep it below the lifetime of signed URLs',
  }),
  urls: searchUrlsSchema.prefault({}).meta({
    description: 'Search by the URL of an image',
  }),
  queryCacheEntries: wholeNumber(0, 1_000_000).default(1_000).meta({
    description:
      'Maximum text queries whose embeddings are cached in memory, and as many query images; 0: no cache',
  }),
  queryCacheMinutes: wholeNumber(1, 10_080).default(60).meta({
    description: 'How long embeddings of queries are cached',
  }),
  calibrate: z.boolean().default(true).meta({
    description:
      'Whether relevance (`strong`, `likely`, `weak`) is learned from the library, in the background. It embeds about 200 short texts once for each model',
  }),
  closeScore: z.number().min(-1).max(1).optional().meta({
    description:
      'Similarity of text and image below which a match is weak, whatever the library says; by default that is learned, and until then the value known for the model, if any',
  }),
});

const ocrSchema = z.strictObject({
  languages: z
    .array(
      z.string().regex(/^[a-z]{3}(_[a-z]+)*$/i, {
        error: 'must be a code of Tesseract such as "eng", "deu" or "chi_sim"',
      }),
    )
    .max(10)
    .default([])
    .meta({
      description:
        'Languages of text in images, as codes of Tesseract such as `eng`, the most frequent first. Needs `tesseract.js` and `@tesseract.js-data/<code>` for each. None by default: text in images is not read',
    }),
});

const wordsSchema = z.strictObject({
  enabled: z.boolean().default(true).meta({
    description:
      'Whether text searches also match names, alternative texts, captions and folders. Their words are kept in a file beside `vectors.path`, or with the vectors in PostgreSQL',
  }),
  entryTitles: z.boolean().default(true).meta({
    description:
      'Whether files are also found by the titles of entries whose media fields use them: in the admin panel, by people who may read all of these content types, and by server code. The content API never searches titles',
  }),
});

const panelSchema = z.strictObject({
  mediaLibrary: z.boolean().default(true).meta({
    description:
      'Whether the Media Library has a field for image search, and the details of an asset show “Find similar”, duplicates and the indexing status. Relies on parts of Strapi that may change',
  }),
  imagePicker: z.boolean().default(true).meta({
    description:
      'Whether the dialogs of media fields and of the rich text and blocks editors have a tab “Image search”. Relies on parts of Strapi that may change',
  }),
});

const duplicatesSchema = z.strictObject({
  policy: z.enum(duplicatePolicies).default('warn').meta({
    description:
      '`warn`: list duplicates of new images, and tell the person who uploads one; `reject`: also refuse uploads over the content API that the library has byte for byte; `flag`: only list duplicates; `off`: find none',
  }),
  trashDays: wholeNumber(0, 3_650).default(30).meta({
    description:
      'Days for which merged copies stay in the trash: their URLs work and the merge can be undone; 0: they are deleted at once',
  }),
});

/** `tags` of a request are separated by commas. */
const tagNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(60)
  .regex(/^[^,]*$/, 'must not contain a comma');

const tagLabelSchema = z.union(
  [
    tagNameSchema.transform((name) => ({ name, text: name })),
    z.strictObject({ name: tagNameSchema, text: z.string().trim().min(1).max(200) }),
  ],
  { error: 'must be a word or phrase without a comma, or an object with name and text' },
);

export const tagLabelsSchema = z
  .array(tagLabelSchema)
  .max(200)
  .refine(
    (labels) => new Set(labels.map(({ name }) => foldWord(name))).size === labels.length,
    'must not name a tag twice; upper case and accents make no difference, as in some databases',
  )
  .default([]);

const tagsSchema = z.strictObject({
  labels: tagLabelsSchema.meta({
    description:
      'Tags that images get by what they show, at most 200: words or phrases in a language that the model knows, or `{ name, text }` to embed another text than the name. None by default',
  }),
  threshold: z.number().min(0).max(1).default(0.5).meta({
    description:
      'How sure a tag must be, 0 to 1, for every model alike: at 0.5, a text that means nothing would tag one image in 1,000, at 0.8 one in 5,000. Higher: fewer and surer tags',
  }),
});

const agentsSchema = z.strictObject({
  merge: z.boolean().default(false).meta({
    description:
      'Whether agents whose token may merge duplicates can really do so over MCP, not only ask what a merge would do. Merges with a warning are refused',
  }),
});

const sectionsSchema = z.strictObject({
  embedding: configuredEmbeddingSchema.prefault({ provider: 'clip' }),
  previousEmbedding: embeddingConfigSchema.optional().meta({
    description:
      'Settings of the previous model, which answers searches until the new one has indexed every image. Needed only for a hosted model whose key or address `embedding` no longer has',
  }),
  vectors: vectorsConfigSchema.prefault({ store: 'embedded' }),
  indexing: indexingSchema.prefault({}),
  duplicates: duplicatesSchema.prefault({}),
  search: searchSchema.prefault({}),
  words: wordsSchema.prefault({}),
  ocr: ocrSchema.prefault({}).meta({ description: 'Text in images, for searches by words' }),
  tags: tagsSchema.prefault({}).meta({
    description:
      'Tags from a vocabulary of yours, for filters and facets. They need `search.calibrate` and a library of ten images',
  }),
  budget: budgetConfigSchema.prefault({}),
  panel: panelSchema.prefault({}),
  agents: agentsSchema.prefault({}),
});

/** The whole configuration: its keys, defaults, limits and their meaning. */
export const configSchema = sectionsSchema.refine(
  ({ search, tags }) => search.calibrate || tags.labels.length === 0,
  { path: ['tags', 'labels'], error: 'needs search.calibrate: true, which says when a label fits' },
);

export type ImageSearchConfig = z.output<typeof configSchema>;
/** What a user writes: every key with a default may be left out. */
export type ImageSearchConfigInput = z.input<typeof configSchema>;

/**
 * Parses what the user wrote and fills in the defaults.
 *
 * @throws ImageSearchError `config-invalid`, which lists every invalid setting with what was given and what is allowed
 */
export function parseConfig(input: unknown): ImageSearchConfig {
  const result = configSchema.safeParse(withDefaultKinds(input ?? {}), {
    reportInput: true,
    error: nameAllowedSettings,
  });
  if (result.success) return withCappedEdge(result.data);
  const problems = result.error.issues.map(describeProblem);
  throw new ImageSearchError({
    code: 'config-invalid',
    message: [
      'The configuration of image-search (config/plugins) is invalid:',
      ...problems.map((problem) => `  - ${problem}`),
    ].join('\n'),
    retryable: false,
  });
}

const LOCAL_VIEWS: ViewLimits = { parts: 5, frames: 4, pages: 10, videoFrames: 10 };
/**
 * A photograph of 3:2 has two parts, so a hosted model would cost three times as much: nobody pays that unasked. Nor do
 * frames of videos leave the server unasked.
 */
const HOSTED_VIEWS: ViewLimits = { parts: 0, frames: 0, pages: 1, videoFrames: 0 };

/** How many further views files have in a space of this provider. */
export function viewLimitsOf(
  { indexing: { views } }: ImageSearchConfig,
  provider: string,
): ViewLimits {
  const defaults = isLocalProvider(provider) ? LOCAL_VIEWS : HOSTED_VIEWS;
  return {
    parts: views.parts ?? defaults.parts,
    frames: views.frames ?? defaults.frames,
    pages: views.pages ?? defaults.pages,
    videoFrames: views.videoFrames ?? defaults.videoFrames,
  };
}

/**
 * From here on `embedding.maxEdge` is the only edge: it is part of the vector space. That of `previousEmbedding` stays,
 * because it names an existing space.
 */
function withCappedEdge(config: ImageSearchConfig): ImageSearchConfig {
  const { embedding, indexing } = config;
  const { sendMaxEdge } = indexing;
  if (sendMaxEdge === undefined || !('maxEdge' in embedding)) return config;
  const maxEdge = Math.min(embedding.maxEdge, sendMaxEdge);
  return { ...config, embedding: { ...embedding, maxEdge } };
}

/** A section that doesn't name its kind means the local one. */
function withDefaultKinds(input: unknown): unknown {
  if (!isSection(input)) return input;
  const { embedding, previousEmbedding, vectors } = input;
  return {
    ...input,
    ...(isSection(embedding) && {
      embedding: withDefaultFallback(withLocalModel(embedding)),
    }),
    ...(isSection(previousEmbedding) && {
      previousEmbedding: withLocalModel(previousEmbedding),
    }),
    ...(isSection(vectors) && { vectors: { ...vectors, store: vectors.store ?? 'embedded' } }),
  };
}

function withDefaultFallback(embedding: Record<string, unknown>): Record<string, unknown> {
  const { fallback } = embedding;
  if (!isSection(fallback)) return embedding;
  return { ...embedding, fallback: withLocalModel(fallback) };
}

function withLocalModel(embedding: Record<string, unknown>): Record<string, unknown> {
  const { provider = 'clip' } = embedding;
  return provider === 'clip' ? withPreset({ ...embedding, provider }) : embedding;
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameAllowedSettings(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys' || !(issue.inst instanceof z.ZodObject)) return undefined;
  const unknown = issue.keys.map((key) => `"${key}"`).join(', ');
  return `has no setting ${unknown}; allowed: ${Object.keys(issue.inst.shape).join(', ')}`;
}

function describeProblem(issue: z.core.$ZodIssue): string {
  const key = issue.path.map(String).join('.') || 'config';
  if (issue.code === 'unrecognized_keys') return `${key} ${issue.message}`;
  return `${key}: ${issue.message}; given: ${describeValue(key, inputOf(issue))}`;
}

/** The invalid value; for a section of an unknown kind, the kind. */
function inputOf(issue: z.core.$ZodIssue): unknown {
  if (issue.code !== 'invalid_union' || issue.discriminator === undefined) return issue.input;
  return isSection(issue.input) ? issue.input[issue.discriminator] : issue.input;
}

/** URLs are included because people write passwords into them. */
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
