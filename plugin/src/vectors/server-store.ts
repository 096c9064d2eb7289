import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { Outage } from './availability';
import type { DatabaseIdentity, StoreHealth, VectorCollection, VectorStore } from './contract';

/** What the host gives any store on a server. */
export interface ServerStoreOptions {
  logger: Logger;
  /** Whose collections; null for those that belong to no database, as commands use them. @default null */
  database?: (() => Promise<DatabaseIdentity | null>) | undefined;
  /** Called when a collection was missing and is empty now: all images must be reindexed. */
  onLoss?: (() => void) | undefined;
  /** Called when the server answers again after it didn't. */
  onBack?: (() => void) | undefined;
  /** Asked before a missing collection is recreated: another process may have dropped the space. */
  isInUse?: ((spaceId: string) => Promise<boolean>) | undefined;
}

/** The collections of a server, of this database and others. */
export interface ServerCatalog {
  /** Creates the collection if it is missing. Returns whether this call created it; one call at a time for a space. */
  ensure(space: VectorSpace): Promise<boolean>;
  list(): Promise<VectorSpace[]>;
  /** Ignores a missing collection. */
  drop(spaceId: string): Promise<void>;
  /** Other databases' collections of this space; their database's name is null if they belong to none. */
  foreignTo(space: VectorSpace): Promise<readonly { name: string; database: string | null }[]>;
  /** Of a collection, for messages. */
  nameOf(spaceId: string): string;
}

/** Runs work on a collection, and again if the collection was missing and had to be recreated. */
export type Within = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** What stores on different servers have in common, once there is a connection and a catalog. */
export function createServerStore(parts: {
  /** The server's product, for messages. */
  product: string;
  connection: {
    run<Result>(work: () => Promise<Result>): Promise<Result>;
    dispose(): Promise<void>;
  };
  catalog: ServerCatalog;
  open: (space: VectorSpace, within: Within) => VectorCollection;
  /** Whether an error says that a collection is missing. */
  isMissing: (error: unknown) => boolean;
  /** One sentence on a server that is available. */
  inspect: () => Promise<string>;
  options: ServerStoreOptions & { database: () => Promise<DatabaseIdentity | null> };
}): VectorStore {
  const { catalog, connection, product } = parts;
  const { database, isInUse, logger, onLoss } = parts.options;
  const droppedSpaces = new Set<string>();
  const ensure = createEnsuring(catalog);
  let announced = '';

  /** A late call must not recreate a dropped collection. */
  function assertNotDropped(space: VectorSpace): void {
    if (droppedSpaces.has(space.id)) throw droppedError(space);
  }

  async function recreate(space: VectorSpace): Promise<void> {
    assertNotDropped(space);
    if ((await isInUse?.(space.id)) === false) throw droppedError(space);
    // Of concurrent calls, in any process, only one creates it.
    if (!(await ensure(space))) return;
    const name = catalog.nameOf(space.id);
    logger.error(
      `The collection "${name}" was missing in ${product} and has been recreated, empty. All images will be reindexed.`,
    );
    onLoss?.();
  }

  function withinOf(space: VectorSpace): Within {
    return (work) =>
      connection.run(async () => {
        assertNotDropped(space);
        try {
          return await work();
        } catch (error) {
          if (!parts.isMissing(error)) throw error;
          await recreate(space);
          return work();
        }
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
      `Other databases have vectors of the same model in ${product}: ${list}. They aren't changed, and are reused for images with the same bytes.`,
    );
  }

  async function checkHealth(): Promise<StoreHealth> {
    try {
      return { ok: true, message: await connection.run(parts.inspect), others: [] };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message, others: null };
    }
  }

  return {
    ensureSpace: (space) =>
      connection.run(async () => {
        await ensure(space);
        droppedSpaces.delete(space.id);
        if ((await database()) !== null) await announceOthers(space);
        return parts.open(space, withinOf(space));
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

/** Concurrent calls for one space share one attempt; true to the one that led to it if it created the collection. */
function createEnsuring(catalog: ServerCatalog): ServerCatalog['ensure'] {
  /** Keyed by space id and dimensions. */
  const pending = new Map<string, Promise<boolean>>();
  return (space) => {
    const key = `${space.id}/${String(space.dimensions)}`;
    const known = pending.get(key);
    if (known !== undefined) return known.then(() => false);
    const ensured = catalog.ensure(space).finally(() => {
      pending.delete(key);
    });
    pending.set(key, ensured);
    return ensured;
  };
}

/** Asks until there is an answer, and then keeps it. */
export function createReader<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | null = null;
  return () => {
    known ??= read().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
}

/** Says that a server is back, once per outage. */
export function announceBack(
  product: string,
  { logger, onBack }: Pick<ServerStoreOptions, 'logger' | 'onBack'>,
): (outage: Outage) => void {
  return ({ failures, milliseconds }) => {
    logger.info(
      `${product} is back after ${String(Math.ceil(milliseconds / 1_000))} s, in which ${String(failures)} requests failed.`,
    );
    onBack?.();
  };
}

/** The calls in progress, for a store that is closed after the last one. */
export class PendingCalls {
  readonly #pending = new Set<Promise<unknown>>();
  #isClosed = false;

  /** Runs work that `close` waits for; starts none after it. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) {
      throw new ImageSearchError({
        code: 'store-unavailable',
        message: 'The vector store is unavailable: it has been closed.',
        retryable: true,
      });
    }
    const result = work();
    this.#pending.add(result);
    try {
      return await result;
    } finally {
      this.#pending.delete(result);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
  }
}

function droppedError(space: VectorSpace): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The collection "${space.id}" was dropped from the vector store.`,
    retryable: true,
  });
}
