import { z } from 'zod';
import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import { resolveWorker, type WorkerProgram } from '../../workers';
import type {
  DatabaseIdentity,
  StoreHealth,
  VectorCollection,
  VectorPoint,
  VectorStore,
  ViewVector,
} from '../contract';
import { assertQuery, assertVector } from '../similarity';
import { fileIdOf, toView, toViewId } from '../views';
import type { DriverName } from './driver';
import type { PointBatch } from './protocol';
import { ThreadClient } from './thread-client';

/** Relative to the project folder. */
export const DEFAULT_VECTOR_FILE = '.data/image-search.sqlite';

/** The `vectors` setting of a store in a file. */
export const embeddedConfigSchema = z.strictObject({
  store: z.literal('embedded'),
  path: z.string().min(1).default(DEFAULT_VECTOR_FILE).meta({
    description: 'Database file of the embedded store, relative to the project folder',
  }),
  prefilterFrom: z.int().min(1).max(10_000_000).default(1_000).meta({
    description:
      'Number of images from which an in-memory index speeds up searches. It takes one byte per dimension and image',
  }),
});

export interface EmbeddedStoreOptions {
  /** Absolute path; the file and its folder are created if missing. */
  file: string;
  /** Where packages of drivers are looked for first. @default the working directory */
  projectFolder?: string;
  /** The drivers to try, best first. @default all of them */
  drivers?: readonly DriverName[];
  /** Number of points from which a search uses the in-memory index, with a byte per dimension and point. */
  prefilterFrom: number;
  logger: Logger;
  /** Whose vectors; null for those of the database that used the file last. @default null */
  database?: (() => Promise<DatabaseIdentity | null>) | undefined;
  /** Whether a damaged file stays where it is, and calls fail, as in a command. @default false */
  keepsDamaged?: boolean | undefined;
  /** Called when the file was replaced, by an empty one or another: the library must be compared with it. */
  onLoss?: () => void;
  /**
   * The thread's program.
   *
   * @default the one in this package
   */
  program?: WorkerProgram;
}

/**
 * Stores vectors in one SQLite file. A dedicated thread owns the file, so Strapi's event loop never waits for it.
 *
 * - Searches are exact, ties included, with the index and without.
 * - A resolved call survives a killed process; a power failure may lose the last ones.
 * - Nothing is opened before the first call. Every call after a failure may succeed.
 * - A damaged file is renamed to `<file>.damaged-<time>`, with an error in the log, and replaced by a new one: the
 *   store is empty then. A file that was deleted while open is written again from what is still open; one that was
 *   replaced is reopened.
 * - Several databases may share a file. Vectors that were removed are kept for a while, so that bytes uploaded again
 *   aren't embedded again.
 * - Beyond the contract, every call may throw `store-not-installed` when no driver of SQLite works; see driver.ts.
 *
 * Several processes may share a file, but each write makes the others rebuild their index, so this suits short
 * overlaps and scripts only.
 *
 * Measured by test/bench/vector-store.ts with 512 dimensions on two cores of a shared server: a query takes 1 ms
 * among 10,000 points and 6 ms among 100,000; the first query, which builds the index, 0.1 s and 0.7 s. Storing
 * 100,000 points takes 2 s, 246 MB of disk and 60 MB of memory for the index. Without it, a query takes 3 ms among
 * 1,000 points and 40 ms among 10,000, so 1,000 is a good `prefilterFrom`.
 */
export function createEmbeddedStore(options: EmbeddedStoreOptions): VectorStore {
  const { file, prefilterFrom, logger, drivers, projectFolder = process.cwd() } = options;
  const {
    database = () => Promise.resolve(null),
    keepsDamaged = false,
    onLoss = () => undefined,
    program = resolveWorker('embedded-store'),
  } = options;
  const client = new ThreadClient({
    file,
    prefilterFrom,
    projectFolder,
    drivers,
    database,
    keepsDamaged,
    logger,
    onLoss,
    program,
  });
  const droppedSpaces = new Set<string>();

  async function checkHealth(): Promise<StoreHealth> {
    try {
      const { collections, incident, others } = await client.call('inspect', null);
      const count = collections === 1 ? '1 collection' : `${String(collections)} collections`;
      const sentences = [
        `${count} stored in ${file}.`,
        ...(others.length > 0 ? [`The file is shared with ${others.join(' and ')}.`] : []),
        ...(incident === null ? [] : [incident]),
      ];
      return { ok: true, message: sentences.join(' '), others };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message, others: null };
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
      // Immediately, for calls made while this one is in progress.
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
  /** The thread creates missing collections, so a late call must not recreate a dropped one. */
  function assertNotDropped(): void {
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
      assertNotDropped();
      if (points.length === 0) return;
      const batch = toBatch(points, space);
      await client.call('upsert', { space, batch }, [batch.vectors.buffer]);
    },
    async remove(fileIds) {
      assertNotDropped();
      if (fileIds.length > 0) await client.call('remove', { space, fileIds });
    },
    async search(query) {
      assertNotDropped();
      assertQuery(query, space);
      const vector = query.vector.slice();
      return client.call('search', { space, query: { ...query, vector } }, [vector.buffer]);
    },
    async getMany(fileIds) {
      assertNotDropped();
      if (fileIds.length === 0) return [];
      return fromBatch(await client.call('getMany', { space, fileIds }), space);
    },
    async hasViews() {
      assertNotDropped();
      return client.call('hasViews', { space });
    },
    async viewsOf(fileIds) {
      assertNotDropped();
      if (fileIds.length === 0) return new Map();
      const batch = await client.call('viewsOf', { space, fileIds });
      const views = new Map<number, ViewVector[]>();
      for (const [position, viewId] of batch.viewIds.entries()) {
        const view = { ...toView(viewId), vector: vectorIn(batch, position, space) };
        const fileId = fileIdOf(viewId);
        views.set(fileId, [...(views.get(fileId) ?? []), view]);
      }
      return views;
    },
    async contentHashesOf(fileIds) {
      assertNotDropped();
      if (fileIds.length === 0) return new Map();
      return client.call('contentHashesOf', { space, fileIds });
    },
    async findByContentHash(contentHash) {
      assertNotDropped();
      const batch = await client.call('findByContentHash', { space, contentHash });
      if (batch === null) return null;
      const views = batch.viewIds.map((viewId, position) => ({
        ...toView(viewId),
        vector: vectorIn(batch, position + 1, space),
      }));
      return { vector: vectorIn(batch, 0, space), views };
    },
    async count() {
      assertNotDropped();
      return client.call('count', { space });
    },
    async listIds(cursor, limit) {
      assertNotDropped();
      return client.call('listIds', { space, cursor, limit });
    },
  };
}

/** Packs points for the thread. */
function toBatch(points: readonly VectorPoint[], space: VectorSpace): PointBatch {
  const count = points.reduce((sum, { views = [] }) => sum + 1 + views.length, 0);
  const vectors = new Float32Array(count * space.dimensions);
  let position = 0;
  const put = (vector: Float32Array): void => {
    assertVector(vector, space);
    vectors.set(vector, position * space.dimensions);
    position += 1;
  };
  for (const { fileId, vector, views = [] } of points) {
    if (!Number.isSafeInteger(fileId) || fileId < 1) {
      throw new RangeError(`A file id must be a positive integer, not ${String(fileId)}.`);
    }
    put(vector);
    for (const view of views) {
      toViewId(fileId, view);
      put(view.vector);
    }
  }
  return {
    points: points.map(({ fileId, payload, views = [] }) =>
      views.length === 0
        ? { fileId, payload }
        : { fileId, payload, views: views.map(({ kind, number }) => ({ kind, number })) },
    ),
    vectors,
  };
}

/** Of points without further views. */
function fromBatch(batch: PointBatch, space: VectorSpace): VectorPoint[] {
  return batch.points.map(({ fileId, payload }, position) => ({
    fileId,
    payload,
    vector: vectorIn(batch, position, space),
  }));
}

function vectorIn(
  { vectors }: Pick<PointBatch, 'vectors'>,
  position: number,
  { dimensions }: VectorSpace,
): Float32Array {
  return vectors.slice(position * dimensions, (position + 1) * dimensions);
}
