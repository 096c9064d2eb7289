import type { VectorPoint } from '../contract';

/** A vector's number takes some twelve bytes, and the server refuses requests beyond 32 MB by default. */
const MOST_NUMBERS = 100_000;
const MOST_POINTS = 500;

/** A point as Qdrant takes it. */
export interface PointBody {
  id: number;
  vector: number[];
  payload: Record<string, unknown>;
}

/**
 * Lists of points, in their order, small enough that neither Strapi's event loop nor the server is kept for long;
 * of an id that is there twice, the last.
 */
export function toBatches(points: readonly VectorPoint[], dimensions: number): PointBody[][] {
  const distinct = new Map(points.map((point) => [point.fileId, point]));
  const bodies = Array.from(distinct.values(), ({ fileId, vector, payload }) => ({
    id: fileId,
    vector: toNumbers(vector),
    payload: { ...payload },
  }));
  return chunksOf(bodies, batchSize(dimensions));
}

/** Ids whose points may be asked for together. */
export function toIdBatches(fileIds: readonly number[], dimensions: number): number[][] {
  return chunksOf([...new Set(fileIds)], batchSize(dimensions));
}

/**
 * Nine decimals, which keep what single precision has to say about a unit vector: printed in full the same numbers
 * would take twice the bytes.
 */
export function toNumbers(vector: Float32Array): number[] {
  return Array.from(vector, (value) => Math.round(value * 1e9) / 1e9);
}

export function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function batchSize(dimensions: number): number {
  return Math.max(1, Math.min(MOST_POINTS, Math.floor(MOST_NUMBERS / dimensions)));
}
