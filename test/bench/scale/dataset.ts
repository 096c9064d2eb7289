import { createVectorSpace } from '../../../plugin/src/embedding/vector-space';
import type { VectorPoint } from '../../../plugin/src/vectors/contract';
import { createStructuredVectors } from '../../support/structured-vectors';
import { pointOf } from '../../support/vector-points';

export const DIMENSIONS = 512;
/** Hits of one query. */
export const LIMIT = 20;
const BATCH = 1_000;
const QUERIES = 200;
/** So many of the queries are answered exhaustively too. */
const EXACT_QUERIES = 25;

export const benchSpace = createVectorSpace({
  provider: 'bench',
  model: 'structured',
  dimensions: DIMENSIONS,
  preprocessing: 'none',
});

/** A query, and the ids that an exhaustive comparison finds: best first, empty where none was made. */
export interface BenchQuery {
  vector: number[];
  nearest: number[];
}

/**
 * Seeded vectors shaped as CLIP's (clusters, and a gap between texts and images), made batch by batch, so that a
 * million of them need no memory; and queries, texts and images in turn, compared with each vector on its way.
 */
export class Dataset {
  readonly #count: number;
  readonly #vectors;
  readonly #queries: Float32Array[];
  readonly #nearest: NearestList[];

  constructor(count: number) {
    this.#count = count;
    this.#vectors = createStructuredVectors(count, DIMENSIONS);
    this.#queries = Array.from({ length: QUERIES }, (_, index) =>
      index % 2 === 0 ? this.#vectors.text() : this.#vectors.image(),
    );
    this.#nearest = this.#queries.slice(0, EXACT_QUERIES).map(() => new NearestList());
  }

  *batches(): Iterable<VectorPoint[]> {
    for (let first = 1; first <= this.#count; first += BATCH) {
      const length = Math.min(BATCH, this.#count - first + 1);
      const points = Array.from({ length }, (_, index) =>
        pointOf(first + index, this.#vectors.image()),
      );
      for (const { fileId, vector } of points) this.#compare(fileId, vector);
      yield points;
    }
  }

  /** Complete after the last batch. */
  queries(): BenchQuery[] {
    return this.#queries.map((vector, position) => ({
      vector: [...vector],
      nearest: this.#nearest[position]?.ids() ?? [],
    }));
  }

  #compare(fileId: number, vector: Float32Array): void {
    for (const [position, list] of this.#nearest.entries()) {
      const query = this.#queries[position];
      if (query) list.add(fileId, product(query, vector));
    }
  }
}

/** The best few of many scores; ties by the order in which they come. */
class NearestList {
  readonly #hits: { fileId: number; score: number }[] = [];

  add(fileId: number, score: number): void {
    const worst = this.#hits[LIMIT - 1];
    if (worst && score <= worst.score) return;
    const place = this.#hits.findIndex((hit) => hit.score < score);
    this.#hits.splice(place < 0 ? this.#hits.length : place, 0, { fileId, score });
    this.#hits.length = Math.min(this.#hits.length, LIMIT);
  }

  ids(): number[] {
    return this.#hits.map(({ fileId }) => fileId);
  }
}

function product(left: Float32Array, right: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) {
    sum += (left[index] ?? 0) * (right[index] ?? 0);
  }
  return sum;
}
