import type { VectorCollection } from '../vectors/contract';

/**
 * How many standard deviations of a query's scores further views lose. A file with five views has five chances to
 * resemble a query by accident. Of 0, 1/10, 1/8, 1/5 and 1/4, this is the largest with which subjects at the ends of
 * banners are found nearly as often as on their own; see docs/long-images.md.
 */
const LOST_DEVIATIONS = 1 / 10;
/** Whole files from whose scores a query's deviation is estimated: within five percent. */
const SAMPLE_SIZE = 256;
const SAMPLE_AGE_MS = 10 * 60_000;

type SampledCollection = Pick<VectorCollection, 'getMany' | 'hasViews' | 'listIds'>;

/** What `VectorQuery.viewPenalty` should be. Scores spread differently for each model and query. */
export class ViewPenalties {
  readonly #samples = new WeakMap<
    SampledCollection,
    { vectors: Promise<readonly Float32Array[]>; at: number }
  >();
  readonly #now: () => number;

  /** @param now in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** 0 for a collection without further views. */
  async penaltyFor(collection: SampledCollection, query: Float32Array): Promise<number> {
    const scores = (await this.#sampleOf(collection)).map((vector) =>
      vector.reduce((sum, value, index) => sum + value * (query[index] ?? 0), 0),
    );
    if (scores.length === 0) return 0;
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
    return LOST_DEVIATIONS * Math.sqrt(squares / scores.length);
  }

  /** The same files in every process: those with the lowest ids. */
  #sampleOf(collection: SampledCollection): Promise<readonly Float32Array[]> {
    const known = this.#samples.get(collection);
    if (known && this.#now() - known.at < SAMPLE_AGE_MS) return known.vectors;
    const vectors = readSample(collection);
    this.#samples.set(collection, { vectors, at: this.#now() });
    vectors.catch(() => this.#samples.delete(collection));
    return vectors;
  }
}

async function readSample(collection: SampledCollection): Promise<readonly Float32Array[]> {
  if (!(await collection.hasViews())) return [];
  const { ids } = await collection.listIds(null, SAMPLE_SIZE);
  const points = await collection.getMany(ids);
  return points.toSorted((one, other) => one.fileId - other.fileId).map(({ vector }) => vector);
}
