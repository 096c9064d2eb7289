import type { EmbeddingProvider } from '../../embedding/contract';
import { ImageSearchError } from '../../errors';
import type { KnownDuplicates } from '../contract';
import type { VectorCollection, VectorHit } from '../../vectors/contract';
import { dotProduct } from '../../vectors/similarity';
import type { Calibration, EmbeddedNullTexts } from './contract';
import { listNullTexts, NULL_TEXTS_VERSION } from './null-texts';
import { quantile, signalOfText, textSignal } from './scale';

/** The images nearest to a query, among which the best answer is looked for. */
export const NEAREST = 20;
/** Images of the library whose nearest other image is looked for. */
const SAMPLED_IMAGES = 200;
/** Fewer images tell little: relevance is unknown, and the model's `closeScore` counts. */
export const LEAST_FILES = 10;
/** Nearest images of an image, among which one isn't its duplicate. */
const NEIGHBORS = 10;
/** Ids that are listed at a time to choose from. */
const PAGE_SIZE = 10_000;
/** Texts in a request, so that a rate limit leaves room for searches. */
const MOST_TEXTS = 64;

export type CalibratedCollection = Pick<
  VectorCollection,
  'contentHashesOf' | 'count' | 'getMany' | 'listIds' | 'search'
>;

/**
 * Embeds the null texts, without those of which the model knows no word.
 *
 * @param known vectors of an earlier attempt by text, null for such a text; new ones are added as they arrive
 * @throws ImageSearchError as the provider does; the signal's reason when it is aborted
 */
export async function embedNullTexts(
  provider: Pick<EmbeddingProvider, 'embedTexts' | 'limits'>,
  { known, signal }: { known: Map<string, Float32Array | null>; signal: AbortSignal },
): Promise<EmbeddedNullTexts> {
  const { abstract, nonsense } = listNullTexts();
  await embedKnownTexts(provider, [...nonsense, ...abstract], { known, signal });
  const vectorsOf = (texts: readonly string[]): Float32Array[] =>
    texts.flatMap((text) => known.get(text) ?? []);
  return {
    version: NULL_TEXTS_VERSION,
    nonsense: vectorsOf(nonsense),
    abstract: vectorsOf(abstract),
  };
}

/**
 * Embeds those of these texts that aren't `known`, and adds their vectors, or null for a text of which the model knows
 * no word.
 *
 * @throws ImageSearchError as the provider does; the signal's reason when it is aborted
 */
export async function embedKnownTexts(
  provider: Pick<EmbeddingProvider, 'embedTexts' | 'limits'>,
  texts: readonly string[],
  { known, signal }: { known: Map<string, Float32Array | null>; signal: AbortSignal },
): Promise<void> {
  const missing = [...new Set(texts)].filter((text) => !known.has(text));
  const size = Math.min(provider.limits.textsPerCall, MOST_TEXTS);
  const embed = async (some: readonly string[]): Promise<void> => {
    try {
      const vectors = await provider.embedTexts(some, { signal });
      for (const [index, text] of some.entries()) known.set(text, vectors[index] ?? null);
    } catch (error) {
      if (!(error instanceof ImageSearchError) || error.code !== 'text-unknown') throw error;
      const [text = ''] = some;
      if (some.length === 1) known.set(text, null);
      else for (const each of some) await embed([each]);
    }
  };
  for (let start = 0; start < missing.length; start += size) {
    signal.throwIfAborted();
    await embed(missing.slice(start, start + size));
  }
}

/**
 * Measures what null texts and the library's own images reach in a collection: one search for each of them.
 *
 * @param options.duplicatesOf known duplicates of these files
 * @returns null when there is nothing to measure
 * @throws ImageSearchError as the collection does; the signal's reason when it is aborted
 */
export async function calibrate(
  collection: CalibratedCollection,
  nullTexts: EmbeddedNullTexts,
  options: {
    duplicatesOf: KnownDuplicates;
    signal: AbortSignal;
  },
): Promise<Calibration | null> {
  const { signal } = options;
  const files = await collection.count();
  const texts = [...nullTexts.nonsense, ...nullTexts.abstract];
  const neutral = meanOf(texts);
  const sample = await sampleImages(collection, signal);
  const center = meanOf(sample.map(({ vector }) => vector));
  if (neutral === null || center === null) return null;
  const basis = {
    neutral,
    nonsense: unitOf(meanOf(nullTexts.nonsense) ?? neutral),
    center: unitOf(center),
  };
  const reached: number[] = [];
  const pairs: number[] = [];
  for (const text of texts) {
    signal.throwIfAborted();
    const hits = await collection.search({ vector: text, limit: NEAREST });
    const images = await collection.getMany(hits.map(({ fileId }) => fileId));
    const signals = images.map(({ vector: image }) => textSignal({ image, text }, basis));
    if (signals.length > 0) reached.push(Math.max(...signals));
    const signalOf = signalOfText(text, basis);
    for (const { vector } of sample) pairs.push(signalOf(vector));
  }
  if (reached.length === 0) return null;
  return {
    ...basis,
    version: nullTexts.version,
    files,
    texts: ascending(reached),
    pairs: tailOf(ascending(pairs)),
    images: files < LEAST_FILES ? [] : ascending(await measureImages(collection, sample, options)),
  };
}

/** What each image scores with the nearest other one that isn't its duplicate. */
async function measureImages(
  collection: CalibratedCollection,
  sample: readonly SampledImage[],
  { duplicatesOf, signal }: Parameters<typeof calibrate>[2],
): Promise<number[]> {
  const duplicates = await duplicatesOf(sample.map(({ fileId }) => fileId));
  const scores: number[] = [];
  for (const { fileId, vector } of sample) {
    signal.throwIfAborted();
    const hits = await collection.search({
      vector,
      limit: NEIGHBORS,
      filter: { excludeIds: [fileId] },
      isWholeOnly: true,
    });
    const hashes = await collection.contentHashesOf([fileId, ...hits.map((hit) => hit.fileId)]);
    const isOther = (hit: VectorHit): boolean =>
      duplicates.get(fileId)?.has(hit.fileId) !== true &&
      hashes.get(hit.fileId) !== hashes.get(fileId);
    const nearest = hits.find(isOther);
    if (nearest) scores.push(nearest.score);
  }
  return scores;
}

interface SampledImage {
  fileId: number;
  vector: Float32Array;
}

/** Spread evenly over the library, the same for the same library. */
async function sampleImages(
  collection: CalibratedCollection,
  signal: AbortSignal,
): Promise<SampledImage[]> {
  const step = Math.max(1, Math.floor((await collection.count()) / SAMPLED_IMAGES));
  const chosen: number[] = [];
  let passed = 0;
  let cursor: number | null = null;
  do {
    signal.throwIfAborted();
    const page = await collection.listIds(cursor, PAGE_SIZE);
    for (const fileId of page.ids) {
      if (passed % step === 0) chosen.push(fileId);
      passed += 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null && chosen.length < SAMPLED_IMAGES);
  const points = await collection.getMany(chosen.slice(0, SAMPLED_IMAGES));
  return points
    .map(({ fileId, vector }) => ({ fileId, vector }))
    .sort((left, right) => left.fileId - right.fileId);
}

function meanOf(vectors: readonly Float32Array[]): Float32Array | null {
  const [first] = vectors;
  if (!first) return null;
  const sum = new Float32Array(first.length);
  for (const vector of vectors)
    for (const [index, value] of vector.entries()) sum[index] = (sum[index] ?? 0) + value;
  return sum.map((value) => value / vectors.length);
}

/** A vector without a direction stays as it is. */
function unitOf(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dotProduct(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** `Calibration.pairs` of all signals, ascending. */
function tailOf(signals: readonly number[]): Calibration['pairs'] {
  return [quantile(signals, 0.99), quantile(signals, 0.999), quantile(signals, 0.9998)];
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((left, right) => left - right);
}
