import type { VectorSpace } from '../../plugin/src/embedding/contract';
import { ImageSearchError } from '../../plugin/src/errors';
import type {
  FileVectors,
  IdPage,
  StoreHealth,
  VectorCollection,
  VectorHit,
  VectorPoint,
  VectorQuery,
  VectorStore,
  ViewVector,
} from '../../plugin/src/vectors/contract';
import { toViewId, toViewScore } from '../../plugin/src/vectors/views';

/** An exact vector store in memory; `isDown` makes it fail as one that cannot be reached. */
export class MemoryVectorStore implements VectorStore {
  isDown = false;
  readonly #collections = new Map<string, MemoryVectorCollection>();

  async ensureSpace(space: VectorSpace): Promise<VectorCollection> {
    await this.assertUp();
    const known = this.#collections.get(space.id);
    if (known && known.space.dimensions !== space.dimensions) {
      throw new ImageSearchError({
        code: 'store-space-clash',
        message: `Space "${space.id}" is there with ${String(known.space.dimensions)} dimensions.`,
        retryable: false,
      });
    }
    const collection = known ?? new MemoryVectorCollection(space, this);
    this.#collections.set(space.id, collection);
    return collection;
  }

  async listSpaces(): Promise<VectorSpace[]> {
    await this.assertUp();
    return [...this.#collections.values()].map((collection) => collection.space);
  }

  async dropSpace(spaceId: string): Promise<void> {
    await this.assertUp();
    this.#collections.get(spaceId)?.clear();
    this.#collections.delete(spaceId);
  }

  checkHealth(): Promise<StoreHealth> {
    const message = this.isDown ? 'The store in memory is down.' : 'The store in memory answers.';
    return Promise.resolve({ ok: !this.isDown, message, others: this.isDown ? null : [] });
  }

  async dispose(): Promise<void> {
    // Nothing is open.
  }

  /** As every real store, it answers later, never within the call. */
  async assertUp(): Promise<void> {
    await Promise.resolve();
    if (!this.isDown) return;
    throw new ImageSearchError({
      code: 'store-unavailable',
      message: 'The store in memory is down.',
      retryable: true,
    });
  }
}

class MemoryVectorCollection implements VectorCollection {
  readonly #points = new Map<number, VectorPoint>();

  constructor(
    readonly space: VectorSpace,
    private readonly store: Pick<MemoryVectorStore, 'assertUp'>,
  ) {}

  async upsert(points: readonly VectorPoint[]): Promise<void> {
    for (const { fileId, vector, views = [] } of points) {
      this.#assertLength(vector);
      for (const view of views) {
        toViewId(fileId, view);
        this.#assertLength(view.vector);
      }
    }
    await this.store.assertUp();
    for (const point of points) this.#points.set(point.fileId, copyOf(point));
  }

  async remove(fileIds: readonly number[]): Promise<void> {
    await this.store.assertUp();
    for (const fileId of fileIds) this.#points.delete(fileId);
  }

  async search(query: VectorQuery): Promise<VectorHit[]> {
    const { limit, filter, minimumScore = -1, isWholeOnly = false, vector } = query;
    this.#assertLength(vector);
    await this.store.assertUp();
    const included = filter?.includeIds && new Set(filter.includeIds);
    const excluded = new Set(filter?.excludeIds);
    return [...this.#points.values()]
      .filter(({ fileId }) => (included?.has(fileId) ?? true) && !excluded.has(fileId))
      .map((point) => bestView(query, isWholeOnly ? { ...point, views: [] } : point))
      .filter(({ score }) => score >= minimumScore)
      .sort((left, right) => right.score - left.score || left.fileId - right.fileId)
      .slice(0, limit);
  }

  async getMany(fileIds: readonly number[]): Promise<VectorPoint[]> {
    await this.store.assertUp();
    return [...new Set(fileIds)].flatMap((fileId) => {
      const point = this.#points.get(fileId);
      return point ? [withoutViews(copyOf(point))] : [];
    });
  }

  async hasViews(): Promise<boolean> {
    await this.store.assertUp();
    return [...this.#points.values()].some(({ views = [] }) => views.length > 0);
  }

  async viewsOf(fileIds: readonly number[]): Promise<Map<number, ViewVector[]>> {
    await this.store.assertUp();
    const entries = fileIds.flatMap((fileId): [number, ViewVector[]][] => {
      const point = this.#points.get(fileId);
      const views = point ? copyOf(point).views : undefined;
      return views ? [[fileId, [...views]]] : [];
    });
    return new Map(entries);
  }

  async contentHashesOf(fileIds: readonly number[]): Promise<Map<number, string>> {
    const points = await this.getMany(fileIds);
    return new Map(points.map(({ fileId, payload }) => [fileId, payload.contentHash]));
  }

  async findByContentHash(contentHash: string): Promise<FileVectors | null> {
    await this.store.assertUp();
    const points = [...this.#points.values()];
    const found = points.find(({ payload }) => payload.contentHash === contentHash);
    if (!found) return null;
    const { vector, views = [] } = copyOf(found);
    return { vector, views };
  }

  async count(): Promise<number> {
    await this.store.assertUp();
    return this.#points.size;
  }

  async listIds(cursor: number | null, limit: number): Promise<IdPage> {
    await this.store.assertUp();
    const ids = [...this.#points.keys()]
      .filter((fileId) => fileId > (cursor ?? 0))
      .sort((left, right) => left - right);
    const page = ids.slice(0, limit);
    return { ids: page, nextCursor: ids.length > limit ? (page.at(-1) ?? null) : null };
  }

  clear(): void {
    this.#points.clear();
  }

  #assertLength(vector: Float32Array): void {
    const { dimensions } = this.space;
    if (vector.length === dimensions) return;
    throw new RangeError(
      `Expected a vector of ${String(dimensions)} numbers, got ${String(vector.length)}.`,
    );
  }
}

function copyOf({ fileId, vector, views = [], payload }: VectorPoint): VectorPoint {
  const point = { fileId, vector: vector.slice(), payload: { ...payload } };
  if (views.length === 0) return point;
  const copies = views.map((view) => ({ ...view, vector: view.vector.slice() }));
  const sorted = copies.sort((one, other) => toViewId(fileId, one) - toViewId(fileId, other));
  return { ...point, views: sorted };
}

function withoutViews({ fileId, vector, payload }: VectorPoint): VectorPoint {
  return { fileId, vector, payload };
}

/** Of equal views, the whole file, then the first. */
function bestView(query: VectorQuery, { fileId, vector, views = [] }: VectorPoint): VectorHit {
  let best: VectorHit = { fileId, score: cosine(query.vector, vector) };
  for (const { kind, number, vector: stored } of views) {
    const score = toViewScore(cosine(query.vector, stored), query);
    if (score > best.score) best = { fileId, score, view: { kind, number } };
  }
  return best;
}

/** Of unit vectors; rounding may carry a dot product a little beyond ±1. */
function cosine(left: Float32Array, right: Float32Array): number {
  const product = left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
  return Math.max(-1, Math.min(1, product));
}
