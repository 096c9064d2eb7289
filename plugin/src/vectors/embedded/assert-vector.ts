import type { VectorSpace } from '../../embedding/contract';
import { dotProduct } from './dot-product';

/** Throws a RangeError on a vector of another length than the space's and on values that are not finite. */
export function assertVector(vector: Float32Array, { id, dimensions }: VectorSpace): void {
  if (vector.length !== dimensions) {
    throw new RangeError(
      `Vectors of ${id} have ${String(dimensions)} values, and this one has ${String(vector.length)}.`,
    );
  }
  if (!Number.isFinite(dotProduct(vector, vector))) {
    throw new RangeError(`A vector for ${id} has a value that is not finite.`);
  }
}
