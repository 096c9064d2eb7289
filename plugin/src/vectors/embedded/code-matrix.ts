import { createKernel, LANES, type KernelFactory } from './kernel';

const PAGE_BYTES = 65_536;
/** Rows that one kernel call scores. */
const BLOCK = 4096;
/** Rows that all queries see before the next ones are loaded: as few as are cached, and as thresholds rise early. */
export const COLLECTED_AT_ONCE = 1024;
/** Spare share of rows reserved whenever the memory grows. */
const SPARE = 1 / 8;

export interface CodeMatrixOptions {
  dimensions: number;
  /** Number of rows expected. */
  capacity: number;
  /** How many queries it keeps. @default 1 */
  queries?: number;
  /** @default the fastest */
  kernel?: KernelFactory;
}

/** Rows of one block whose product with a query is at least a threshold: each row and its product in turn. */
export type FoundRows = Int32Array;

/**
 * Rows of signed bytes in a growing WebAssembly memory, and their dot products with queries. The memory holds the
 * queries, what was computed for one block of rows, and the rows, in this order.
 *
 * @throws RangeError from the constructor and `reserve` when memory is exhausted
 */
export class CodeMatrix {
  readonly #dimensions: number;
  readonly #width: number;
  readonly #resultsStart: number;
  readonly #rowsStart: number;
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: ReturnType<KernelFactory>;

  constructor(options: CodeMatrixOptions) {
    const { dimensions, capacity, queries = 1, kernel = createKernel } = options;
    this.#dimensions = dimensions;
    this.#width = Math.ceil(dimensions / LANES) * LANES;
    this.#resultsStart = this.#queryStart(queries);
    this.#rowsStart = this.#resultsStart + BLOCK * Int32Array.BYTES_PER_ELEMENT;
    this.#memory = new WebAssembly.Memory({ initial: this.#pagesFor(capacity) });
    this.#kernel = kernel(this.#memory, this.#width);
  }

  /** Makes room for rows 0 to `count - 1`. Invalidates earlier views. */
  reserve(count: number): void {
    const missing = this.#pagesFor(count) - this.#memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) this.#memory.grow(missing + Math.ceil(this.#pagesFor(count) * SPARE));
  }

  /** A writable view of one row's codes. */
  row(index: number): Int8Array {
    return new Int8Array(this.#memory.buffer, this.#rowStart(index), this.#dimensions);
  }

  /** A writable view of the first `count` rows, each padded to a multiple of 16 bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#memory;
    return new Uint8Array(buffer, this.#rowsStart, count * this.#width);
  }

  /** A writable view of a query: one integer per dimension. No dot product may exceed 32 bits. */
  query(number = 0): Int16Array {
    return new Int16Array(this.#memory.buffer, this.#queryStart(number), this.#dimensions);
  }

  /** Dot products of the query with the first `count` rows. */
  score(count: number): Int32Array {
    const scores = new Int32Array(count);
    for (let first = 0; first < count; first += BLOCK) {
      const size = Math.min(BLOCK, count - first);
      scores.set(this.scoreBlock({ first, size }), first);
    }
    return scores;
  }

  /** Dot products of a query with up to 4,096 rows; a view that is valid until the next call. */
  scoreBlock(rows: { first: number; size: number }, query = 0): Int32Array {
    if (rows.size > BLOCK) throw new RangeError(`A block has ${String(BLOCK)} rows at most.`);
    const [start, end] = [this.#rowStart(rows.first), this.#rowStart(rows.first + rows.size)];
    this.#kernel.score(this.#queryStart(query), start, end, this.#resultsStart);
    return new Int32Array(this.#memory.buffer, this.#resultsStart, rows.size);
  }

  /** Dot products of the query with these rows, in their order. */
  scoreRows(rows: Uint32Array): Int32Array {
    const scores = new Int32Array(rows.length);
    const result = new Int32Array(this.#memory.buffer, this.#resultsStart, 1);
    for (let position = 0; position < rows.length; position += 1) {
      const start = this.#rowStart(rows[position] ?? 0);
      this.#kernel.score(0, start, start + this.#width, this.#resultsStart);
      scores[position] = result[0] ?? 0;
    }
    return scores;
  }

  /**
   * Passes over the first `count` rows once and calls `visit` for each query and block, which gets the rows whose
   * product is at least what it returned for the query's last block, at first those from `threshold` on.
   */
  collect(
    { count, thresholds }: { count: number; thresholds: readonly number[] },
    visit: (query: number, found: FoundRows) => number,
  ): void {
    const current = [...thresholds];
    for (let first = 0; first < count; first += COLLECTED_AT_ONCE) {
      const end = this.#rowStart(Math.min(first + COLLECTED_AT_ONCE, count));
      for (const [query, threshold] of current.entries()) {
        const start = this.#rowStart(first);
        const place = this.#queryStart(query);
        const foundEnd = this.#kernel.collect(place, start, end, threshold, this.#resultsStart);
        if (foundEnd === this.#resultsStart) continue;
        const length = (foundEnd - this.#resultsStart) / Int32Array.BYTES_PER_ELEMENT;
        const found = new Int32Array(this.#memory.buffer, this.#resultsStart, length);
        for (let index = 0; index < length; index += 2) {
          found[index] = (((found[index] ?? 0) >>> 0) - this.#rowsStart) / this.#width;
        }
        current[query] = visit(query, found);
      }
    }
  }

  #queryStart(number: number): number {
    return number * this.#width * Int16Array.BYTES_PER_ELEMENT;
  }

  #rowStart(index: number): number {
    return this.#rowsStart + index * this.#width;
  }

  #pagesFor(rows: number): number {
    return Math.ceil(this.#rowStart(rows) / PAGE_BYTES);
  }
}
