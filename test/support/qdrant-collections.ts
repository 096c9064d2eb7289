import type {
  CollectionBody,
  QdrantFilter,
  QdrantRequest,
  QueryBody,
  RemoveBody,
  RetrieveBody,
  ScrollBody,
} from './qdrant-requests';

export interface QdrantAnswer {
  status: number;
  body: object;
}

interface StoredPoint {
  vector: Float32Array;
  payload: Record<string, unknown>;
  version: number;
}

interface StoredCollection {
  definition: CollectionBody;
  indexes: Map<string, string>;
  points: Map<number, StoredPoint>;
  operations: number;
}

/** What Qdrant keeps, and what it answers to each request; searches are exact. */
export class QdrantCollections {
  readonly #collections = new Map<string, StoredCollection>();

  constructor(private readonly version: string) {}

  names(): string[] {
    return [...this.#collections.keys()];
  }

  clear(): void {
    this.#collections.clear();
  }

  answer(request: QdrantRequest): QdrantAnswer {
    const { collection: name } = request;
    const within = (work: (collection: StoredCollection) => QdrantAnswer): QdrantAnswer => {
      const collection = this.#collections.get(name);
      return collection === undefined
        ? failure(404, `Not found: Collection \`${name}\` doesn't exist!`)
        : work(collection);
    };
    switch (request.operation) {
      case 'describeServer':
        return {
          status: 200,
          body: { title: 'qdrant - vector search engine', version: this.version },
        };
      case 'listCollections':
        return result({ collections: this.names().map((known) => ({ name: known })) });
      case 'createCollection':
        return this.#create(name, request.body);
      case 'updateCollection':
        return within((collection) => {
          const { definition } = collection;
          definition.metadata = { ...definition.metadata, ...request.body.metadata };
          return result(true);
        });
      case 'deleteCollection':
        return result(this.#collections.delete(name));
      case 'describeCollection':
        return within((collection) => result(describe(collection)));
      case 'createIndex':
        return within((collection) => {
          const { field_name: field, field_schema: schema } = request.body;
          collection.indexes.set(field, typeof schema === 'string' ? schema : schema.type);
          return completed(collection);
        });
      case 'upsert':
        return within((collection) => upsert(collection, request.body.points));
      case 'remove':
        return within((collection) => {
          for (const id of idsToRemove(collection, request.body)) collection.points.delete(id);
          return completed(collection);
        });
      case 'retrieve':
        return within((collection) => retrieve(collection, request.body));
      case 'query':
        return within((collection) => query(collection, request.body));
      case 'scroll':
        return within((collection) => scroll(collection, request.body));
      case 'count':
        return within((collection) => result({ count: collection.points.size }));
    }
  }

  #create(name: string, definition: CollectionBody): QdrantAnswer {
    if (this.#collections.has(name)) {
      return failure(409, `Wrong input: Collection \`${name}\` already exists!`);
    }
    const empty = { indexes: new Map<string, string>(), points: new Map<number, StoredPoint>() };
    this.#collections.set(name, { definition, ...empty, operations: 0 });
    return result(true);
  }
}

export function failure(status: number, error: string): QdrantAnswer {
  return { status, body: { status: { error }, time: 0 } };
}

function result(value: unknown): QdrantAnswer {
  return { status: 200, body: { result: value, status: 'ok', time: 0 } };
}

function completed(collection: StoredCollection): QdrantAnswer {
  collection.operations += 1;
  return result({ operation_id: collection.operations, status: 'completed' });
}

function describe({ definition, indexes, points }: StoredCollection): object {
  const { vectors, metadata, shard_number, replication_factor, write_consistency_factor } =
    definition;
  const schema = [...indexes].map(([field, type]) => [
    field,
    { data_type: type, points: points.size },
  ]);
  return {
    status: 'green',
    optimizer_status: 'ok',
    indexed_vectors_count: 0,
    points_count: points.size,
    segments_count: 2,
    config: {
      params: {
        vectors,
        shard_number: shard_number ?? 1,
        replication_factor: replication_factor ?? 1,
        write_consistency_factor: write_consistency_factor ?? 1,
        on_disk_payload: true,
      },
      hnsw_config: { m: 16, ef_construct: 100, full_scan_threshold: 10_000 },
      optimizer_config: { deleted_threshold: 0.2, vacuum_min_vector_number: 1000 },
      wal_config: { wal_capacity_mb: 32, wal_segments_ahead: 0 },
      quantization_config: definition.quantization_config ?? null,
      ...(metadata && { metadata }),
    },
    payload_schema: Object.fromEntries(schema) as object,
  };
}

function upsert(
  collection: StoredCollection,
  points: readonly { id: number; vector: number[]; payload: Record<string, unknown> }[],
): QdrantAnswer {
  const { size } = collection.definition.vectors;
  const wrong = points.find(({ vector }) => vector.length !== size);
  if (wrong !== undefined) return dimensionError(size, wrong.vector.length);
  for (const { id, vector, payload } of points) {
    const version = collection.operations;
    collection.points.set(id, { vector: toUnitVector(vector), payload, version });
  }
  return completed(collection);
}

function retrieve(collection: StoredCollection, body: RetrieveBody): QdrantAnswer {
  const { with_payload: wanted } = body;
  const payloadOf = (payload: Record<string, unknown>): object =>
    typeof wanted === 'boolean'
      ? payload
      : Object.fromEntries(wanted.map((field) => [field, payload[field]]));
  const found = [...new Set(body.ids)].flatMap((id) => {
    const point = collection.points.get(id);
    if (point === undefined) return [];
    return {
      id,
      ...(wanted !== false && { payload: payloadOf(point.payload) }),
      ...(body.with_vector && { vector: Array.from(point.vector, toSinglePrecision) }),
    };
  });
  return result(found);
}

function query(collection: StoredCollection, body: QueryBody): QdrantAnswer {
  const { size } = collection.definition.vectors;
  if (body.query.length !== size) return dimensionError(size, body.query.length);
  const vector = toUnitVector(body.query);
  const matches = matcherOf(body.filter);
  const threshold = body.score_threshold ?? -Infinity;
  const points = [...collection.points]
    .filter(([id, { payload }]) => matches(id, payload))
    .map(([id, point]) => ({ id, version: point.version, score: dot(vector, point.vector) }))
    .filter(({ score }) => score > threshold)
    // The real server settles ties as it likes.
    .sort((left, right) => right.score - left.score || right.id - left.id)
    .slice(0, body.limit);
  return result({ points });
}

function scroll(
  collection: StoredCollection,
  { offset = 0, limit, filter, with_vector: isVectorWanted }: ScrollBody,
): QdrantAnswer {
  const matches = matcherOf(filter);
  const ids = [...collection.points]
    .filter(([id, { payload }]) => id >= offset && matches(id, payload))
    .map(([id]) => id)
    .sort((left, right) => left - right);
  const points = ids.slice(0, limit).map((id) => {
    const { vector = new Float32Array() } = collection.points.get(id) ?? {};
    return { id, ...(isVectorWanted && { vector: Array.from(vector, toSinglePrecision) }) };
  });
  return result({ points, next_page_offset: ids[limit] ?? null });
}

function idsToRemove(collection: StoredCollection, body: RemoveBody): readonly number[] {
  if ('points' in body) return body.points;
  const matches = matcherOf(body.filter);
  const points = [...collection.points];
  return points.filter(([id, { payload }]) => matches(id, payload)).map(([id]) => id);
}

type Matcher = (id: number, payload: Record<string, unknown>) => boolean;

function matcherOf({ must = [], must_not: mustNot = [] }: QdrantFilter = {}): Matcher {
  const included = must.map(toMatcher);
  const excluded = mustNot.map(toMatcher);
  return (id, payload) =>
    included.every((matches) => matches(id, payload)) &&
    !excluded.some((matches) => matches(id, payload));
}

function toMatcher(condition: NonNullable<QdrantFilter['must']>[number]): Matcher {
  if ('has_id' in condition) {
    const ids = new Set(condition.has_id);
    return (id) => ids.has(id);
  }
  const { key, match } = condition;
  const values = new Set<unknown>('any' in match ? match.any : [match.value]);
  return (_, payload) => values.has(payload[key]);
}

function dimensionError(expected: number, given: number): QdrantAnswer {
  return failure(
    400,
    `Wrong input: Vector dimension error: expected dim: ${String(expected)}, got ${String(given)}`,
  );
}

function toUnitVector(values: readonly number[]): Float32Array {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return Float32Array.from(values, (value) => (length === 0 ? value : value / length));
}

function dot(left: Float32Array, right: Float32Array): number {
  return toSinglePrecision(
    left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0),
  );
}

/** As a number of single precision is printed: nine digits tell all of them apart. */
function toSinglePrecision(value: number): number {
  return Number(Math.fround(value).toPrecision(9));
}
