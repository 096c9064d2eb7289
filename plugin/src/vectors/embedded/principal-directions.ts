import { CodeMatrix } from './code-matrix';
import type { Quantizer } from './quantizer';

/** Enough for directions whose variances differ; of those that hardly differ, any will do. */
const ITERATIONS = 8;

export interface PrincipalDirections {
  /** One after the other, each of unit length. */
  directions: Float32Array[];
  /** Standard deviation of the sample along each. */
  deviations: Float64Array;
}

/**
 * The directions along which a sample of codes varies most around the quantizer's mean: subspace iteration (Golub and
 * Van Loan, Matrix Computations, section 8.2) with the covariance. Yields about every ten milliseconds.
 */
export function* findPrincipalDirections(
  sample: readonly Int8Array[],
  { quantizer, count }: { quantizer: Quantizer; count: number },
): Generator<void, PrincipalDirections> {
  const covariance = yield* covarianceOf(sample, quantizer);
  const dimensions = quantizer.scale.length;
  let directions = randomDirections(count, dimensions);
  orthonormalize(directions);
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    yield;
    directions = directions.map((direction) => multiply(covariance, direction));
    orthonormalize(directions);
  }
  yield;
  const deviations = Float64Array.from(directions, (direction) =>
    Math.sqrt(Math.max(0, product(direction, multiply(covariance, direction)))),
  );
  return { directions: directions.map((direction) => Float32Array.from(direction)), deviations };
}

/** By the kernel, which multiplies each dimension of the sample with all of them. */
function* covarianceOf(
  sample: readonly Int8Array[],
  { scale }: Quantizer,
): Generator<void, Float64Array[]> {
  const dimensions = scale.length;
  const columns = new CodeMatrix({ dimensions: sample.length, capacity: dimensions });
  for (let index = 0; index < dimensions; index += 1) {
    const column = columns.row(index);
    for (let position = 0; position < sample.length; position += 1) {
      column[position] = sample[position]?.[index] ?? 0;
    }
  }
  const covariance: Float64Array[] = [];
  for (let index = 0; index < dimensions; index += 1) {
    if (index % 64 === 0) yield;
    columns.query().set(columns.row(index));
    const factor = (scale[index] ?? 0) / sample.length;
    const products = columns.score(dimensions);
    covariance.push(
      Float64Array.from(products, (value, other) => value * factor * (scale[other] ?? 0)),
    );
  }
  return covariance;
}

function multiply(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => product(row, vector));
}

function product(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) {
    sum += (left[index] ?? 0) * (right[index] ?? 0);
  }
  return sum;
}

/** In place: Gram–Schmidt, twice, because rounding leaves something of the others behind. */
function orthonormalize(vectors: readonly Float64Array[]): void {
  for (const [position, vector] of vectors.entries()) {
    for (let pass = 0; pass < 2; pass += 1) {
      for (const former of vectors.slice(0, position))
        subtract(vector, product(vector, former), former);
    }
    const length = Math.sqrt(product(vector, vector)) || 1;
    for (let index = 0; index < vector.length; index += 1) {
      vector[index] = (vector[index] ?? 0) / length;
    }
  }
}

function subtract(vector: Float64Array, factor: number, other: Float64Array): void {
  for (let index = 0; index < vector.length; index += 1) {
    vector[index] = (vector[index] ?? 0) - factor * (other[index] ?? 0);
  }
}

/** A linear congruential generator (Numerical Recipes): the same each time. */
function randomDirections(count: number, dimensions: number): Float64Array[] {
  let state = 1;
  return Array.from({ length: count }, () =>
    Float64Array.from({ length: dimensions }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32 - 0.5;
    }),
  );
}
