import type { VectorSpace } from '../embedding/contract';

/** One picture in a collection. */
export interface VectorPoint {
  /** The upload file's numeric id: a positive integer. */
  fileId: number;
  /** Unit length, `space.dimensions` long. */
  vector: Float32Array;
  payload: VectorPayload;
}

export interface VectorPayload {
  mimeType: string;
  /** With its dot, lower case: `.jpg`; empty when the file has none. */
  extension: string;
  /** ISO 8601. */
  createdAt: string;
  /** SHA-256 of the stored bytes, lower-case hexadecimal. */
  contentHash: string;
}

export interface VectorQuery {
  /** Unit length, `space.dimensions` long. */
  vector: Float32Array;
  /** Most hits to answer: a positive integer, as large as the caller likes. */
  limit: number;
  filter?: VectorFilter;
  /** Hits below this cosine similarity (-1 to 1) are left out. */
  minimumScore?: number;
}

/** Both may be given; ids that no point has are no error. */
export interface VectorFilter {
  /** Search these files only; an empty list finds nothing. */
  includeIds?: readonly number[];
  /** Leave these files out. */
  excludeIds?: readonly number[];
}

export interface VectorHit {
  fileId: number;
  /** Cosine similarity in [-1, 1]; higher is more alike. */
  score: number;
}

export interface IdPage {
  /** Ascending. */
  ids: number[];
  /** Hand it to the next call; null after the last page. */
  nextCursor: number | null;
}

export interface StoreHealth {
  ok: boolean;
  /** One sentence for the operator: what is wrong and what to do, or what answers. */
  message: string;
}

/**
 * The vectors of one space.
 *
 * - `upsert` inserts or replaces by file id, all points or none; an empty list does nothing; the same id twice in
 *   one call keeps the last. A vector of another length is a RangeError. When it resolves, the points are found by
 *   the next `search` and survive a killed process.
 * - `remove` and `getMany` are silent on ids that are missing; `getMany` answers in no promised order.
 * - `search` answers best first, ties by ascending file id, an empty list for none. The same query on the same
 *   points gives the same answer, and a larger `limit` only adds hits at the end.
 * - Every call fails with `store-unavailable` (retryable) when the store cannot be reached or written.
 */
export interface VectorCollection {
  readonly space: VectorSpace;
  upsert(points: readonly VectorPoint[]): Promise<void>;
  remove(fileIds: readonly number[]): Promise<void>;
  search(query: VectorQuery): Promise<VectorHit[]>;
  getMany(fileIds: readonly number[]): Promise<VectorPoint[]>;
  count(): Promise<number>;
  /** Ids in ascending order after `cursor` (from the start when null). */
  listIds(cursor: number | null, limit: number): Promise<IdPage>;
}

/**
 * Where vectors live, one collection per space.
 *
 * - `ensureSpace` makes the collection when it is missing and answers the same points later; two calls are as good
 *   as one. A collection of that id with other dimensions fails with `store-space-clash` and is left as it is.
 * - `dropSpace` deletes a collection with all its points, silent when it is missing.
 * - `checkHealth` never rejects. `dispose` waits for what is under way; it may be called twice.
 */
export interface VectorStore {
  ensureSpace(space: VectorSpace): Promise<VectorCollection>;
  listSpaces(): Promise<VectorSpace[]>;
  dropSpace(spaceId: string): Promise<void>;
  checkHealth(): Promise<StoreHealth>;
  dispose(): Promise<void>;
}
