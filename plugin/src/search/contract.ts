import type { ColorName, FileKind, ImageReading, ImageRegion } from '../images/contract';
import type { WordField } from '../text/contract';
import type { FileView, IdPage } from '../vectors/contract';

/** What files can be sorted by. */
export const sortFields = ['createdAt', 'updatedAt', 'name', 'size'] as const;

/** Files that can be sorted at a time. */
export const MOST_SORTED = 500;

/** What files can be counted by: the kind, the MIME type, the folder, the year of upload (UTC), basic colors, and tags. */
export const facetNames = ['kind', 'type', 'folder', 'year', 'color', 'tags'] as const;

/** Images that facets count without a query; with one, MOST_COUNTED_HITS. */
export const MOST_COUNTED = 10_000;

/** The best hits among which facets count the relevant ones. */
export const MOST_COUNTED_HITS = 1_000;

export type FacetName = (typeof facetNames)[number];

/** How many images there are of each value, the most frequent first; only of the facets that were asked for. */
export interface FacetCounts {
  kind?: FacetCount<FileKind>[];
  type?: FacetCount<string>[];
  /** By the folder's id, without its subfolders; null for files in none. */
  folder?: FacetCount<number | null>[];
  year?: FacetCount<number>[];
  /** An image counts once for each of its colors. */
  color?: FacetCount<ColorName>[];
  /** An image counts once for each of its tags. */
  tags?: FacetCount<string>[];
}

export interface FacetCount<Value> {
  value: Value;
  /** At least 1. */
  count: number;
}

export interface Facets extends FacetCounts {
  /** How many images were counted. */
  counted: number;
  /** Whether there are more, so that each count is a lower bound. */
  isLowerBound: boolean;
}

/** What hits can be grouped by: their folders, or the image that duplicates show. */
export const groupings = ['folder', 'duplicates'] as const;

export type Grouping = (typeof groupings)[number];

/** Hits that a group has at most, the best one included. */
export const MOST_IN_GROUP = 20;

/** The group that a hit, its best one, stands for. */
export interface HitGroup<Hit> {
  /** The folder's id, null for none; the file that the others are duplicates of. */
  value: number | null;
  /** Relevant hits in it, the best one included. */
  count: number;
  /** The next ones after the best, without groups. */
  others: Hit[];
}

export interface FileOrder {
  field: (typeof sortFields)[number];
  isDescending: boolean;
}

/**
 * The files that one caller may see, with its filters and permissions applied. Search returns no others.
 *
 * @typeParam Row what the caller sees of a file
 * @throws ImageSearchError `invalid-input` for a filter whose value the database refuses; and whatever it throws otherwise
 */
export interface VisibleFiles<Row> {
  /** False when no filter and no permission excludes a file. */
  readonly isNarrowed: boolean;
  /** The fields whose words this caller may search: those that it may see. */
  readonly wordFields: readonly WordField[];
  /** All visible ids, in no particular order; null when there are more than `limit`. */
  listIds(limit: number): Promise<number[] | null>;
  /** At most `limit` visible ids above `after`. An empty page may be followed by others: see `nextCursor`. */
  listIdsAfter(after: number, limit: number): Promise<IdPage>;
  /** Ids of the visible images `start` … `start + limit`, and whether more follow. */
  listImages(page: {
    start: number;
    limit: number;
    /** @default newest first */
    sort?: readonly FileOrder[] | undefined;
  }): Promise<{ ids: number[]; hasMore: boolean }>;
  /** Those of at most MOST_SORTED ids that `filterVisible` keeps, in this order; ties by descending id. */
  sortVisible(fileIds: readonly number[], sort: readonly FileOrder[]): Promise<number[]>;
  /**
   * Counts those of these ids that `filterVisible` keeps; if left out, the visible images, of more than MOST_COUNTED the
   * newest.
   */
  countFacets(facets: readonly FacetName[], fileIds?: readonly number[]): Promise<Facets>;
  /** The ids of the folders of those that `filterVisible` keeps, by file; null for those in none. */
  foldersOf(fileIds: readonly number[]): Promise<Map<number, number | null>>;
  /** How many images are visible. */
  countImages(): Promise<number>;
  /** Those of these ids that the caller may see, ignoring its filters. */
  filterReadable(fileIds: readonly number[]): Promise<Set<number>>;
  /** Those of these ids that the caller may see and that match its filters. */
  filterVisible(fileIds: readonly number[]): Promise<Set<number>>;
  /** The rows of those that the caller may see, by id. */
  load(fileIds: readonly number[]): Promise<Map<number, Row>>;
}

/** One part of a query. */
export type SearchExample =
  { kind: 'text'; text: string } | ExampleFile | ExampleImage | ExampleUrl | ExampleVector;

export interface ExampleFile {
  kind: 'file';
  fileId: number;
  /** Only this part of its image, which is read and embedded for this search. */
  region?: ImageRegion | undefined;
}

export interface ExampleImage {
  kind: 'image';
  /** Encoded image; embedded, not stored. */
  bytes: Uint8Array;
  region?: ImageRegion | undefined;
  /** Called with the decoded image, its fingerprint and its thumbnail, once for each model that embeds it. */
  onRead?: (reading: ImageReading) => void;
}

export interface ExampleUrl {
  kind: 'url';
  /** Of an image; fetched for this search only. */
  url: string;
  region?: ImageRegion | undefined;
}

export interface ExampleVector {
  kind: 'vector';
  vector: Float32Array;
  /** The vector space that the vector belongs to. */
  spaceId: string;
}

/** An example that a model can embed without further lookups. */
export type EmbeddableExample = Exclude<SearchExample, ExampleUrl>;

export interface SearchRequest {
  /** Examples to find; at least one. */
  like: readonly SearchExample[];
  /** Examples to exclude. */
  unlike: readonly SearchExample[];
  start: number;
  limit: number;
  /** Cosine similarity, -1 to 1; drops images without a vector, too. Doesn't apply when only words are searched. */
  minimumScore?: number | undefined;
  /**
   * `hybrid` matches a single text with images and with words, `vector` with images and `text` with words alone.
   * Anything but a single text is matched with images, so `text` rejects it.
   *
   * @default hybrid
   */
  mode?: SearchMode | undefined;
  /**
   * How much words count beside images, 0 to 1: at 0 only the names that the text is come first.
   *
   * @default 0.6
   */
  weight?: number | undefined;
  /** Leaves out what is less relevant, 0 to 1; what has no known relevance stays, unless only a few words match. @default 0 */
  minimumRelevance?: number | undefined;
  /** Ends the results where similarity falls steeply. @default false */
  autocut?: boolean | undefined;
  /**
   * The order of the relevant hits, which leaves out all others: those that aren't weak, or the nearest ones while
   * relevance is unknown; at most MOST_SORTED. @default the best first
   */
  sort?: readonly FileOrder[] | undefined;
  /** Counts the relevant hits of all pages, as `sort` has them, up to MOST_COUNTED_HITS. @default none */
  facets?: readonly FacetName[] | undefined;
  /**
   * Groups the relevant hits, as `sort` has them, at most MOST_SORTED: the page is one of groups, in the order of their
   * best hits, or their first ones with `sort`. `diversity` is rejected, and so is `collapse` with duplicates.
   *
   * @default none
   */
  groupBy?: Grouping | undefined;
  /** Hits of each group, 1 to MOST_IN_GROUP. @default 3 */
  groupSize?: number | undefined;
  /** Shows known duplicates of the same image as one hit. @default false */
  collapse?: boolean | undefined;
  /** How much images that resemble better ones lose their places, 0 to 1. @default 0 */
  diversity?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The files that are known duplicates of each of these; files without any are missing.
 *
 * @throws whatever the database throws
 */
export type KnownDuplicates = (
  fileIds: readonly number[],
) => Promise<Map<number, ReadonlySet<number>>>;

export const searchModes = ['hybrid', 'vector', 'text'] as const;

export type SearchMode = (typeof searchModes)[number];

/** How sure it is that a file is what was asked for. */
export const relevanceBands = ['strong', 'likely', 'weak'] as const;

/** The relevance with which a band begins. */
export const relevanceFrom = { strong: 0.8, likely: 0.5 } as const;

export interface Relevance {
  band: (typeof relevanceBands)[number];
  /** 0 to 1, comparable among models and kinds of queries; see `relevanceFrom`. */
  value: number;
}

/** What matched the query: the image, or the words of a field. */
export type MatchEvidence = 'image' | WordField;

export interface SearchHit<Row> {
  fileId: number;
  /** Cosine similarity between the query and the image, -1 to 1; null if the image has no vector or wasn't compared. */
  score: number | null;
  matchedBy: MatchEvidence[];
  /** Null while the space isn't calibrated, unless words match. */
  relevance: Relevance | null;
  /** How many other files the hit stands for, each counted for one hit; only with `collapse`. */
  duplicateCount?: number;
  /** What of the file matched best; absent when it is the whole. */
  view?: FileView;
  /** Only with `groupBy`. */
  group?: HitGroup<SearchHit<Row>>;
  row: Row;
}

export interface SearchPage<Row> {
  hits: SearchHit<Row>[];
  hasMore: boolean;
  /** Absent unless asked for. */
  facets?: Facets;
  /**
   * Whether even the best match, on whichever page it is, is weak. While the space isn't calibrated, a single text is
   * compared with the model's `closeScore`. Null when unknown, or when no image is visible. True for a text of which
   * the model knows no word.
   */
  noCloseMatch: boolean | null;
  /** The vector space that was searched; null if none was. */
  spaceId: string | null;
  /** How the query was answered. */
  mode: SearchMode;
  /** Whether only words were searched because the model isn't responding. */
  isDegraded: boolean;
}
