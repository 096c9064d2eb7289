import type { VectorStore } from '../contract';
import {
  announceBack,
  createReader,
  createServerStore,
  type ServerStoreOptions,
} from '../server-store';
import { CollectionCatalog } from './catalog';
import { QdrantCollection } from './collection';
import type { QdrantConfig } from './config';
import { Connection, isMissingCollection } from './connection';

export interface QdrantStoreOptions extends ServerStoreOptions {
  config: QdrantConfig;
}

/**
 * Stores vectors in Qdrant 1.16 or newer, one collection per space: for more images than one machine holds, and for
 * several Strapi processes.
 *
 * - A collection is named `<prefix>-<space id>`, and its metadata names this plugin, the space and the database. When
 *   another database has that name, the database's id is appended. Any other collection of that name is never used,
 *   changed or dropped: `store-space-clash`.
 * - Further views of files are in a collection beside it, `<name>-views`, created with the first one. Other processes
 *   notice the first one within a minute.
 * - Searches are approximate once Qdrant has built a graph, from some 20,000 points on; `searchInSteps` describes
 *   what stays exact. In a cluster, each replica has its own graph, so two searches may differ.
 * - While Qdrant doesn't answer, it is asked now and then; once two requests in a row have timed out, others fail at
 *   once until it's back.
 * - Nothing connects before the first call, every call after a failure may succeed, and a call that misses its
 *   collection recreates it.
 * - `store-unavailable` isn't retryable when the key or a request is refused; see `toFailure`.
 */
export function createQdrantStore({ config, ...options }: QdrantStoreOptions): VectorStore {
  const database = createReader(options.database ?? (() => Promise.resolve(null)));
  const { url, apiKey, timeoutSeconds } = config;
  const connection = new Connection({
    url,
    apiKey,
    timeoutSeconds,
    onBack: announceBack('Qdrant', options),
  });
  const catalog = new CollectionCatalog({ connection, config, database, logger: options.logger });
  return createServerStore({
    product: 'Qdrant',
    connection,
    catalog,
    open: (space, within) =>
      new QdrantCollection({
        connection,
        name: catalog.nameOf(space.id),
        space,
        config,
        catalog,
        others: () => catalog.foreignTo(space),
        within,
      }),
    isMissing: isMissingCollection,
    async inspect() {
      const { version, collections } = await catalog.inspect();
      return `Qdrant ${version} at ${connection.server} is available, with ${String(collections)} collections named ${catalog.nameOf('…')}.`;
    },
    options: { ...options, database },
  });
}
