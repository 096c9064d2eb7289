import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import {
  collectionListSchema,
  collectionSchema,
  completedSchema,
  doneSchema,
  serverSchema,
} from './answers';
import { defineCollection, findClash, payloadIndexes, readSpace } from './collection-definition';
import type { QdrantConfig } from './config';
import type { Connection } from './connection';
import { isExistingCollection, isMissingCollection } from './failures';
import { assertSupported, findMismatch } from './version';

interface FoundCollection {
  vectors: unknown;
  metadata: unknown;
  indexedFields: string[];
}

/** The collections of one prefix in one Qdrant. */
export class Spaces {
  readonly #connection: Connection;
  readonly #config: QdrantConfig;
  readonly #logger: Logger;
  /** By space id and dimensions: those that ask at the same time share one answer. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  #knownVersion: string | null = null;

  constructor(options: { connection: Connection; config: QdrantConfig; logger: Logger }) {
    this.#connection = options.connection;
    this.#config = options.config;
    this.#logger = options.logger;
  }

  nameOf(spaceId: string): string {
    return `${this.#config.collectionPrefix}-${spaceId}`;
  }

  /** Makes the collection when it is missing; answers true to the one call that has made it. */
  ensure(space: VectorSpace): Promise<boolean> {
    const key = `${space.id}/${String(space.dimensions)}`;
    const known = this.#underWay.get(key);
    if (known !== undefined) return known.then(() => false);
    const ensured = this.#ensure(space).finally(() => {
      this.#underWay.delete(key);
    });
    this.#underWay.set(key, ensured);
    return ensured;
  }

  async list(): Promise<VectorSpace[]> {
    const names = (await this.#listNames()).toSorted();
    const spaces = await Promise.all(names.map((name) => this.#find(name)));
    return spaces.flatMap((found, position) => {
      const space = found && readSpace(found.metadata);
      // A longer prefix may begin with this one.
      return space && this.nameOf(space.id) === names[position] ? [space] : [];
    });
  }

  /** Silent when the collection is missing; fails with `store-space-clash` when it is not one of ours. */
  async drop(spaceId: string): Promise<void> {
    const name = this.nameOf(spaceId);
    const found = await this.#find(name);
    if (found === null) return;
    if (readSpace(found.metadata)?.id !== spaceId) {
      throw this.#clash(name, 'was not made by this plugin, so it is not dropped.');
    }
    await this.#connection.send(doneSchema, (api, init) =>
      api.deleteCollection({ collection_name: name }, init),
    );
  }

  /** The server's version, and the number of collections that begin with the prefix. */
  async inspect(): Promise<{ version: string; collections: number }> {
    const version = await this.#readVersion();
    return { version, collections: (await this.#listNames()).length };
  }

  async #ensure(space: VectorSpace): Promise<boolean> {
    await this.#readVersion();
    const name = this.nameOf(space.id);
    let found = await this.#find(name);
    const isMade = found === null && (await this.#make(name, space));
    found ??= await this.#find(name);
    if (found === null) throw this.#inMotion(name);
    const clash = findClash(found, space);
    if (clash !== null) {
      throw this.#clash(name, `${clash}. Choose another vectors.collectionPrefix, or drop it.`);
    }
    await this.#makeIndexes(name, found.indexedFields);
    return isMade;
  }

  /** Answers false when another process was first. */
  async #make(name: string, space: VectorSpace): Promise<boolean> {
    const definition = defineCollection(space, this.#config);
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

  async #makeIndexes(name: string, indexedFields: readonly string[]): Promise<void> {
    for (const [field, schema] of Object.entries(payloadIndexes)) {
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
    return names.filter((name) => name.startsWith(this.nameOf('')));
  }

  /** Says once for each version what there is to say. */
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

  /** It can neither be made nor found: somebody else makes or deletes it right now, or its files are left over. */
  #inMotion(name: string): ImageSearchError {
    return new ImageSearchError({
      code: 'store-unavailable',
      message: `Qdrant at ${this.#connection.server} neither has the collection "${name}" nor can make it now.`,
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
