import { createDotKernel, type DotKernel } from './kernel';

const PAGE_BYTES = 65_536;
/** Codes that the kernel takes in one step; rows are padded with zeros to a multiple of it. */
const LANES = 16;
/** Rows that one call of the kernel scores. */
const BLOCK = 4096;
/** When rows run out, room is made for this share more than is needed. */
const SPARE = 1 / 8;

/**
 * Rows of signed bytes in a WebAssembly memory that grows, and the dot product of all of them with one query. The
 * memory holds the query, the scores of one block of rows, and the rows, in this order.
 *
 * The constructor and `reserve` throw a RangeError when the memory is not to be had, the constructor also when this
 * Node.js has no WebAssembly SIMD.
 */
export class CodeMatrix {
  readonly #dimensions: number;
  readonly #width: number;
  readonly #scoresStart: number;
  readonly #rowsStart: number;
  readonly #memory: WebAssembly.Memory;
  readonly #dot: DotKernel;

  constructor(dimensions: number, capacity: number) {
    this.#dimensions = dimensions;
    this.#width = Math.ceil(dimensions / LANES) * LANES;
    this.#scoresStart = this.#width * Int16Array.BYTES_PER_ELEMENT;
    this.#rowsStart = this.#scoresStart + BLOCK * Int32Array.BYTES_PER_ELEMENT;
    this.#memory = new WebAssembly.Memory({ initial: this.#pagesFor(capacity) });
    const dot = createDotKernel(this.#memory);
    if (dot === null) throw new RangeError('This Node.js has no WebAssembly SIMD.');
    this.#dot = dot;
  }

  /** Makes room for rows 0 to `count - 1`. Views handed out before are void afterwards. */
  reserve(count: number): void {
    const missing = this.#pagesFor(count) - this.#memory.buffer.byteLength / PAGE_BYTES;
    if (missing > 0) this.#memory.grow(missing + Math.ceil(this.#pagesFor(count) * SPARE));
  }

  /** The codes of one row, to read and to write. */
  row(index: number): Int8Array {
    const start = this.#rowsStart + index * this.#width;
    return new Int8Array(this.#memory.buffer, start, this.#dimensions);
  }

  /** The integers that the next `score` multiplies with: one per dimension, no dot product beyond 32 bits. */
  get query(): Int16Array {
    return new Int16Array(this.#memory.buffer, 0, this.#dimensions);
  }

  /** The dot product of the query with each of the first `count` rows. */
  score(count: number): Int32Array {
    const scores = new Int32Array(count);
    for (let first = 0; first < count; first += BLOCK) {
      const size = Math.min(BLOCK, count - first);
      const start = this.#rowsStart + first * this.#width;
      this.#dot(0, start, start + size * this.#width, this.#width, this.#scoresStart);
      scores.set(new Int32Array(this.#memory.buffer, this.#scoresStart, size), first);
    }
    return scores;
  }

  /** The dot product of the query with each of these rows, in their order. */
  scoreRows(rows: Uint32Array): Int32Array {
    const scores = new Int32Array(rows.length);
    const result = new Int32Array(this.#memory.buffer, this.#scoresStart, 1);
    for (let position = 0; position < rows.length; position += 1) {
      const start = this.#rowsStart + (rows[position] ?? 0) * this.#width;
      this.#dot(0, start, start + this.#width, this.#width, this.#scoresStart);
      scores[position] = result[0] ?? 0;
    }
    return scores;
  }

  #pagesFor(rows: number): number {
    return Math.ceil((this.#rowsStart + rows * this.#width) / PAGE_BYTES);
  }
}
