import type { FileTrace } from '../../plugin/src/duplicates/contract';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import type { ImageTrace } from '../../plugin/src/matching/contract';
import type { VectorCollection } from '../../plugin/src/vectors/contract';
import { createFakeClock } from './fake-clock';
import { MemoryImageTraces } from './memory-image-traces';
import { MemoryVectorStore } from './memory-vector-store';
import { pointOf } from './vector-points';

/** An angle is all that an image's vector says: cosine similarities are cosines of differences. */
const space = createVectorSpace({
  provider: 'test',
  model: 'angles',
  dimensions: 2,
  preprocessing: 'none',
});

/** Traces and vectors of a library in memory, for what compares images. */
export class DuplicateWorld {
  readonly clock = createFakeClock();
  readonly traces = new MemoryImageTraces();
  readonly store = new MemoryVectorStore();
  readonly spaceId = space.id;

  collection(): Promise<VectorCollection> {
    return this.store.ensureSpace(space);
  }

  /** @param similarity to `reference`; null for a file that has no vector */
  async add(fileId: number, trace: ImageTrace, similarity: number | null): Promise<FileTrace> {
    const file = { ...trace, fileId };
    await this.traces.put([file]);
    if (similarity === null) return file;
    const { payload } = pointOf(fileId, reference);
    const point = { fileId, vector: vectorAt(similarity), payload };
    await (
      await this.collection()
    ).upsert([{ ...point, payload: { ...payload, contentHash: trace.contentHash } }]);
    return file;
  }
}

/** The vector that similarities are told of. */
export const reference = Float32Array.of(1, 0);

function vectorAt(similarity: number): Float32Array {
  return Float32Array.of(similarity, Math.sqrt(1 - similarity ** 2));
}

/** A trace of which nothing but its bytes is known. */
export function bareTrace(contentHash: string): ImageTrace {
  return { contentHash, fingerprint: null, thumbnail: null, width: 4, height: 3 };
}
