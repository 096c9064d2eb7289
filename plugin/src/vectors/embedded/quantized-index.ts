import type { VectorFilter, VectorQuery } from '../contract';
import { CodeMatrix } from './code-matrix';
import { toScore } from './dot-product';
import { Quantizer } from './quantizer';

/** Vectors that the quantizer learns its mean and scale from. */
export const SAMPLE_SIZE = 1000;

/** More than double precision can lose in a sum of products of unit vectors. */
const SLACK = 1e-9;

/**
 * A byte per dimension of every vector, in memory, to tell which few vectors an exact search must look at.
 *
 * Every code comes with the length `e` of what it leaves out of its vector, so by the Cauchy–Schwarz inequality the
 * true score lies within `e` (times the query's length) of the code's score. A point whose upper bound lies below the
 * `limit`-th best lower bound cannot be a hit; all others are candidates. Scored exactly, they give the exact answer,
 * ties and all, whatever the limit and however the vectors are spread: only how many candidates there are depends on
 * that. Codes of one bit per dimension cannot do this. Text queries lie in another region than the pictures, and of
 * the true best 20 among 20,000 pictures only half were among the best 80 by bits, nine tenths among the best 1,000,
 * the bits centred on the mean or not.
 *
 * Takes the number of dimensions + about 80 bytes a point: 60 MB for 100,000 points of 512 dimensions.
 */
export class QuantizedIndex {
  readonly #quantizer: Quantizer;
  readonly #matrix: CodeMatrix;
  readonly #rows = new Map<number, number>();
  readonly #fileIds: number[] = [];
  readonly #errors: number[] = [];

  /**
   * `sample`: at least one and best some thousand vectors of the collection; `capacity`: points to come.
   * Throws a RangeError when the memory is not to be had or the engine has no WebAssembly SIMD.
   */
  constructor(sample: readonly Float32Array[], capacity: number) {
    const dimensions = sample[0]?.length ?? 0;
    this.#quantizer = new Quantizer(sample, dimensions);
    this.#matrix = new CodeMatrix(dimensions, capacity);
  }

  get size(): number {
    return this.#fileIds.length;
  }

  /** Adds or replaces. */
  set(fileId: number, vector: Float32Array): void {
    const row = this.#rows.get(fileId) ?? this.size;
    this.#matrix.reserve(row + 1);
    this.#errors[row] = this.#quantizer.encode(vector, this.#matrix.row(row));
    this.#fileIds[row] = fileId;
    this.#rows.set(fileId, row);
  }

  /** Silent on an id that is missing. */
  delete(fileId: number): void {
    const row = this.#rows.get(fileId);
    if (row === undefined) return;
    this.#rows.delete(fileId);
    const lastId = this.#fileIds.pop();
    const lastError = this.#errors.pop();
    if (lastId === undefined || lastError === undefined || lastId === fileId) return;
    // The last row moves into the gap.
    this.#matrix.row(row).set(this.#matrix.row(this.size));
    this.#fileIds[row] = lastId;
    this.#errors[row] = lastError;
    this.#rows.set(lastId, row);
  }

  /** Ids, in no order, among which all hits of the query are. */
  findCandidates({ vector, limit, filter, minimumScore = -1 }: VectorQuery): number[] {
    const query = this.#quantizer.encodeQuery(vector, this.#matrix.query);
    const scores = this.#matrix.score(this.size);
    const isLeftOut = this.#leaveOut(filter);
    const upperBounds = new Float64Array(this.size);
    const lowerBounds = new BoundCounts();
    for (let row = 0; row < this.size; row += 1) {
      if (isLeftOut[row] === 1) continue;
      const score = query.offset + query.step * (scores[row] ?? 0);
      const error = query.norm * (this.#errors[row] ?? 0) + query.roundingError + SLACK;
      upperBounds[row] = toScore(score + error);
      lowerBounds.add(toScore(score - error));
    }
    const cut = Math.max(lowerBounds.reachedBy(limit), minimumScore);
    return this.#fileIds.filter((_, row) => isLeftOut[row] === 0 && (upperBounds[row] ?? 0) >= cut);
  }

  /** One flag per row. */
  #leaveOut({ includeIds, excludeIds }: VectorFilter = {}): Uint8Array {
    const isLeftOut = new Uint8Array(this.size).fill(includeIds === undefined ? 0 : 1);
    for (const row of this.#rowsOf(includeIds)) isLeftOut[row] = 0;
    for (const row of this.#rowsOf(excludeIds)) isLeftOut[row] = 1;
    return isLeftOut;
  }

  *#rowsOf(fileIds: readonly number[] = []): Iterable<number> {
    for (const fileId of fileIds) {
      const row = this.#rows.get(fileId);
      if (row !== undefined) yield row;
    }
  }
}

/** Finds a number that so many of the numbers added reach, close to the largest such number, without sorting. */
class BoundCounts {
  static readonly #binsPerUnit = 8192;
  readonly #bins = new Uint32Array(2 * BoundCounts.#binsPerUnit + 1);

  /** `bound`: -1 to 1. */
  add(bound: number): void {
    const bin = Math.floor((bound + 1) * BoundCounts.#binsPerUnit);
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
  }

  /** -1 when fewer were added. */
  reachedBy(count: number): number {
    let reached = 0;
    let bin = this.#bins.length;
    while (bin > 0 && reached < count) {
      bin -= 1;
      reached += this.#bins[bin] ?? 0;
    }
    return bin / BoundCounts.#binsPerUnit - 1;
  }
}
