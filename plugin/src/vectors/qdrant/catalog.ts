import type { QdrantClient } from '@qdrant/js-client-rest';
import { z } from 'zod';
import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type { DatabaseIdentity } from '../contract';
import {
  collectionListSchema,
  collectionSchema,
  completedSchema,
  doneSchema,
  serverSchema,
} from './answers';
import type { QdrantConfig } from './config';
import { type Connection, isExistingCollection, isMissingCollection } from './connection';
import { viewsNameOf, type ViewCatalog } from './view-collection';

interface FoundCollection {
  vectors: unknown;
  metadata: unknown;
  indexedFields: string[];
}

/** A collection in which another database has vectors. */
export interface ForeignCollection {
  name: string;
  /** Of the database; null when the collection has no owner. */
  database: string | null;
  hasViews: boolean;
}

/** How long a list of other databases' collections is trusted. */
const FOREIGN_AGE_MS = 60_000;
/** How long a collection counts as one without further views, unless this process stores the first. */
const NO_VIEWS_AGE_MS = 60_000;
/** Characters of a database's id in the name of its collections. */
const SHORT_ID = 8;

/**
 * The collections in Qdrant that share the configured prefix. A database's collection has the plain name of its space,
 * or its own id behind that when another database has the plain one. A plain one without an owner is taken over.
 */
export class CollectionCatalog implements ViewCatalog {
  readonly #connection: Connection;
  readonly #config: QdrantConfig;
  readonly #database: () => Promise<DatabaseIdentity | null>;
  readonly #logger: Logger;
  /** Names of this database's collections, by space. */
  readonly #names = new Map<string, string>();
  readonly #foreign = new Map<string, { at: number; collections: ForeignCollection[] }>();
  #knownVersion: string | null = null;
  /** By the name of a collection: whether files have further views, and when that was read. */
  readonly #views = new Map<string, { hasViews: boolean; at: number }>();

  constructor(options: {
    connection: Connection;
    config: QdrantConfig;
    /** Whose collections; null for the plain names, whichever database owns them. */
    database: () => Promise<DatabaseIdentity | null>;
    logger: Logger;
  }) {
    this.#connection = options.connection;
    this.#config = options.config;
    this.#database = options.database;
    this.#logger = options.logger;
  }

  /** The plain name until the collection was ensured. */
  nameOf(spaceId: string): string {
    return this.#names.get(spaceId) ?? this.#plainName(spaceId);
  }

  async list(): Promise<VectorSpace[]> {
    const database = await this.#database();
    const names = (await this.#listNames()).toSorted();
    const found = await Promise.all(names.map((name) => this.#find(name)));
    return found.flatMap((collection, position) => {
      const space = collection && readSpace(collection.metadata);
      // A longer prefix may start with this one.
      if (!space || !this.#namesFor(space.id, database).includes(names[position] ?? '')) return [];
      return isOwnedByOther(collection.metadata, database) ? [] : [space];
    });
  }

  /** Ignores a missing collection. Throws `store-space-clash` when this plugin didn't create it. */
  async drop(spaceId: string): Promise<void> {
    const database = await this.#database();
    for (const name of this.#namesFor(spaceId, database)) {
      const found = await this.#find(name);
      if (found === null || isOwnedByOther(found.metadata, database)) continue;
      if (readSpace(found.metadata)?.id !== spaceId) {
        throw this.#clash(name, "wasn't created by this plugin, so it can't be dropped.");
      }
      const { views = false } = readMarker(found.metadata) ?? {};
      for (const dropped of views ? [viewsNameOf(name), name] : [name]) {
        await this.#connection.send(doneSchema, (api, init) =>
          api.deleteCollection({ collection_name: dropped }, init),
        );
      }
      this.#views.delete(name);
    }
    this.#names.delete(spaceId);
  }

  /** Collections in which other databases have vectors of this space; up to a minute old. */
  async foreignTo(space: VectorSpace): Promise<readonly ForeignCollection[]> {
    const known = this.#foreign.get(space.id);
    if (known !== undefined && Date.now() - known.at < FOREIGN_AGE_MS) return known.collections;
    const plain = this.#plainName(space.id);
    const names = (await this.#listNames()).filter(
      (name) => name !== this.nameOf(space.id) && (name === plain || name.startsWith(`${plain}-`)),
    );
    const collections: ForeignCollection[] = [];
    for (const name of names.toSorted()) {
      const found = await this.#find(name);
      const marker = readMarker(found?.metadata);
      if (found === null || marker === null || findClash(found, space) !== null) continue;
      const { database, views = false } = marker;
      collections.push({ name, database: database?.name ?? null, hasViews: views });
    }
    this.#foreign.set(space.id, { at: Date.now(), collections });
    return collections;
  }

  async hasViews(name: string): Promise<boolean> {
    const known = this.#views.get(name);
    if (known && (known.hasViews || Date.now() - known.at < NO_VIEWS_AGE_MS)) return known.hasViews;
    return this.#rememberViews(name, (await this.#find(name))?.metadata);
  }

  /** The collection itself says that there are some, so that nobody has to look for them. */
  async createViews(name: string, space: VectorSpace): Promise<void> {
    const definition = {
      ...defineCollection(space, this.#config),
      metadata: { maker: MAKER, viewsOf: name },
    };
    const views = viewsNameOf(name);
    try {
      await this.#connection.send(doneSchema, (api, init) =>
        api.createCollection({ collection_name: views, ...definition }, init),
      );
    } catch (error) {
      // Another process was first.
      if (!isExistingCollection(error)) throw error;
    }
    await this.#connection.send(completedSchema, (api, init) =>
      api.createFieldIndex(
        { collection_name: views, wait: true, field_name: 'fileId', field_schema: 'integer' },
        init,
      ),
    );
    const metadata = { ...toMetadata(space, await this.#database()), views: true };
    await this.#connection.send(doneSchema, (api, init) =>
      api.updateCollection({ collection_name: name, metadata }, init),
    );
    this.#views.set(name, { hasViews: true, at: Date.now() });
  }

  #rememberViews(name: string, metadata: unknown): boolean {
    const hasViews = readMarker(metadata)?.views ?? false;
    this.#views.set(name, { hasViews, at: Date.now() });
    return hasViews;
  }

  /** The server's version and the number of collections with the prefix. */
  async inspect(): Promise<{ version: string; collections: number }> {
    const version = await this.#readVersion();
    return { version, collections: (await this.#listNames()).length };
  }

  async ensure(space: VectorSpace): Promise<boolean> {
    await this.#readVersion();
    const database = await this.#database();
    const { name, found: existing } = await this.#locate(space.id, database);
    let found = existing;
    const isCreated = found === null && (await this.#create(name, { space, database }));
    found ??= await this.#find(name);
    if (found === null) throw this.#unavailable(name);
    // Another database was first.
    if (isOwnedByOther(found.metadata, database)) return this.ensure(space);
    const clash = findClash(found, space);
    if (clash !== null) {
      throw this.#clash(name, `${clash}. Change vectors.collectionPrefix, or drop the collection.`);
    }
    if (database && readMarker(found.metadata)?.database === undefined) {
      await this.#adopt(name, { space, database });
    }
    await this.#createIndexes(name, found.indexedFields, database);
    this.#names.set(space.id, name);
    this.#rememberViews(name, found.metadata);
    return isCreated;
  }

  /** The collection of a database, or where to create it. */
  async #locate(
    spaceId: string,
    database: DatabaseIdentity | null,
  ): Promise<{ name: string; found: FoundCollection | null }> {
    const [plain = '', own] = this.#namesFor(spaceId, database);
    if (own !== undefined) {
      const found = await this.#find(own);
      if (found !== null) return { name: own, found };
    }
    const found = await this.#find(plain);
    const isTaken = found !== null && isOwnedByOther(found.metadata, database);
    return isTaken && own !== undefined ? { name: own, found: null } : { name: plain, found };
  }

  #plainName(spaceId: string): string {
    return `${this.#config.collectionPrefix}-${spaceId}`;
  }

  #namesFor(spaceId: string, database: DatabaseIdentity | null): string[] {
    const plain = this.#plainName(spaceId);
    return database === null ? [plain] : [plain, `${plain}-${database.id.slice(0, SHORT_ID)}`];
  }

  /** Returns false when another process was first. */
  async #create(
    name: string,
    { space, database }: { space: VectorSpace; database: DatabaseIdentity | null },
  ): Promise<boolean> {
    const definition = {
      ...defineCollection(space, this.#config),
      metadata: toMetadata(space, database),
    };
    try {
      await this.#connection.send(doneSchema, (api, init) =>
        api.createCollection({ collection_name: name, ...definition }, init),
      );
      return true;
    } catch (error) {
      if (isExistingCollection(error)) return false;
      throw error;
    }
  }

  async #adopt(
    name: string,
    { space, database }: { space: VectorSpace; database: DatabaseIdentity },
  ): Promise<void> {
    await this.#connection.send(doneSchema, (api, init) =>
      api.updateCollection({ collection_name: name, metadata: toMetadata(space, database) }, init),
    );
  }

  async #createIndexes(
    name: string,
    indexedFields: readonly string[],
    database: DatabaseIdentity | null,
  ): Promise<void> {
    const indexes = { ...payloadIndexes, ...(database && { contentHash: hashIndex }) };
    for (const [field, schema] of Object.entries(indexes)) {
      if (indexedFields.includes(field)) continue;
      await this.#connection.send(completedSchema, (api, init) =>
        api.createFieldIndex(
          { collection_name: name, wait: true, field_name: field, field_schema: schema },
          init,
        ),
      );
    }
  }

  async #find(name: string): Promise<FoundCollection | null> {
    try {
      const { result } = await this.#connection.send(collectionSchema, (api, init) =>
        api.getCollection({ collection_name: name }, init),
      );
      const { params, metadata } = result.config;
      const indexedFields = Object.keys(result.payload_schema);
      return { vectors: params.vectors, metadata, indexedFields };
    } catch (error) {
      if (isMissingCollection(error)) return null;
      throw error;
    }
  }

  async #listNames(): Promise<string[]> {
    const { result } = await this.#connection.send(collectionListSchema, (api, init) =>
      api.getCollections({}, init),
    );
    const names = result.collections.map(({ name }) => name);
    return names.filter((name) => name.startsWith(this.#plainName('')));
  }

  /** Warns once per version. */
  async #readVersion(): Promise<string> {
    const { version } = await this.#connection.send(serverSchema, (api, init) =>
      api.root({}, init),
    );
    assertSupported(version, this.#connection.server);
    const mismatch = findMismatch(version, this.#connection.server);
    if (mismatch !== null && version !== this.#knownVersion) this.#logger.warn(mismatch);
    this.#knownVersion = version;
    return version;
  }

  /**
   * The collection can be neither created nor found: another client is creating or deleting it, or its files are
   * left over.
   */
  #unavailable(name: string): ImageSearchError {
    return new ImageSearchError({
      code: 'store-unavailable',
      message: `Qdrant at ${this.#connection.server} can neither find nor create the collection "${name}". Retry later.`,
      retryable: true,
    });
  }

  #clash(name: string, what: string): ImageSearchError {
    return new ImageSearchError({
      code: 'store-space-clash',
      message: `The collection "${name}" in Qdrant at ${this.#connection.server} ${what}`,
      retryable: false,
    });
  }
}

type CollectionBody = Omit<
  Parameters<ReturnType<QdrantClient['api']>['createCollection']>[0],
  'collection_name'
>;

/**
 * Stored in every collection that this plugin creates, so that it never uses or drops another program's collection.
 */
const MAKER = 'strapi-plugin-image-search';

/**
 * Points that a segment compares one by one, which takes a few milliseconds and misses none. The server's default is
 * a quarter of that with 512 dimensions, and less with more.
 */
const POINTS_WITHOUT_GRAPH = 20_000;
const BYTES_PER_NUMBER = 4;

/** Payload fields that a search may filter by; ids need no index. */
const payloadIndexes = {
  mimeType: 'keyword',
  extension: 'keyword',
  createdAt: 'datetime',
} as const;

/** On disk: in memory, it would take more than all other indexes. */
const hashIndex = { type: 'keyword', on_disk: true } as const;

const markerSchema = z.object({
  maker: z.literal(MAKER),
  database: z.object({ id: z.string(), name: z.string() }).optional(),
  /** Whether files have further views, in a collection beside this one. */
  views: z.boolean().optional(),
  space: z.object({
    id: z.string(),
    provider: z.string(),
    model: z.string(),
    dimensions: z.int().positive(),
    preprocessing: z.string(),
  }),
});

const vectorsSchema = z.object({ size: z.int(), distance: z.string() });

/** Settings that aren't configured are left to the server. */
function defineCollection(space: VectorSpace, config: QdrantConfig): CollectionBody {
  const { shards, replicas, writeConsistency, onDisk, hnsw } = config;
  const graph = {
    ...(hnsw.m !== undefined && { m: hnsw.m }),
    ...(hnsw.efConstruct !== undefined && { ef_construct: hnsw.efConstruct }),
    ...(onDisk && { on_disk: true }),
  };
  const { dimensions } = space;
  return {
    vectors: { size: dimensions, distance: 'Cosine', ...(onDisk && { on_disk: true }) },
    ...(shards !== undefined && { shard_number: shards }),
    ...(replicas !== undefined && { replication_factor: replicas }),
    ...(writeConsistency !== undefined && { write_consistency_factor: writeConsistency }),
    ...(Object.keys(graph).length > 0 && { hnsw_config: graph }),
    optimizers_config: {
      // In kilobytes of vectors.
      indexing_threshold: Math.ceil((POINTS_WITHOUT_GRAPH * dimensions * BYTES_PER_NUMBER) / 1024),
    },
    ...defineQuantization(config),
  };
}

function toMetadata(
  { id, provider, model, dimensions, preprocessing }: VectorSpace,
  database: DatabaseIdentity | null,
): Record<string, unknown> {
  return {
    maker: MAKER,
    space: { id, provider, model, dimensions, preprocessing },
    ...(database && { database: { id: database.id, name: database.name } }),
  };
}

function defineQuantization({
  quantization,
}: QdrantConfig): Pick<CollectionBody, 'quantization_config'> {
  switch (quantization) {
    case 'none':
      return {};
    case 'scalar':
      return { quantization_config: { scalar: { type: 'int8', always_ram: true } } };
    case 'binary':
      return { quantization_config: { binary: { always_ram: true } } };
  }
}

/** Of a collection that this plugin created; null for any other. */
function readMarker(metadata: unknown): z.output<typeof markerSchema> | null {
  return markerSchema.safeParse(metadata).data ?? null;
}

function readSpace(metadata: unknown): VectorSpace | null {
  return readMarker(metadata)?.space ?? null;
}

function isOwnedByOther(metadata: unknown, database: DatabaseIdentity | null): boolean {
  const owner = readMarker(metadata)?.database;
  return database !== null && owner !== undefined && owner.id !== database.id;
}

/** Why an existing collection can't hold this space; null when it can. */
function findClash(
  found: { vectors: unknown; metadata: unknown },
  space: VectorSpace,
): string | null {
  const existing = readSpace(found.metadata);
  if (existing?.id !== space.id) return "wasn't created by this plugin";
  const { data: vectors } = vectorsSchema.safeParse(found.vectors);
  const { size = existing.dimensions, distance } = vectors ?? {};
  if (size !== space.dimensions) {
    return `has ${String(size)} dimensions, but the model has ${String(space.dimensions)}`;
  }
  if (distance === 'Cosine') return null;
  return `measures distance by ${distance ?? 'several metrics'}, not by Cosine`;
}

/** Version of the client and of the server that the plugin is tested with. */
const TESTED = { major: 1, minor: 18 };
/** The first version with collection metadata, by which the plugin recognizes its own collections. */
const OLDEST = { major: 1, minor: 16 };
/** Client and server are compatible within this many minor versions. */
const COMPATIBLE_MINORS = 1;

/** @throws ImageSearchError when the server is too old */
function assertSupported(version: string, server: string): void {
  const parsed = parse(version);
  if (parsed === null || isAtLeast(parsed, OLDEST)) return;
  throw new ImageSearchError({
    code: 'store-unavailable',
    message:
      `Qdrant at ${server} has version ${version}, but version ${describe(OLDEST)} or newer is required. ` +
      'Update Qdrant.',
    retryable: false,
  });
}

/** A warning about an untested version; null when it is compatible. */
function findMismatch(version: string, server: string): string | null {
  const parsed = parse(version);
  const isCompatible =
    parsed?.major === TESTED.major && Math.abs(parsed.minor - TESTED.minor) <= COMPATIBLE_MINORS;
  if (isCompatible) return null;
  return (
    `Qdrant at ${server} has version ${version}, but this plugin is tested with version ${describe(TESTED)}. ` +
    'Some requests may fail.'
  );
}

interface Version {
  major: number;
  minor: number;
}

function parse(version: string): Version | null {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  return match === null ? null : { major: Number(match[1]), minor: Number(match[2]) };
}

function isAtLeast(version: Version, least: Version): boolean {
  return (
    version.major > least.major || (version.major === least.major && version.minor >= least.minor)
  );
}

function describe({ major, minor }: Version): string {
  return `${String(major)}.${String(minor)}`;
}
