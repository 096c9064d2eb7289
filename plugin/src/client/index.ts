/**
 * A client for the plugin's content API, without dependencies: for browsers, Node.js and edge runtimes.
 *
 * Its types are its own, so that a frontend needs neither zod nor Strapi; a test holds them to the contracts.
 *
 * @example
 * const images = createImageSearch({ baseURL: 'https://cms.example.com/api', auth: process.env.STRAPI_TOKEN });
 * const { data } = await images.search('red sneakers', { pagination: { limit: 12 } });
 * const sources = data.map(({ file }) => images.urlOf(file, 'small'));
 */
export function createImageSearch(options: ClientOptions): ImageSearchClient {
  const root = options.baseURL.replace(/\/+$/, '');

  async function send<Answer>(path: string, { signal, ...sent }: Sent): Promise<Answer> {
    const { auth, headers, maxRetries = 2, maxWaitSeconds = 10 } = options;
    const request = options.fetch ?? fetch;
    for (let retry = 0; ; retry += 1) {
      const response = await request(`${root}/image-search/${path}`, {
        ...sent,
        headers: { ...headers, ...sent.headers, ...(auth && { authorization: `Bearer ${auth}` }) },
        signal: signal ?? null,
      });
      const body: unknown = await response.json().catch(() => null);
      if (response.ok && body !== null) return body as Answer;
      const error = toError(response, body);
      const wait = error.retryAfterSeconds;
      if (wait === null || retry >= maxRetries || wait > maxWaitSeconds) throw error;
      await pause(wait * 1_000, signal);
    }
  }

  /** As a query string, which caches can keep; filters that make it too long travel in a body, where there is one. */
  async function get<Answer>(
    path: string,
    parameters: object,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const query = toQuery(parameters);
    return send(query === '' ? path : `${path}?${query}`, { method: 'GET', signal });
  }

  async function post<Answer>(path: string, input: object, signal?: AbortSignal): Promise<Answer> {
    const { image, ...fields } = input as { image?: ImageInput };
    if (image === undefined) {
      const headers = { 'content-type': 'application/json' };
      return send(path, { method: 'POST', body: JSON.stringify(fields), headers, signal });
    }
    const body = new FormData();
    for (const [name, value] of flatten(fields)) body.set(name, value);
    body.set('image', await toBlob(image), 'image');
    return send(path, { method: 'POST', body, signal });
  }

  return {
    search: async (query, { signal, ...parameters } = {}) => {
      const input = { ...(isText(query) ? { text: query } : query), ...parameters };
      const isPlain = Object.keys(input).every((name) => !bodyOnly.includes(name));
      return isPlain && toQuery(input).length <= MAX_QUERY_LENGTH
        ? get('search', input, signal)
        : post('search', input, signal);
    },
    similar: (fileId, { signal, ...parameters } = {}) =>
      get(`similar/${String(fileId)}`, parameters, signal),
    related: ({ uid, documentId, field }, { signal, ...parameters } = {}) =>
      get(`related/${uid}/${documentId}`, { field, ...parameters }, signal),
    duplicates: (fileId, { signal, ...parameters } = {}) =>
      get(`duplicates/${String(fileId)}`, parameters, signal),
    embed: (input, { signal } = {}) =>
      post('embeddings', isText(input) ? { text: input } : input, signal),
    status: ({ signal } = {}) => get('status', {}, signal),
    urlOf: (file, format) => {
      const url = (format && file.formats?.[format]?.url) ?? file.url;
      return new URL(url, root).href;
    },
  };
}

export interface ClientOptions {
  /** Of Strapi's content API, such as `https://cms.example.com/api`. */
  baseURL: string;
  /** An API token, or the JWT of a user. Don't ship a token to browsers. */
  auth?: string | undefined;
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** @default the global one */
  fetch?: typeof fetch;
  /** How often a request is sent again after 429 and 503. @default 2 */
  maxRetries?: number;
  /** A longer wait than this isn't waited for. @default 10 */
  maxWaitSeconds?: number;
}

export interface ImageSearchClient {
  /**
   * Searches by a text, an image, a file, a vector, or examples; without any of them, lists the images that pass the
   * filters, newest first.
   *
   * @throws ImageSearchRequestError for a refusal or a failure, whatever `fetch` throws for a lost connection or an abort
   */
  search(query: string | SearchInput, options?: TextSearchOptions): Promise<SearchResults>;
  /** Images like a file, without the file. @throws as `search` */
  similar(fileId: number, options?: SimilarOptions): Promise<SearchResults>;
  /** Entries of the same content type, those with the most similar images first. @throws as `search` */
  related(entry: EntryField, options?: RelatedOptions): Promise<RelatedEntries>;
  /** A file's duplicates, except those that were ignored. @throws as `search` */
  duplicates(fileId: number, options?: DuplicateOptions): Promise<DuplicateResults>;
  /** The vector of a text or an image, of length 1. @throws as `search` */
  embed(
    input: string | { text: string } | { image: ImageInput } | { url: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ data: { embedding: number[]; space: VectorSpace } }>;
  /** How much is searchable, and whether everything works. @throws as `search` */
  status(options?: { signal?: AbortSignal }): Promise<{ data: Status }>;
  /** The absolute URL of a file, or of one of its formats if it has that (`thumbnail`, `small`, …). */
  urlOf(file: Pick<ImageFile, 'url' | 'formats'>, format?: string): string;
}

/** A file of the browser or of Node.js, its bytes, or its path on a server that runs Node.js. */
export type ImageInput = Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | { path: string };

/** One of `text`, `image`, `url`, `fileId` or `vector`; examples of what to find more and less of. */
export interface SearchInput {
  text?: string;
  /** Embedded for this search, not stored. */
  image?: ImageInput;
  /** Of an image, if the server allows it. */
  url?: string;
  fileId?: number;
  vector?: readonly number[];
  /** The space of `vector`. */
  space?: string;
  /** Ids of files, or texts. */
  like?: readonly (number | string)[];
  unlike?: readonly (number | string)[];
  /** Searches by this part of the one image of the query. */
  region?: ImageRegion;
}

/** A part of an image as displayed, in shares of its width and height, 0 to 1. */
export interface ImageRegion {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type BasicColor =
  | 'red'
  | 'orange'
  | 'yellow'
  | 'green'
  | 'blue'
  | 'purple'
  | 'pink'
  | 'brown'
  | 'black'
  | 'gray'
  | 'white';

export interface SearchOptions {
  /** Strapi filters on upload files. */
  filters?: Record<string, unknown>;
  kind?: 'image' | 'document' | 'video';
  orientation?: 'landscape' | 'portrait' | 'square';
  /** Whether no media field or relation uses the file; requires the permission `usage.findOne`. */
  unused?: boolean;
  hasAlternativeText?: boolean;
  /** One of the image's dominant colors, its background left out: a `BasicColor`, or any as `#00aa77` or `#0a7`. */
  color?: string;
  /** How far the image's color may be from one such as `#00aa77`, 0 to 50; 2 is barely visible. @default 10 */
  colorTolerance?: number;
  /** Only images with all of these tags of the configuration. */
  tags?: readonly string[];
  /** By start and limit, or by pages. */
  pagination?:
    | { start?: number; limit?: number; withCount?: boolean }
    | { page?: number; pageSize?: number; withCount?: boolean };
  /** Attributes of the files, such as `url` or `formats.small`. @default all */
  fields?: readonly string[];
  /** Cosine similarity, -1 to 1. */
  minScore?: number;
  /** Leaves out what is less relevant: a band, or a number from 0 to 1. */
  minRelevance?: 'likely' | 'strong' | number;
  /** Ends the results where similarity falls steeply. */
  autocut?: boolean;
  /** Order of the relevant images, or of all that pass the filters, such as `createdAt:desc` or `name:asc`. */
  sort?: string | readonly string[];
  /** Counts the relevant images, or all that pass the filters, in `meta.facets`; folders need an admin token. */
  facets?: readonly ('kind' | 'type' | 'folder' | 'year' | 'color' | 'tags')[];
  /**
   * Results are groups, each with its best image: of a folder, which needs an admin token, or of files of the same image,
   * which requires the permission `duplicates.findOne`.
   */
  groupBy?: 'folder' | 'duplicates';
  /** Images of each group, 1 to 20. @default 3 */
  groupSize?: number;
  /** Shows files of the same image as one result; requires the permission `duplicates.findOne`. */
  collapse?: boolean;
  /** How much images that resemble better ones lose their places, 0 to 1. */
  diversity?: number;
  signal?: AbortSignal;
}

/** Duplicates come with the most similar first; `minScore` is about how similar the images are where they overlap. */
export type DuplicateOptions = Omit<
  SearchOptions,
  | 'minRelevance'
  | 'autocut'
  | 'sort'
  | 'facets'
  | 'groupBy'
  | 'groupSize'
  | 'collapse'
  | 'diversity'
>;

export interface SimilarOptions extends SearchOptions {
  /** Compares this part of the file's image. */
  region?: ImageRegion;
}

export interface TextSearchOptions extends SearchOptions {
  /** What a text is matched with: what images show and words, or one of them. @default 'hybrid' */
  mode?: 'hybrid' | 'vector' | 'text';
  /** How much words count beside images: at 0 next to nothing, at 1 alone. */
  weight?: number;
}

/** An entry by its content type (`api::article.article`), and the media field whose images are compared. */
export interface EntryField {
  uid: string;
  documentId: string;
  field: string;
}

/** `filters`, `fields`, `populate`, `locale` and `status` are about entries, as in Strapi's own requests. */
export interface RelatedOptions {
  filters?: Record<string, unknown>;
  fields?: readonly string[];
  populate?: string | readonly string[] | Record<string, unknown>;
  /** @default the default locale */
  locale?: string;
  /** @default 'published' */
  status?: 'published' | 'draft';
  pagination?: SearchOptions['pagination'];
  /** Cosine similarity, -1 to 1. */
  minScore?: number;
  signal?: AbortSignal;
}

export interface RelatedEntries {
  data: {
    /** Cosine similarity, -1 to 1; 1 for the same file. */
    score: number;
    /** The image of the entry that is most similar. */
    fileId: number;
    entry: { id: number; documentId: string; [attribute: string]: unknown };
  }[];
  meta: { pagination: PageOfResults };
}

/** An upload file, with the fields that the caller may see. */
export interface ImageFile {
  id: number;
  name: string;
  url: string;
  alternativeText?: string | null;
  caption?: string | null;
  width?: number | null;
  height?: number | null;
  mime?: string;
  formats?: Record<string, { url: string; width: number; height: number }> | null;
  [field: string]: unknown;
}

export interface SearchResults {
  data: (SearchHit & {
    /** Only with `groupBy`. */
    group?:
      | {
          /** The folder's id, null for images in none; the file that the others are duplicates of. */
          value: number | null;
          /** Relevant images in it, the best one included. */
          count: number;
          others: SearchHit[];
        }
      | undefined;
  })[];
  meta: {
    pagination: PageOfResults;
    index: { space: string | null; indexed: number; total: number };
    /** Whether even the best match means nothing; null when that is unknown. */
    noCloseMatch: boolean | null;
    /** Only those that were asked for, the most frequent values first. */
    facets?:
      | {
          kind?: { value: 'image' | 'document' | 'video'; count: number }[] | undefined;
          /** By MIME type. */
          type?: { value: string; count: number }[] | undefined;
          /** By the folder's id, without its subfolders; null for images in none. */
          folder?: { value: number | null; count: number }[] | undefined;
          /** By year of upload, in UTC. */
          year?: { value: number; count: number }[] | undefined;
          /** By basic color; an image counts once for each of its colors. */
          color?: { value: BasicColor; count: number }[] | undefined;
          /** By tag of the configuration; an image counts once for each of its tags. */
          tags?: { value: string; count: number }[] | undefined;
          counted: number;
          /** Whether there are more images than were counted. */
          isLowerBound: boolean;
        }
      | undefined;
    mode: 'hybrid' | 'vector' | 'text' | null;
    /** Whether the model isn't responding, so that only words were searched. */
    isDegraded: boolean;
  };
}

export interface SearchHit {
  /** Cosine similarity, -1 to 1; null without a query, and where only words were searched. */
  score: number | null;
  /** What matched: the image, or the words of a field. */
  matchedBy: ('image' | WordField)[];
  /** How sure it is that this is what was asked for; null if unknown. `likely` begins at 0.5, `strong` at 0.8. */
  relevance: { band: 'strong' | 'likely' | 'weak'; value: number } | null;
  /** How many other files it stands for; only with `collapse`. */
  duplicateCount?: number | undefined;
  /** Where the words are that matched: from and to in a field of the file, as JavaScript counts characters. */
  highlights: Partial<Record<WordField, [number, number][]>>;
  /** What of the file matched best; absent when it is the whole image. Of a video, the number of a frame is its second. */
  view?: { kind: 'part' | 'frame' | 'page'; number: number } | undefined;
  /** The image's tags, the most relevant first; absent unless the configuration has a vocabulary. */
  tags?: string[] | undefined;
  file: ImageFile;
}

export type WordField = 'name' | 'alternativeText' | 'caption' | 'folder' | 'entryTitles' | 'text';

export interface DuplicateResults {
  data: {
    /** How similar the two images are where they overlap, 0 to 1. */
    score: number;
    kind: 'identical' | 'same-image' | 'edited';
    evidence: Record<string, unknown>;
    file: ImageFile;
  }[];
  meta: { pagination: PageOfResults };
}

export interface PageOfResults {
  start: number;
  limit: number;
  hasMore: boolean;
  page?: number | undefined;
  pageSize?: number | undefined;
  /** With `withCount`; null where it is unknown, as for anything ranked. */
  total?: number | null | undefined;
  pageCount?: number | null | undefined;
}

export interface VectorSpace {
  id: string;
  provider: string;
  model: string;
  dimensions: number;
}

export interface Status {
  ok: boolean;
  coverage: { indexed: number; total: number; ratio: number };
  queue: { pending: number; indexing: number; remainingSeconds: number | null };
  failures: { failed: number; skipped: number };
  health: { provider: boolean; store: boolean; storage: boolean };
}

/** A refusal or a failure that the server explained. */
export class ImageSearchRequestError extends Error {
  override readonly name = 'ImageSearchRequestError';
  /** HTTP status. */
  readonly status: number;
  /** Stable, such as `file-not-found`; null without one. */
  readonly code: string | null;
  /** When to try again; null when that wouldn't help. */
  readonly retryAfterSeconds: number | null;

  constructor(
    message: string,
    facts: { status: number; code: string | null; retryAfterSeconds: number | null },
  ) {
    super(message);
    this.status = facts.status;
    this.code = facts.code;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

interface Sent {
  method: string;
  body?: string | FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Of a query string; proxies refuse URLs above 8 kB or less. */
const MAX_QUERY_LENGTH = 2_000;
/** What only `POST search` takes. */
const bodyOnly = ['image', 'url', 'fileId', 'vector', 'space', 'like', 'unlike', 'region'];
/** Statuses that pass by themselves. */
const retryable = [429, 503];
/** Used if the server doesn't say how long to wait. */
const DEFAULT_WAIT_SECONDS = 1;

function toError({ headers, status }: Response, body: unknown): ImageSearchRequestError {
  const { error } = (body ?? {}) as { error?: { message?: string; details?: { code?: string } } };
  const wait = Number(headers.get('retry-after') ?? DEFAULT_WAIT_SECONDS);
  return new ImageSearchRequestError(
    error?.message ?? `The server's answer (${String(status)}) isn't one of Strapi. Check baseURL.`,
    {
      status,
      code: error?.details?.code ?? null,
      retryAfterSeconds: retryable.includes(status) ? wait || DEFAULT_WAIT_SECONDS : null,
    },
  );
}

function toQuery(parameters: object): string {
  return flatten(parameters)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');
}

type Parameter = string | number | boolean | null | undefined | object;

/** Names and values, with nested names in brackets, as Strapi reads them. */
function flatten(parameters: object, parent = ''): [string, string][] {
  return Object.entries(parameters).flatMap(([key, value]: [string, Parameter]) => {
    const name = parent === '' ? key : `${parent}[${key}]`;
    if (value === undefined) return [];
    if (value instanceof Date) return [[name, value.toISOString()] as [string, string]];
    if (typeof value === 'object' && value !== null) {
      // An empty list can't be written this way, and without it everything would be found.
      if (Array.isArray(value) && value.length === 0)
        throw new TypeError(`${name} is an empty list.`);
      return flatten(value, name);
    }
    return [[name, String(value)] as [string, string]];
  });
}

async function toBlob(image: ImageInput): Promise<Blob> {
  if (image instanceof Blob) return image;
  if (!('path' in image)) return new Blob([image]);
  // Not a literal: bundlers for browsers would look for the module.
  const module = 'node:fs/promises';
  const { readFile } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ module)) as {
    readFile: (path: string) => Promise<Uint8Array<ArrayBuffer>>;
  };
  return new Blob([await readFile(image.path)]);
}

/** Rejects with the signal's reason when it is aborted. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    function onAbort(): void {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
