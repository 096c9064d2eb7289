import type { VectorQuery } from '../contract';
import { toScore } from '../similarity';
import { fileIdOf } from '../views';
import { CodeMatrix } from './code-matrix';
import { leadingCountOf, LeadingScan, type LeadingRows } from './leading-scan';
import { findPrincipalDirections, type PrincipalDirections } from './principal-directions';
import { Quantizer } from './quantizer';

/** Number of vectors from which the quantizer learns its mean and scale. */
export const SAMPLE_SIZE = 1000;

/** Scattered rows take longer to score than consecutive ones: from this share on, all rows are scored. */
const SHARE_SCORED_ONE_BY_ONE = 1 / 8;

/** More than double precision can lose in a sum of products of unit vectors. */
const SLACK = 1e-9;

/** Rows that principal directions are learned from. */
const PRINCIPAL_SAMPLE = 4_096;
/** The hits whose distance from the rows left out decides whether a search by leading dimensions counts. */
export const CHECKED_HITS = 20;
/**
 * So many standard deviations must lie between the last of those hits and the best estimate of a row left out: of a
 * normal distribution, one in 30,000 is beyond.
 */
const LEAST_MARGIN = 4;

/** Ids that contain all hits of a query, in no particular order. */
export interface IndexCandidates {
  fileIds: number[];
  viewIds: number[];
}

/** What a file needs to restore an index. Rows are in the order of their keys. */
export interface IndexState {
  quantizer: { mean: Float64Array; scale: Float64Array };
  keys: Float64Array;
  errors: Float64Array;
  leading: PrincipalDirections | null;
}

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
  #leading: LeadingScan | null = null;

  /**
   * @param capacity number of points expected
   * @throws RangeError when memory is exhausted
   */
  constructor(quantizer: Quantizer, capacity: number) {
    const dimensions = quantizer.scale.length;
    this.#quantizer = quantizer;
    this.#matrix = new CodeMatrix({
      dimensions,
      capacity,
      queries: 1 + leadingCountOf(dimensions),
    });
  }

  /**
   * @param sample at least one vector of the collection, ideally some thousand
   * @throws RangeError when memory is exhausted
   */
  static learn(sample: readonly Float32Array[], capacity: number): QuantizedIndex {
    return new QuantizedIndex(Quantizer.learn(sample, sample[0]?.length ?? 0), capacity);
  }

  /** @throws RangeError when memory is exhausted */
  static restore(state: IndexState, readRows: (codes: Uint8Array, leading: Uint8Array) => void) {
    const { quantizer, keys, errors, leading } = state;
    const index = new QuantizedIndex(new Quantizer(quantizer), keys.length);
    index.#matrix.reserve(keys.length);
    for (const [row, key] of keys.entries()) {
      index.#keys.push(key);
      index.#errors.push(errors[row] ?? 0);
      index.#rows.set(key, row);
      if (key < 0) index.#noteView(fileIdOf(-key), key);
    }
    if (leading !== null) index.#leading = index.#createLeading(leading);
    const rest = index.#leading?.bytes(keys.length) ?? new Uint8Array();
    readRows(index.#matrix.bytes(keys.length), rest);
    index.#leading?.setEncoded(keys.length);
    return index;
  }

  /** All but the codes, which `rowBytes` has. */
  get state(): IndexState {
    return {
      quantizer: this.#quantizer,
      keys: Float64Array.from(this.#keys),
      errors: Float64Array.from(this.#errors),
      leading: this.#leading?.directions ?? null,
    };
  }

  /** Views of the codes, and of the leading codes, which may be none. Valid until the index changes. */
  rowBytes(): [codes: Uint8Array<ArrayBuffer>, leading: Uint8Array<ArrayBuffer>] {
    runToEnd(this.#encodeLeading());
    return [this.#matrix.bytes(this.size), this.#leading?.bytes(this.size) ?? new Uint8Array()];
  }

  /** With further views. */
  get size(): number {
    return this.#keys.length;
  }

  /** Adds or replaces. */
  set(fileId: number, vector: Float32Array): void {
    this.#set(fileId, vector);
  }

  /** Adds or replaces. */
  setView(fileId: number, viewId: number, vector: Float32Array): void {
    if (!this.#rows.has(-viewId)) this.#noteView(fileId, -viewId);
    this.#set(-viewId, vector);
  }

  /** Ignores a missing id; leaves further views. */
  delete(fileId: number): void {
    this.#delete(fileId);
  }

  deleteViews(fileId: number): void {
    for (const key of this.#views.get(fileId) ?? []) this.#delete(key);
    this.#views.delete(fileId);
  }

  #noteView(fileId: number, key: number): void {
    const known = this.#views.get(fileId);
    if (known) known.push(key);
    else this.#views.set(fileId, [key]);
  }

  #set(key: number, vector: Float32Array): void {
    const row = this.#rows.get(key) ?? this.size;
    this.#matrix.reserve(row + 1);
    this.#errors[row] = this.#quantizer.encode(vector, this.#matrix.row(row));
    this.#keys[row] = key;
    this.#rows.set(key, row);
    this.#leading?.update(row);
  }

  #delete(key: number): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    this.#rows.delete(key);
    const lastKey = this.#keys.pop();
    const lastError = this.#errors.pop();
    if (this.#leading && this.#leading.encoded > this.size) this.#leading.setEncoded(this.size);
    if (lastKey === undefined || lastError === undefined || lastKey === key) return;
    // Moves the last row into the gap.
    this.#matrix.row(row).set(this.#matrix.row(this.size));
    this.#keys[row] = lastKey;
    this.#errors[row] = lastError;
    this.#rows.set(lastKey, row);
    this.#leading?.update(row);
  }

  /** Compares the codes of all points. */
  findCandidates(asked: VectorQuery): IndexCandidates {
    return this.#settle(asked, this.#rowsWithin(asked)).candidates;
  }

  /**
   * Compares the codes of the `wanted` points that look best by their leading dimensions, for all queries in one pass.
   * Null where points left out come too close to the hits. Queries must not be limited to some files.
   */
  findNear(queries: readonly VectorQuery[], wanted: number): (IndexCandidates | null)[] {
    const leading = this.#leading;
    if (leading === null) return queries.map(() => null);
    runToEnd(this.#encodeLeading());
    const vectors = queries.map(({ vector }) => vector);
    const found = leading.find(vectors, wanted);
    return queries.map((query, position) => this.#settleNear(query, found[position]));
  }

  /** Prepares `findNear`, anew if it was. The index may change meanwhile. */
  *learnLeading(): Generator<void, void> {
    this.#leading = null;
    const found = yield* findPrincipalDirections(this.#sampleCodes(PRINCIPAL_SAMPLE), {
      quantizer: this.#quantizer,
      count: leadingCountOf(this.#quantizer.scale.length),
    });
    const leading = this.#createLeading(found);
    this.#leading = leading;
    yield* this.#encodeLeading();
  }

  /** The size may change meanwhile. */
  *#encodeLeading(): Generator<void, void> {
    while (this.#leading !== null && this.#leading.encoded < this.size) {
      this.#leading.encodeNext(this.size);
      yield;
    }
  }

  forgetLeading(): void {
    this.#leading = null;
  }

  get hasLeading(): boolean {
    return this.#leading !== null;
  }

  /** How many rows `findNear` must compare to see the codes of all these; null when it isn't prepared. */
  rankOf(vector: Float32Array, keys: readonly number[]): number | null {
    runToEnd(this.#encodeLeading());
    const rows = keys.flatMap((key) => this.#rows.get(key) ?? []);
    return this.#leading?.rankOf(vector, Uint32Array.from(rows)) ?? null;
  }

  /** Vectors as their codes have them, evenly over the rows. */
  sample(count: number): Float32Array[] {
    return this.#sampleCodes(count).map((code) => this.#quantizer.decode(code));
  }

  #sampleCodes(count: number): Int8Array[] {
    const stride = Math.ceil(this.size / count);
    return Array.from({ length: Math.ceil(this.size / stride) }, (_, position) =>
      this.#matrix.row(position * stride).slice(),
    );
  }

  #createLeading(found: PrincipalDirections): LeadingScan {
    const [codes, quantizer] = [this.#matrix, this.#quantizer];
    return new LeadingScan(found, { codes, quantizer, capacity: this.size });
  }

  #settleNear(asked: VectorQuery, found: LeadingRows | undefined): IndexCandidates | null {
    if (found === undefined) return null;
    const { minimumScore = -1 } = asked;
    const isWanted = this.#filterOf(asked);
    const positions = found.rows.map((_, position) => position);
    const kept =
      isWanted === null ? positions : positions.filter((at) => isWanted(found.rows[at] ?? 0));
    const settled = this.#settle(
      asked,
      kept.map((at) => found.rows[at] ?? 0),
    );
    if (found.bound === -Infinity) return settled.candidates;
    let squares = 0;
    for (const [index, at] of kept.entries()) {
      const rest = (settled.products[index] ?? 0) - (found.estimates[at] ?? 0);
      squares += rest * rest;
    }
    const deviation = Math.sqrt(squares / kept.length);
    const least = Math.max(settled.lowerBounds.reachedBy(CHECKED_HITS), minimumScore);
    return least - found.bound >= LEAST_MARGIN * deviation ? settled.candidates : null;
  }

  /** Whether a row counts in a search of all files; null when each does. */
  #filterOf({ filter = {}, isWholeOnly = false }: VectorQuery): ((row: number) => boolean) | null {
    const excluded = new Set(this.#rowsOf(filter.excludeIds));
    const skipsViews = isWholeOnly && this.#views.size > 0;
    if (excluded.size === 0 && !skipsViews) return null;
    return (row) => !excluded.has(row) && !(skipsViews && (this.#keys[row] ?? 0) < 0);
  }

  #settle(asked: VectorQuery, rows: Uint32Array) {
    const { vector, limit, minimumScore = -1, viewPenalty = 0 } = asked;
    const query = this.#quantizer.encodeQuery(vector, this.#matrix.query());
    const { isByRow, scores } = this.#score(rows);
    const products = new Float64Array(rows.length);
    const upperBounds = new Float64Array(rows.length);
    const lowerBounds = new BoundCounts();
    const ofViews = this.#views.size > 0 ? new Map<number, number>() : null;
    for (let position = 0; position < rows.length; position += 1) {
      const row = rows[position] ?? 0;
      const product = query.offset + query.step * (scores[isByRow ? row : position] ?? 0);
      products[position] = product;
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
    return { candidates: { fileIds, viewIds }, products, lowerBounds };
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

export function runToEnd(steps: Iterator<void>): number {
  let count = 0;
  while (steps.next().done !== true) count += 1;
  return count;
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
