/**
 * Types for code of a Strapi project that uses the plugin's service. Its methods and these types follow semantic
 * versioning.
 *
 * @example
 * import type { ImageSearchService } from 'strapi-plugin-image-search/types';
 *
 * const images = strapi.plugin('image-search').service<ImageSearchService>('search');
 * const { data } = await images.search('red sneakers', { pagination: { pageSize: 12 } });
 */
import type {
  DuplicateOptions,
  DuplicateResults,
  EntryField,
  RelatedEntries,
  RelatedOptions,
  SearchInput,
  SearchResults,
  SimilarOptions,
  Status,
  TextSearchOptions,
  VectorSpace,
} from '../client';

export type {
  DuplicateOptions,
  DuplicateResults,
  EntryField,
  ImageFile,
  ImageRegion,
  PageOfResults,
  RelatedEntries,
  RelatedOptions,
  SearchHit,
  SearchOptions,
  SearchResults,
  SimilarOptions,
  Status,
  TextSearchOptions,
  VectorSpace,
  WordField,
} from '../client';

/**
 * Image search for server code. Everything answers what the HTTP API answers.
 *
 * @throws an Error with a stable `code` such as `file-not-found` or `invalid-input`, and with `cause`; with `auth` or
 * `userAbility` also Strapi's ForbiddenError, UnauthorizedError, PolicyError and ValidationError
 */
export interface ImageSearchService {
  /** Searches by a text, an image, a file, a vector or examples; without any of them, lists what passes the filters. */
  search(
    query: string | ServiceQuery,
    options?: TextSearchOptions & CallerOptions,
  ): Promise<SearchResults>;
  /** Images like a file, without the file. */
  similar(fileId: number, options?: SimilarOptions & CallerOptions): Promise<SearchResults>;
  /** Entries of the same content type, ordered by how similar the images of a media field are. */
  related(
    entry: EntryField,
    options?: RelatedOptions & Pick<CallerOptions, 'auth'>,
  ): Promise<RelatedEntries>;
  /** A file's duplicates, except those that were ignored. */
  findDuplicates(
    fileId: number,
    options?: DuplicateOptions & CallerOptions,
  ): Promise<DuplicateResults>;
  /** The vector of a text or an image, of length 1. */
  embed(
    input: string | { text: string } | { image: Uint8Array } | { url: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ data: { embedding: number[]; space: VectorSpace } }>;
  /** How much is searchable, and whether everything works. */
  status(): Promise<{ data: Status }>;
  /**
   * Queues images: those that the index lacks (`missing`), those that failed or were skipped, all of them, or these files.
   * Resolves with the number of queued images, before they are indexed.
   */
  reindex(
    images: { scope: 'missing' | 'failed' | 'skipped' | 'all' } | { fileIds: readonly number[] },
  ): Promise<{ data: { marked: number } }>;
}

/** As in the HTTP API, with an image as its encoded bytes. */
export type ServiceQuery = Omit<SearchInput, 'image'> & { image?: Uint8Array };

/**
 * On whose behalf to search. Without either, all files are searched and shown with all of their attributes, as suits
 * code that checks its callers itself.
 */
export interface CallerOptions {
  /**
   * `ctx.state.auth` of a request to the content API: its role or token must be allowed the action; for related entries,
   * to find entries of the type.
   */
  auth?: unknown;
  /** `ctx.state.userAbility` of a request to the admin API: only files that this administrator may see. */
  userAbility?: unknown;
}

/**
 * What `strapi.eventHub` and webhooks tell of each event. Ids without a name are those of files.
 *
 * @example
 * strapi.eventHub.on('image-search.duplicate.found', (pair: ImageSearchEvents['image-search.duplicate.found']) => { … });
 */
export interface ImageSearchEvents {
  /**
   * A file has its vector in this space; also while the space is still being filled, and for each file of a reindex.
   */
  'image-search.file.indexed': { fileId: number; space: string };
  /** A file can't be indexed, and isn't tried again by itself. `skipped`: not as it is. */
  'image-search.file.failed': {
    fileId: number;
    space: string;
    state: 'failed' | 'skipped';
    /** Such as `image-unreadable`. */
    code: string;
  };
  /** A pair to review; `fileId` is the newer file. */
  'image-search.duplicate.found': {
    fileId: number;
    duplicateOf: number;
    kind: 'identical' | 'same-image' | 'edited';
    /** 0 to 1. */
    score: number;
  };
  'image-search.merge.done': {
    /** Null if the copies were deleted at once. */
    mergeId: number | null;
    keptId: number;
    mergedIds: number[];
    /** The administrator; null if unknown. */
    userId: number | null;
  };
  /** Searches use another model's vectors; `from` is null for the first. */
  'image-search.space.switched': { space: string; from: string | null };
}
