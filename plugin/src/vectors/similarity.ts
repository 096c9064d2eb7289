import type { VectorSpace } from '../embedding/contract';
import type { VectorHit, VectorQuery } from './contract';

/**
 * Dot product of two vectors of equal length, summed in double precision and always in the same order, so equal
 * vectors have equal scores wherever they are computed. Four sums let the additions run in parallel.
 */
export function dotProduct(left: Float32Array, right: Float32Array): number {
  const length = left.length;
  const evenLength = length - (length % 4);
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let index = 0; index < evenLength; index += 4) {
    first += (left[index] ?? 0) * (right[index] ?? 0);
    second += (left[index + 1] ?? 0) * (right[index + 1] ?? 0);
    third += (left[index + 2] ?? 0) * (right[index + 2] ?? 0);
    fourth += (left[index + 3] ?? 0) * (right[index + 3] ?? 0);
  }
  for (let index = evenLength; index < length; index += 1)
    first += (left[index] ?? 0) * (right[index] ?? 0);
  return first + second + (third + fourth);
}

/** Clamps a dot product of unit vectors, which rounding may carry slightly beyond ±1. */
export function toScore(product: number): number {
  return Math.max(-1, Math.min(1, product));
}

/** The order that the contract promises: best first, ties by ascending id. */
export function compareHits(left: VectorHit, right: VectorHit): number {
  return right.score - left.score || left.fileId - right.fileId;
}

/** @throws RangeError when the vector doesn't fit the space, or the limit isn't positive */
export function assertQuery({ vector, limit }: VectorQuery, space: VectorSpace): void {
  assertVector(vector, space);
  if (!(limit >= 1)) {
    throw new RangeError(`The limit must be a positive integer, not ${String(limit)}.`);
  }
}

/** @throws RangeError when the vector's length isn't the space's, or a value isn't finite */
export function assertVector(vector: Float32Array, { id, dimensions }: VectorSpace): void {
  if (vector.length !== dimensions) {
    throw new RangeError(
      `A vector of ${id} must have ${String(dimensions)} values, not ${String(vector.length)}.`,
    );
  }
  if (!Number.isFinite(dotProduct(vector, vector))) {
    throw new RangeError(`A vector of ${id} must have finite values only.`);
  }
}
