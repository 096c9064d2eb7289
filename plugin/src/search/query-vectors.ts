import { untilAborted } from '../abort';
import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import type { EmbeddableExample, ExampleVector } from './contract';
import type { SearchedSpace } from './current-vectors';
import type { QueryEmbedder } from './query-embedder';

/**
 * How strongly examples to exclude push the query away. At 1 a single one outweighs the examples to find, and results
 * are mostly its opposite; at one half the query keeps its direction.
 */
const EXCLUSION_WEIGHT = 0.5;
/** A sum of unit vectors that is shorter has no direction. */
const MIN_QUERY_LENGTH = 1e-3;

/** One vector of the space for each example, in order. Fails like the provider and the store. */
export async function embedExamples(
  space: SearchedSpace,
  query: {
    examples: readonly EmbeddableExample[];
    embedder: QueryEmbedder;
    signal: AbortSignal | undefined;
  },
): Promise<Float32Array[]> {
  const { embedder, examples, signal } = query;
  // All texts in one call, which takes no longer than a single text; images and files one by one.
  const byText = embedder.embedTexts(textsOf(examples), space.provider, signal);
  const vectorOf = async (example: EmbeddableExample): Promise<Float32Array> => {
    switch (example.kind) {
      case 'text': {
        const vector = (await byText).get(example.text);
        if (!vector) throw new RangeError('A text was embedded without a vector.');
        return vector;
      }
      case 'image':
        return embedder.embedImage(example, space.provider, signal);
      case 'file':
        return vectorOfFile(example.fileId, space);
      case 'vector':
        return toUnitVector(example, space.provider.space);
    }
  };
  const work: Promise<[unknown, ...Float32Array[]]> = Promise.all([
    byText,
    ...examples.map(vectorOf),
  ]);
  const [, ...vectors] = await untilAborted(work, signal);
  return vectors;
}

export function textsOf(examples: readonly EmbeddableExample[]): string[] {
  return examples.flatMap((example) => (example.kind === 'text' ? [example.text] : []));
}

async function vectorOfFile(fileId: number, space: SearchedSpace): Promise<Float32Array> {
  const [point] = await space.collection.getMany([fileId]);
  if (point) return point.vector;
  throw new ImageSearchError({
    code: 'not-ready',
    message: `File ${String(fileId)} isn't indexed: it is waiting, couldn't be read, or isn't an image.`,
    retryable: true,
  });
}

function toUnitVector(example: ExampleVector, space: VectorSpace): Float32Array {
  if (example.spaceId !== space.id) {
    throw new ImageSearchError({
      code: 'space-mismatch',
      message: `The vector belongs to the space "${example.spaceId}", but searches use "${space.id}". Embed the query again.`,
      retryable: false,
    });
  }
  const hasDimensions = example.vector.length === space.dimensions;
  const length = hasDimensions ? lengthOf(example.vector) : 0;
  if (!Number.isFinite(length) || length === 0) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: `vector: expected ${String(space.dimensions)} finite numbers, not all zero; got ${String(example.vector.length)} numbers.`,
      retryable: false,
    });
  }
  return example.vector.map((value) => value / length);
}

/**
 * One unit-length query vector from examples: the mean of those to find, minus half the mean of those to exclude
 * (J. J. Rocchio's relevance feedback, 1971, on unit vectors). A single example is its own query.
 *
 * @param like at least one unit-length vector
 * @param unlike unit-length vectors of the same space
 * @throws ImageSearchError `invalid-input` when they cancel each other out
 */
export function composeQuery(
  like: readonly Float32Array[],
  unlike: readonly Float32Array[],
): Float32Array {
  const [first] = like;
  if (!first) throw new RangeError('A query needs at least one example.');
  const query = new Float32Array(first.length);
  for (const vector of like) addScaled(query, vector, 1 / like.length);
  for (const vector of unlike) addScaled(query, vector, -EXCLUSION_WEIGHT / unlike.length);
  const length = lengthOf(query);
  if (length < MIN_QUERY_LENGTH) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: 'The examples to find and the examples to exclude cancel each other out.',
      retryable: false,
    });
  }
  return query.map((value) => value / length);
}

/** Euclidean length of a vector of any magnitude. */
export function lengthOf(vector: Float32Array): number {
  // Squares of single-precision numbers neither overflow nor vanish in double precision.
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

function addScaled(sum: Float32Array, vector: Float32Array, factor: number): void {
  vector.forEach((value, index) => {
    sum[index] = (sum[index] ?? 0) + value * factor;
  });
}
