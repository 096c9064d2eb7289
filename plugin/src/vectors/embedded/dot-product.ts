/**
 * Dot product of two vectors of equal length, summed in double precision and always in the same order: equal vectors
 * have equal scores wherever they are computed. Four sums, so that the additions need not wait for one another.
 */
export function dotProduct(left: Float32Array, right: Float32Array): number {
  const length = left.length;
  const evenLength = length - (length % 4);
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let index = 0; index < evenLength; index += 4) {
    first += (left[index] ?? 0) * (right[index] ?? 0);
    second += (left[index + 1] ?? 0) * (right[index + 1] ?? 0);
    third += (left[index + 2] ?? 0) * (right[index + 2] ?? 0);
    fourth += (left[index + 3] ?? 0) * (right[index + 3] ?? 0);
  }
  for (let index = evenLength; index < length; index += 1)
    first += (left[index] ?? 0) * (right[index] ?? 0);
  return first + second + (third + fourth);
}

/** Of a dot product of unit vectors, which rounding may carry a little beyond ±1. */
export function toScore(product: number): number {
  return Math.max(-1, Math.min(1, product));
}
