import type { VectorQuery } from './contract';

export type QueryKind = NonNullable<VectorQuery['searchedWith']>;

/** Length of what a distant query shares with an image, and of its noise. */
const DISTANT = { shared: 0.35, noise: 0.94 };

/** The latest queries of users, oldest first. Texts lie further from images, so they are harder to answer. */
export class RecentQueries {
  readonly #most: number;
  readonly #queries: Record<QueryKind, Float32Array[]> = { text: [], image: [] };

  /** @param most kept of each kind */
  constructor(most: number) {
    this.#most = most;
  }

  /** Returns whether it wasn't known: one search may ask several times. */
  add(kind: QueryKind, vector: Float32Array): boolean {
    const queries = this.#queries[kind];
    const isKnown = queries.some((known) => known.every((value, index) => value === vector[index]));
    if (isKnown) return false;
    queries.push(vector.slice());
    if (queries.length > this.#most) queries.shift();
    return true;
  }

  of(kind: QueryKind): Float32Array[] {
    return [...this.#queries[kind]];
  }
}

/**
 * Stand-ins for texts before anybody has searched: models keep them far from all images, with a weak component towards
 * those that they describe, so an index finds their matches harder than those of an image.
 */
export function toDistant(sample: readonly Float32Array[]): Float32Array[] {
  let state = 1;
  // A linear congruential generator (Numerical Recipes): the same noise each time.
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const [first] = sample;
  if (first === undefined) return [];
  const mean = first.map((_, index) => {
    const sum = sample.reduce((all, vector) => all + (vector[index] ?? 0), 0);
    return sum / sample.length;
  });
  return sample.map((vector) => {
    const own = toUnit(vector.map((value, index) => value - (mean[index] ?? 0)));
    const noise = toUnit(vector.map(random));
    return toUnit(
      own.map((value, index) => DISTANT.shared * value + DISTANT.noise * (noise[index] ?? 0)),
    );
  });
}

/** All zeros stay. */
function toUnit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
