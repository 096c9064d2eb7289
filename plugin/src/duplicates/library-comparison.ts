import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import { PIXEL_VERSION } from '../matching/contract';
import type { VectorCollection } from '../vectors/contract';
import type {
  DuplicateFinder,
  DuplicateMatch,
  DuplicatePair,
  DuplicatePairs,
  FileTrace,
  Findings,
  FoundPair,
  ImageTraces,
} from './contract';
import { isConfirmed, type PairConfirmation, swapSides } from './pixel-confirmation';

/** A pass: one scan of the library with one active model. */
export interface Pass {
  /** The mark that traces get. */
  mark: string;
  /** Null while no model is active. */
  spaceId: string | null;
}

export interface LibraryComparisonOptions {
  traces: ImageTraces;
  pairs: Pick<DuplicatePairs, 'record' | 'removeFiles' | 'pairsTouching'>;
  finder: DuplicateFinder;
  confirmation: PairConfirmation;
  /** Reads a file's bytes; see `AssetSource`. */
  read: (fileId: number, signal: AbortSignal) => Promise<Uint8Array>;
  openCollection: () => Promise<VectorCollection | null>;
}

interface Failure {
  fileId: number;
  error: unknown;
}

/** Compares files of the library with all others and records the pairs. */
export class LibraryComparison {
  readonly #options: LibraryComparisonOptions;

  constructor(options: LibraryComparisonOptions) {
    this.#options = options;
  }

  /**
   * Skips files without a trace. Compares files without a vector of their current bytes by their bytes only.
   *
   * @param onCompared called after each file, before anything is recorded; false leaves out the files that remain
   * @param onUnreachable called at the end for each file that wasn't compared because the storage doesn't respond
   * @returns the number of new pairs
   * @throws ImageSearchError of the part `storage` when no file could be compared, unless `onUnreachable` is given
   */
  async compare(
    fileIds: readonly number[],
    {
      pass,
      signal,
      onCompared,
      onUnreachable,
    }: {
      pass: Pass;
      signal: AbortSignal;
      onCompared?: () => Promise<boolean>;
      onUnreachable?: ((failure: Failure) => void) | undefined;
    },
  ): Promise<number> {
    const { finder, pairs, traces } = this.#options;
    const known = await traces.get(fileIds);
    const vectors = await this.#vectorsOf(known);
    const recorded = await this.#recordedPairs(known);
    const findings: Findings[] = [];
    const compared: FileTrace[] = [];
    const unreachable: Failure[] = [];
    for (const trace of known) {
      const { fileId } = trace;
      const vector = vectors.get(fileId) ?? null;
      const matches = await finder.find({ trace, vector, exceptFileId: fileId }, signal);
      const result = await this.#confirm(trace, matches, recorded.get(fileId) ?? [], signal);
      findings.push(result.findings);
      if (result.outage === null) compared.push(trace);
      else unreachable.push({ fileId, error: result.outage });
      if ((await onCompared?.()) === false) break;
    }
    const added = findings.length === 0 ? 0 : await pairs.record(findings);
    await this.#removePairsOfDeletedFiles(findings);
    await traces.markCompared(compared, pass.mark);
    // What could be compared is done; the rest waits for the storage.
    const [first] = unreachable;
    if (first && compared.length === 0 && !onUnreachable) throw first.error;
    for (const failure of unreachable) onUnreachable?.(failure);
    return added;
  }

  /**
   * Confirms the proposed pairs of a file, and again those that an earlier version found. Pairs whose files can't be
   * reached stay as they are, and `outage` says why; so do those whose files are missing, replaced or damaged.
   */
  async #confirm(
    trace: FileTrace,
    matches: readonly DuplicateMatch[],
    recorded: readonly DuplicatePair[],
    signal: AbortSignal,
  ): Promise<{ findings: Findings; outage: ImageSearchError | null }> {
    const { contentHash, fileId } = trace;
    const proposed = new Map(matches.map((match) => [match.fileId, toPair(trace, match)]));
    const earlier = await this.#knownPairs(trace, proposed, recorded);
    const others = await this.#options.traces.get(
      [...proposed.values(), ...earlier.values()].map((pair) => otherOf(pair, fileId)),
    );
    const present = new Map(others.map((other) => [other.fileId, other]));
    const remembered = await this.#options.traces.refutedAmong(trace, others, PIXEL_VERSION);
    const dropped: string[] = [];
    const readOnce = onceEach((id: number) => this.#options.read(id, signal));
    const confirmed: FoundPair[] = [];
    const refuted: FoundPair[] = [];
    let outage: ImageSearchError | null = null;
    for (const [otherId, pair] of new Map([...earlier, ...proposed])) {
      const before = earlier.get(otherId);
      if (pair.verdict.kind === 'identical' || (before && isConfirmed(before.verdict))) {
        confirmed.push(before && isConfirmed(before.verdict) ? before : pair);
        continue;
      }
      const other = present.get(otherId);
      if (!other) continue;
      if (remembered.has(otherId)) {
        if (before) refuted.push(pair);
        continue;
      }
      const [one, two] = fileId < otherId ? [trace, other] : [other, trace];
      const sides = {
        one: { trace: one, read: () => readOnce(one.fileId) },
        other: { trace: two, read: () => readOnce(two.fileId) },
      };
      try {
        const verdict = await this.#options.confirmation(
          { ...sides, verdict: pair.verdict },
          signal,
        );
        if (verdict) {
          confirmed.push({ ...pair, verdict });
          continue;
        }
        dropped.push(other.contentHash);
        if (before) refuted.push(pair);
      } catch (error) {
        if (signal.aborted || !(error instanceof ImageSearchError)) throw error;
        const { part } = error.traits;
        if (part !== 'image' && part !== 'storage') throw error;
        if (part === 'storage') outage = error;
      }
    }
    if (dropped.length > 0) {
      await this.#options.traces.rememberRefuted(trace, dropped, PIXEL_VERSION);
    }
    return { findings: { fileId, contentHash, pairs: confirmed, refuted }, outage };
  }

  /** Pairs of the file on current bytes, confirmed or to be confirmed again, by the other file. */
  async #knownPairs(
    trace: FileTrace,
    proposed: ReadonlyMap<number, FoundPair>,
    recorded: readonly DuplicatePair[],
  ): Promise<Map<number, FoundPair>> {
    const { fileId } = trace;
    const found = recorded.filter(
      ({ status, verdict }) => status !== 'merged' && verdict.kind !== 'identical',
    );
    if (found.length === 0) return new Map();
    const others = await this.#options.traces.get(found.map((pair) => otherOf(pair, fileId)));
    const hashes = new Map([trace, ...others].map((file) => [file.fileId, file.contentHash]));
    const current = found.filter(
      ({ contentHashA, contentHashB, fileA, fileB, status, verdict }) =>
        hashes.get(fileA) === contentHashA &&
        hashes.get(fileB) === contentHashB &&
        // What was confirmed and isn't proposed now needs nothing.
        (isConfirmed(verdict)
          ? proposed.has(otherOf({ fileA, fileB }, fileId))
          : status === 'open'),
    );
    return new Map(
      current.map(({ contentHashA, contentHashB, fileA, fileB, verdict }) => [
        otherOf({ fileA, fileB }, fileId),
        { contentHashA, contentHashB, fileA, fileB, verdict },
      ]),
    );
  }

  /** The newest pairs of each file, at most `MAX_KNOWN`: in one query, as most files have none. */
  async #recordedPairs(traces: readonly FileTrace[]): Promise<Map<number, DuplicatePair[]>> {
    const { pairs } = this.#options;
    const fileIds = traces.map(({ fileId }) => fileId);
    if (fileIds.length === 0) return new Map();
    const found = await pairs.pairsTouching({ fileIds, limit: MAX_KNOWN });
    const pairsOf = async (fileId: number): Promise<[number, DuplicatePair[]]> => [
      fileId,
      found.length < MAX_KNOWN
        ? found.filter(({ fileA, fileB }) => fileA === fileId || fileB === fileId)
        : await pairs.pairsTouching({ fileIds: [fileId], limit: MAX_KNOWN }),
    ];
    return new Map(await Promise.all(fileIds.map(pairsOf)));
  }

  async #vectorsOf(traces: readonly FileTrace[]): Promise<Map<number, Float32Array>> {
    const collection = traces.length === 0 ? null : await this.#options.openCollection();
    const points = (await collection?.getMany(traces.map(({ fileId }) => fileId))) ?? [];
    const hashes = new Map(traces.map(({ contentHash, fileId }) => [fileId, contentHash]));
    const current = points.filter(
      ({ fileId, payload }) => payload.contentHash === hashes.get(fileId),
    );
    return new Map(current.map(({ fileId, vector }) => [fileId, vector]));
  }

  /** A file may have been deleted after its trace was read. A deletion removes the trace first, then the pairs. */
  async #removePairsOfDeletedFiles(findings: readonly Findings[]): Promise<void> {
    const { pairs, traces } = this.#options;
    const found = findings.flatMap((finding) => finding.pairs);
    if (found.length === 0) return;
    const fileIds = [...new Set(found.flatMap(({ fileA, fileB }) => [fileA, fileB]))];
    const present = new Set((await traces.get(fileIds)).map(({ fileId }) => fileId));
    const gone = fileIds.filter((fileId) => !present.has(fileId));
    if (gone.length > 0) await pairs.removeFiles(gone);
  }
}

function toPair(trace: FileTrace, match: DuplicateMatch): FoundPair {
  const { contentHash, fileId, verdict } = match;
  if (trace.fileId < fileId) {
    return {
      fileA: trace.fileId,
      fileB: fileId,
      contentHashA: trace.contentHash,
      contentHashB: contentHash,
      verdict,
    };
  }
  return {
    fileA: fileId,
    fileB: trace.fileId,
    contentHashA: contentHash,
    contentHashB: trace.contentHash,
    verdict: swapSides(verdict),
  };
}

/** Known pairs of one file that are looked at. */
const MAX_KNOWN = 300;

function otherOf({ fileA, fileB }: Pick<FoundPair, 'fileA' | 'fileB'>, fileId: number): number {
  return fileA === fileId ? fileB : fileA;
}

/** Reads the same file once while it is compared with several others; only the last one is kept besides. */
function onceEach(read: (fileId: number) => Promise<Uint8Array>) {
  const files = new LRUCache<number, Promise<Uint8Array>>({ max: 2 });
  return (fileId: number): Promise<Uint8Array> => {
    const known = files.get(fileId) ?? read(fileId);
    files.set(fileId, known);
    return known;
  };
}

/** Failed images logged per pass; the rest are only counted. */
const MAX_LOGGED = 20;
/** Images outside the batch to try when the whole batch fails. */
const MAX_PROBES = 3;

type CompareOptions = Parameters<LibraryComparison['compare']>[1];

/** The result of a batch. */
export interface IsolatedOutcome {
  /** Number of new pairs. */
  found: number;
  /** Number of images skipped in this pass. */
  failed: number;
}

export interface IsolatingComparisonOptions {
  comparison: Pick<LibraryComparison, 'compare'>;
  traces: Pick<ImageTraces, 'get' | 'markFailed' | 'listIds'>;
  logger: Logger;
}

/**
 * Compares files so that a bad one doesn't block the others. When a batch fails for a reason that may be an image's
 * own fault, its files are compared one by one; those that fail are marked as compared, and the next full scan
 * retries them. All other failures are rethrown (a busy database, a store that may recover), and so are a store's
 * refusals when it refuses images outside the batch too. A file whose storage doesn't respond twice in a pass fails as
 * well, because others may be elsewhere.
 */
export class IsolatingComparison {
  readonly #options: IsolatingComparisonOptions;
  /** Failures logged in the latest pass. */
  #logged = { mark: '', times: 0 };
  /** Files whose storage didn't respond once in the latest pass. */
  readonly #unreachable = { mark: '', fileIds: new Set<number>() };
  /** A file that was compared successfully. */
  #lastCompared: number | null = null;

  constructor(options: IsolatingComparisonOptions) {
    this.#options = options;
  }

  async compare(fileIds: readonly number[], options: CompareOptions): Promise<IsolatedOutcome> {
    const unreachable: Failure[] = [];
    const outcome = await this.#isolate(fileIds, {
      ...options,
      onUnreachable: (failure) => unreachable.push(failure),
    });
    const failed = outcome.failed + (await this.#failUnreachable(unreachable, options));
    const [first] = unreachable;
    // Nothing else would be compared now: the storage gets time to recover.
    if (first && failed === 0 && unreachable.length === fileIds.length) throw first.error;
    return { found: outcome.found, failed };
  }

  /** Fails those that were unreachable before, and returns how many. */
  async #failUnreachable(
    unreachable: readonly Failure[],
    options: CompareOptions,
  ): Promise<number> {
    const { mark } = options.pass;
    const before = this.#unreachable;
    if (before.mark !== mark) before.fileIds.clear();
    before.mark = mark;
    const again = unreachable.filter(({ fileId }) => before.fileIds.delete(fileId));
    for (const failure of unreachable) {
      if (!again.includes(failure)) before.fileIds.add(failure.fileId);
    }
    return this.#markEachFailed(again, options);
  }

  async #isolate(fileIds: readonly number[], options: CompareOptions): Promise<IsolatedOutcome> {
    const readable = await this.#readable(fileIds);
    const unreadable = fileIds.filter((fileId) => !readable.includes(fileId));
    let failed = await this.#markFailed(unreadable, options, 'Its trace is damaged.');
    try {
      return { found: await this.#compareAll(readable, options), failed };
    } catch (error) {
      if (options.signal.aborted || !mayBeOwnFault(error)) throw error;
    }
    const { failures, found } = await this.#compareEach(readable, options);
    const refusals = failures.filter(({ error }) => error instanceof ImageSearchError);
    const faults = failures.filter(({ error }) => !(error instanceof ImageSearchError));
    failed += await this.#markEachFailed(faults, options);
    const [refusal] = refusals;
    if (!refusal) return { found, failed };
    // A store that refuses one image may object to that image; one that refuses all of them is broken.
    const isOneCompared = failures.length < readable.length;
    if (isOneCompared || (await this.#canCompareOthers(readable, options))) {
      return { found, failed: failed + (await this.#markEachFailed(refusals, options)) };
    }
    if (failed === 0) throw refusal.error;
    return { found, failed };
  }

  async #compareAll(fileIds: readonly number[], options: CompareOptions): Promise<number> {
    const found = await this.#options.comparison.compare(fileIds, options);
    this.#lastCompared = fileIds.at(-1) ?? this.#lastCompared;
    return found;
  }

  async #compareEach(
    fileIds: readonly number[],
    options: CompareOptions,
  ): Promise<{ found: number; failures: Failure[] }> {
    const failures: Failure[] = [];
    let found = 0;
    for (const fileId of fileIds) {
      try {
        found += await this.#compareAll([fileId], options);
      } catch (error) {
        if (options.signal.aborted || !mayBeOwnFault(error)) throw error;
        failures.push({ fileId, error });
      }
    }
    return { found, failures };
  }

  /** Whether a file outside the batch can be compared. */
  async #canCompareOthers(batch: readonly number[], options: CompareOptions): Promise<boolean> {
    const { ids } = await this.#options.traces.listIds(null, batch.length + MAX_PROBES);
    const last = this.#lastCompared === null ? [] : [this.#lastCompared];
    const others = [...new Set([...last, ...ids])].filter((fileId) => !batch.includes(fileId));
    const probing = { ...options, onUnreachable: undefined };
    for (const fileId of await this.#readable(others.slice(0, MAX_PROBES))) {
      const { failures } = await this.#compareEach([fileId], probing);
      if (failures.length === 0) return true;
    }
    return false;
  }

  async #readable(fileIds: readonly number[]): Promise<number[]> {
    const traces = await this.#options.traces.get(fileIds);
    const readable = new Set(traces.map(({ fileId }) => fileId));
    return fileIds.filter((fileId) => readable.has(fileId));
  }

  /** Returns how many of these files still exist. */
  async #markFailed(
    fileIds: readonly number[],
    { pass: { mark } }: CompareOptions,
    reason: string,
  ): Promise<number> {
    let failed = 0;
    for (const fileId of fileIds) {
      if ((await this.#options.traces.markFailed([fileId], mark)) === 0) continue;
      failed += 1;
      this.#log(mark, `File ${String(fileId)} couldn't be checked for duplicates: ${reason}`);
    }
    return failed;
  }

  async #markEachFailed(failures: readonly Failure[], options: CompareOptions): Promise<number> {
    let failed = 0;
    for (const { fileId, error } of failures) {
      failed += await this.#markFailed([fileId], options, toImageSearchError(error).message);
    }
    return failed;
  }

  #log(mark: string, message: string): void {
    if (this.#logged.mark !== mark) this.#logged = { mark, times: 0 };
    this.#logged.times += 1;
    if (this.#logged.times > MAX_LOGGED) return;
    const more = this.#logged.times === MAX_LOGGED ? ' Further failures are only counted.' : '';
    this.#options.logger.warn(`${message} The next library scan will retry it.${more}`);
  }
}

/**
 * Whether an image itself may be at fault: its trace doesn't fit the arithmetic, or the store refuses it for good.
 * Any other database or driver error may be temporary.
 */
function mayBeOwnFault(error: unknown): boolean {
  if (error instanceof ImageSearchError) return !error.retryable;
  return error instanceof TypeError || error instanceof RangeError || error instanceof z.ZodError;
}
