import { chunksOf } from '../../chunks';
import type { VectorSpace } from '../../embedding/contract';
import type { VectorFilter, VectorHit, VectorPoint, VectorQuery, ViewVector } from '../contract';
import { searchViewsInSteps, type Searcher, type Step } from '../search-in-steps';
import { toScore } from '../similarity';
import { fileIdOf, toView, toViewId, type ViewHit } from '../views';
import { completedSchema, countSchema, hitsSchema, vectorsSchema } from './answers';
import type { QdrantConfig } from './config';
import { type Connection, isMissingCollection } from './connection';

const MAX_IDS_AT_ONCE = 10_000;

/** The coarser the quantization, the more candidates are rescored with their full vectors. */
const OVERSAMPLING = { scalar: 2, binary: 4 } as const;

/** Which collections have further views beside them. */
export interface ViewCatalog {
  /** Whether the collection of this name has any; up to a minute old if another process made the first one. */
  hasViews(name: string): Promise<boolean>;
  /** Makes a place for them; idempotent. */
  createViews(name: string, space: VectorSpace): Promise<void>;
}

export interface ViewCollectionOptions {
  connection: Connection;
  /** Of the collection that they belong to. */
  name: string;
  space: VectorSpace;
  config: QdrantConfig;
  catalog: ViewCatalog;
}

/** The collection of a collection's further views. */
export function viewsNameOf(collection: string): string {
  return `${collection}-views`;
}

/**
 * The further views of a collection's files, each a point: in a collection of their own, created with the first one, so
 * that files without any cost nothing. Points have the numbers that `toViewId` makes, and the file's id as payload.
 */
export class ViewCollection {
  readonly #options: ViewCollectionOptions;

  constructor(options: ViewCollectionOptions) {
    this.#options = options;
  }

  async put(points: readonly VectorPoint[]): Promise<void> {
    const { catalog, connection, name, space } = this.#options;
    const distinct = new Map(points.map((point) => [point.fileId, point]));
    const bodies = [...distinct.values()].flatMap(({ fileId, views = [] }) =>
      views.map((view): PointBody => ({
        id: toViewId(fileId, view),
        vector: toNumbers(view.vector),
        payload: { fileId },
      })),
    );
    if (bodies.length === 0) return;
    const store = async (): Promise<void> => {
      for (const batch of chunksOf(bodies, batchSize(space.dimensions))) {
        await connection.send(completedSchema, (api, init) =>
          api.upsertPoints({ collection_name: viewsNameOf(name), wait: true, points: batch }, init),
        );
      }
    };
    if (!(await catalog.hasViews(name))) await catalog.createViews(name, space);
    try {
      await store();
    } catch (error) {
      // It was deleted outside the plugin.
      if (!isMissingCollection(error)) throw error;
      await catalog.createViews(name, space);
      await store();
    }
  }

  remove(fileIds: readonly number[]): Promise<void> {
    const { connection, name } = this.#options;
    return this.#ifPresent(undefined, async () => {
      for (const ids of chunksOf([...new Set(fileIds)], MAX_IDS_AT_ONCE)) {
        await connection.send(completedSchema, (api, init) =>
          api.deletePoints(
            {
              collection_name: viewsNameOf(name),
              wait: true,
              filter: { must: [conditionOf(ids)] },
            },
            init,
          ),
        );
      }
    });
  }

  viewsOf(fileIds: readonly number[]): Promise<Map<number, ViewVector[]>> {
    return this.#ifPresent(new Map<number, ViewVector[]>(), async () => {
      const found = new Map<number, ViewVector[]>();
      for (const ids of chunksOf(
        [...new Set(fileIds)],
        batchSize(this.#options.space.dimensions),
      )) {
        for await (const { id, vector } of this.#pointsOf(ids)) {
          const view = { ...toView(id), vector: Float32Array.from(vector) };
          found.set(fileIdOf(id), [...(found.get(fileIdOf(id)) ?? []), view]);
        }
      }
      return found;
    });
  }

  /** Files by the best of these views: at least the best `query.limit`, if there are as many. */
  search(query: VectorQuery): Promise<ViewHit[]> {
    if (query.filter?.includeIds?.length === 0) return Promise.resolve([]);
    return this.#ifPresent([], () => searchViewsInSteps(query, this.#searcherFor(query)));
  }

  async *#pointsOf(fileIds: readonly number[]) {
    const { connection, name, space } = this.#options;
    let offset: number | null | undefined;
    do {
      const { result } = await connection.send(vectorsSchema(space.dimensions), (api, init) =>
        api.scrollPoints(
          {
            collection_name: viewsNameOf(name),
            filter: { must: [conditionOf(fileIds)] },
            ...(typeof offset === 'number' && { offset }),
            limit: batchSize(space.dimensions),
            with_payload: false,
            with_vector: true,
          },
          init,
        ),
      );
      yield* result.points;
      offset = result.next_page_offset;
    } while (typeof offset === 'number');
  }

  /** A hit's `fileId` is the id of a view. */
  #searcherFor({ vector, filter }: VectorQuery): Searcher {
    const { config, connection, name } = this.#options;
    const collection_name = viewsNameOf(name);
    const fixed = {
      collection_name,
      query: toNumbers(vector),
      ...toFilter(filter),
      with_payload: false,
      with_vector: false,
    };
    // With a filter the graph may miss many.
    const isFiltered = 'filter' in fixed;
    return {
      ask: async (step) => {
        const exact = { ...step, isExact: step.isExact || isFiltered };
        const { result } = await connection.send(hitsSchema, (api, init) =>
          api.queryPoints({ ...fixed, ...toQueryStep(exact, config) }, init),
        );
        return result.points.map(({ id, score }): VectorHit => ({
          fileId: id,
          score: toScore(score),
        }));
      },
      count: async () => {
        const { result } = await connection.send(countSchema, (api, init) =>
          api.countPoints({ collection_name, exact: true }, init),
        );
        return result.count;
      },
      needsExact: () => false,
    };
  }

  /** A collection that somebody deleted is like one that was never made. */
  async #ifPresent<Result>(otherwise: Result, work: () => Promise<Result>): Promise<Result> {
    const { catalog, name } = this.#options;
    if (!(await catalog.hasViews(name))) return otherwise;
    try {
      return await work();
    } catch (error) {
      if (isMissingCollection(error)) return otherwise;
      throw error;
    }
  }
}

function toFilter({ includeIds, excludeIds = [] }: VectorFilter = {}) {
  const filter = {
    ...(includeIds !== undefined && { must: [conditionOf([...new Set(includeIds)])] }),
    ...(excludeIds.length > 0 && { must_not: [conditionOf([...new Set(excludeIds)])] }),
  };
  return Object.keys(filter).length > 0 ? { filter } : {};
}

function conditionOf(fileIds: readonly number[]) {
  return { key: 'fileId', match: { any: [...fileIds] } };
}

/** A step as a request has it. */
export function toQueryStep({ isExact, limit, threshold }: Step, config: QdrantConfig) {
  return {
    limit,
    ...(threshold !== null && { score_threshold: threshold }),
    params: isExact ? { exact: true } : graphParameters(config),
  };
}

/** For a search that uses the graph. */
function graphParameters({ hnsw, quantization }: QdrantConfig) {
  return {
    hnsw_ef: hnsw.efSearch,
    ...(quantization !== 'none' && {
      quantization: { rescore: true, oversampling: OVERSAMPLING[quantization] },
    }),
  };
}

/** A value takes about twelve bytes of JSON; the server's default limit is 32 MB per request. */
const MAX_NUMBERS = 100_000;
const MAX_POINTS = 500;

/** A point in Qdrant's format. */
export interface PointBody {
  id: number;
  vector: number[];
  payload: Record<string, unknown>;
}

/** Nine decimals keep the precision of a unit vector in single precision; all digits would take twice the bytes. */
export function toNumbers(vector: Float32Array): number[] {
  return Array.from(vector, (value) => Math.round(value * 1e9) / 1e9);
}

export function batchSize(dimensions: number): number {
  return Math.max(1, Math.min(MAX_POINTS, Math.floor(MAX_NUMBERS / dimensions)));
}
