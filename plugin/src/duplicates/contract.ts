import type { Problem } from '../errors';
import type { DerivedTraits } from '../images/contract';
import type { IndexPriority } from '../indexing/contract';
import type { DuplicateKind, DuplicateVerdict, ImageTrace } from '../matching/contract';
import type { IdPage } from '../vectors/contract';

/**
 * What happens when an uploaded image duplicates one in the library.
 *
 * - `reject`: as `warn`, and refuses uploads over the content API whose bytes are there already. Other uploads succeed.
 * - `flag`: records the pair.
 * - `warn`: records the pair and warns the uploader.
 * - `off`: doesn't look for duplicates.
 */
export const duplicatePolicies = ['reject', 'warn', 'flag', 'off'] as const;

export type DuplicatePolicy = (typeof duplicatePolicies)[number];

/** Two files joined by a verdict. */
export interface JudgedPair {
  fileA: number;
  fileB: number;
  kind: DuplicateKind;
}

/** Files that are all duplicates of the representative; see `groupPairs`. */
export interface DuplicateGroup {
  representative: number;
  /** Ascending, without the representative; never empty. */
  members: number[];
}

export const pairStatuses = ['open', 'ignored', 'merged'] as const;

/**
 * - `open`: to be reviewed.
 * - `ignored`: reviewed, not duplicates.
 * - `merged`: one file was replaced by the other and deleted; kept as a record.
 */
export type PairStatus = (typeof pairStatuses)[number];

/** Two files and the verdict on their bytes. */
export interface FoundPair {
  /** The lower id. The evidence calls this file `one` and the other file `other`. */
  fileA: number;
  fileB: number;
  /** Of the bytes that were compared. A review holds for these bytes only. */
  contentHashA: string;
  contentHashB: string;
  verdict: DuplicateVerdict;
}

export interface DuplicatePair extends FoundPair {
  id: number;
  /** The pairs it is read with; see `clusterPairs`. */
  cluster: number;
  status: PairStatus;
  foundAt: Date;
  /** Id of the admin user who reviewed it; null while open, or when the user is unknown. */
  reviewedBy: number | null;
  reviewedAt: Date | null;
}

/** The result of comparing one file with others. */
export interface Findings {
  fileId: number;
  /** Of the file's current bytes. */
  contentHash: string;
  pairs: readonly FoundPair[];
  /** Known pairs on the current bytes of both files that turned out to be none. */
  refuted?: readonly Pick<FoundPair, 'fileA' | 'fileB' | 'contentHashA' | 'contentHashB'>[];
}

/**
 * All pairs ever found. Every call is atomic across processes that share the database.
 *
 * - `record` adds new pairs as `open` and updates the evidence of known ones; a review stays as long as both files
 *   have the bytes it was made on. It deletes the file's pairs on other bytes, except `merged` ones. Pairs on the
 *   same bytes stay even if they weren't found this time: another model proposes other candidates, and a proven pair
 *   remains proven. It deletes `refuted` pairs on these bytes that are `open`. A pair on bytes that were reviewed for
 *   two files of which at least one is gone is ignored again. Returns the number of new pairs to review.
 * - `removeFiles` deletes the pairs of deleted files, except `merged` ones.
 * - `review` returns the updated pair, or null when there is none with that id. It is idempotent: the first
 *   review's user and time stay. A `merged` pair doesn't change.
 * - `markMerged` sets the pair of the kept and the removed file to `merged`, if there is one. It only waits for
 *   writers of this pair, so it may be part of the transaction that deletes the file.
 * - `restore` puts back pairs that were removed with a file, with their status and review, under new ids. Of a known
 *   pair, it restores only the status and review, and only if it is `merged`.
 * - `list` returns the newest first (descending id) below `cursor`, or from the newest when null.
 * - `listClusters` returns clusters (see `clusterPairs`) with matching pairs, once each, the one with the newest
 *   pair first, below `cursor`. `pairsOfClusters` returns their pairs, newest first, at most `limit` in all.
 * - `pairsTouching` returns the pairs of any of these files, newest first, at most `limit`.
 * - `counts` returns the number of groups of each status that `pageOfGroups` lists; beyond 20,000 pairs of a status that share a cluster,
 *   it counts some clusters as one group each.
 *
 * @throws whatever the database throws, with nothing changed
 */
export interface DuplicatePairs {
  record(findings: readonly Findings[]): Promise<number>;
  removeFiles(fileIds: readonly number[]): Promise<void>;
  review(id: number, review: PairReview): Promise<DuplicatePair | null>;
  markMerged(merge: { keptId: number; removedId: number; userId: number | null }): Promise<void>;
  restore(pairs: readonly DuplicatePair[]): Promise<void>;
  get(ids: readonly number[]): Promise<DuplicatePair[]>;
  list(
    options: PairChoice & { cursor: number | null; limit: number },
  ): Promise<{ pairs: DuplicatePair[]; nextCursor: number | null }>;
  listClusters(
    options: PairChoice & { cursor: number | null; limit: number },
  ): Promise<{ clusters: PairCluster[]; nextCursor: number | null }>;
  pairsOfClusters(
    options: PairChoice & { clusterIds: readonly number[]; limit: number },
  ): Promise<DuplicatePair[]>;
  pairsTouching(options: {
    fileIds: readonly number[];
    status?: PairStatus | undefined;
    limit: number;
  }): Promise<DuplicatePair[]>;
  /** @param statuses all if not given */
  counts<Status extends PairStatus = PairStatus>(
    statuses?: readonly Status[],
  ): Promise<Record<Status, number>>;
}

/** Selects pairs. */
export interface PairChoice {
  status: PairStatus;
  kind?: DuplicateKind | undefined;
}

export interface PairCluster {
  id: number;
  newestPairId: number;
  /** Number of selected pairs. */
  pairCount: number;
}

export interface PairReview {
  status: Exclude<PairStatus, 'merged'>;
  userId: number | null;
  reviewedAt: Date;
}

/** An image's trace and its file. */
export interface FileTrace extends ImageTrace {
  fileId: number;
  /** What a document or an image says, for searches by words. `get` leaves it out. @default none */
  text?: string;
  /** Whether the document or video was read in part only, because it took too long. @default false */
  isPartial?: boolean;
  /** `get` leaves it out. @default derived when it is stored */
  derived?: DerivedTraits;
}

/** An image as it was when it was compared. */
export interface ComparedFile {
  fileId: number;
  contentHash: string;
}

/** Refuted duplicates remembered per file: more than are proposed at a time. */
export const MAX_REFUTED = 60;

/**
 * One trace per file in the library, whichever model is active; written when the file is read.
 *
 * A trace is marked with the last pass in which its image was compared with all others. A pass is any name of at
 * most 200 characters. Traces without the current pass's mark are still to be compared, so a comparison that was
 * killed continues where it stopped.
 *
 * - `put` inserts or replaces by file id and removes the mark; of two traces of one file, the last wins.
 * - `remove`, `get` and `textsOf` ignore missing ids; the order of `get` is unspecified.
 * - `textsOf` returns the texts of files that have one, by file id.
 * - `listIds` returns ids in ascending order after `cursor`, or from the start when null.
 * - `withContentHash` returns the ids of files with these bytes, ascending, at most `limit`; uses an index.
 * - `markCompared` marks files that still have these bytes and ignores others.
 * - `markFailed` marks files whatever their bytes and returns how many exist.
 * - `unmark` removes the marks.
 * - `get` skips traces that can't be read; all other calls include them.
 * - `notCompared` returns ids of files without this pass's mark, at most `limit`; uses an index.
 * - `notRecognized` returns the ids of files in which text wasn't recognized with this reader, ascending after `after`; uses
 *   an index. `markRecognized` marks a file that still has these bytes with the reader, and keeps the text that it found;
 *   without one, the text stays. `put` removes that mark.
 * - `sharingTiles` returns the ids of files that as a whole look like a tile of this image, or have a tile that looks like
 *   all of it, those that look most alike first, at most `limit`, perhaps with the image's own; see tiles.ts. Some may be
 *   out of date.
 * - `rememberRefuted` remembers that the pixels of a file, while it has these bytes, refute duplicates with these hashes: the
 *   latest `MAX_REFUTED` of them, for one version of the comparison. `refutedAmong` returns the ids of those that either
 *   side remembers.
 *
 * @throws whatever the database throws
 */
export interface ImageTraces {
  put(traces: readonly FileTrace[]): Promise<void>;
  remove(fileIds: readonly number[]): Promise<void>;
  get(fileIds: readonly number[]): Promise<FileTrace[]>;
  textsOf(fileIds: readonly number[]): Promise<Map<number, string>>;
  listIds(cursor: number | null, limit: number): Promise<IdPage>;
  withContentHash(contentHash: string, limit: number): Promise<number[]>;
  sharingTiles(image: ImageTrace | FileTrace, limit: number): Promise<number[]>;
  markCompared(files: readonly ComparedFile[], pass: string): Promise<void>;
  markFailed(fileIds: readonly number[], pass: string): Promise<number>;
  unmark(fileIds: readonly number[]): Promise<void>;
  notCompared(pass: string, limit: number): Promise<number[]>;
  rememberRefuted(
    file: ComparedFile,
    contentHashes: readonly string[],
    version: number,
  ): Promise<void>;
  refutedAmong(
    file: ComparedFile,
    others: readonly ComparedFile[],
    version: number,
  ): Promise<Set<number>>;
  notRecognized(reader: string, options: { after: number; limit: number }): Promise<number[]>;
  markRecognized(file: ComparedFile, found: { reader: string; text?: string }): Promise<void>;
  /** The number of traces, and how many have this pass's mark. */
  counts(pass: string): Promise<{ total: number; compared: number }>;
}

/**
 * What indexing reports to duplicate detection. A failed comparison never fails these calls; it is retried later.
 */
export interface DuplicateWatch {
  /**
   * Call before the vectors of these files change: it voids their earlier comparisons.
   *
   * @throws whatever the database throws
   */
  beforeIndexing(fileIds: readonly number[], spaceId: string): Promise<void>;
  /**
   * Traces and vectors are stored: compares the files in the background, uploads before all others.
   *
   * @param priority `backfill` by default
   */
  indexed(fileIds: readonly number[], spaceId: string, priority?: IndexPriority): void;
  /** Only traces are stored because no model is available: compares the files' bytes in the background. */
  traced(fileIds: readonly number[], priority?: IndexPriority): void;
  /**
   * The files were deleted.
   *
   * @throws whatever the database throws
   */
  forget(fileIds: readonly number[]): Promise<void>;
}

export const scanStates = ['never', 'running', 'stopped', 'done'] as const;

/** Progress of the scan of the library. */
export interface ScanRecord {
  state: (typeof scanStates)[number];
  /** Incremented with each full scan; part of the mark of its pass. */
  number: number;
  /** Number of pairs added. */
  found: number;
  /** Number of images that couldn't be compared; the log has the reasons. */
  failed: number;
  /** Images compared per minute, when last known. */
  perMinute: number | null;
  /** Why it can't continue; null when it can. */
  problem: Problem | null;
  startedAt: Date | null;
  endedAt: Date | null;
  /** Time of the last progress update. */
  progressAt: Date | null;
}

/**
 * The one scan of a library, shared by all processes on the same database.
 *
 * - `begin` starts a scan unless one is running. A stopped scan resumes, whatever `restart` says; any other one
 *   resumes without `restart`, and starts over under the next number with it. Returns the current scan.
 * - `stop` stops the scan, running or not.
 * - `reportProgress` adds to `found` and `failed` and replaces the rest; `finish` ends the scan. Both do nothing
 *   unless the scan with that number is running, and return whether it is.
 *
 * @throws whatever the database throws
 */
export interface DuplicateScans {
  read(): Promise<ScanRecord>;
  begin(options: { restart: boolean; now: Date }): Promise<ScanRecord>;
  stop(now: Date): Promise<ScanRecord>;
  reportProgress(
    number: number,
    progress: {
      found: number;
      failed: number;
      perMinute: number | null;
      problem: Problem | null;
      now: Date;
    },
  ): Promise<boolean>;
  finish(number: number, now: Date): Promise<boolean>;
}

/** A file that duplicates an image. */
export interface DuplicateMatch {
  fileId: number;
  /** Of the file's bytes that were compared. */
  contentHash: string;
  /** Calls the image `one` and the file `other`. */
  verdict: DuplicateVerdict;
}

/**
 * Proposes duplicates: identical bytes by content hash, images in collages by the fingerprints of their tiles, and all
 * others among the nearest neighbors by embedding, by fingerprint or geometry. Similar embeddings alone are never enough. Except for identical bytes, a proposal becomes a
 * verdict only when the pixels confirm it; see pixel-confirmation.ts.
 */
export interface DuplicateFinder {
  /**
   * Duplicates of an image, in the library or not: the surest kind first, then the most similar.
   *
   * @param vector null when no model can embed the image: then only identical bytes and tiles are found
   * @throws ImageSearchError `aborted` when the signal is, and whatever the store fails with
   */
  find(
    image: { trace: ImageTrace; vector: Float32Array | null; exceptFileId: number | null },
    signal?: AbortSignal,
  ): Promise<DuplicateMatch[]>;
}

/**
 * Checks whether the library already has an image that isn't one of its files. The image isn't kept. Without a model
 * or store, only identical bytes are found and `isComplete` is false; so it is while the storage doesn't respond.
 *
 * @throws ImageSearchError as `ImageReader` does, and `rate-limited` when too many images wait to be read
 */
export type ImageCheck = (
  bytes: Uint8Array,
  signal: AbortSignal,
) => Promise<{ matches: DuplicateMatch[]; isComplete: boolean }>;
