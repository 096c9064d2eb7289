import type { SeededRandom } from '../../sample/seeded-random';

/** A unit-length vector, all directions being equally likely. */
export function randomUnitVector(random: SeededRandom, dimensions: number): Float32Array {
  return toUnitLength(Array.from({ length: dimensions }, () => normal(random)));
}

export function toUnitLength(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

/** A normally distributed number: G. E. P. Box and M. E. Muller's transform (1958). */
function normal(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
  return radius * Math.cos(2 * Math.PI * random.fraction());
}
