import type { PerceptualFingerprint, PictureLooks } from '../images/contract';
import type { IdPage } from '../vectors/contract';

export { clusterPairs, type KnownClusters } from './clustering';
export { currentPairs } from './current-pairs';
export { groupOfPair, pageOfGroups, type GroupPage } from './group-page';
export { groupPairs } from './grouping';
export { createJudge } from './judge';
export { createPictureCheck, type PictureCheck } from './picture-check';
export { thresholdsFor } from './thresholds';

/** What is kept of a picture so that it can be compared with others and its file need not be read again. */
export interface PictureTrace {
  /** SHA-256 of the stored bytes, lower-case hexadecimal. */
  contentHash: string;
  /** Null when it is not known: such a picture can only be `identical` to another. */
  fingerprint: PerceptualFingerprint | null;
  /** As `encodeThumbnail` wrote it; null (or of another form) when it is not known, with the same consequence. */
  thumbnail: string | null;
  /** How it looks on black instead of white, for a picture whose ground is seen through it. */
  onBlack?: PictureLooks;
  /** In pixels, as seen, EXIF orientation applied. */
  width: number;
  height: number;
}

export const duplicateKinds = ['identical', 'same-picture', 'variant'] as const;

/**
 * - `identical`: the same bytes.
 * - `same-picture`: the whole picture again, encoded, resized or lit otherwise.
 * - `variant`: cropped, framed, flipped, or with a logo or banner on it.
 */
export type DuplicateKind = (typeof duplicateKinds)[number];

/**
 * What becomes of a picture that the library has already; an upload succeeds whatever it says.
 *
 * - `flag`: the pair is noted.
 * - `warn`: whoever uploaded it is told, too.
 * - `off`: no duplicates are looked for.
 */
export const duplicatePolicies = ['flag', 'warn', 'off'] as const;

export type DuplicatePolicy = (typeof duplicatePolicies)[number];

/** A verdict and what it rests on; plain JSON. */
export type DuplicateVerdict =
  | { kind: 'identical' }
  | {
      kind: 'same-picture';
      /** Bits of 256 in which the fingerprints differ. */
      fingerprintDistance: number;
      /** Correlation of the two thumbnails, -1 to 1. */
      correlation: number;
      /** Largest difference of a small part of the thumbnails, light evened out, in units of the picture's contrast. */
      largestDifference: number;
    }
  | {
      kind: 'variant';
      /** Cosine similarity of the embeddings, -1 to 1. */
      similarity: number;
      fingerprintDistance: number;
      alignment: Alignment;
    };

/** How one picture lies on the other. */
export interface Alignment {
  /** Which of the two shows less, or the same: it lies on the other one. */
  inner: 'one' | 'other';
  /** Whether left and right are exchanged. */
  isMirrored: boolean;
  /** Where the inner picture lies, as parts of the outer one's width and height; it may jut out a little. */
  region: { left: number; top: number; width: number; height: number };
  /** Part of the inner picture that was found again in one piece, 0 to 1. */
  covered: number;
  /** Part of the details there that agree, 0 to 1. */
  matching: number;
  /** Median correlation of these details, -1 to 1. */
  correlation: number;
}

/** Bounds of the verdicts; see `thresholdsFor`. */
export interface DuplicateThresholds {
  samePicture: {
    /** Most bits of 256 in which the fingerprints differ. */
    fingerprintDistance: number;
    /** Least quality of both fingerprints, 0 to 1. */
    quality: number;
    correlation: number;
    largestDifference: number;
    /** Most that details are apart, as root mean square in pixels of the thumbnail. */
    shift: number;
  };
  variant: {
    /**
     * Least cosine similarity of the embeddings. It only picks the pairs that are worth aligning: geometry decides,
     * so that it may be generous.
     */
    similarity: number;
    covered: number;
    matching: number;
    correlation: number;
    /** Most that `matching` and `correlation` lack of 1 and details are apart, in pixels, all three together. */
    disagreement: number;
  };
}

/**
 * Compares two pictures by their traces alone. Answers null for pictures that are no duplicates.
 *
 * A picture whose ground is seen is the same picture when it was saved without transparency, on white or on black.
 *
 * Cheap tests come first; only pictures that are as close as `variant.similarity` are aligned. `similarity` is null
 * when there are no embeddings (the model is down, one picture is not indexed yet): then `variant` is never answered,
 * the other two kinds are. What is worked out for a picture is kept for a while, so that comparing one with many is
 * cheap. The answer does not depend on what was asked before.
 */
export interface Judge {
  /** Works out ahead what judging this picture takes, whatever it is compared with. */
  prepare(picture: PictureTrace): void;
  judge(one: PictureTrace, other: PictureTrace, similarity: number | null): DuplicateVerdict | null;
  /**
   * Whether two pictures that are not the same picture deserve to be aligned before others: their fingerprints, or
   * that of one and of the other's mirror image, are nearer than those of unrelated pictures.
   */
  isPromising(one: PictureTrace, other: PictureTrace): boolean;
}

/** Two files that a verdict joins. */
export interface JudgedPair {
  fileA: number;
  fileB: number;
  kind: DuplicateKind;
}

/** Files of which every one was judged a duplicate of the first; see `groupPairs`. */
export interface DuplicateGroup {
  representative: number;
  /** Ascending, the representative left out; never empty. */
  members: number[];
}

export const pairStatuses = ['open', 'ignored', 'merged'] as const;

/**
 * - `open`: nobody has decided yet.
 * - `ignored`: somebody said that the two are no duplicates.
 * - `merged`: one of them was replaced by the other and deleted; kept to tell who did it.
 */
export type PairStatus = (typeof pairStatuses)[number];

/** Two files and what was found between their bytes. */
export interface FoundPair {
  /** The lower id; the evidence names this file `one`, the other `other`. */
  fileA: number;
  fileB: number;
  /** Of the bytes that were compared: a decision holds for these alone. */
  contentHashA: string;
  contentHashB: string;
  verdict: DuplicateVerdict;
}

export interface DuplicatePair extends FoundPair {
  id: number;
  /** What it is read with; see `clusterPairs`. */
  cluster: number;
  status: PairStatus;
  foundAt: Date;
  /** Id of the admin user who decided; null while open, or when that user is not known. */
  decidedBy: number | null;
  decidedAt: Date | null;
}

/** What a comparison of one file with others found. */
export interface Findings {
  fileId: number;
  /** Of the bytes that it has now. */
  contentHash: string;
  pairs: readonly FoundPair[];
}

/**
 * The pairs that were ever found. All calls are atomic across processes that share the database.
 *
 * - `record` adds pairs that are new as `open` and replaces the evidence of those that are known; what was decided
 *   stays as long as both files have the bytes that it was decided on. Pairs of the file that were judged on other bytes
 *   than it has now are deleted (`merged` ones stay); pairs on the same bytes stay though they were not found this time: another model
 *   proposes other candidates, and what was proven once holds. It answers how many pairs are new.
 * - `removeFiles` deletes the pairs of files that are gone; `merged` ones stay.
 * - `decide` answers the pair as it is now, or null when there is none with that id; the same decision twice is as good
 *   as once (the first one's name and moment stay). A `merged` pair is not changed.
 * - `markMerged` turns the pair of the kept file with the removed one into `merged`, if there is one. It waits for nobody
 *   but those who write this very pair, so that it may be part of the transaction that deletes the file.
 * - `list` answers newest first (descending id) below `cursor` (from the newest when null).
 * - `listClusters` answers clusters (see `clusterPairs`) that have such pairs, each once, the one with the newest pair
 *   first, below `cursor`; `pairsOfClusters` their pairs, newest first, at most `limit` of all together.
 * - `pairsTouching` answers the pairs that touch any of these files, newest first, at most `limit`.
 */
export interface DuplicatePairs {
  record(findings: readonly Findings[]): Promise<number>;
  removeFiles(fileIds: readonly number[]): Promise<void>;
  decide(id: number, decision: PairDecision): Promise<DuplicatePair | null>;
  markMerged(merge: { keptId: number; removedId: number; userId: number | null }): Promise<void>;
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
  counts(): Promise<Record<PairStatus, number>>;
}

/** Which pairs are asked for. */
export interface PairChoice {
  status: PairStatus;
  kind?: DuplicateKind | undefined;
}

export interface PairCluster {
  id: number;
  newestPairId: number;
  /** Pairs as asked for. */
  pairCount: number;
}

export interface PairDecision {
  status: Exclude<PairStatus, 'merged'>;
  userId: number | null;
  decidedAt: Date;
}

/** A picture's trace and the file it was taken of. */
export interface FileTrace extends PictureTrace {
  fileId: number;
}

/** A picture as it was when it was compared. */
export interface ComparedFile {
  fileId: number;
  contentHash: string;
}

/**
 * One trace per file of the library, whatever model is used; written when the file was read.
 *
 * A trace knows the last pass in which its picture was compared with all others; a pass is a name of the caller's, at
 * most 200 characters. What is not marked with the present pass is still to be compared, so that a comparison that
 * is killed goes on where it was.
 *
 * - `put` inserts or replaces by file id, the mark of its pass taken off; the last of two for one file counts.
 * - `remove` and `get` are silent on ids that are missing; `get` answers in no promised order.
 * - `listIds` answers ids in ascending order after `cursor` (from the start when null).
 * - `withContentHash` answers the ids of files with these bytes, ascending, at most `limit`; by an index.
 * - `markCompared` marks files that still have those bytes; it is silent on others.
 * - `giveUp` marks files whatever bytes they have, and answers how many of them there are.
 * - `unmark` takes the marks off.
 * - Traces that cannot be read are left out of `get`, and of nothing else.
 * - `notCompared` answers ids of files without the mark of this pass, at most `limit`; by an index.
 */
export interface PictureTraces {
  put(traces: readonly FileTrace[]): Promise<void>;
  remove(fileIds: readonly number[]): Promise<void>;
  get(fileIds: readonly number[]): Promise<FileTrace[]>;
  listIds(cursor: number | null, limit: number): Promise<IdPage>;
  withContentHash(contentHash: string, limit: number): Promise<number[]>;
  markCompared(files: readonly ComparedFile[], pass: string): Promise<void>;
  giveUp(fileIds: readonly number[], pass: string): Promise<number>;
  unmark(fileIds: readonly number[]): Promise<void>;
  notCompared(pass: string, limit: number): Promise<number[]>;
  /** How many traces there are, and how many of them have the mark of this pass. */
  counts(pass: string): Promise<{ total: number; compared: number }>;
}

/**
 * What indexing tells of pictures, so that duplicates are found. None of it fails for a fault of that search: what it
 * could not look at now is looked at later.
 */
export interface DuplicateWatch {
  /** Before the vectors of these files change: that they were compared before counts no more. */
  expect(fileIds: readonly number[], spaceId: string): Promise<void>;
  /** Their traces and vectors are stored: they are compared with the others soon. Answers at once. */
  indexed(fileIds: readonly number[], spaceId: string): void;
  /** Their traces alone are stored, for want of a model: they are compared by their bytes. Answers at once. */
  traced(fileIds: readonly number[]): void;
  /** The files are gone. Rejects when that could not be noted. */
  forget(fileIds: readonly number[]): Promise<void>;
}

export const scanStates = ['never', 'running', 'stopped', 'done'] as const;

/** How far the comparison of the whole library is. */
export interface ScanRecord {
  state: (typeof scanStates)[number];
  /** Counts the times that everything was to be compared anew; part of the mark of its pass. */
  number: number;
  /** Pairs that it added. */
  found: number;
  /** Pictures that it could not compare; the log says why. */
  failed: number;
  /** Pictures that it compared in a minute, when that was last known. */
  perMinute: number | null;
  /** What keeps it from going on; null for nothing. */
  problem: string | null;
  startedAt: Date | null;
  endedAt: Date | null;
  /** When it last told how far it is. */
  toldAt: Date | null;
}

/**
 * The one scan of a library: the same truth for all processes that share the database.
 *
 * - `begin` starts a scan that does not run: on with what is left when it was stopped, or `anew` is false, else from the
 *   beginning, under the next number. One that runs is left as it is. Answers the scan as it is then.
 * - `stop` ends it for the time being, whether it runs or not.
 * - `tell` adds what was found and what failed, and replaces the rest; `finish` ends it. Both change nothing unless the scan of that number
 *   runs, and answer whether it does.
 */
export interface DuplicateScans {
  read(): Promise<ScanRecord>;
  begin(options: { anew: boolean; now: Date }): Promise<ScanRecord>;
  stop(now: Date): Promise<ScanRecord>;
  tell(
    number: number,
    progress: {
      found: number;
      failed: number;
      perMinute: number | null;
      problem: string | null;
      now: Date;
    },
  ): Promise<boolean>;
  finish(number: number, now: Date): Promise<boolean>;
}

/** A file that a picture is a duplicate of. */
export interface DuplicateMatch {
  fileId: number;
  /** Of the file's bytes that were compared. */
  contentHash: string;
  /** Names the picture `one` and the file `other`. */
  verdict: DuplicateVerdict;
}

/**
 * Finds duplicates: equal bytes by their index, all else among the nearest neighbours by embedding, which hash or geometry
 * must confirm. Never judges by closeness of embeddings alone.
 */
export interface DuplicateFinder {
  /**
   * Duplicates of a picture that need not be in the library (`POST check`); the surest kind first, then the closest.
   *
   * @param vector null when there is no model to embed it: then only equal bytes are found
   */
  find(
    picture: { trace: PictureTrace; vector: Float32Array | null; exceptFileId: number | null },
    signal?: AbortSignal,
  ): Promise<DuplicateMatch[]>;
}
