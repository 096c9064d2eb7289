import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type { StoreHealth, VectorStore } from '../contract';
import { createCollection } from './collection';
import type { QdrantConfig } from './config';
import { Connection } from './connection';
import { isMissingCollection } from './failures';
import { Spaces } from './spaces';

export interface QdrantStoreOptions {
  config: QdrantConfig;
  logger: Logger;
  /** Called when a collection was gone and is empty now: the pictures must be indexed again. */
  onLoss?: () => void;
  /** Asked before a collection that is gone is made again: another process may have dropped the space. */
  isInUse?: ((spaceId: string) => Promise<boolean>) | undefined;
}

/**
 * Vectors in Qdrant, 1.16 or newer, a collection per space: for more pictures than one machine holds, and for several
 * Strapi processes.
 *
 * - A collection is named `<prefix>-<space id>` and says in its metadata who made it and for which space. One that
 *   says something else is neither used nor changed nor dropped: `store-space-clash`.
 * - Searches are approximate once Qdrant has built a graph, from some 20,000 points on; see `searchInSteps` for what
 *   holds all the same, and for what is exact. In a cluster with replicas each has a graph of its own, and two
 *   searches may differ where theirs do.
 * - Nothing is connected before the first call, a call that fails does not keep the next from succeeding, and a
 *   collection that is gone is made again by the call that misses it.
 * - `store-unavailable` is not retryable when the key or a request is refused; see `toFailure`.
 */
export function createQdrantStore(options: QdrantStoreOptions): VectorStore {
  const { config, logger, onLoss = () => undefined } = options;
  const isInUse = options.isInUse ?? (() => Promise.resolve(true));
  const { url, apiKey, timeoutSeconds } = config;
  const connection = new Connection({ url, apiKey, timeoutSeconds });
  const spaces = new Spaces({ connection, config, logger });
  const droppedSpaces = new Set<string>();

  /** A call that comes late must not bring a dropped collection back. */
  function assertKept(space: VectorSpace): void {
    if (droppedSpaces.has(space.id)) throw droppedError(space);
  }

  async function makeAgain(space: VectorSpace): Promise<void> {
    assertKept(space);
    if (!(await isInUse(space.id))) throw droppedError(space);
    // Of those that miss it at the same time, in whichever process, one makes it.
    if (!(await spaces.ensure(space))) return;
    const name = spaces.nameOf(space.id);
    logger.error(`The collection "${name}" was gone from Qdrant. It is there again, and empty.`);
    onLoss();
  }

  function openCollection(space: VectorSpace) {
    return createCollection({
      connection,
      name: spaces.nameOf(space.id),
      space,
      config,
      within: (work) =>
        connection.run(async () => {
          assertKept(space);
          try {
            return await work();
          } catch (error) {
            if (!isMissingCollection(error)) throw error;
            await makeAgain(space);
            return work();
          }
        }),
    });
  }

  async function checkHealth(): Promise<StoreHealth> {
    try {
      const { version, collections } = await connection.run(() => spaces.inspect());
      const message = `Qdrant ${version} at ${connection.server} answers; collections named ${spaces.nameOf('…')}: ${String(collections)}.`;
      return { ok: true, message };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message };
    }
  }

  return {
    ensureSpace: (space) =>
      connection.run(async () => {
        await spaces.ensure(space);
        droppedSpaces.delete(space.id);
        return openCollection(space);
      }),
    listSpaces: () => connection.run(() => spaces.list()),
    dropSpace: (spaceId) =>
      connection.run(async () => {
        // At once, for calls that are made while this one is under way.
        droppedSpaces.add(spaceId);
        try {
          await spaces.drop(spaceId);
        } catch (error) {
          droppedSpaces.delete(spaceId);
          throw error;
        }
      }),
    checkHealth,
    dispose: () => connection.dispose(),
  };
}

function droppedError(space: VectorSpace): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The collection "${space.id}" was dropped from the vector store.`,
    retryable: true,
  });
}
