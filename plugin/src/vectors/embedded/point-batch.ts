import type { VectorSpace } from '../../embedding/contract';
import type { VectorPoint } from '../contract';
import { assertVector } from './assert-vector';
import type { PointBatch } from './protocol';

/** Packs points to be handed to the thread; of points with equal ids the last wins there. */
export function toBatch(points: readonly VectorPoint[], space: VectorSpace): PointBatch {
  const vectors = new Float32Array(points.length * space.dimensions);
  for (const [position, { fileId, vector }] of points.entries()) {
    if (!Number.isSafeInteger(fileId) || fileId < 1) {
      throw new RangeError(`A file id must be a positive integer, not ${String(fileId)}.`);
    }
    assertVector(vector, space);
    vectors.set(vector, position * space.dimensions);
  }
  return {
    points: points.map(({ fileId, payload }) => ({ fileId, payload })),
    vectors,
  };
}

export function fromBatch({ points, vectors }: PointBatch, space: VectorSpace): VectorPoint[] {
  return points.map((point, position) => ({
    ...point,
    vector: vectors.slice(position * space.dimensions, (position + 1) * space.dimensions),
  }));
}
