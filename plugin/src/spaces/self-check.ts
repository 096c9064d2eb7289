import type { OpenSpace } from '../active-space';
import { toImageSearchError } from '../errors';
import type { IndexEntries } from '../indexing/contract';

const PAGE_SIZE = 500;
/** Pictures, spread over the library, whose vectors are looked at. */
const SAMPLE_SIZE = 50;
/** A picture must find itself, or a copy of itself, so near; stores may round. */
const OWN_SCORE = 0.999;
/** Fewer failures than this, or than this share of the library, keep no model from taking over. */
const TOLERATED_FAILURES = 10;
const TOLERATED_SHARE = 0.01;

export interface SelfCheckOptions {
  space: OpenSpace;
  entries: IndexEntries;
  /** Pictures that failed in the space. */
  failed: number;
  /** Failed pictures of the space that answers now. */
  failedBefore: number;
  signal: AbortSignal;
}

/**
 * Whether searches can be answered in a space as well as in the one before: texts can be embedded, every indexed
 * picture has its vector, pictures find themselves, and not many failed that the former model could embed.
 *
 * @returns what speaks against it, as a sentence for the operator; null for nothing. Never rejects.
 */
export async function findSpaceProblem(options: SelfCheckOptions): Promise<string | null> {
  try {
    return (
      (await findFailures(options)) ?? (await findLostVectors(options)) ?? (await tryOut(options))
    );
  } catch (error) {
    return `It could not be tried out: ${toImageSearchError(error).message}`;
  }
}

async function findFailures(options: SelfCheckOptions): Promise<string | null> {
  const { entries, failed, failedBefore } = options;
  const indexed = await entries.countIndexed();
  const tolerated = Math.max(TOLERATED_FAILURES, (indexed + failed) * TOLERATED_SHARE);
  if (failed <= Math.max(tolerated, failedBefore)) return null;
  return `${String(failed)} pictures failed in it, ${String(failedBefore)} in the one that answers. Mend the reasons and have the failed ones tried again, or switch by hand.`;
}

async function findLostVectors({ entries, space }: SelfCheckOptions): Promise<string | null> {
  const [indexed, stored] = [await entries.countIndexed(), await space.collection.count()];
  if (stored >= indexed) return null;
  return `The vector store holds ${String(stored)} of ${String(indexed)} vectors.`;
}

async function tryOut(options: SelfCheckOptions): Promise<string | null> {
  const { provider, collection } = options.space;
  await provider.embedTexts(['a photograph'], { signal: options.signal });
  const sample = await sampleOf(options);
  const points = new Map((await collection.getMany(sample)).map((point) => [point.fileId, point]));
  for (const fileId of sample) {
    const point = points.get(fileId);
    if (!point) return `The vector of file ${String(fileId)} is missing.`;
    const [best] = await collection.search({ vector: point.vector, limit: 1 });
    if (!best || best.score < OWN_SCORE) {
      return `File ${String(fileId)} is not found by its own vector.`;
    }
  }
  return null;
}

async function sampleOf({ entries, signal }: SelfCheckOptions): Promise<number[]> {
  const step = Math.max(1, Math.floor((await entries.countIndexed()) / SAMPLE_SIZE));
  const sample: number[] = [];
  let position = 0;
  let cursor: number | null = null;
  do {
    const page = await entries.list({ states: ['indexed'], cursor, limit: PAGE_SIZE });
    for (const { fileId } of page.entries) {
      if (position % step === 0) sample.push(fileId);
      position += 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null && !signal.aborted);
  return sample;
}
