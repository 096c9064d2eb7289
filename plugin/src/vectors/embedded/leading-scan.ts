import { CodeMatrix, COLLECTED_AT_ONCE, type FoundRows } from './code-matrix';
import type { PrincipalDirections } from './principal-directions';
import { MAX_CODE, Quantizer, SPAN } from './quantizer';

/** Queries that share one pass over memory. */
const QUERIES_PER_PASS = 16;
/** Below all products of a query and a row. */
const LEAST_PRODUCT = -(2 ** 31);
const ENCODED_PER_STEP = 1_024;
/** The shortest length along a direction that a code can tell apart. */
const LEAST_DEVIATION = 1e-6;

/** The rows that look best by their leading dimensions. */
export interface LeadingRows {
  rows: Uint32Array;
  /** Each row's estimated score: without what the other dimensions add to it. */
  estimates: Float64Array;
  /** All other rows' estimates are at most this; -Infinity when there are none. */
  bound: number;
}

/** How many leading dimensions codes of so many dimensions have: an eighth, in steps of the kernel. */
export function leadingCountOf(dimensions: number): number {
  return Math.min(dimensions, Math.ceil(dimensions / 128) * 16);
}

/**
 * One signed byte for each of a vector's leading dimensions, after a rotation by the principal directions of the
 * collection: an eighth of the memory to scan. They estimate scores, and only codes and vectors settle them.
 */
export class LeadingScan {
  readonly #directions: readonly Float32Array[];
  readonly #deviations: Float64Array;
  /** Of all dimensions, which are multiplied with the directions that it keeps behind its first query. */
  readonly #codes: CodeMatrix;
  readonly #base: Quantizer;
  readonly #quantizer: Quantizer;
  readonly #matrix: CodeMatrix;
  /** By direction: what turns the product of a row with it into a code. */
  readonly #factors: Float64Array;
  /** Rows that have leading codes, from the first one on. */
  #encoded = 0;

  /** @param base.codes with a query for each direction, after its first one */
  constructor(
    { directions, deviations }: PrincipalDirections,
    base: { codes: CodeMatrix; quantizer: Quantizer; capacity: number },
  ) {
    this.#directions = directions;
    this.#deviations = deviations;
    this.#codes = base.codes;
    this.#base = base.quantizer;
    const scale = deviations.map(
      (deviation) => (Math.max(deviation, LEAST_DEVIATION) * SPAN) / MAX_CODE,
    );
    this.#quantizer = new Quantizer({ mean: new Float64Array(directions.length), scale });
    this.#matrix = new CodeMatrix({
      dimensions: directions.length,
      capacity: base.capacity,
      queries: QUERIES_PER_PASS,
    });
    this.#factors = Float64Array.from(directions, (direction, position) => {
      const { step } = base.quantizer.encodeQuery(direction, base.codes.query(position + 1));
      return step / (scale[position] ?? 1);
    });
  }

  get directions(): PrincipalDirections {
    return { directions: [...this.#directions], deviations: this.#deviations };
  }

  /** How many rows have leading codes. */
  get encoded(): number {
    return this.#encoded;
  }

  /** Leading codes of the first `count` rows, to be written to a file or read from it. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    this.#matrix.reserve(count);
    return this.#matrix.bytes(count);
  }

  /** The first `count` rows have leading codes: they were read, or the rows behind them are gone. */
  setEncoded(count: number): void {
    this.#encoded = count;
  }

  /** The row's code has changed. */
  update(row: number): void {
    if (row < this.#encoded) this.#encode({ first: row, size: 1 });
  }

  /** Encodes the next rows up to `size` that have no leading codes yet, which takes some milliseconds. */
  encodeNext(size: number): void {
    this.#matrix.reserve(size);
    const rows = { first: this.#encoded, size: Math.min(ENCODED_PER_STEP, size - this.#encoded) };
    this.#encode(rows);
    this.#encoded += rows.size;
  }

  /** For each vector the `wanted` rows with the highest estimates. */
  find(vectors: readonly Float32Array[], wanted: number): LeadingRows[] {
    const found: LeadingRows[] = [];
    for (let first = 0; first < vectors.length; first += QUERIES_PER_PASS) {
      const queries = vectors
        .slice(first, first + QUERIES_PER_PASS)
        .map((vector, position) => this.#prepare(vector, position));
      const lists = queries.map(() => new LargestProducts(wanted));
      const thresholds = queries.map(() => LEAST_PRODUCT);
      this.#matrix.collect({ count: this.#encoded, thresholds }, (query, rows) => {
        const list = lists[query];
        return list === undefined ? LEAST_PRODUCT : list.add(rows);
      });
      for (const [position, { offset, step }] of queries.entries()) {
        const list = lists[position]?.finish();
        if (list === undefined) continue;
        found.push({
          rows: list.rows,
          estimates: Float64Array.from(list.products, (product) => offset + step * product),
          bound: list.bound === null ? -Infinity : offset + step * list.bound,
        });
      }
    }
    return found;
  }

  /** How many rows the `find` of this vector must return, so that all of these are among them. */
  rankOf(vector: Float32Array, rows: Uint32Array): number {
    this.#prepare(vector, 0);
    const threshold = Math.min(...this.#matrix.scoreRows(rows));
    let count = 0;
    this.#matrix.collect({ count: this.#encoded, thresholds: [threshold] }, (_, found) => {
      count += found.length / 2;
      return threshold;
    });
    return count;
  }

  /** Writes the query of this number, and tells how to interpret its products. */
  #prepare(vector: Float32Array, number: number): { offset: number; step: number } {
    const leading = Float32Array.from(this.#directions, (direction) => dot(direction, vector));
    const { step } = this.#quantizer.encodeQuery(leading, this.#matrix.query(number));
    return { offset: dot(this.#base.mean, vector), step };
  }

  #encode({ first, size }: { first: number; size: number }): void {
    const bytes = this.#matrix.bytes(first + size);
    const width = bytes.length / (first + size);
    for (const [position, factor] of this.#factors.entries()) {
      const products = this.#codes.scoreBlock({ first, size }, position + 1);
      for (let index = 0; index < size; index += 1) {
        const code = (products[index] ?? 0) * factor;
        const clipped = code > MAX_CODE ? MAX_CODE : code < -MAX_CODE ? -MAX_CODE : code;
        bytes[(first + index) * width + position] = Math.floor(clipped + 0.5);
      }
    }
  }
}

/** The largest of many products that come block by block; of equal ones, the first. */
class LargestProducts {
  readonly #wanted: number;
  readonly #rows: Uint32Array;
  readonly #products: Int32Array;
  #length = 0;
  #threshold = LEAST_PRODUCT;

  constructor(wanted: number) {
    this.#wanted = wanted;
    this.#rows = new Uint32Array(2 * wanted + COLLECTED_AT_ONCE);
    this.#products = new Int32Array(2 * wanted + COLLECTED_AT_ONCE);
  }

  /** Returns from which product on rows still count. */
  add(found: FoundRows): number {
    for (let index = 0; index < found.length; index += 2) {
      this.#rows[this.#length] = found[index] ?? 0;
      this.#products[this.#length] = found[index + 1] ?? 0;
      this.#length += 1;
    }
    if (this.#length > 2 * this.#wanted) this.#keepLargest();
    return this.#threshold;
  }

  finish(): { rows: Uint32Array; products: Int32Array; bound: number | null } {
    if (this.#length > this.#wanted) this.#keepLargest();
    return {
      rows: this.#rows.slice(0, this.#length),
      products: this.#products.slice(0, this.#length),
      bound: this.#threshold === LEAST_PRODUCT ? null : this.#threshold - 1,
    };
  }

  #keepLargest(): void {
    const least = nthLargest(this.#products.slice(0, this.#length), this.#wanted);
    let ties = this.#wanted;
    for (let index = 0; index < this.#length; index += 1) {
      if ((this.#products[index] ?? 0) > least) ties -= 1;
    }
    let kept = 0;
    for (let index = 0; index < this.#length; index += 1) {
      const product = this.#products[index] ?? 0;
      if (product < least || (product === least && ties === 0)) continue;
      if (product === least) ties -= 1;
      this.#rows[kept] = this.#rows[index] ?? 0;
      this.#products[kept] = product;
      kept += 1;
    }
    this.#length = kept;
    this.#threshold = least + 1;
  }
}

/** Hoare's selection (1961). Reorders the values. */
function nthLargest(values: Int32Array, rank: number): number {
  let [left, right] = [0, values.length - 1];
  const place = rank - 1;
  while (left < right) {
    const pivot = values[(left + right) >> 1] ?? 0;
    let [low, high] = [left, right];
    while (low <= high) {
      while ((values[low] ?? 0) > pivot) low += 1;
      while ((values[high] ?? 0) < pivot) high -= 1;
      if (low > high) break;
      const value = values[low] ?? 0;
      values[low] = values[high] ?? 0;
      values[high] = value;
      low += 1;
      high -= 1;
    }
    if (place <= high) right = high;
    else if (place >= low) left = low;
    else break;
  }
  return values[place] ?? 0;
}

function dot(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) {
    sum += (left[index] ?? 0) * (right[index] ?? 0);
  }
  return sum;
}
