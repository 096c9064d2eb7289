import { chunksOf } from '../../chunks';
import type { VectorSpace } from '../../embedding/contract';
import type {
  IdPage,
  VectorCollection,
  VectorFilter,
  VectorHit,
  VectorPoint,
  VectorQuery,
} from '../contract';
import { assertQuery, assertVector, compareHits, toScore } from '../similarity';
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

/** The coarser the quantization, the more candidates are rescored with their full vectors. */
const OVERSAMPLING = { scalar: 2, binary: 4 } as const;
const MAX_IDS_REMOVED_AT_ONCE = 10_000;

export interface CollectionOptions {
  connection: Connection;
  /** The collection's name in Qdrant. */
  name: string;
  space: VectorSpace;
  config: QdrantConfig;
  /** Names of the collections in which other databases have vectors of this space. */
  namesOfOthers: () => Promise<readonly string[]>;
  /** Runs work on the collection, and again if the collection had to be recreated. */
  within: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

export class QdrantCollection implements VectorCollection {
  readonly space: VectorSpace;
  readonly #options: CollectionOptions;

  constructor(options: CollectionOptions) {
    this.space = options.space;
    this.#options = options;
  }

  async upsert(points: readonly VectorPoint[]): Promise<void> {
    const { connection, name: collection_name, within } = this.#options;
    for (const { vector } of points) assertVector(vector, this.space);
    // A batch is atomic. Batches before a failure stay, and a repeated call writes them again.
    const batches = toBatches(points, this.space.dimensions);
    if (batches.length === 0) return;
    await within(async () => {
      for (const batch of batches) {
        await connection.send(completedSchema, (api, init) =>
          api.upsertPoints({ collection_name, wait: true, points: batch }, init),
        );
      }
    });
  }

  async remove(fileIds: readonly number[]): Promise<void> {
    const { connection, name: collection_name, within } = this.#options;
    const batches = chunksOf([...new Set(fileIds)], MAX_IDS_REMOVED_AT_ONCE);
    if (batches.length === 0) return;
    await within(async () => {
      for (const points of batches) {
        await connection.send(completedSchema, (api, init) =>
          api.deletePoints({ collection_name, wait: true, points }, init),
        );
      }
    });
  }

  async search(query: VectorQuery): Promise<VectorHit[]> {
    assertQuery(query, this.space);
    return this.#options.within(() =>
      searchInSteps(query, {
        ask: this.#stepsOf(query),
        count: () => this.#count(),
      }),
    );
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

  findByContentHash(contentHash: string): Promise<Float32Array | null> {
    const { name, namesOfOthers, within } = this.#options;
    return within(async () => {
      const own = await this.#findByHash(name, contentHash);
      if (own !== null) return own;
      for (const other of await namesOfOthers()) {
        const vector = await this.#findByHash(other, contentHash).catch((error: unknown) => {
          // Its project may have dropped it in the meantime.
          if (isMissingCollection(error)) return null;
          throw error;
        });
        if (vector !== null) return vector;
      }
      return null;
    });
  }

  async #findByHash(collection_name: string, contentHash: string): Promise<Float32Array | null> {
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
    return point === undefined ? null : Float32Array.from(point.vector);
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
    return async ({ isExact, limit, threshold }) => {
      const { result } = await connection.send(hitsSchema, (api, init) =>
        api.queryPoints(
          {
            ...fixed,
            limit,
            ...(threshold !== null && { score_threshold: threshold }),
            params: isExact ? { exact: true } : graphParameters(config),
          },
          init,
        ),
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

/** For a search that uses the graph. */
function graphParameters({ hnsw, quantization }: QdrantConfig) {
  return {
    hnsw_ef: hnsw.efSearch,
    ...(quantization !== 'none' && {
      quantization: { rescore: true, oversampling: OVERSAMPLING[quantization] },
    }),
  };
}

/**
 * Minimum number of hits requested. An approximate search finds slightly more when more is requested, so always
 * requesting the same number gives every caller the same first hits.
 */
export const MIN_DEPTH = 128;

/** With more excluded files the graph fails: with nine tenths excluded, it finds hardly one of the best. */
const MAX_EXCLUDED = 1_000;

/**
 * Subtracted from the minimum score, because Qdrant excludes hits with exactly the threshold. Far larger than
 * single-precision rounding.
 */
const THRESHOLD_MARGIN = 1e-6;

export interface Step {
  limit: number;
  /** Whether to compare every vector instead of using the graph. */
  isExact: boolean;
  /** Null for none. */
  threshold: number | null;
}

export interface Searcher {
  /** Best first, ties in any order. */
  ask(step: Step): Promise<VectorHit[]>;
  count(): Promise<number>;
}

/**
 * Turns Qdrant's results into what the contract promises.
 *
 * - The first hits come from the graph, which may miss a few; or from all vectors when the search is limited to some
 *   files or excludes many. Deeper hits come from all vectors, without the first ones, so a larger limit only adds
 *   hits. A hit that the graph missed follows the first ones.
 * - Qdrant cuts off ties arbitrarily, so hits that tie with the last one only count when the result is complete.
 */
export async function searchInSteps(query: VectorQuery, searcher: Searcher): Promise<VectorHit[]> {
  const { limit, filter } = query;
  if (filter?.includeIds !== undefined) {
    const total = new Set(filter.includeIds).size;
    return total === 0 ? [] : (await searchAll(query, searcher, total)).slice(0, limit);
  }
  if ((filter?.excludeIds?.length ?? 0) > MAX_EXCLUDED) {
    return (await searchAll(query, searcher, await searcher.count())).slice(0, limit);
  }
  const near = await runStep(query, searcher, { limit: MIN_DEPTH, isExact: false });
  if (near.isComplete || near.hits.length >= limit) return near.hits.slice(0, limit);
  const seen = new Set(near.hits.map(({ fileId }) => fileId));
  const all = await searchAll(query, searcher, await searcher.count());
  return [...near.hits, ...all.filter(({ fileId }) => !seen.has(fileId))].slice(0, limit);
}

/** At least the best `query.limit` of at most `total` candidates, compared one by one. */
async function searchAll(
  query: VectorQuery,
  searcher: Searcher,
  total: number,
): Promise<VectorHit[]> {
  // One extra hit shows where the ties end.
  let depth = query.limit + 1;
  for (;;) {
    const step = await runStep(query, searcher, {
      limit: Math.min(depth, total + 1),
      isExact: true,
    });
    if (step.isComplete || step.hits.length >= query.limit) return step.hits;
    depth *= 2;
  }
}

interface StepResult {
  /** In the order that the contract promises, complete up to the last one. */
  hits: VectorHit[];
  /** Whether there are no further hits. */
  isComplete: boolean;
}

async function runStep(
  { minimumScore = -1 }: VectorQuery,
  searcher: Searcher,
  { limit, isExact }: Omit<Step, 'threshold'>,
): Promise<StepResult> {
  // A threshold of -1 would exclude opposites.
  const threshold = minimumScore > -1 ? minimumScore - THRESHOLD_MARGIN : null;
  const answered = await searcher.ask({ limit, isExact, threshold });
  const hits = answered.filter(({ score }) => score >= minimumScore).sort(compareHits);
  const isComplete = answered.length < limit || hits.length < answered.length;
  if (isComplete) return { hits, isComplete };
  const last = hits.at(-1)?.score;
  return { hits: hits.filter(({ score }) => score !== last), isComplete };
}

/** A value takes about twelve bytes of JSON; the server's default limit is 32 MB per request. */
const MAX_NUMBERS = 100_000;
const MAX_POINTS = 500;

/** A point in Qdrant's format. */
interface PointBody {
  id: number;
  vector: number[];
  payload: Record<string, unknown>;
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

/** Nine decimals keep the precision of a unit vector in single precision; all digits would take twice the bytes. */
function toNumbers(vector: Float32Array): number[] {
  return Array.from(vector, (value) => Math.round(value * 1e9) / 1e9);
}

function batchSize(dimensions: number): number {
  return Math.max(1, Math.min(MAX_POINTS, Math.floor(MAX_NUMBERS / dimensions)));
}
