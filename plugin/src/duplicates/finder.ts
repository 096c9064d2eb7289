import { abortedError } from '../errors';
import { duplicateKinds, type DuplicateVerdict } from '../matching/contract';
import type { VectorCollection, VectorHit } from '../vectors/contract';
import { type Candidate, type CandidateJudging, createJudging } from './candidate-judging';
import type { DuplicateFinder, DuplicateMatch, ImageTraces } from './contract';

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
/** Images in collages, and collages of images, that are looked at. */
const MAX_SHARING_TILES = 12;

export interface DuplicateFinderOptions {
  traces: Pick<ImageTraces, 'get' | 'withContentHash' | 'sharingTiles'>;
  /** The collection of the active model; null when there is none. */
  openCollection: () => Promise<VectorCollection | null>;
  /** @default on this thread */
  judging?: CandidateJudging;
}

type SearchedImage = Parameters<DuplicateFinder['find']>[0];

export function createDuplicateFinder(options: DuplicateFinderOptions): DuplicateFinder {
  const { judging = createJudging(), openCollection, traces } = options;

  return {
    async find(image, signal) {
      const { trace, vector } = image;
      const collection = vector === null ? null : await openCollection();
      const [nearest, identical, sharingTiles] = await Promise.all([
        nearestTo(image, collection, []),
        identicalFiles(image),
        filesSharingTiles(image),
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
      const model = collection?.space.model ?? '';
      const matches = await judging({ trace, candidates, model }, signal);
      if (signal?.aborted) throw abortedError(signal.reason);
      return matches.sort(compareMatches);
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
