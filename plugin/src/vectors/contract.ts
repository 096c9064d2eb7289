import type { VectorSpace } from '../embedding/contract';

/**
 * What a further view shows, beside the whole file that each has a vector of: a square part of a long image, a frame of
 * an animation or video, a page of a document.
 */
export const viewKinds = ['part', 'frame', 'page'] as const;

export interface FileView {
  kind: (typeof viewKinds)[number];
  /** From 1 to MAX_VIEW_NUMBER: the position among parts, frames or pages, left to right or top to bottom. */
  number: number;
}

export const MAX_VIEW_NUMBER = 16_383;

export interface ViewVector extends FileView {
  /** Unit length, `space.dimensions` long. */
  vector: Float32Array;
}

/** One file in a collection. */
export interface VectorPoint {
  /** The upload file's numeric id: a positive integer. */
  fileId: number;
  /** Of the whole file: unit length, `space.dimensions` long. */
  vector: Float32Array;
  /** Further views of the file. `getMany` leaves them out. @default none */
  views?: readonly ViewVector[];
  payload: VectorPayload;
}

export type FileVectors = Required<Pick<VectorPoint, 'vector' | 'views'>>;

export interface VectorPayload {
  mimeType: string;
  /** Lowercase with its dot, such as `.jpg`; empty when the file has none. */
  extension: string;
  /** ISO 8601. */
  createdAt: string;
  /** SHA-256 of the stored bytes, lowercase hexadecimal. */
  contentHash: string;
}

export interface VectorQuery {
  /** Unit length, `space.dimensions` long. */
  vector: Float32Array;
  /** Maximum number of hits: any positive integer. */
  limit: number;
  filter?: VectorFilter;
  /** Excludes hits below this cosine similarity (-1 to 1). */
  minimumScore?: number;
  /** Compares whole files only, not their further views. @default false */
  isWholeOnly?: boolean;
  /** Subtracted from the score of each further view: several views have several chances. @default 0 */
  viewPenalty?: number;
  /** What a user searched with, which a store may tune itself on; absent for the plugin's own searches. */
  searchedWith?: 'text' | 'image';
}

/** Both lists may be given; unknown ids are ignored. */
export interface VectorFilter {
  /** Search these files only; an empty list finds nothing. */
  includeIds?: readonly number[];
  /** Exclude these files. */
  excludeIds?: readonly number[];
}

export interface VectorHit {
  fileId: number;
  /** Cosine similarity of the file's best view in [-1, 1], less `viewPenalty`; higher is more similar. */
  score: number;
  /** The best view; absent when it is the whole file. */
  view?: FileView;
}

export interface IdPage {
  /** Ascending. */
  ids: number[];
  /** Cursor of the next page; null after the last page. */
  nextCursor: number | null;
}

/** The database whose files a store's vectors belong to. */
export interface DatabaseIdentity {
  /** Random; made once per database. */
  id: string;
  /** Tells an operator which one it is, such as its file or its host. No secrets. */
  name: string;
}

export interface StoreHealth {
  ok: boolean;
  /** One sentence for the operator: what is wrong and what to do, or what is available. */
  message: string;
  /** Names of other databases with vectors in the same file; null if that isn't known. Empty for a server's store. */
  others: readonly string[] | null;
}

/**
 * The vectors of one space.
 *
 * - `upsert` inserts or replaces by file id, further views included, all points or none; of points with the same id,
 *   the last wins, and an empty list does nothing. When it resolves, the next `search` finds the points, and they
 *   survive a killed process.
 * - `remove`, `getMany`, `viewsOf` and `contentHashesOf` ignore missing ids; the order of `getMany` is unspecified.
 * - `findByContentHash` returns the vectors of an image with these bytes, whichever file it belongs to, also from
 *   another database's collection of the same space; null when there is none. Uses an index.
 * - `search` returns each file once, by its best view, the best hits first, ties by ascending file id; an empty list
 *   when there are none. The same query on the same points returns the same hits, and a larger `limit` only adds hits
 *   at the end.
 * - `count` and `listIds` are about files, however many views these have.
 *
 * @throws RangeError from `upsert` and `search`, for a vector whose length isn't `space.dimensions`
 * @throws ImageSearchError `store-unavailable` (retryable) when the store can't be reached or written
 * @example
 * const collection = await store.ensureSpace(provider.space);
 * const hits = await collection.search({ vector, limit: 20, filter: { excludeIds: [fileId] } });
 */
export interface VectorCollection {
  readonly space: VectorSpace;
  upsert(points: readonly VectorPoint[]): Promise<void>;
  remove(fileIds: readonly number[]): Promise<void>;
  search(query: VectorQuery): Promise<VectorHit[]>;
  getMany(fileIds: readonly number[]): Promise<VectorPoint[]>;
  /** Whether any file may have further views. */
  hasViews(): Promise<boolean>;
  /** Further views by file id, in order of kind and number; files without any are missing. */
  viewsOf(fileIds: readonly number[]): Promise<Map<number, ViewVector[]>>;
  /** By file id. */
  contentHashesOf(fileIds: readonly number[]): Promise<Map<number, string>>;
  findByContentHash(contentHash: string): Promise<FileVectors | null>;
  count(): Promise<number>;
  /** Ids in ascending order after `cursor`, or from the start when null. */
  listIds(cursor: number | null, limit: number): Promise<IdPage>;
}

/**
 * Stores vectors, one collection per space and database. A store is opened for one database and changes none of
 * another's collections, so projects may share a store. Opened for none, as commands do, it uses what the store's own
 * doc comment says.
 *
 * - `ensureSpace` creates the collection if it is missing; it is idempotent.
 * - `dropSpace` deletes a collection with all its points and ignores a missing one.
 * - `checkHealth` never rejects. `dispose` waits for calls in progress and is idempotent.
 *
 * @throws ImageSearchError `store-space-clash` from `ensureSpace` when a collection with that id has other
 * dimensions, which stays unchanged; `store-unavailable` (retryable) when the store can't be reached or written
 */
export interface VectorStore {
  ensureSpace(space: VectorSpace): Promise<VectorCollection>;
  listSpaces(): Promise<VectorSpace[]>;
  dropSpace(spaceId: string): Promise<void>;
  checkHealth(): Promise<StoreHealth>;
  dispose(): Promise<void>;
}
