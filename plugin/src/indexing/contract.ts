import type { ErrorCode, ImageSearchError } from '../errors';

export const indexStates = ['pending', 'indexing', 'indexed', 'skipped', 'failed'] as const;

/**
 * - `pending`: due for (another) try at `dueAt`.
 * - `indexing`: claimed under a lease.
 * - `indexed`: its vector is in the store.
 * - `skipped`: will not be tried, by its nature (too large, not a format that can be decoded).
 * - `failed`: given up for a reason that a person may mend; tried again on demand.
 */
export type IndexState = (typeof indexStates)[number];

/** One row per upload file and vector space; queue and status in one. */
export interface IndexEntry {
  fileId: number;
  state: IndexState;
  /** Tries since the file was last marked; 0 for one that was never claimed. */
  attempts: number;
  /** Set while `state` is `indexing`: identifies one claim. */
  lease: string | null;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  /** SHA-256 of the stored bytes, lower-case hexadecimal. */
  contentHash: string | null;
  /** What the file row looked like when it was indexed; see AssetDescription. */
  sourceSignature: string | null;
  indexedAt: Date | null;
}

/** What a finished indexing adds to an entry. */
export interface IndexedPicture {
  contentHash: string;
  sourceSignature: string;
}

export interface EntryFailure {
  code: ErrorCode;
  message: string;
  /** When to try again, or the state that ends the tries. */
  next: { state: 'pending'; dueAt: Date } | { state: 'failed' | 'skipped' };
  /** What the file row looked like, so that a later change of the file starts anew. */
  sourceSignature: string | null;
}

export type EntryCounts = Record<IndexState, number>;

export interface Lease {
  /** Unique for every claim; ends with the owner that `releaseAbandoned` compares. */
  token: string;
  expiresAt: Date;
}

export interface EntryPage {
  entries: IndexEntry[];
  /** Hand it to the next call; null after the last page. */
  nextCursor: number | null;
}

/**
 * The queue of one vector space. All calls are atomic across processes that share the database.
 *
 * - `markPending` makes an entry due at once, new or not, with attempts at 0: marking again is idempotent, and a
 *   claim that is under way loses its lease, so that its result is discarded.
 * - `claim` answers at most `limit` due entries (oldest first) now leased to the caller; no entry is ever leased
 *   twice at a time. An empty list means that nothing is due, or that another caller was quicker.
 * - `complete`, `fail`, `release` and `forget` answer false, and change nothing, when the lease is no longer held
 *   (expired and claimed by another, marked again, file deleted).
 * - `releaseExpired` makes entries whose lease ran out due again and answers how many.
 */
export interface IndexEntries {
  markPending(fileIds: readonly number[]): Promise<void>;
  /** Makes entries of these states due again, to be embedded anew (`contentHash` is forgotten); answers how many. */
  markStatesPending(states: readonly IndexState[]): Promise<number>;
  /** Makes every pending entry due at once, its tries still counted; answers how many. */
  makeDue(): Promise<number>;
  claim(limit: number, lease: Lease): Promise<IndexEntry[]>;
  /** Prolongs every entry that this lease still holds; answers how many. */
  renew(lease: Lease): Promise<number>;
  complete(fileId: number, leaseToken: string, picture: IndexedPicture): Promise<boolean>;
  fail(fileId: number, leaseToken: string, failure: EntryFailure): Promise<boolean>;
  /** Gives a claim back unfinished: due at `dueAt`, the try not counted. */
  release(fileId: number, leaseToken: string, dueAt: Date): Promise<boolean>;
  /** Deletes the entry of a file that is gone. */
  forget(fileId: number, leaseToken: string): Promise<boolean>;
  releaseExpired(now: Date): Promise<number>;
  /** Makes entries due whose lease token satisfies `isAbandoned`; answers how many. */
  releaseAbandoned(isAbandoned: (leaseToken: string) => boolean): Promise<number>;
  /** When the next pending entry falls due; null when there is none. */
  nextDueAt(): Promise<Date | null>;
  counts(): Promise<EntryCounts>;
  /** How many are `indexed`. */
  countIndexed(): Promise<number>;
  /** How many were indexed since then and are still `indexed`, by whichever process. */
  countIndexedSince(moment: Date): Promise<number>;
  /** Deletes every entry. */
  clear(): Promise<void>;
  get(fileIds: readonly number[]): Promise<IndexEntry[]>;
  /** Ascending by file id after `cursor` (from the start when null). */
  list(options: {
    states?: readonly IndexState[];
    cursor: number | null;
    limit: number;
  }): Promise<EntryPage>;
}

/** What indexing knows of a file without opening it. */
export interface AssetDescription {
  fileId: number;
  /** File name for messages. */
  name: string;
  mimeType: string;
  extension: string;
  /** In bytes, as the library noted it; may be off by rounding. */
  sizeInBytes: number;
  createdAt: string;
  /** Changes whenever the stored bytes may have changed; moving or renaming a file leaves it alone. */
  signature: string;
}

/**
 * The pictures of the library.
 *
 * - `describe` answers null for a file that is gone or is no picture; `describeMany` leaves such files out and answers
 *   in no promised order.
 * - `read` answers the stored bytes, at most `maxBytes` of them. It fails with `image-too-large` above that
 *   (permanent), `image-missing` (the row is there, the bytes are not), `image-unreachable` (storage does not answer),
 *   `storage-refused` (the configuration forbids to ask the storage: no file is to blame).
 * - `iterate` walks all pictures in ascending id order.
 */
export interface AssetSource {
  describe(fileId: number): Promise<AssetDescription | null>;
  describeMany(fileIds: readonly number[]): Promise<AssetDescription[]>;
  read(
    fileId: number,
    options: { maxBytes: number; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array>;
  iterate(cursor: number | null, limit: number): Promise<AssetPage>;
  count(): Promise<number>;
}

export interface AssetPage {
  assets: AssetDescription[];
  /** Hand it to the next call; null after the last page. */
  nextCursor: number | null;
}

export type WorkerState = 'stopped' | 'idle' | 'working' | 'paused';

export interface WorkerStatus {
  state: WorkerState;
  /** Why it is paused, and for how long, in milliseconds. */
  pause: { error: ImageSearchError; remainingMs: number } | null;
}

/** What a comparison of library and index found. */
export interface ReconcileReport {
  /** Pictures of the library. */
  pictures: number;
  /** Files that were put (back) into the queue, whether to be indexed or to be removed. */
  marked: number;
  /** Those of them that had failed and are given another try. */
  retried: number;
}
