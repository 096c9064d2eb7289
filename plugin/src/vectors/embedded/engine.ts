import type { Driver } from './driver';
import { openDatabase, setFileAside } from './connection';
import { isDamage, outdatesConnection, toStoreError } from './failures';
import type { OperationHandlers, ThreadNotice, ThreadOptions } from './protocol';
import { Session } from './session';

export interface EngineOptions extends ThreadOptions {
  /** Fails with `store-not-installed`. */
  loadDriver(): Driver;
  report(notice: ThreadNotice): void;
}

/**
 * What the thread runs: opens the file with the first operation, and again after a failure that a new connection may
 * mend. A damaged file is set aside, and the operation is done on a fresh one. All errors are ImageSearchErrors.
 */
export function createEngine(options: EngineOptions): OperationHandlers {
  const { file } = options;
  let session: Session | null = null;

  function open(): Session {
    session ??= new Session(openDatabase(options.loadDriver(), file), options);
    return session;
  }

  function close(): void {
    session?.close();
    session = null;
  }

  function replaceDamagedFile(damage: unknown): void {
    close();
    const target = setFileAside(file, new Date());
    const reason = damage instanceof Error ? damage.message : String(damage);
    options.report({
      isLoss: true,
      level: 'error',
      message:
        `The vector file ${file} is damaged (${reason}). It was set aside as ${target} and a fresh one begun; ` +
        'the pictures must be indexed again, and the file that was set aside may be deleted.',
    });
  }

  function use<T>(work: (session: Session) => T): T {
    try {
      try {
        return work(open());
      } catch (error) {
        if (!isDamage(error)) throw error;
        replaceDamagedFile(error);
        return work(open());
      }
    } catch (error) {
      if (outdatesConnection(error)) close();
      throw toStoreError(error, file);
    }
  }

  return {
    ensureSpace({ space }) {
      use((opened) => opened.collection(space));
    },
    listSpaces() {
      return use((opened) => opened.listSpaces());
    },
    dropSpace({ spaceId }) {
      use((opened) => {
        opened.dropSpace(spaceId);
      });
    },
    upsert({ space, batch }) {
      use((opened) => {
        opened.collection(space).upsert(batch);
      });
    },
    remove({ space, fileIds }) {
      use((opened) => {
        opened.collection(space).remove(fileIds);
      });
    },
    search({ space, query }) {
      return use((opened) => opened.collection(space).search(query));
    },
    getMany({ space, fileIds }) {
      return use((opened) => opened.collection(space).getMany(fileIds));
    },
    count({ space }) {
      return use((opened) => opened.collection(space).count());
    },
    listIds({ space, cursor, limit }) {
      return use((opened) => opened.collection(space).listIds(cursor, limit));
    },
    close() {
      close();
    },
  };
}
