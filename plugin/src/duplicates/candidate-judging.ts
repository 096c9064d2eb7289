import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortedError } from '../errors';
import type { DuplicateVerdict, ImageTrace, Judge } from '../matching/contract';
import { createJudge, thresholdsFor } from '../matching/verdict';
import type { DuplicateMatch, FileTrace } from './contract';

/** Neighbors aligned, and how many of them without a promising fingerprint. Each takes a millisecond. */
const MAX_ALIGNED = 5;
const MAX_UNPROMISING = 3;
/** Each that is found lets this many more be aligned, up to a maximum: crops of one image come in dozens. */
const MORE_PER_MATCH = 2;
const MAX_ALIGNED_OF_MANY = 30;

/** A file that may be a duplicate. */
export interface Candidate {
  trace: FileTrace;
  /** Cosine similarity of the embeddings; null for a file found by its bytes or a tile. */
  similarity: number | null;
  hasTile: boolean;
}

export interface JudgingTask {
  /** Of the image that is compared with all candidates. */
  trace: ImageTrace;
  candidates: readonly Candidate[];
  /** Whose embeddings the similarities are of; empty without one. */
  model: string;
}

/**
 * The candidates that are duplicates by their traces, in no particular order: cheap tests for all, alignment for a few.
 *
 * @throws ImageSearchError `aborted` when the signal is
 */
export type CandidateJudging = (
  task: JudgingTask,
  signal: AbortSignal | undefined,
) => Promise<DuplicateMatch[]>;

/**
 * Judges on this thread. The event loop gets a turn between any two images.
 *
 * @param judgeFor the judge for images embedded by this model
 */
export function createJudging(judgeFor = createJudges()): CandidateJudging {
  return (task, signal) => judgeAll({ ...task, judge: judgeFor(task.model), signal });
}

/** A judge caches images, so it is kept as long as the model stays active. */
function createJudges(): (model: string) => Judge {
  let last: { model: string; judge: Judge } | null = null;
  return (model) => {
    if (last?.model !== model) last = { model, judge: createJudge(thresholdsFor({ model })) };
    return last.judge;
  };
}

async function judgeAll(job: {
  trace: ImageTrace;
  candidates: readonly Candidate[];
  judge: Judge;
  signal: AbortSignal | undefined;
}): Promise<DuplicateMatch[]> {
  const { candidates, judge, signal, trace } = job;
  judge.prepare(trace);
  const matches: DuplicateMatch[] = [];
  const remaining: Candidate[] = [];
  const addMatch = ({ trace: other }: Candidate, verdict: DuplicateVerdict): void => {
    matches.push({ fileId: other.fileId, contentHash: other.contentHash, verdict });
  };
  for (const candidate of candidates) {
    await pause(signal);
    const verdict =
      judge.judge(trace, candidate.trace, null) ??
      (candidate.hasTile ? judge.judgeTiles(trace, candidate.trace) : null);
    if (verdict) addMatch(candidate, verdict);
    else remaining.push(candidate);
  }
  const { promising, unpromising } = worthAligning(trace, remaining, judge);
  let [aligned, more] = [0, 0];
  const align = async (candidate: Candidate): Promise<void> => {
    await pause(signal);
    aligned += 1;
    const verdict = judge.judge(trace, candidate.trace, candidate.similarity);
    if (!verdict) return;
    addMatch(candidate, verdict);
    more += MORE_PER_MATCH;
  };
  const isLeft = (most: number): boolean => aligned < Math.min(MAX_ALIGNED_OF_MANY, most + more);
  for (const candidate of promising) if (isLeft(MAX_ALIGNED)) await align(candidate);
  const before = Math.min(MAX_ALIGNED, aligned + MAX_UNPROMISING);
  for (const candidate of unpromising) if (isLeft(before)) await align(candidate);
  return matches;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (signal?.aborted) throw abortedError(signal.reason);
}

/** Candidates with an embedding by their fingerprints, each kind by similarity. */
function worthAligning(
  trace: ImageTrace,
  candidates: readonly Candidate[],
  judge: Judge,
): { promising: Candidate[]; unpromising: Candidate[] } {
  const bySimilarity = candidates
    .filter(({ similarity }) => similarity !== null)
    .sort((one, other) => (other.similarity ?? 0) - (one.similarity ?? 0));
  const promising = new Set(
    bySimilarity.filter((candidate) => judge.isPromising(trace, candidate.trace)),
  );
  const unpromising = bySimilarity.filter((candidate) => !promising.has(candidate));
  return { promising: [...promising], unpromising };
}
