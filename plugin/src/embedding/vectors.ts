import { ImageSearchError } from '../errors';

/**
 * A model's answer → the only form in which vectors leave a provider: a Float32Array of unit length, freshly made.
 *
 * `what` names the vector in the message (`"the embedding of text 3"`). Anything but `dimensions` finite numbers
 * with a direction fails with `provider-bad-answer`, retryable: a model that answers such a thing has a glitch, and
 * one that always does is given up by the number of tries.
 */
export function toUnitVector(
  values: ArrayLike<number>,
  dimensions: number,
  what: string,
): Float32Array {
  if (values.length !== dimensions) {
    throw badVector(
      `${what} has ${String(values.length)} values where the model should answer ${String(dimensions)}`,
    );
  }
  const length = euclideanLength(values);
  if (!Number.isFinite(length)) throw badVector(`${what} has values that are no finite numbers`);
  if (length === 0) throw badVector(`${what} is all zeros, which has no direction`);
  return Float32Array.from(values, (value) => value / length);
}

/** Scaled by the largest value, so that squares neither overflow nor vanish. NaN or Infinity for values like that. */
function euclideanLength(values: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < values.length; index += 1) {
    const magnitude = Math.abs(values[index] ?? Number.NaN);
    if (!Number.isFinite(magnitude)) return Number.NaN;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest === 0) return 0;
  let sumOfSquares = 0;
  for (let index = 0; index < values.length; index += 1) {
    const scaled = (values[index] ?? Number.NaN) / largest;
    sumOfSquares += scaled * scaled;
  }
  return largest * Math.sqrt(sumOfSquares);
}

function badVector(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'provider-bad-answer', message, retryable: true });
}
