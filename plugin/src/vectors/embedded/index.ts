import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import { resolveWorkerFile } from '../../workers';
import type { StoreHealth, VectorCollection, VectorStore } from '../contract';
import { assertVector } from './assert-vector';
import { fromBatch, toBatch } from './point-batch';
import { ThreadClient } from './thread-client';

export interface EmbeddedStoreOptions {
  /** Absolute path; the file and its folder are made when missing. */
  file: string;
  /** Searches that compare at least so many points go through an index in memory, of a byte per dimension and point. */
  prefilterFrom: number;
  logger: Logger;
  /** Called when a damaged file was set aside: the store is empty then, and the pictures must be indexed again. */
  onLoss?: () => void;
  /**
   * Compiled entry of the thread.
   * @default the one that this package ships
   */
  threadFile?: string;
}

/**
 * Vectors in one SQLite file, kept by one thread of its own, so that Strapi's event loop never waits for them.
 *
 * - Searches are exact, ties and all, with the index and without.
 * - A resolved call survives a killed process; a power failure may take the last of them.
 * - Nothing is opened before the first call. A call that fails does not keep the next from succeeding.
 * - A damaged file is renamed to `<file>.damaged-<time>` with an error in the log, and a fresh one begun: the store
 *   is then empty.
 * - Besides what the contract names, every call may fail with `store-not-installed` (better-sqlite3 is missing).
 *
 * Several processes may use one file; each write makes the others read their index anew, so that this is for short
 * overlaps and scripts.
 *
 * Measured by test/bench/vector-store.ts with 512 dimensions on two cores of a shared server: a query takes 1 ms among
 * 10,000 points and 6 ms among 100,000; the first after opening, which reads the index, 0.1 s and 0.7 s. Storing
 * 100,000 points takes 2 s, their file 246 MB and their index 60 MB of memory. Read from the file instead, 1,000
 * points take 3 ms and 10,000 take 40, so 1,000 is a good `prefilterFrom`.
 */
export function createEmbeddedStore(options: EmbeddedStoreOptions): VectorStore {
  const { file, prefilterFrom, logger } = options;
  const { onLoss = () => undefined, threadFile = resolveWorkerFile('embedded-store') } = options;
  const client = new ThreadClient({ file, prefilterFrom, logger, onLoss, threadFile });
  const droppedSpaces = new Set<string>();

  async function checkHealth(): Promise<StoreHealth> {
    try {
      const spaces = await client.call('listSpaces', null);
      return {
        ok: true,
        message: `Vectors of ${String(spaces.length)} collections are in ${file}.`,
      };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message };
    }
  }

  return {
    async ensureSpace(space) {
      await client.call('ensureSpace', { space });
      droppedSpaces.delete(space.id);
      return createCollection(client, space, droppedSpaces);
    },
    listSpaces: () => client.call('listSpaces', null),
    async dropSpace(spaceId) {
      // At once, for calls that are made while this one is under way.
      droppedSpaces.add(spaceId);
      try {
        await client.call('dropSpace', { spaceId });
      } catch (error) {
        droppedSpaces.delete(spaceId);
        throw error;
      }
    },
    checkHealth,
    dispose: () => client.dispose(),
  };
}

function createCollection(
  client: ThreadClient,
  space: VectorSpace,
  droppedSpaces: ReadonlySet<string>,
): VectorCollection {
  /** The thread makes a collection that is missing; a call that comes late must not bring a dropped one back. */
  function assertKept(): void {
    if (!droppedSpaces.has(space.id)) return;
    throw new ImageSearchError({
      code: 'store-unavailable',
      message: `The collection "${space.id}" was dropped from the vector store.`,
      retryable: true,
    });
  }

  return {
    space,
    async upsert(points) {
      assertKept();
      if (points.length === 0) return;
      const batch = toBatch(points, space);
      await client.call('upsert', { space, batch }, [batch.vectors.buffer]);
    },
    async remove(fileIds) {
      assertKept();
      if (fileIds.length > 0) await client.call('remove', { space, fileIds });
    },
    async search(query) {
      assertKept();
      assertVector(query.vector, space);
      if (!(query.limit >= 1)) {
        throw new RangeError(`The limit must be a positive integer, not ${String(query.limit)}.`);
      }
      const vector = query.vector.slice();
      return client.call('search', { space, query: { ...query, vector } }, [vector.buffer]);
    },
    async getMany(fileIds) {
      assertKept();
      if (fileIds.length === 0) return [];
      return fromBatch(await client.call('getMany', { space, fileIds }), space);
    },
    async count() {
      assertKept();
      return client.call('count', { space });
    },
    async listIds(cursor, limit) {
      assertKept();
      return client.call('listIds', { space, cursor, limit });
    },
  };
}
