import { expect } from '@jest/globals';
import type { VectorSpace } from '../../../plugin/src/embedding/contract';
import { createVectorSpace } from '../../../plugin/src/embedding/vector-space';
import type {
  VectorCollection,
  VectorHit,
  VectorPoint,
  VectorQuery,
} from '../../../plugin/src/vectors/contract';
import { createSeededRandom } from '../../../sample/seeded-random';
import { randomUnitVector, toUnitLength } from '../../support/random-vectors';
import { pointOf } from '../../support/vector-points';

export const DIMENSIONS = 24;
export const seed = 'vector store conformance';

export function spaceOf(model: string, dimensions = DIMENSIONS): VectorSpace {
  const preprocessing = 'fp32, 224 px';
  return createVectorSpace({ provider: 'test', model, dimensions, preprocessing });
}

export function randomPoints(count: number, dimensions = DIMENSIONS): VectorPoint[] {
  const random = createSeededRandom(seed);
  return Array.from({ length: count }, (_, index) =>
    pointOf(index + 1, randomUnitVector(random, dimensions), random.hexadecimal(64)),
  );
}

export async function search(collection: VectorCollection, query: VectorQuery): Promise<number[]> {
  return (await collection.search(query)).map(({ fileId }) => fileId);
}

/** All points, best first, ties by ascending id. */
export function exactHits(points: readonly VectorPoint[], query: Float32Array): VectorHit[] {
  return points
    .map(({ fileId, vector }) => ({
      fileId,
      score: vector.reduce((sum, value, index) => sum + value * (query[index] ?? 0), 0),
    }))
    .sort((left, right) => right.score - left.score || left.fileId - right.fileId);
}

/** Vectors may be kept with a little less precision, and as unit vectors only. */
export function expectSamePoints(
  actual: readonly VectorPoint[],
  expected: readonly VectorPoint[],
  { scoreTolerance = 1e-6 }: { scoreTolerance?: number },
): void {
  const sorted = actual.toSorted((left, right) => left.fileId - right.fileId);
  expect(sorted.map(({ fileId, payload }) => ({ fileId, payload }))).toEqual(
    expected.map(({ fileId, payload }) => ({ fileId, payload })),
  );
  for (const [position, { vector }] of sorted.entries()) {
    // By name, because Jest gives tests a Float32Array of their own.
    expect(vector.constructor.name).toBe('Float32Array');
    const [hit] = exactHits(
      [pointOf(1, toUnitLength([...vector]))],
      expected[position]?.vector ?? vector,
    );
    expect(Math.abs((hit?.score ?? NaN) - 1)).toBeLessThanOrEqual(scoreTolerance);
  }
}

export function idsOf(points: readonly VectorPoint[]): number[] {
  return points.map(({ fileId }) => fileId);
}

export function ascending(left: number, right: number): number {
  return left - right;
}

export function pointWith(points: readonly VectorPoint[], fileId: number): VectorPoint {
  const point = points.find((candidate) => candidate.fileId === fileId);
  if (point === undefined) throw new Error(`There is no point ${String(fileId)}.`);
  return point;
}

export function vectorAt(points: readonly VectorPoint[], position: number): Float32Array {
  return pointWith(points, position + 1).vector;
}
