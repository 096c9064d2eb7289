import type { VectorCollection } from '../vectors/contract';
import type {
  DuplicateFinder,
  DuplicateMatch,
  DuplicatePairs,
  DuplicateVerdict,
  FileTrace,
  Findings,
  FoundPair,
  PictureTraces,
} from './contract';

/** What files are compared in: a scan of the library, by the model that answers. */
export interface Pass {
  /** What traces are marked with. */
  mark: string;
  /** Null as long as no model answers. */
  spaceId: string | null;
}

export interface LibraryComparisonOptions {
  traces: PictureTraces;
  pairs: Pick<DuplicatePairs, 'record' | 'removeFiles'>;
  finder: DuplicateFinder;
  openCollection: () => Promise<VectorCollection | null>;
}

/** Compares files of the library with all others and records what it finds. */
export class LibraryComparison {
  readonly #options: LibraryComparisonOptions;

  constructor(options: LibraryComparisonOptions) {
    this.#options = options;
  }

  /**
   * Files without a trace are left out; those without a vector of their present bytes are compared by their bytes alone.
   *
   * @param onCompared called after each file, before anything is recorded
   * @returns how many pairs are new
   */
  async compare(
    fileIds: readonly number[],
    {
      pass,
      signal,
      onCompared,
    }: { pass: Pass; signal: AbortSignal; onCompared?: () => Promise<void> },
  ): Promise<number> {
    const { finder, pairs, traces } = this.#options;
    const known = await traces.get(fileIds);
    const vectors = await this.#vectorsOf(known);
    const findings: Findings[] = [];
    for (const trace of known) {
      const { contentHash, fileId } = trace;
      const vector = vectors.get(fileId) ?? null;
      const matches = await finder.find({ trace, vector, exceptFileId: fileId }, signal);
      findings.push({ fileId, contentHash, pairs: matches.map((match) => toPair(trace, match)) });
      await onCompared?.();
    }
    const added = findings.length === 0 ? 0 : await pairs.record(findings);
    await this.#forgetGone(findings);
    await traces.markCompared(known, pass.mark);
    return added;
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

  /** A file may have been deleted after its trace was read: who deletes removes the trace first, then the pairs. */
  async #forgetGone(findings: readonly Findings[]): Promise<void> {
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
    verdict: turned(verdict),
  };
}

/** The same verdict with the two pictures' names exchanged. */
function turned(verdict: DuplicateVerdict): DuplicateVerdict {
  if (verdict.kind !== 'variant') return verdict;
  const { alignment } = verdict;
  const inner = alignment.inner === 'one' ? 'other' : 'one';
  return { ...verdict, alignment: { ...alignment, inner } };
}
