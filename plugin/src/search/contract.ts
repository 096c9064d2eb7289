import type { PictureReading } from '../images/contract';
import type { IdPage } from '../vectors/contract';

/**
 * The files that one caller may see, its filters and permission applied: search never answers another.
 *
 * `Row` is what the caller gets to see of a file.
 */
export interface VisibleFiles<Row> {
  /** False when neither a filter nor a permission narrows the library. */
  readonly isNarrowed: boolean;
  /** All visible ids in no promised order when there are at most `limit`, otherwise null. */
  listIds(limit: number): Promise<number[] | null>;
  /** At most `limit` visible ids above `after`; none on a page does not mean that none follow. */
  listIdsAfter(after: number, limit: number): Promise<IdPage>;
  /** Which of these the caller may see at all, whatever its filters say. */
  keepReadable(fileIds: readonly number[]): Promise<Set<number>>;
  /** Which of these the caller may see and its filters let through. */
  keepVisible(fileIds: readonly number[]): Promise<Set<number>>;
  /** The rows of those that the caller may see. */
  load(fileIds: readonly number[]): Promise<Map<number, Row>>;
}

/** One thing to look for. */
export type SearchExample =
  | { kind: 'text'; text: string }
  | { kind: 'file'; fileId: number }
  | ExampleImage
  | ExampleUrl
  | ExampleVector;

export interface ExampleImage {
  kind: 'image';
  /** Encoded picture; embedded, never stored. */
  bytes: Uint8Array;
  /** Told what was read for each model that is asked, with fingerprint and thumbnail: nobody need decode it again. */
  onRead?: (reading: PictureReading) => void;
}

export interface ExampleUrl {
  kind: 'url';
  /** Where a picture is; fetched for this search alone. */
  url: string;
}

export interface ExampleVector {
  kind: 'vector';
  vector: Float32Array;
  /** The space that the vector was made in. */
  spaceId: string;
}

export interface SearchRequest {
  /** More of these; at least one. */
  like: readonly SearchExample[];
  /** Less of these. */
  unlike: readonly SearchExample[];
  start: number;
  limit: number;
  /** Cosine similarity, -1 to 1. */
  minimumScore?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** By which evidence a file was found. */
export type MatchEvidence = 'image';

export interface SearchHit<Row> {
  fileId: number;
  /** Cosine similarity between the query and the picture, -1 to 1. */
  score: number;
  matchedBy: MatchEvidence[];
  row: Row;
}

export interface SearchPage<Row> {
  hits: SearchHit<Row>[];
  hasMore: boolean;
  /**
   * Whether even the best picture that the caller may see and its filters let through, on whichever page it is, is
   * less alike than what means something for this model. Null when that cannot be told: no `closeScore` is known, the
   * question is not one text alone, or there is no picture to compare with.
   */
  nothingClose: boolean | null;
  /** The space that answered. */
  spaceId: string;
}
