import { dotProduct } from './dot-product';

/** A query as integers, and what its integer scores mean. */
export interface QuantizedQuery {
  /** Cosine similarity ≈ `offset + step * integer score`. */
  offset: number;
  step: number;
  /** Length of the query; 1 but for rounding. */
  norm: number;
  /** How far the rounding of the query alone can put a score off. */
  roundingError: number;
}

const LARGEST_CODE = 127;
const LARGEST_WEIGHT = 32_767;
const LARGEST_SCORE = 2 ** 31 - 1;

/**
 * Codes span this many standard deviations to either side of the mean. What lies beyond is clipped: a wider span
 * coarsens every code, a narrower one clips more.
 */
const SPAN = 4;

/**
 * Turns vectors into one signed byte per dimension, around the mean of the collection: pictures of one model share a
 * large common part, which would otherwise take up most of the range. The choice of mean and scale decides how tight
 * the codes are, never whether a search is right, because what a code leaves out of its vector is measured.
 */
export class Quantizer {
  readonly #mean: Float64Array;
  readonly #scale: Float64Array;
  readonly #inverseScale: Float64Array;

  /** `sample`: some vectors of the collection, at least one. */
  constructor(sample: readonly Float32Array[], dimensions: number) {
    this.#mean = averageOf(sample, dimensions);
    const squares = averageOf(
      sample.map((vector) => vector.map((value) => value * value)),
      dimensions,
    );
    this.#scale = this.#mean.map((mean, index) => {
      const deviation = Math.sqrt(Math.max((squares[index] ?? 0) - mean * mean, 0));
      // A dimension in which the sample does not vary still needs a scale: that of a unit vector's usual value.
      return ((deviation || 1 / Math.sqrt(dimensions)) * SPAN) / LARGEST_CODE;
    });
    this.#inverseScale = this.#scale.map((scale) => 1 / scale);
  }

  /** Writes the code of `vector` to `code`; answers the length of what the code leaves out. */
  encode(vector: Float32Array, code: Int8Array): number {
    const [mean, scale, inverseScale] = [this.#mean, this.#scale, this.#inverseScale];
    let left = 0;
    for (let index = 0; index < vector.length; index += 1) {
      const distance = (vector[index] ?? 0) - (mean[index] ?? 0);
      const step = scale[index] ?? 0;
      const steps = distance * (inverseScale[index] ?? 0);
      const clipped =
        steps > LARGEST_CODE ? LARGEST_CODE : steps < -LARGEST_CODE ? -LARGEST_CODE : steps;
      // Math.round, Math.min and Math.max would make this loop five times as slow.
      const value = Math.floor(clipped + 0.5);
      code[index] = value;
      const rest = distance - value * step;
      left += rest * rest;
    }
    return Math.sqrt(left);
  }

  /** Writes the query's integers to `weights`, so small that no dot product with a code leaves 32 bits. */
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
    const room = LARGEST_SCORE / LARGEST_CODE - vector.length;
    const step = Math.max(largest / LARGEST_WEIGHT, sum / room) || 1;
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
      roundingError: lost * LARGEST_CODE * step,
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
