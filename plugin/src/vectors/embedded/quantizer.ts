import { dotProduct } from '../similarity';

/** A query as integers, and how to interpret its integer scores. */
export interface QuantizedQuery {
  /** Dot product ≈ `offset + step * integer score`. */
  offset: number;
  step: number;
  /** Length of the query: 1 except for rounding. */
  norm: number;
  /** Maximum error of a score that is due to rounding the query. */
  roundingError: number;
}

export const MAX_CODE = 127;
const MAX_WEIGHT = 32_767;
const MAX_SCORE = 2 ** 31 - 1;

/**
 * Codes span this many standard deviations on either side of the mean and are clipped beyond. A wider span makes
 * every code coarser; a narrower one clips more.
 */
export const SPAN = 4;

/**
 * Quantizes vectors to one signed byte per dimension around the collection's mean, because the images of one model
 * share a large common component that would otherwise take up most of the range. Mean and scale determine how tight
 * the bounds are, never whether a search is exact, because each code's error is measured.
 */
export class Quantizer {
  readonly mean: Float64Array;
  /** What one unit of a code is worth. */
  readonly scale: Float64Array;
  readonly #inverseScale: Float64Array;

  constructor({ mean, scale }: { mean: Float64Array; scale: Float64Array }) {
    this.mean = mean;
    this.scale = scale;
    this.#inverseScale = scale.map((step) => 1 / step);
  }

  /** `sample`: at least one vector of the collection. */
  static learn(sample: readonly Float32Array[], dimensions: number): Quantizer {
    const mean = averageOf(sample, dimensions);
    const squares = averageOf(
      sample.map((vector) => vector.map((value) => value * value)),
      dimensions,
    );
    const scale = mean.map((average, index) => {
      const deviation = Math.sqrt(Math.max((squares[index] ?? 0) - average * average, 0));
      // A dimension without variance in the sample gets the scale of a typical value of a unit vector.
      return ((deviation || 1 / Math.sqrt(dimensions)) * SPAN) / MAX_CODE;
    });
    return new Quantizer({ mean, scale });
  }

  /** Writes the code of `vector` to `code`. Returns the length of the quantization error. */
  encode(vector: ArrayLike<number>, code: Int8Array): number {
    const [mean, scale, inverseScale] = [this.mean, this.scale, this.#inverseScale];
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

  /** The vector that a code stands for. */
  decode(code: Int8Array): Float32Array {
    return Float32Array.from(
      code,
      (value, index) => (this.mean[index] ?? 0) + value * (this.scale[index] ?? 0),
    );
  }

  /** Writes the query's integers to `weights`, scaled so that no dot product with a code exceeds 32 bits. */
  encodeQuery(vector: Float32Array, weights: Int16Array): QuantizedQuery {
    let largest = 0;
    let sum = 0;
    let offset = 0;
    for (const [index, value] of vector.entries()) {
      const weight = Math.abs(value * (this.scale[index] ?? 0));
      largest = Math.max(largest, weight);
      sum += weight;
      offset += value * (this.mean[index] ?? 0);
    }
    // Rounding may add half a unit per dimension to the sum.
    const room = MAX_SCORE / MAX_CODE - vector.length;
    const step = Math.max(largest / MAX_WEIGHT, sum / room) || 1;
    let lost = 0;
    for (const [index, value] of vector.entries()) {
      const weight = (value * (this.scale[index] ?? 0)) / step;
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
