import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type { DatabaseIdentity, StoreHealth, VectorStore } from '../contract';
import { CollectionCatalog } from './catalog';
import { QdrantCollection } from './collection';
import type { QdrantConfig } from './config';
import { Connection, isMissingCollection } from './connection';

export interface QdrantStoreOptions {
  config: QdrantConfig;
  logger: Logger;
  /** Whose collections; null for those with plain names, as commands use them. @default null */
  database?: (() => Promise<DatabaseIdentity | null>) | undefined;
  /** Called when a collection was missing and is empty now: all images must be reindexed. */
  onLoss?: () => void;
  /** Called when Qdrant answers again after it didn't. */
  onBack?: (() => void) | undefined;
  /** Asked before a missing collection is recreated: another process may have dropped the space. */
  isInUse?: ((spaceId: string) => Promise<boolean>) | undefined;
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
export function createQdrantStore(options: QdrantStoreOptions): VectorStore {
  const { config, logger, onLoss = () => undefined } = options;
  const database = createReader(options.database ?? (() => Promise.resolve(null)));
  const isInUse = options.isInUse ?? (() => Promise.resolve(true));
  const { url, apiKey, timeoutSeconds } = config;
  const connection = new Connection({
    url,
    apiKey,
    timeoutSeconds,
    onBack: ({ failures, milliseconds }) => {
      logger.info(
        `Qdrant is back after ${String(Math.ceil(milliseconds / 1_000))} s, in which ${String(failures)} requests failed.`,
      );
      options.onBack?.();
    },
  });
  const catalog = new CollectionCatalog({ connection, config, database, logger });
  const droppedSpaces = new Set<string>();
  let announced = '';

  /** A late call must not recreate a dropped collection. */
  function assertNotDropped(space: VectorSpace): void {
    if (droppedSpaces.has(space.id)) throw droppedError(space);
  }

  async function recreate(space: VectorSpace): Promise<void> {
    assertNotDropped(space);
    if (!(await isInUse(space.id))) throw droppedError(space);
    // Of concurrent calls, in any process, only one creates it.
    if (!(await catalog.ensure(space))) return;
    const name = catalog.nameOf(space.id);
    logger.error(
      `The collection "${name}" was missing in Qdrant and has been recreated, empty. All images will be reindexed.`,
    );
    onLoss();
  }

  function openCollection(space: VectorSpace): QdrantCollection {
    return new QdrantCollection({
      connection,
      name: catalog.nameOf(space.id),
      space,
      config,
      catalog,
      others: () => catalog.foreignTo(space),
      within: (work) =>
        connection.run(async () => {
          assertNotDropped(space);
          try {
            return await work();
          } catch (error) {
            if (!isMissingCollection(error)) throw error;
            await recreate(space);
            return work();
          }
        }),
    });
  }

  /** Once per list of names. */
  async function announceOthers(space: VectorSpace): Promise<void> {
    const names = (await catalog.foreignTo(space)).map(
      ({ name, database: owner }) => `"${name}" (${owner ?? 'of no database'})`,
    );
    const list = names.join(', ');
    if (list === announced) return;
    announced = list;
    if (names.length === 0) return;
    logger.info(
      `Other databases have vectors of the same model in Qdrant: ${list}. They aren't changed, and are reused for images with the same bytes.`,
    );
  }

  async function checkHealth(): Promise<StoreHealth> {
    try {
      const { version, collections } = await connection.run(() => catalog.inspect());
      const message = `Qdrant ${version} at ${connection.server} is available, with ${String(collections)} collections named ${catalog.nameOf('…')}.`;
      return { ok: true, message, others: [] };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message, others: null };
    }
  }

  return {
    ensureSpace: (space) =>
      connection.run(async () => {
        await catalog.ensure(space);
        droppedSpaces.delete(space.id);
        if ((await database()) !== null) await announceOthers(space);
        return openCollection(space);
      }),
    listSpaces: () => connection.run(() => catalog.list()),
    dropSpace: (spaceId) =>
      connection.run(async () => {
        // Immediately, for calls made while this one is in progress.
        droppedSpaces.add(spaceId);
        try {
          await catalog.drop(spaceId);
        } catch (error) {
          droppedSpaces.delete(spaceId);
          throw error;
        }
      }),
    checkHealth,
    dispose: () => connection.dispose(),
  };
}

/** Asks until there is an answer, and then keeps it. */
function createReader<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | null = null;
  return () => {
    known ??= read().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
}

function droppedError(space: VectorSpace): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The collection "${space.id}" was dropped from the vector store.`,
    retryable: true,
  });
}
