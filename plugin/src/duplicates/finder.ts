import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortedError } from '../errors';
import {
  duplicateKinds,
  type DuplicateVerdict,
  type ImageTrace,
  type Judge,
} from '../matching/contract';
import { createJudge, thresholdsFor } from '../matching/verdict';
import type { VectorCollection, VectorHit } from '../vectors/contract';
import type { DuplicateFinder, DuplicateMatch, FileTrace, ImageTraces } from './contract';

/** Maximum number of identical files to pair with an image; more add nothing. */
const MAX_IDENTICAL = 20;
/** Nearest neighbors considered. A copy at half the size may be farther away than other images of its kind. */
const NEIGHBORS = 50;
/**
 * The same where even the last of those is less similar than this: an image turned by 90° is far from its original, and may
 * be among few others. Large libraries have nearer ones.
 */
const MORE_NEIGHBORS = 200;
const SPARSE = 0.5;
/** Neighbors aligned, and how many of them without a promising fingerprint. Each takes a millisecond. */
const MAX_ALIGNED = 5;
const MAX_UNPROMISING = 3;
/** Images in collages, and collages of images, that are looked at. */
const MAX_SHARING_TILES = 12;
/** Each that is found lets this many more be aligned, up to a maximum: crops of one image come in dozens. */
const MORE_PER_MATCH = 2;
const MAX_ALIGNED_OF_MANY = 30;

export interface DuplicateFinderOptions {
  traces: Pick<ImageTraces, 'get' | 'withContentHash' | 'sharingTiles'>;
  /** The collection of the active model; null when there is none. */
  openCollection: () => Promise<VectorCollection | null>;
  /** The judge for images embedded by this model. */
  judgeFor?: (model: string) => Judge;
}

interface Candidate {
  trace: FileTrace;
  /** Cosine similarity of the embeddings; null for a file found by its bytes or a tile. */
  similarity: number | null;
  hasTile: boolean;
}

type SearchedImage = Parameters<DuplicateFinder['find']>[0];

export function createDuplicateFinder(options: DuplicateFinderOptions): DuplicateFinder {
  const { judgeFor = createJudges(), openCollection, traces } = options;

  return {
    async find(image, signal) {
      const { trace, vector } = image;
      const collection = vector === null ? null : await openCollection();
      const judge = judgeFor(collection?.space.model ?? '');
      const [nearest, identical, sharingTiles] = await Promise.all([
        nearestTo(image, collection, []),
        identicalFiles(image),
        filesSharingTiles(image),
        // Overlaps with the search, which runs on other threads.
        collection && prepare(judge, trace),
      ]);
      // Identical files may be many; exclude them to leave room for others.
      const neighbors =
        identical.length > 0 ? await nearestTo(image, collection, identical) : nearest;
      const similarities = new Map(neighbors.map(({ fileId, score }) => [fileId, score]));
      const known = await traces.get([...identical, ...similarities.keys(), ...sharingTiles]);
      const candidates = known.map((candidate): Candidate => ({
        trace: candidate,
        similarity: similarities.get(candidate.fileId) ?? null,
        hasTile: sharingTiles.includes(candidate.fileId),
      }));
      return (await judgeAll({ trace, candidates, judge, signal })).sort(compareMatches);
    },
  };

  async function identicalFiles({ exceptFileId, trace }: SearchedImage): Promise<number[]> {
    const ids = await traces.withContentHash(trace.contentHash, MAX_IDENTICAL + 1);
    return ids.filter((fileId) => fileId !== exceptFileId).slice(0, MAX_IDENTICAL);
  }

  async function filesSharingTiles({ exceptFileId, trace }: SearchedImage): Promise<number[]> {
    const ids = await traces.sharingTiles(trace, MAX_SHARING_TILES + 1);
    return ids.filter((fileId) => fileId !== exceptFileId).slice(0, MAX_SHARING_TILES);
  }
}

/** A judge caches images, so it is kept as long as the model stays active. */
function createJudges(): (model: string) => Judge {
  let last: { model: string; judge: Judge } | null = null;
  return (model) => {
    if (last?.model !== model) last = { model, judge: createJudge(thresholdsFor({ model })) };
    return last.judge;
  };
}

async function prepare(judge: Judge, trace: ImageTrace): Promise<void> {
  await Promise.resolve();
  judge.prepare(trace);
}

async function nearestTo(
  { exceptFileId, vector }: SearchedImage,
  collection: VectorCollection | null,
  identical: readonly number[],
): Promise<VectorHit[]> {
  // The active model may have changed since this vector was computed.
  if (!collection || vector?.length !== collection.space.dimensions) return [];
  const excludeIds = [...identical, ...(exceptFileId === null ? [] : [exceptFileId])];
  const hits = await collection.search({
    vector,
    limit: MORE_NEIGHBORS,
    filter: { excludeIds },
    isWholeOnly: true,
  });
  const last = hits[NEIGHBORS - 1];
  return last && last.score >= SPARSE ? hits.slice(0, NEIGHBORS) : hits;
}

/** Cheap tests for all, alignment for a few. The event loop gets a turn between any two. */
async function judgeAll(job: {
  trace: ImageTrace;
  candidates: readonly Candidate[];
  judge: Judge;
  signal: AbortSignal | undefined;
}): Promise<DuplicateMatch[]> {
  const { candidates, judge, signal, trace } = job;
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

/** The surest kind first, then the most similar, then by id. */
function compareMatches(one: DuplicateMatch, other: DuplicateMatch): number {
  const kindOf = ({ verdict }: DuplicateMatch): number => duplicateKinds.indexOf(verdict.kind);
  return (
    kindOf(one) - kindOf(other) ||
    similarityOf(other.verdict) - similarityOf(one.verdict) ||
    one.fileId - other.fileId
  );
}

function similarityOf(verdict: DuplicateVerdict): number {
  switch (verdict.kind) {
    case 'identical':
      return 1;
    case 'same-image':
      return verdict.correlation;
    case 'edited':
      return verdict.similarity ?? verdict.alignment.correlation;
  }
}
