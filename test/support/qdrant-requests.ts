import { z } from 'zod';

/**
 * The part of Qdrant's REST API that the product uses, as documented for version 1.18 (its OpenAPI description), and
 * nothing beyond: what is not written here is refused, though the real server would take some of it.
 */
const pointId = z.int().min(0);
const seconds = z.coerce.number().int().min(1);
const isWaiting = z.object({ wait: z.literal('true') }).strict();
const noQuery = z.strictObject({});
const condition = z.union([
  z.strictObject({ has_id: distinctIds() }),
  z.strictObject({ key: z.string().min(1), match: z.strictObject({ any: distinctIds() }) }),
  z.strictObject({ key: z.string().min(1), match: z.strictObject({ value: z.string() }) }),
]);
const filter = z.strictObject({
  must: z.array(condition).min(1).optional(),
  must_not: z.array(condition).min(1).optional(),
});

const collectionBody = z.strictObject({
  vectors: z.strictObject({
    size: z.int().min(1).max(65_536),
    distance: z.enum(['Cosine', 'Euclid', 'Dot', 'Manhattan']),
    on_disk: z.boolean().optional(),
  }),
  shard_number: z.int().min(1).optional(),
  replication_factor: z.int().min(1).optional(),
  write_consistency_factor: z.int().min(1).optional(),
  hnsw_config: z
    .strictObject({
      m: z.int().min(0).optional(),
      ef_construct: z.int().min(4).optional(),
      on_disk: z.boolean().optional(),
    })
    .optional(),
  optimizers_config: z.strictObject({ indexing_threshold: z.int().min(0) }).optional(),
  quantization_config: z
    .union([
      z.strictObject({
        scalar: z.strictObject({
          type: z.literal('int8'),
          quantile: z.number().min(0.5).max(1).optional(),
          always_ram: z.boolean().optional(),
        }),
      }),
      z.strictObject({ binary: z.strictObject({ always_ram: z.boolean().optional() }) }),
    ])
    .optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

const collectionChange = z.strictObject({ metadata: z.record(z.string(), z.unknown()) });

const indexBody = z.strictObject({
  field_name: z.string().min(1),
  field_schema: z.union([
    z.enum(['keyword', 'datetime', 'integer']),
    z.strictObject({ type: z.literal('keyword'), on_disk: z.boolean().optional() }),
  ]),
});

const upsertBody = z.strictObject({
  points: z
    .array(
      z.strictObject({
        id: pointId,
        vector: z.array(z.number()),
        payload: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1),
});

const deleteBody = z.union([
  z.strictObject({ points: z.array(pointId).min(1) }),
  z.strictObject({ filter }),
]);

const retrieveBody = z.strictObject({
  ids: z.array(pointId).min(1),
  with_payload: z.union([z.boolean(), z.array(z.string()).min(1)]),
  with_vector: z.boolean(),
});

const queryBody = z.strictObject({
  query: z.array(z.number()).min(1),
  limit: z.int().min(1),
  filter: filter.optional(),
  score_threshold: z.number().optional(),
  with_payload: z.literal(false),
  with_vector: z.literal(false),
  params: z
    .strictObject({
      exact: z.literal(true).optional(),
      hnsw_ef: z.int().min(1).optional(),
      quantization: z
        .strictObject({ rescore: z.literal(true), oversampling: z.number().min(1) })
        .optional(),
    })
    .optional(),
});

const scrollBody = z.strictObject({
  offset: pointId.optional(),
  filter: filter.optional(),
  limit: z.int().min(1),
  with_payload: z.literal(false),
  with_vector: z.boolean(),
});

const countBody = z.strictObject({ exact: z.literal(true) });

const inCollection = '/collections/{name}';

/** Every request that is taken: method and path, what the query string and the body must be. */
const routes = {
  describeServer: { method: 'GET', path: '/', query: noQuery, body: null },
  listCollections: { method: 'GET', path: '/collections', query: noQuery, body: null },
  describeCollection: { method: 'GET', path: inCollection, query: noQuery, body: null },
  createCollection: {
    method: 'PUT',
    path: inCollection,
    query: z.strictObject({ timeout: seconds.optional() }),
    body: collectionBody,
  },
  updateCollection: {
    method: 'PATCH',
    path: inCollection,
    query: z.strictObject({ timeout: seconds.optional() }),
    body: collectionChange,
  },
  deleteCollection: {
    method: 'DELETE',
    path: inCollection,
    query: z.strictObject({ timeout: seconds.optional() }),
    body: null,
  },
  createIndex: {
    method: 'PUT',
    path: `${inCollection}/index`,
    query: isWaiting,
    body: indexBody,
  },
  upsert: { method: 'PUT', path: `${inCollection}/points`, query: isWaiting, body: upsertBody },
  remove: {
    method: 'POST',
    path: `${inCollection}/points/delete`,
    query: isWaiting,
    body: deleteBody,
  },
  retrieve: { method: 'POST', path: `${inCollection}/points`, query: noQuery, body: retrieveBody },
  query: { method: 'POST', path: `${inCollection}/points/query`, query: noQuery, body: queryBody },
  scroll: {
    method: 'POST',
    path: `${inCollection}/points/scroll`,
    query: noQuery,
    body: scrollBody,
  },
  count: { method: 'POST', path: `${inCollection}/points/count`, query: noQuery, body: countBody },
} as const;

export type CollectionBody = z.output<typeof collectionBody>;
export type ScrollBody = z.output<typeof scrollBody>;
export type RemoveBody = z.output<typeof deleteBody>;
export type RetrieveBody = z.output<typeof retrieveBody>;
export type QueryBody = z.output<typeof queryBody>;
export type QdrantFilter = z.output<typeof filter>;

type Routes = typeof routes;
type BodyOf<Name extends keyof Routes> =
  Routes[Name]['body'] extends z.ZodType<infer Body> ? Body : null;

/** One request of those that are taken; `collection` is empty where its path names none. */
export type QdrantRequest = {
  [Name in keyof Routes]: { operation: Name; collection: string; body: BodyOf<Name> };
}[keyof Routes];

export type QdrantOperation = keyof Routes;

/** A request that the documented API does not have. */
export class UnknownRequestError extends Error {
  override readonly name = 'UnknownRequestError';
}

/** @throws UnknownRequestError that says what is wrong with it */
export function parseQdrantRequest(request: {
  method: string;
  /** Path and query. */
  address: string;
  contentType: string | undefined;
  body: string;
}): QdrantRequest {
  const { pathname, searchParams } = new URL(request.address, 'http://qdrant');
  const names = Object.keys(routes) as QdrantOperation[];
  for (const operation of names) {
    const route = routes[operation];
    const collection = matchPath(route.path, pathname);
    if (route.method !== request.method || collection === null) continue;
    const where = `${request.method} ${pathname}`;
    check(route.query, Object.fromEntries(searchParams), `${where}: query`);
    const body = parseBody(route.body, request, where);
    return { operation, collection, body } as QdrantRequest;
  }
  throw new UnknownRequestError(`${request.method} ${pathname} is not a known request`);
}

function parseBody(
  schema: z.ZodType | null,
  { body, contentType }: { body: string; contentType: string | undefined },
  where: string,
): unknown {
  if (schema === null) {
    if (body !== '') throw new UnknownRequestError(`${where}: takes no body`);
    return null;
  }
  if (contentType !== 'application/json') {
    throw new UnknownRequestError(`${where}: content-type is ${String(contentType)}`);
  }
  return check(schema, JSON.parse(body) as unknown, `${where}: body`);
}

function check(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UnknownRequestError(`${where}: ${z.prettifyError(result.error)}`);
}

/** The collection that the path names, an empty text for none; null when the path is another. */
function matchPath(pattern: string, path: string): string | null {
  const expression = new RegExp(`^${pattern.replace('{name}', '([^/]+)')}$`);
  const match = expression.exec(path);
  return match === null ? null : decodeURIComponent(match[1] ?? '');
}

function distinctIds() {
  const isDistinct = (ids: readonly number[]): boolean => new Set(ids).size === ids.length;
  return z.array(pointId).refine(isDistinct, 'holds an id twice');
}
