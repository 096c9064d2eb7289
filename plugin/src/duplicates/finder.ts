import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortedError } from '../errors';
import type { VectorCollection, VectorHit } from '../vectors/contract';
import {
  duplicateKinds,
  type DuplicateFinder,
  type DuplicateMatch,
  type DuplicateVerdict,
  type FileTrace,
  type Judge,
  type PictureTrace,
  type PictureTraces,
} from './contract';
import { createJudge } from './judge';
import { thresholdsFor } from './thresholds';

/** Files of the same bytes that a picture is paired with: with more of them everything is said. */
const MOST_EQUAL = 20;
/** Nearest neighbours that are looked at: a copy at half the size may be further off than other pictures of its kind. */
const NEIGHBOURS = 50;
/** Neighbours that are aligned, and how many of them without a fingerprint that promises something: each takes a millisecond. */
const MOST_ALIGNED = 5;
const MOST_UNPROMISING = 3;

export interface DuplicateFinderOptions {
  traces: Pick<PictureTraces, 'get' | 'withContentHash'>;
  /** The vectors that searches are answered from; null while there are none. */
  openCollection: () => Promise<VectorCollection | null>;
  /** Who judges pictures that this model embeds. */
  judgeFor?: (model: string) => Judge;
}

interface Candidate {
  trace: FileTrace;
  /** Cosine similarity of the embeddings; null for one that was found by its bytes. */
  similarity: number | null;
}

type Picture = Parameters<DuplicateFinder['find']>[0];

export function createDuplicateFinder(options: DuplicateFinderOptions): DuplicateFinder {
  const { judgeFor = createJudges(), openCollection, traces } = options;

  return {
    async find(picture, signal) {
      const { trace, vector } = picture;
      const collection = vector === null ? null : await openCollection();
      const judge = judgeFor(collection?.space.model ?? '');
      const [nearest, equal] = await Promise.all([
        nearestTo(picture, collection, []),
        equalFiles(picture),
        // Searching is others' work: what this thread must do anyway takes no time meanwhile.
        collection && prepare(judge, trace),
      ]);
      // Copies, which may be many, leave no room for others.
      const neighbours = equal.length > 0 ? await nearestTo(picture, collection, equal) : nearest;
      const similarities = new Map(neighbours.map(({ fileId, score }) => [fileId, score]));
      const known = await traces.get([...equal, ...similarities.keys()]);
      const candidates = known.map((candidate): Candidate => ({
        trace: candidate,
        similarity: similarities.get(candidate.fileId) ?? null,
      }));
      return (await judgeAll({ trace, candidates, judge, signal })).sort(compareMatches);
    },
  };

  async function equalFiles({ exceptFileId, trace }: Picture): Promise<number[]> {
    const ids = await traces.withContentHash(trace.contentHash, MOST_EQUAL + 1);
    return ids.filter((fileId) => fileId !== exceptFileId).slice(0, MOST_EQUAL);
  }
}

/** What a judge worked out is of use as long as its model answers. */
function createJudges(): (model: string) => Judge {
  let last: { model: string; judge: Judge } | null = null;
  return (model) => {
    if (last?.model !== model) last = { model, judge: createJudge(thresholdsFor({ model })) };
    return last.judge;
  };
}

async function prepare(judge: Judge, trace: PictureTrace): Promise<void> {
  await Promise.resolve();
  judge.prepare(trace);
}

async function nearestTo(
  { exceptFileId, vector }: Picture,
  collection: VectorCollection | null,
  equal: readonly number[],
): Promise<VectorHit[]> {
  // A vector of a model that was switched away from meanwhile has no neighbours here.
  if (!collection || vector?.length !== collection.space.dimensions) return [];
  const excludeIds = [...equal, ...(exceptFileId === null ? [] : [exceptFileId])];
  return collection.search({ vector, limit: NEIGHBOURS, filter: { excludeIds } });
}

/** Cheap tests for all, alignment for few: the event loop has its turn between any two of them. */
async function judgeAll(job: {
  trace: PictureTrace;
  candidates: readonly Candidate[];
  judge: Judge;
  signal: AbortSignal | undefined;
}): Promise<DuplicateMatch[]> {
  const { candidates, judge, signal, trace } = job;
  const matches: DuplicateMatch[] = [];
  const unsettled: Candidate[] = [];
  const note = ({ trace: other }: Candidate, verdict: DuplicateVerdict): void => {
    matches.push({ fileId: other.fileId, contentHash: other.contentHash, verdict });
  };
  for (const candidate of candidates) {
    await pause(signal);
    const verdict = judge.judge(trace, candidate.trace, null);
    if (verdict) note(candidate, verdict);
    else unsettled.push(candidate);
  }
  for (const candidate of worthAligning(trace, unsettled, judge)) {
    await pause(signal);
    const verdict = judge.judge(trace, candidate.trace, candidate.similarity);
    if (verdict) note(candidate, verdict);
  }
  return matches;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (signal?.aborted) throw abortedError(signal.reason);
}

/** Those whose fingerprints promise something first, then by closeness. */
function worthAligning(
  trace: PictureTrace,
  candidates: readonly Candidate[],
  judge: Judge,
): Candidate[] {
  const byCloseness = candidates
    .filter(({ similarity }) => similarity !== null)
    .sort((one, other) => (other.similarity ?? 0) - (one.similarity ?? 0));
  const isPromising = new Set(
    byCloseness.filter((candidate) => judge.isPromising(trace, candidate.trace)),
  );
  const others = byCloseness.filter((candidate) => !isPromising.has(candidate));
  return [...isPromising, ...others.slice(0, MOST_UNPROMISING)].slice(0, MOST_ALIGNED);
}

/** The surest kind first, then the closest, then by id. */
function compareMatches(one: DuplicateMatch, other: DuplicateMatch): number {
  const kindOf = ({ verdict }: DuplicateMatch): number => duplicateKinds.indexOf(verdict.kind);
  return (
    kindOf(one) - kindOf(other) ||
    closenessOf(other.verdict) - closenessOf(one.verdict) ||
    one.fileId - other.fileId
  );
}

function closenessOf(verdict: DuplicateVerdict): number {
  switch (verdict.kind) {
    case 'identical':
      return 1;
    case 'same-picture':
      return verdict.correlation;
    case 'variant':
      return verdict.similarity;
  }
}
