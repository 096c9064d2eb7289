import type { VectorPoint } from '../../plugin/src/vectors/contract';

/** A point whose payload is of no interest. */
export function pointOf(
  fileId: number,
  vector: Float32Array,
  contentHash = 'a'.repeat(64),
): VectorPoint {
  return {
    fileId,
    vector,
    payload: {
      mimeType: 'image/png',
      extension: '.png',
      createdAt: '2026-01-01T00:00:00.000Z',
      contentHash,
    },
  };
}
