import { systemClock } from '../../clock';
import { ImageSearchError } from '../../errors';
import type { VectorStore } from '../contract';
import {
  announceBack,
  createReader,
  createServerStore,
  type ServerStoreOptions,
} from '../server-store';
import { CollectionCatalog } from './catalog';
import { PostgresCollection } from './collection';
import type { PostgresConfig } from './config';
import { Connection, connectionSettings, isMissingTable, type HostDatabase } from './connection';
import { Graphs } from './graphs';

export interface PostgresStoreOptions extends ServerStoreOptions {
  config: PostgresConfig;
  hostDatabase: HostDatabase;
  /** Where `pg` is looked for first. */
  projectFolder: string;
  /** Whether indexes are left to other processes. @default false */
  isCommand?: boolean | undefined;
}

/**
 * Stores vectors in PostgreSQL 13 or newer with pgvector 0.5 or newer: in Strapi's own database or another one, for
 * several Strapi processes and up to a few million vectors.
 *
 * - One schema has a table `collections`, and three tables for each collection; see `CollectionCatalog`. A write is one
 *   transaction, of points and views.
 * - Searches compare every vector, until a collection has an HNSW index; see `Graphs`. From then on the first
 *   thousands of hits come from the index, of vectors in half precision, and are ordered by the full vectors. They hold
 *   at least 0.99 of the true best 20, or the index isn't used. `searchInSteps` describes what stays exact.
 * - With pgvector 0.8, searches among many files, or without many, use the index too; before that, they compare all.
 *   Before 0.7 an index has full vectors, of 2,000 dimensions at most.
 * - While the server doesn't answer, it is asked now and then; once two requests in a row have timed out, others fail at
 *   once until it's back.
 * - Nothing connects before the first call, every call after a failure may succeed, and a call that misses its tables
 *   recreates them.
 * - `store-unavailable` isn't retryable when a password or a statement is refused; see `toFailure`. Every call may
 *   throw `store-not-installed`, without pgvector or without the package `pg`.
 */
export function createPostgresStore({
  config,
  hostDatabase,
  isCommand = false,
  projectFolder,
  ...options
}: PostgresStoreOptions): VectorStore {
  const database = createReader(options.database ?? (() => Promise.resolve(null)));
  const { schema, timeoutSeconds } = config;
  const settings = connectionSettings(config, hostDatabase);
  const connection = new Connection({
    settings: settings ?? {},
    projectFolder,
    connections: config.connections,
    connectionsSetting: 'vectors.connections',
    timeoutSeconds,
    onBack: announceBack('PostgreSQL', options),
  });
  const isOwnDatabase = config.url === undefined;
  const catalog = new CollectionCatalog({ connection, schema, database, isOwnDatabase });
  const graphOptions = {
    connection,
    catalog,
    config,
    logger: options.logger,
    clock: systemClock,
    isKeeping: !isCommand,
  };
  const graphs = new Map<string, Graphs>();

  /** Before anything connects. */
  function assertConfigured(): void {
    if (settings !== null) {
      const isStrapis = config.url === undefined && settings.schema === schema;
      if (!isStrapis) return;
      throw new ImageSearchError({
        code: 'config-invalid',
        message: `vectors.schema: "${schema}" is the schema of Strapi's own tables. Choose another one.`,
        retryable: false,
      });
    }
    if (hostDatabase === 'unknown') {
      throw new ImageSearchError({
        code: 'store-unavailable',
        message:
          "Strapi's own database isn't known, because Strapi can't load the project or its connection is a function. Correct that, or set vectors.url.",
        retryable: false,
      });
    }
    throw new ImageSearchError({
      code: 'store-unavailable',
      message:
        "vectors.url is missing: Strapi's own database isn't PostgreSQL. Set it to the URL of a PostgreSQL with pgvector.",
      retryable: false,
    });
  }

  const store = createServerStore({
    product: 'PostgreSQL',
    connection: {
      run: (work) =>
        connection.run(async () => {
          assertConfigured();
          return work();
        }),
      async dispose() {
        for (const each of graphs.values()) each.stop();
        await connection.dispose();
      },
    },
    catalog,
    open(space, within) {
      const own = graphs.get(space.id) ?? new Graphs(space, graphOptions);
      graphs.set(space.id, own);
      own.keep();
      return new PostgresCollection({
        connection,
        catalog,
        graphs: own,
        space,
        within,
      });
    },
    isMissing: isMissingTable,
    async inspect() {
      const { extension, version } = await catalog.server();
      const count = await catalog.countCollections();
      const progress = await Promise.all([...graphs.values()].map((each) => each.progress()));
      return [
        `PostgreSQL ${version} with pgvector ${extension.text} at ${connection.server} is available, with ${String(count)} collections in the schema "${schema}".`,
        ...progress.filter((sentence) => sentence !== null),
      ].join(' ');
    },
    options: { ...options, database },
  });
  return {
    ...store,
    async dropSpace(spaceId) {
      const own = graphs.get(spaceId);
      await store.dropSpace(spaceId);
      own?.stop();
      if (graphs.get(spaceId) === own) graphs.delete(spaceId);
    },
  };
}
