import { createSeededRandom } from '../../sample/seeded-random';
import { toUnitLength } from './random-vectors';

const FACTORS = 12;

/**
 * Vectors that vary along a dozen directions, and a little along all others, around a common one; quick to make. Those
 * of texts have another common direction.
 */
export function createLowRankVectors(seed: string, dimensions: number) {
  const random = createSeededRandom(seed);
  // Half a million hashes would take seconds: seeds this sequence only (Numerical Recipes).
  let state = random.integer(0, 2 ** 31 - 1);
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const direction = () => toUnitLength(Array.from({ length: dimensions }, uniform));
  const factors = Array.from({ length: FACTORS }, direction);
  const [ofImages, ofTexts] = [direction(), direction()];
  const near = (common: Float32Array, noise: number): Float32Array => {
    const weights = factors.map((_, factor) => uniform() / Math.sqrt(factor + 1));
    return toUnitLength(
      Array.from(common, (value, index) =>
        weights.reduce(
          (sum, weight, factor) => sum + weight * (factors[factor]?.[index] ?? 0),
          0.7 * value + noise * uniform(),
        ),
      ),
    );
  };
  return { image: () => near(ofImages, 0.01), text: () => near(ofTexts, 0.05) };
}
