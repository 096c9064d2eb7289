import type { VectorFilter, VectorQuery } from '../contract';
import { CodeMatrix } from './code-matrix';
import { toScore } from './dot-product';
import { Quantizer } from './quantizer';

/** Vectors that the quantizer learns its mean and scale from. */
export const SAMPLE_SIZE = 1000;

/** Rows that lie apart take longer to score than rows in a line: from this share of all on, all are scored. */
const SHARE_SCORED_ONE_BY_ONE = 1 / 8;

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
    const rows = this.#rowsWithin(filter);
    const { isByRow, scores } = this.#score(rows);
    const upperBounds = new Float64Array(rows.length);
    const lowerBounds = new BoundCounts();
    for (let position = 0; position < rows.length; position += 1) {
      const row = rows[position] ?? 0;
      const score = query.offset + query.step * (scores[isByRow ? row : position] ?? 0);
      const left = this.#errors[row] ?? 0;
      const error = query.norm * left + query.roundingError + SLACK;
      upperBounds[position] = toScore(score + error);
      lowerBounds.add(toScore(score - error));
    }
    const cut = Math.max(lowerBounds.reachedBy(limit), minimumScore);
    const candidates: number[] = [];
    for (let position = 0; position < rows.length; position += 1) {
      if ((upperBounds[position] ?? 0) < cut) continue;
      candidates.push(this.#fileIds[rows[position] ?? 0] ?? 0);
    }
    return candidates;
  }

  /** Scores of these rows: in their order, or, by row, among those of all. */
  #score(rows: Uint32Array): { scores: Int32Array; isByRow: boolean } {
    const isByRow = rows.length >= this.size * SHARE_SCORED_ONE_BY_ONE;
    const scores = isByRow ? this.#matrix.score(this.size) : this.#matrix.scoreRows(rows);
    return { scores, isByRow };
  }

  /** Ascending and each once. */
  #rowsWithin({ includeIds, excludeIds = [] }: VectorFilter = {}): Uint32Array {
    const isWanted = new Uint8Array(this.size).fill(includeIds === undefined ? 1 : 0);
    for (const row of this.#rowsOf(includeIds)) isWanted[row] = 1;
    for (const row of this.#rowsOf(excludeIds)) isWanted[row] = 0;
    const rows = new Uint32Array(this.size);
    let count = 0;
    for (let row = 0; row < this.size; row += 1) {
      if (isWanted[row] === 0) continue;
      rows[count] = row;
      count += 1;
    }
    return rows.subarray(0, count);
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
