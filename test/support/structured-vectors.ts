// Under Jest every look at a global is slow, and these are taken millions of times.
const { cos, log, sqrt, PI } = Math;

/**
 * Vectors shaped as those of a CLIP model: all images share a large common part and lie in clusters of a few dozen
 * strong directions, texts share another common part and only a weak component with the images that they describe.
 */
export interface StructuredVectors {
  image: () => Float32Array;
  text: () => Float32Array;
}

const CLUSTERS = 400;
const FACTORS = 64;
/** Length of the common part before a vector is scaled to length 1; the cosine of two images is about its square. */
const COMMON_IMAGE = 0.7;
const COMMON_TEXT = 0.75;
const SHARED_WITH_IMAGES = 0.35;
const TEXT_NOISE = 0.5;

export function createStructuredVectors(seed: number, dimensions: number): StructuredVectors {
  const normal = createNormalNumbers(seed);
  const direction = () => scaled(Float64Array.from({ length: dimensions }, normal), 1);
  const factors = Array.from({ length: FACTORS }, direction);
  const commonImage = direction();
  const commonText = direction();
  const latent = () =>
    Float64Array.from({ length: FACTORS }, (_, factor) => normal() / Math.sqrt(factor + 1));
  const clusters = Array.from({ length: CLUSTERS }, latent);

  function content(): Float64Array {
    const cluster = clusters[Math.abs(Math.trunc(normal() * (CLUSTERS / 4))) % CLUSTERS];
    const own = latent();
    const sum = Float64Array.from({ length: dimensions }, () => 0.05 * normal());
    for (const [position, factor] of factors.entries()) {
      add(sum, (cluster?.[position] ?? 0) + (own[position] ?? 0), factor);
    }
    return scaled(sum, 1);
  }

  function combine(parts: readonly (readonly [number, Float64Array])[]): Float32Array {
    const sum = new Float64Array(dimensions);
    for (const [weight, part] of parts) add(sum, weight, part);
    return Float32Array.from(scaled(sum, 1));
  }

  return {
    image: () =>
      combine([
        [COMMON_IMAGE, commonImage],
        [Math.sqrt(1 - COMMON_IMAGE ** 2), content()],
      ]),
    text: () =>
      combine([
        [COMMON_TEXT, commonText],
        [SHARED_WITH_IMAGES, content()],
        [TEXT_NOISE, direction()],
      ]),
  };
}

function add(sum: Float64Array, weight: number, part: Float64Array): void {
  for (let index = 0; index < sum.length; index += 1) {
    sum[index] = (sum[index] ?? 0) + weight * (part[index] ?? 0);
  }
}

function scaled(values: Float64Array, length: number): Float64Array {
  let squares = 0;
  for (const value of values) squares += value * value;
  const factor = length / Math.sqrt(squares);
  return values.map((value) => value * factor);
}

/**
 * Tens of millions of normally distributed numbers a run, too many for a hash each: Marsaglia's xorshift32 (2003)
 * under the transform of Box and Muller (1958).
 */
function createNormalNumbers(seed: number): () => number {
  let state = seed | 0 || 1;
  const fraction = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 100; warmUp += 1) fraction();
  return () => sqrt(-2 * log(1 - fraction())) * cos(2 * PI * fraction());
}
