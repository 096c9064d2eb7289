import { ImageSearchError } from '../errors';

/**
 * How strongly examples to avoid push the query away. At 1 a single one outweighs what is asked for and the answer is
 * mostly "the opposite of it"; at one half the direction of the query stays.
 */
const AVOIDANCE_WEIGHT = 0.5;
/** Below this length a sum of unit vectors points nowhere. */
const SHORTEST_QUERY = 1e-3;

/**
 * One unit-length query vector from examples: the mean of what is liked, less half the mean of what is not
 * (J. J. Rocchio's relevance feedback, 1971, on unit vectors). With a single example it is that example.
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
  if (!first) throw new RangeError('A query needs at least one example to look for.');
  const query = new Float32Array(first.length);
  for (const vector of like) addScaled(query, vector, 1 / like.length);
  for (const vector of unlike) addScaled(query, vector, -AVOIDANCE_WEIGHT / unlike.length);
  const length = lengthOf(query);
  if (length < SHORTEST_QUERY) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: 'What is asked for and what is to be avoided cancel each other out.',
      retryable: false,
    });
  }
  return query.map((value) => value / length);
}

/** Euclidean length; vectors of any size are taken. */
export function lengthOf(vector: Float32Array): number {
  // Squares of single-precision numbers neither overflow nor vanish in double precision.
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

function addScaled(sum: Float32Array, vector: Float32Array, factor: number): void {
  vector.forEach((value, index) => {
    sum[index] = (sum[index] ?? 0) + value * factor;
  });
}
