import { chunksOf } from '../../chunks';
import type { VectorSpace } from '../../embedding/contract';
import type {
  FileVectors,
  IdPage,
  VectorCollection,
  VectorFilter,
  VectorHit,
  VectorPoint,
  VectorQuery,
  ViewVector,
} from '../contract';
import { searchInSteps, type Searcher } from '../search-in-steps';
import type { Within } from '../server-store';
import { assertQuery, assertVector, toScore } from '../similarity';
import { mergeViews, toViewId } from '../views';
import {
  completedSchema,
  countSchema,
  hashesSchema,
  hitsSchema,
  pageSchema,
  pointsSchema,
  vectorsSchema,
} from './answers';
import type { QdrantConfig } from './config';
import { type Connection, isMissingCollection } from './connection';
import {
  batchSize,
  toNumbers,
  toQueryStep,
  ViewCollection,
  type PointBody,
  type ViewCatalog,
} from './view-collection';

const MAX_IDS_REMOVED_AT_ONCE = 10_000;
/** With more excluded files the graph fails: with nine tenths excluded, it finds hardly one of the best. */
const MAX_EXCLUDED = 1_000;

export interface CollectionOptions {
  connection: Connection;
  /** The collection's name in Qdrant. */
  name: string;
  space: VectorSpace;
  config: QdrantConfig;
  catalog: ViewCatalog;
  /** The collections in which other databases have vectors of this space. */
  others: () => Promise<readonly { name: string; hasViews: boolean }[]>;
  /** Runs work on the collection, and again if the collection had to be recreated. */
  within: Within;
}

export class QdrantCollection implements VectorCollection {
  readonly space: VectorSpace;
  readonly #options: CollectionOptions;
  readonly #views: ViewCollection;

  constructor(options: CollectionOptions) {
    this.space = options.space;
    this.#options = options;
    this.#views = new ViewCollection(options);
  }

  async upsert(points: readonly VectorPoint[]): Promise<void> {
    const { connection, name: collection_name, within } = this.#options;
    for (const { fileId, vector, views = [] } of points) {
      assertVector(vector, this.space);
      for (const view of views) {
        toViewId(fileId, view);
        assertVector(view.vector, this.space);
      }
    }
    // A batch is atomic. Batches before a failure stay, and a repeated call writes them again.
    const batches = toBatches(points, this.space.dimensions);
    if (batches.length === 0) return;
    await within(async () => {
      // Views of what a file showed before must not outlive it.
      await this.#views.remove(points.map(({ fileId }) => fileId));
      for (const batch of batches) {
        await connection.send(completedSchema, (api, init) =>
          api.upsertPoints({ collection_name, wait: true, points: batch }, init),
        );
      }
      await this.#views.put(points);
    });
  }

  async remove(fileIds: readonly number[]): Promise<void> {
    const { connection, name: collection_name, within } = this.#options;
    const batches = chunksOf([...new Set(fileIds)], MAX_IDS_REMOVED_AT_ONCE);
    if (batches.length === 0) return;
    await within(async () => {
      await this.#views.remove(fileIds);
      for (const points of batches) {
        await connection.send(completedSchema, (api, init) =>
          api.deletePoints({ collection_name, wait: true, points }, init),
        );
      }
    });
  }

  async search(query: VectorQuery): Promise<VectorHit[]> {
    assertQuery(query, this.space);
    return this.#options.within(async () => {
      const [wholes, views] = await Promise.all([
        searchInSteps(query, {
          ask: this.#stepsOf(query),
          count: () => this.#count(),
          needsExact: ({ excludeIds = [], includeIds }) =>
            includeIds !== undefined || excludeIds.length > MAX_EXCLUDED,
        }),
        query.isWholeOnly === true ? [] : this.#views.search(query),
      ]);
      return views.length === 0 ? wholes : mergeViews(wholes, views).slice(0, query.limit);
    });
  }

  async getMany(fileIds: readonly number[]): Promise<VectorPoint[]> {
    const batches = toIdBatches(fileIds, this.space.dimensions);
    if (batches.length === 0) return [];
    return this.#options.within(async () => {
      const points: VectorPoint[] = [];
      for (const ids of batches) points.push(...(await this.#getBatch(ids)));
      return points;
    });
  }

  hasViews(): Promise<boolean> {
    const { catalog, name, within } = this.#options;
    return within(() => catalog.hasViews(name));
  }

  viewsOf(fileIds: readonly number[]): Promise<Map<number, ViewVector[]>> {
    return this.#options.within(() => this.#views.viewsOf(fileIds));
  }

  async contentHashesOf(fileIds: readonly number[]): Promise<Map<number, string>> {
    const { connection, name: collection_name, within } = this.#options;
    const batches = chunksOf([...new Set(fileIds)], MAX_IDS_REMOVED_AT_ONCE);
    if (batches.length === 0) return new Map();
    return within(async () => {
      const hashes = new Map<number, string>();
      for (const ids of batches) {
        const { result } = await connection.send(hashesSchema, (api, init) =>
          api.getPoints(
            { collection_name, ids, with_payload: ['contentHash'], with_vector: false },
            init,
          ),
        );
        for (const { id, payload } of result) hashes.set(id, payload.contentHash);
      }
      return hashes;
    });
  }

  findByContentHash(contentHash: string): Promise<FileVectors | null> {
    const { name, others, within } = this.#options;
    return within(async () => {
      const own = await this.#findByHash(name, contentHash);
      if (own !== null) return this.#withViews(own, this.#views);
      for (const other of await others()) {
        const found = await this.#findByHash(other.name, contentHash).catch((error: unknown) => {
          // Its project may have dropped it in the meantime.
          if (isMissingCollection(error)) return null;
          throw error;
        });
        if (found === null) continue;
        const catalog = {
          hasViews: () => Promise.resolve(other.hasViews),
          createViews: () => Promise.resolve(),
        };
        const options = { ...this.#options, name: other.name, catalog };
        return this.#withViews(found, new ViewCollection(options));
      }
      return null;
    });
  }

  async #withViews(
    { id, vector }: { id: number; vector: Float32Array },
    collection: ViewCollection,
  ): Promise<FileVectors> {
    const views = await collection.viewsOf([id]);
    return { vector, views: views.get(id) ?? [] };
  }

  async #findByHash(
    collection_name: string,
    contentHash: string,
  ): Promise<{ id: number; vector: Float32Array } | null> {
    const { connection } = this.#options;
    const { result } = await connection.send(vectorsSchema(this.space.dimensions), (api, init) =>
      api.scrollPoints(
        {
          collection_name,
          filter: { must: [{ key: 'contentHash', match: { value: contentHash } }] },
          limit: 1,
          with_payload: false,
          with_vector: true,
        },
        init,
      ),
    );
    const [point] = result.points;
    return point === undefined ? null : { id: point.id, vector: Float32Array.from(point.vector) };
  }

  count(): Promise<number> {
    return this.#options.within(() => this.#count());
  }

  listIds(cursor: number | null, limit: number): Promise<IdPage> {
    const { connection, name: collection_name, within } = this.#options;
    return within(async () => {
      const { result } = await connection.send(pageSchema, (api, init) =>
        api.scrollPoints(
          {
            collection_name,
            ...(cursor !== null && { offset: cursor + 1 }),
            limit,
            with_payload: false,
            with_vector: false,
          },
          init,
        ),
      );
      const ids = result.points.map(({ id }) => id);
      const isLast = (result.next_page_offset ?? null) === null;
      return { ids, nextCursor: isLast ? null : (ids.at(-1) ?? null) };
    });
  }

  #stepsOf({ vector, filter }: VectorQuery): Searcher['ask'] {
    const { config, connection, name } = this.#options;
    const fixed = {
      collection_name: name,
      query: toNumbers(vector),
      ...toFilter(filter),
      with_payload: false,
      with_vector: false,
    };
    return async (step) => {
      const { result } = await connection.send(hitsSchema, (api, init) =>
        api.queryPoints({ ...fixed, ...toQueryStep(step, config) }, init),
      );
      return result.points.map(({ id, score }) => ({ fileId: id, score: toScore(score) }));
    };
  }

  async #count(): Promise<number> {
    const { connection, name } = this.#options;
    const { result } = await connection.send(countSchema, (api, init) =>
      api.countPoints({ collection_name: name, exact: true }, init),
    );
    return result.count;
  }

  async #getBatch(ids: number[]): Promise<VectorPoint[]> {
    const { connection, name } = this.#options;
    const { result } = await connection.send(pointsSchema(this.space.dimensions), (api, init) =>
      api.getPoints({ collection_name: name, ids, with_payload: true, with_vector: true }, init),
    );
    return result.map(({ id, vector, payload }) => ({
      fileId: id,
      vector: Float32Array.from(vector),
      payload,
    }));
  }
}

function toFilter({ includeIds, excludeIds = [] }: VectorFilter = {}) {
  const conditionOf = (ids: readonly number[]) => [{ has_id: [...new Set(ids)] }];
  const filter = {
    ...(includeIds !== undefined && { must: conditionOf(includeIds) }),
    ...(excludeIds.length > 0 && { must_not: conditionOf(excludeIds) }),
  };
  return Object.keys(filter).length > 0 ? { filter } : {};
}

/**
 * Splits points into batches small enough not to block Strapi's event loop or the server for long. Of points with
 * the same id, keeps the last.
 */
function toBatches(points: readonly VectorPoint[], dimensions: number): PointBody[][] {
  const distinct = new Map(points.map((point) => [point.fileId, point]));
  const bodies = Array.from(distinct.values(), ({ fileId, vector, payload }) => ({
    id: fileId,
    vector: toNumbers(vector),
    payload: { ...payload },
  }));
  return chunksOf(bodies, batchSize(dimensions));
}

/** Splits ids into batches whose points can be requested together. */
function toIdBatches(fileIds: readonly number[], dimensions: number): number[][] {
  return chunksOf([...new Set(fileIds)], batchSize(dimensions));
}
