import type { VectorSpace } from '../../embedding/contract';
import type { IdPage, VectorCollection, VectorFilter, VectorPoint } from '../contract';
import { assertVector } from '../embedded/assert-vector';
import { toScore } from '../embedded/dot-product';
import { completedSchema, countSchema, hitsSchema, pageSchema, pointsSchema } from './answers';
import type { QdrantConfig } from './config';
import type { Connection } from './connection';
import { chunksOf, toBatches, toIdBatches, toNumbers } from './point-batches';
import { searchInSteps, type Step } from './search';

/** The more is left out of a quantized vector, the more candidates are compared by their full ones. */
const OVERSAMPLING = { scalar: 2, binary: 4 } as const;
const MOST_IDS_REMOVED_AT_ONCE = 10_000;

export interface CollectionOptions {
  connection: Connection;
  /** Of the collection in Qdrant. */
  name: string;
  space: VectorSpace;
  config: QdrantConfig;
  /** Carries out what needs the collection, and once more when it had to be made again. */
  within: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

export function createCollection(options: CollectionOptions): VectorCollection {
  const { connection, name: collection_name, space, config, within } = options;
  const { dimensions } = space;
  const answeredPoints = pointsSchema(dimensions);

  async function count(): Promise<number> {
    const { result } = await connection.send(countSchema, (api, init) =>
      api.countPoints({ collection_name, exact: true }, init),
    );
    return result.count;
  }

  async function getBatch(ids: number[]): Promise<VectorPoint[]> {
    const { result } = await connection.send(answeredPoints, (api, init) =>
      api.getPoints({ collection_name, ids, with_payload: true, with_vector: true }, init),
    );
    return result.map(({ id, vector, payload }) => ({
      fileId: id,
      vector: Float32Array.from(vector),
      payload,
    }));
  }

  return {
    space,

    async upsert(points) {
      for (const { vector } of points) assertVector(vector, space);
      // One batch is one operation of the server, all or none. Of several, those before a failure stay: a call that
      // is repeated puts them there once more.
      const batches = toBatches(points, dimensions);
      if (batches.length === 0) return;
      await within(async () => {
        for (const batch of batches) {
          await connection.send(completedSchema, (api, init) =>
            api.upsertPoints({ collection_name, wait: true, points: batch }, init),
          );
        }
      });
    },

    async remove(fileIds) {
      const batches = chunksOf([...new Set(fileIds)], MOST_IDS_REMOVED_AT_ONCE);
      if (batches.length === 0) return;
      await within(async () => {
        for (const points of batches) {
          await connection.send(completedSchema, (api, init) =>
            api.deletePoints({ collection_name, wait: true, points }, init),
          );
        }
      });
    },

    async search(query) {
      assertVector(query.vector, space);
      if (!(query.limit >= 1)) {
        throw new RangeError(`The limit must be a positive integer, not ${String(query.limit)}.`);
      }
      const fixed = {
        collection_name,
        query: toNumbers(query.vector),
        ...toFilter(query.filter),
        with_payload: false,
        with_vector: false,
      };
      const ask = async (step: Step) => {
        const { result } = await connection.send(hitsSchema, (api, init) =>
          api.queryPoints(
            {
              ...fixed,
              limit: step.limit,
              ...(step.threshold !== null && { score_threshold: step.threshold }),
              params: step.isExact ? { exact: true } : nearParameters(config),
            },
            init,
          ),
        );
        return result.points.map(({ id, score }) => ({ fileId: id, score: toScore(score) }));
      };
      return within(() => searchInSteps(query, { ask, count }));
    },

    async getMany(fileIds) {
      const batches = toIdBatches(fileIds, dimensions);
      if (batches.length === 0) return [];
      return within(async () => {
        const points: VectorPoint[] = [];
        for (const ids of batches) points.push(...(await getBatch(ids)));
        return points;
      });
    },

    count: () => within(count),

    listIds: (cursor, limit) =>
      within(async (): Promise<IdPage> => {
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
      }),
  };
}

function toFilter({ includeIds, excludeIds = [] }: VectorFilter = {}) {
  const conditionOf = (ids: readonly number[]) => [{ has_id: [...new Set(ids)] }];
  const filter = {
    ...(includeIds !== undefined && { must: conditionOf(includeIds) }),
    ...(excludeIds.length > 0 && { must_not: conditionOf(excludeIds) }),
  };
  return Object.keys(filter).length > 0 ? { filter } : {};
}

/** Of a search that follows the graph. */
function nearParameters({ hnsw, quantization }: QdrantConfig) {
  return {
    hnsw_ef: hnsw.efSearch,
    ...(quantization !== 'none' && {
      quantization: { rescore: true, oversampling: OVERSAMPLING[quantization] },
    }),
  };
}
