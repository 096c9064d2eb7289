import type { ErrorCode, ImageSearchError } from '../errors';
import type { Lease } from '../lease';

export const indexStates = ['pending', 'indexing', 'indexed', 'skipped', 'failed'] as const;

/**
 * - `pending`: due for an attempt at `dueAt`.
 * - `indexing`: claimed under a lease.
 * - `indexed`: its vector is in the store.
 * - `skipped`: can't be indexed (too large, unsupported format), so it isn't tried.
 * - `failed`: failed for a reason that a person may fix; retried on demand.
 */
export type IndexState = (typeof indexStates)[number];

/**
 * Who goes first, the most urgent first. Stored by position.
 *
 * - `upload`: new in the library; an editor may be waiting for it.
 * - `replacement`: its file was replaced or deleted, or an operator asked for that one.
 * - `backfill`: everything else, such as a library that was there before the model.
 */
export const indexPriorities = ['upload', 'replacement', 'backfill'] as const;

export type IndexPriority = (typeof indexPriorities)[number];

/** One row per file and vector space: queue and status in one. */
export interface IndexEntry {
  fileId: number;
  state: IndexState;
  /** Of its last marking. */
  priority: IndexPriority;
  /** Since the file was last marked; 0 if it was never claimed. */
  attempts: number;
  /** Token of the claim while `state` is `indexing`. */
  lease: string | null;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  /** SHA-256 of the stored bytes, lower-case hexadecimal. */
  contentHash: string | null;
  /** `AssetDescription.signature` when it was indexed. */
  sourceSignature: string | null;
  indexedAt: Date | null;
}

/** What indexing adds to an entry. */
export interface IndexedImage {
  contentHash: string;
  sourceSignature: string;
}

/** The outcome of a claimed entry whose vector is stored. */
export interface IndexedEntry extends IndexedImage {
  fileId: number;
  /** `IndexEntry.lease` of the claim. */
  lease: string;
}

export interface EntryFailure {
  code: ErrorCode;
  message: string;
  /** When to retry, or the final state. */
  next: { state: 'pending'; dueAt: Date } | { state: 'failed' | 'skipped' };
  /** `AssetDescription.signature`, so that a later change of the file starts over. */
  sourceSignature: string | null;
}

export type EntryCounts = Record<IndexState, number>;

export interface EntryPage {
  entries: IndexEntry[];
  /** For the next call; null after the last page. */
  nextCursor: number | null;
}

/**
 * The queue of one vector space. All calls are atomic across processes that share the database.
 *
 * - `markPending` makes entries due at once, new or not, with attempts at 0. It is idempotent; a claim in progress
 *   loses its lease, so that its result is discarded. An entry that waits already keeps the more urgent priority.
 * - `claim` leases at most `limit` due entries to the caller: first the `oldest` that have been due longest, whatever
 *   their priority, so that nothing starves; then by priority, those due longest first. No entry is leased twice at a
 *   time. An empty list means that nothing is due or that another caller was faster.
 * - `complete` makes all of these entries indexed, or none if it throws, and returns the ids of their files, without
 *   those whose lease is no longer held (expired and claimed by another, marked again, file deleted).
 * - `fail`, `release` and `forget` return false, with nothing changed, when the lease is no longer held.
 * - `releaseExpired` makes entries with an expired lease due again and returns how many.
 * - `limitTimes` brings due times and ends of leases that are later than these forward to them. Only a clock that was set
 *   back leaves such times behind.
 *
 * @throws whatever the database throws
 */
export interface IndexEntries {
  /** @param priority `backfill` by default */
  markPending(fileIds: readonly number[], priority?: IndexPriority): Promise<void>;
  /** Makes entries in these states due, clears their `contentHash` to embed them again, and returns how many. */
  markStatesPending(states: readonly IndexState[]): Promise<number>;
  /** Makes every pending entry that waits due at once, keeps its attempts, and returns how many. */
  makeDue(): Promise<number>;
  /** @param oldest 0 by default */
  claim(limit: number, lease: Lease, oldest?: number): Promise<IndexEntry[]>;
  /** Extends the lease of every entry that it still holds and returns how many. */
  renew(lease: Lease): Promise<number>;
  complete(indexed: readonly IndexedEntry[]): Promise<number[]>;
  fail(fileId: number, leaseToken: string, failure: EntryFailure): Promise<boolean>;
  /** Returns an unfinished claim: due at `dueAt`, and the attempt doesn't count. */
  release(fileId: number, leaseToken: string, dueAt: Date): Promise<boolean>;
  /** Deletes the entry of a file that is gone. */
  forget(fileId: number, leaseToken: string): Promise<boolean>;
  releaseExpired(now: Date): Promise<number>;
  limitTimes(latest: { due: Date; expiry: Date }): Promise<void>;
  /** Makes entries due whose lease token satisfies `isAbandoned` and returns how many. */
  releaseAbandoned(isAbandoned: (leaseToken: string) => boolean): Promise<number>;
  /** When the next pending entry is due; null without one. */
  nextDueAt(): Promise<Date | null>;
  counts(): Promise<EntryCounts>;
  /** How many are `indexed`. */
  countIndexed(): Promise<number>;
  /** How many searches find: those `indexed`, and those that were and wait for it to happen again. */
  countSearchable(): Promise<number>;
  /** How many were indexed since then, by any process, and still are. */
  countIndexedSince(moment: Date): Promise<number>;
  /** Deletes every entry. */
  clear(): Promise<void>;
  get(fileIds: readonly number[]): Promise<IndexEntry[]>;
  /** Ascending by file id after `cursor` (from the start when null). */
  list(options: {
    states?: readonly IndexState[];
    priorities?: readonly IndexPriority[];
    cursor: number | null;
    limit: number;
  }): Promise<EntryPage>;
}

/** What is known of a file without opening it. */
export interface AssetDescription {
  fileId: number;
  /** File name for messages. */
  name: string;
  mimeType: string;
  extension: string;
  /** As stored in the Media Library, which rounds it. */
  sizeInBytes: number;
  createdAt: string;
  /** Changes whenever the stored bytes may have changed, but not when the file is moved or renamed. */
  signature: string;
}

/**
 * The images of the library.
 *
 * - `describe` returns null for a file that is gone or not an image; `describeMany` omits such files and returns the
 *   others in no particular order.
 * - `iterate` walks all images in ascending id order.
 */
export interface AssetSource {
  describe(fileId: number): Promise<AssetDescription | null>;
  describeMany(fileIds: readonly number[]): Promise<AssetDescription[]>;
  /**
   * Reads the stored bytes. With `maxPixels`, of the largest copy that is within both limits if the image itself isn't.
   *
   * @throws ImageSearchError
   * - `image-too-large` above `maxBytes`
   * - `image-missing` when the row exists but the bytes don't
   * - `image-unreachable` when the storage isn't responding
   * - `storage-refused` when the configuration doesn't allow the storage's host
   * - `storage-unavailable` while requests to the storage's host pause; no file is to blame
   */
  read(
    fileId: number,
    options: { maxBytes: number; maxPixels?: number; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array>;
  /**
   * Has the stored bytes as a file on this machine while `use` runs: that in the uploads folder itself, or else a copy.
   *
   * @param options `maxCopiedBytes` is the limit of a copy
   * @throws ImageSearchError as `read`, and whatever `use` throws
   */
  withFile<Result>(
    fileId: number,
    options: { maxBytes: number; maxCopiedBytes: number; signal?: AbortSignal | undefined },
    use: (file: string) => Promise<Result>,
  ): Promise<Result>;
  iterate(cursor: number | null, limit: number): Promise<AssetPage>;
  count(): Promise<number>;
}

export interface AssetPage {
  assets: AssetDescription[];
  /** For the next call; null after the last page. */
  nextCursor: number | null;
}

export type WorkerState = 'stopped' | 'idle' | 'working' | 'paused';

export interface WorkerStatus {
  state: WorkerState;
  /** Why it is paused, and for how much longer. */
  pause: { error: ImageSearchError; remainingMs: number } | null;
  /** Entries that it takes from the queue per second while it works; null while too little is known. */
  perSecond: number | null;
  indexedInLastMinute: number;
}

/** The result of comparing the library and the index. */
export interface ReconcileReport {
  /** In the library. */
  images: number;
  /** Files that were queued, to be indexed or removed. */
  marked: number;
  /** Those of them that had failed and are retried. */
  retried: number;
  /** Deleted files of which something is left until all others are indexed. */
  orphans: number;
}

export interface IndexingHold {
  /** When indexing was paused, ISO 8601. */
  since: string;
  /** Who paused it, as Strapi's panel names its users; null when unknown. */
  by: string | null;
}

/**
 * The operator's pause of indexing: it holds for every process that shares the database, and across restarts.
 *
 * @throws whatever the database throws
 */
export interface IndexingHolds {
  /** Null while indexing isn't on hold. */
  current(): Promise<IndexingHold | null>;
  /** Pauses indexing. The first one to pause it is remembered. */
  begin(by: string | null): Promise<void>;
  /** Resumes indexing; does nothing when it isn't on hold. */
  end(): Promise<void>;
}
