import type { VectorQuery } from '../contract';
import { dotProduct, toScore } from '../similarity';
import { fileIdOf } from '../views';
import { CodeMatrix } from './code-matrix';

/** Number of vectors from which the quantizer learns its mean and scale. */
export const SAMPLE_SIZE = 1000;

/** Scattered rows take longer to score than consecutive ones: from this share on, all rows are scored. */
const SHARE_SCORED_ONE_BY_ONE = 1 / 8;

/** More than double precision can lose in a sum of products of unit vectors. */
const SLACK = 1e-9;

/**
 * An in-memory index with one byte per dimension that finds the few vectors an exact search must compare.
 *
 * Each code comes with `e`, the length of its quantization error. By the Cauchy–Schwarz inequality the true score is
 * within `e` (times the query's length) of the code's score. A point whose upper bound is below the `limit`-th best
 * lower bound can't be a hit; all others are candidates. Scoring those exactly gives the exact result, ties
 * included, for any limit and any distribution of vectors, which only affect the number of candidates. One bit per
 * dimension isn't enough: text queries lie in a different region than images, and of the true best 20 among 20,000
 * images only half were among the best 80 by bits and nine tenths among the best 1,000, whether or not the bits were
 * centered on the mean.
 *
 * Further views have rows of their own. A file is a hit by its best view, so its bounds are the best of theirs.
 *
 * Takes the number of dimensions + about 80 bytes per point: 60 MB for 100,000 points of 512 dimensions.
 */
export class QuantizedIndex {
  readonly #quantizer: Quantizer;
  readonly #matrix: CodeMatrix;
  /** By key: the id of a file, or that of a view as a negative number. */
  readonly #rows = new Map<number, number>();
  readonly #keys: number[] = [];
  /** Keys of the further views of files that have any. */
  readonly #views = new Map<number, number[]>();
  readonly #errors: number[] = [];

  /**
   * @param sample at least one vector of the collection, ideally some thousand
   * @param capacity number of points expected
   * @throws RangeError when memory is exhausted or the engine has no WebAssembly SIMD
   */
  constructor(sample: readonly Float32Array[], capacity: number) {
    const dimensions = sample[0]?.length ?? 0;
    this.#quantizer = new Quantizer(sample, dimensions);
    this.#matrix = new CodeMatrix(dimensions, capacity);
  }

  /** With further views. */
  get size(): number {
    return this.#keys.length;
  }

  /** Adds or replaces. */
  set(fileId: number, vector: Float32Array): void {
    this.#set(fileId, vector);
  }

  /** Adds a view that the file doesn't have yet. */
  setView(fileId: number, viewId: number, vector: Float32Array): void {
    this.#set(-viewId, vector);
    const known = this.#views.get(fileId);
    if (known) known.push(-viewId);
    else this.#views.set(fileId, [-viewId]);
  }

  /** Ignores a missing id; leaves further views. */
  delete(fileId: number): void {
    this.#delete(fileId);
  }

  deleteViews(fileId: number): void {
    for (const key of this.#views.get(fileId) ?? []) this.#delete(key);
    this.#views.delete(fileId);
  }

  #set(key: number, vector: Float32Array): void {
    const row = this.#rows.get(key) ?? this.size;
    this.#matrix.reserve(row + 1);
    this.#errors[row] = this.#quantizer.encode(vector, this.#matrix.row(row));
    this.#keys[row] = key;
    this.#rows.set(key, row);
  }

  #delete(key: number): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    this.#rows.delete(key);
    const lastKey = this.#keys.pop();
    const lastError = this.#errors.pop();
    if (lastKey === undefined || lastError === undefined || lastKey === key) return;
    // Moves the last row into the gap.
    this.#matrix.row(row).set(this.#matrix.row(this.size));
    this.#keys[row] = lastKey;
    this.#errors[row] = lastError;
    this.#rows.set(lastKey, row);
  }

  /** Ids that contain all hits of the query, in no particular order. */
  findCandidates(asked: VectorQuery): { fileIds: number[]; viewIds: number[] } {
    const { vector, limit, minimumScore = -1, viewPenalty = 0 } = asked;
    const query = this.#quantizer.encodeQuery(vector, this.#matrix.query);
    const rows = this.#rowsWithin(asked);
    const { isByRow, scores } = this.#score(rows);
    const upperBounds = new Float64Array(rows.length);
    const lowerBounds = new BoundCounts();
    const ofViews = this.#views.size > 0 ? new Map<number, number>() : null;
    for (let position = 0; position < rows.length; position += 1) {
      const row = rows[position] ?? 0;
      const product = query.offset + query.step * (scores[isByRow ? row : position] ?? 0);
      const isView = ofViews !== null && (this.#keys[row] ?? 0) < 0;
      const score = isView ? product - viewPenalty : product;
      const left = this.#errors[row] ?? 0;
      const error = query.norm * left + query.roundingError + SLACK;
      upperBounds[position] = toScore(score + error);
      const lowerBound = toScore(score - error);
      if (ofViews === null) lowerBounds.add(lowerBound);
      else this.#addToFile(row, lowerBound, { ofViews, lowerBounds });
    }
    for (const bound of ofViews?.values() ?? []) lowerBounds.add(bound);
    const cut = Math.max(lowerBounds.reachedBy(limit), minimumScore);
    const fileIds: number[] = [];
    const viewIds: number[] = [];
    for (let position = 0; position < rows.length; position += 1) {
      if ((upperBounds[position] ?? 0) < cut) continue;
      const key = this.#keys[rows[position] ?? 0] ?? 0;
      if (key > 0) fileIds.push(key);
      else viewIds.push(-key);
    }
    return { fileIds, viewIds };
  }

  /** The bound of a file with further views is that of its best one, known when all rows were seen. */
  #addToFile(
    row: number,
    bound: number,
    { ofViews, lowerBounds }: { ofViews: Map<number, number>; lowerBounds: BoundCounts },
  ): void {
    const key = this.#keys[row] ?? 0;
    if (key > 0 && !this.#views.has(key)) {
      lowerBounds.add(bound);
      return;
    }
    const fileId = key > 0 ? key : fileIdOf(-key);
    ofViews.set(fileId, Math.max(bound, ofViews.get(fileId) ?? -1));
  }

  /** Scores of these rows, in their order or indexed by row. */
  #score(rows: Uint32Array): { scores: Int32Array; isByRow: boolean } {
    const isByRow = rows.length >= this.size * SHARE_SCORED_ONE_BY_ONE;
    const scores = isByRow ? this.#matrix.score(this.size) : this.#matrix.scoreRows(rows);
    return { scores, isByRow };
  }

  /** Ascending, without repetition. */
  #rowsWithin({ filter = {}, isWholeOnly = false }: VectorQuery): Uint32Array {
    const { includeIds, excludeIds = [] } = filter;
    const isWanted = new Uint8Array(this.size).fill(includeIds === undefined ? 1 : 0);
    for (const row of this.#rowsOf(includeIds)) isWanted[row] = 1;
    if (isWholeOnly) {
      for (const key of [...this.#views.values()].flat()) isWanted[this.#rows.get(key) ?? 0] = 0;
    }
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

  /** With those of further views. */
  *#rowsOf(fileIds: readonly number[] = []): Iterable<number> {
    for (const fileId of fileIds) {
      for (const key of [fileId, ...(this.#views.get(fileId) ?? [])]) {
        const row = this.#rows.get(key);
        if (row !== undefined) yield row;
      }
    }
  }
}

/** A histogram that finds a value close to the `count`-th largest without sorting. */
class BoundCounts {
  static readonly #binsPerUnit = 8192;
  readonly #bins = new Uint32Array(2 * BoundCounts.#binsPerUnit + 1);

  /** `bound`: -1 to 1. */
  add(bound: number): void {
    const bin = Math.floor((bound + 1) * BoundCounts.#binsPerUnit);
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
  }

  /** A value that at least `count` values reach; -1 when fewer were added. */
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

/** A query as integers, and how to interpret its integer scores. */
interface QuantizedQuery {
  /** Cosine similarity ≈ `offset + step * integer score`. */
  offset: number;
  step: number;
  /** Length of the query: 1 except for rounding. */
  norm: number;
  /** Maximum error of a score that is due to rounding the query. */
  roundingError: number;
}

const MAX_CODE = 127;
const MAX_WEIGHT = 32_767;
const MAX_SCORE = 2 ** 31 - 1;

/**
 * Codes span this many standard deviations on either side of the mean and are clipped beyond. A wider span makes
 * every code coarser; a narrower one clips more.
 */
const SPAN = 4;

/**
 * Quantizes vectors to one signed byte per dimension around the collection's mean, because the images of one model
 * share a large common component that would otherwise take up most of the range. Mean and scale determine how tight
 * the bounds are, never whether a search is exact, because each code's error is measured.
 */
class Quantizer {
  readonly #mean: Float64Array;
  readonly #scale: Float64Array;
  readonly #inverseScale: Float64Array;

  /** `sample`: at least one vector of the collection. */
  constructor(sample: readonly Float32Array[], dimensions: number) {
    this.#mean = averageOf(sample, dimensions);
    const squares = averageOf(
      sample.map((vector) => vector.map((value) => value * value)),
      dimensions,
    );
    this.#scale = this.#mean.map((mean, index) => {
      const deviation = Math.sqrt(Math.max((squares[index] ?? 0) - mean * mean, 0));
      // A dimension without variance in the sample gets the scale of a typical value of a unit vector.
      return ((deviation || 1 / Math.sqrt(dimensions)) * SPAN) / MAX_CODE;
    });
    this.#inverseScale = this.#scale.map((scale) => 1 / scale);
  }

  /** Writes the code of `vector` to `code`. Returns the length of the quantization error. */
  encode(vector: Float32Array, code: Int8Array): number {
    const [mean, scale, inverseScale] = [this.#mean, this.#scale, this.#inverseScale];
    let left = 0;
    for (let index = 0; index < vector.length; index += 1) {
      const distance = (vector[index] ?? 0) - (mean[index] ?? 0);
      const step = scale[index] ?? 0;
      const steps = distance * (inverseScale[index] ?? 0);
      const clipped = steps > MAX_CODE ? MAX_CODE : steps < -MAX_CODE ? -MAX_CODE : steps;
      // Math.round, Math.min and Math.max would make this loop five times slower.
      const value = Math.floor(clipped + 0.5);
      code[index] = value;
      const rest = distance - value * step;
      left += rest * rest;
    }
    return Math.sqrt(left);
  }

  /** Writes the query's integers to `weights`, scaled so that no dot product with a code exceeds 32 bits. */
  encodeQuery(vector: Float32Array, weights: Int16Array): QuantizedQuery {
    let largest = 0;
    let sum = 0;
    let offset = 0;
    for (const [index, value] of vector.entries()) {
      const weight = Math.abs(value * (this.#scale[index] ?? 0));
      largest = Math.max(largest, weight);
      sum += weight;
      offset += value * (this.#mean[index] ?? 0);
    }
    // Rounding may add half a unit per dimension to the sum.
    const room = MAX_SCORE / MAX_CODE - vector.length;
    const step = Math.max(largest / MAX_WEIGHT, sum / room) || 1;
    let lost = 0;
    for (const [index, value] of vector.entries()) {
      const weight = (value * (this.#scale[index] ?? 0)) / step;
      const rounded = Math.round(weight);
      weights[index] = rounded;
      lost += Math.abs(weight - rounded);
    }
    return {
      offset,
      step,
      norm: Math.sqrt(dotProduct(vector, vector)),
      roundingError: lost * MAX_CODE * step,
    };
  }
}

function averageOf(vectors: readonly Float32Array[], dimensions: number): Float64Array {
  const sum = new Float64Array(dimensions);
  for (const vector of vectors) {
    for (let index = 0; index < dimensions; index += 1) {
      sum[index] = (sum[index] ?? 0) + (vector[index] ?? 0);
    }
  }
  return sum.map((value) => value / vectors.length);
}
