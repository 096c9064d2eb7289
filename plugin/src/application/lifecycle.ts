import type { UsageMeter } from '../billing/usage-meter';
import { isDoneWithin, type Clock } from '../clock';
import { toImageSearchError } from '../errors';
import type { IndexPriority } from '../indexing/contract';
import type { Logger } from '../logger';
import type { GuardedFetch } from '../network/contract';
import type { SpaceManager } from '../spaces/space-manager';
import type { TextIndex } from '../text/contract';
import type { LibraryWords } from '../text/library-words';
import type { VectorStore } from '../vectors/contract';
import type { BackgroundJob } from './background-job';
import type { DuplicateDetection } from './duplicate-detection';
import type { LibraryMap } from './library-map';
import type { StoreWatch } from './store-watch';

/** An upload is answered before its image is read, and several uploads at a time become one batch. */
const SETTLE_MS = 100;
/** Work in progress may end by itself for this long; then it goes back to the queue. */
const DRAIN_MS = 3_000;
/** For handing it back, while the provider closes. */
const RELEASE_MS = 1_000;
/** For closing store and connections. */
const CLOSE_MS = 500;

/** What the engine wants to know of changes in the library. */
export interface LibraryListener {
  /**
   * Queues files that were added (`upload`), replaced or deleted (`replacement`); an upload waits for nothing else.
   */
  markPending(fileIds: readonly number[], priority: IndexPriority): Promise<void>;
  /** Forgets the duplicate pairs of deleted files in the background. */
  removePairs(fileIds: readonly number[]): void;
  /** Reads the names and descriptions of these files again, in the background. */
  updateWords(fileIds: readonly number[]): void;
  /** Like `updateWords`, for whichever files a renamed or moved folder has. */
  updateFolders(): void;
}

/** The index of words, and what keeps it up to date; null when words aren't searched. */
export type WordIndexing = { index: TextIndex; library: LibraryWords } | null;

export interface Lifecycle {
  start(): void;
  /** Takes five seconds at most, whatever hangs. Never rejects. */
  stop(): Promise<void>;
}

export function createLifecycle(parts: {
  spaces: SpaceManager;
  duplicates: DuplicateDetection;
  watchLibrary: (listener: LibraryListener) => () => void;
  /** Whether this process indexes. */
  isIndexing: boolean;
  /** Whether this process answers searches. */
  isServing: boolean;
  meter: UsageMeter;
  store: VectorStore;
  storeWatch: StoreWatch;
  words: WordIndexing;
  /** What follows indexing, in the background. */
  jobs: readonly Pick<BackgroundJob, 'start' | 'stop'>[];
  map: Pick<LibraryMap, 'stop'>;
  remotes: readonly Pick<GuardedFetch, 'dispose'>[];
  logger: Logger;
  clock: Clock;
}): Lifecycle {
  const {
    clock,
    duplicates,
    isIndexing,
    jobs,
    logger,
    map,
    meter,
    remotes,
    spaces,
    store,
    storeWatch,
    words,
  } = parts;
  let unwatch: (() => void) | null = null;
  let wakeSoon: NodeJS.Timeout | null = null;

  return {
    start() {
      unwatch = parts.watchLibrary({
        async markPending(fileIds, priority) {
          words?.library.update(fileIds);
          await spaces.markPending(fileIds, priority);
          wakeSoon ??= setTimeout(() => {
            wakeSoon = null;
            spaces.wake();
          }, SETTLE_MS).unref();
        },
        removePairs(fileIds) {
          duplicates.removePairs(fileIds);
        },
        updateWords(fileIds) {
          words?.library.update(fileIds);
        },
        updateFolders() {
          words?.library.reconcileSoon();
        },
      });
      words?.library.start();
      spaces.start({ isIndexing });
      if (parts.isServing) void warmUp(spaces, logger);
      if (isIndexing) {
        duplicates.start();
        storeWatch.start();
        for (const job of jobs) job.start();
      }
    },

    async stop() {
      unwatch?.();
      if (wakeSoon) clearTimeout(wakeSoon);
      const indexing = {
        stopIndexing: (graceMs: number) =>
          Promise.all([
            spaces.stopIndexing(graceMs),
            duplicates.stop(),
            storeWatch.stop(),
            ...jobs.map((job) => job.stop()),
            map.stop(),
            words?.library.stop(),
          ]),
        dispose: () => spaces.dispose(),
      };
      const stores = {
        dispose: async () => {
          await Promise.all([store.dispose(), words?.index.dispose()]);
        },
      };
      await shutDown({ spaces: indexing, meter, store: stores, remotes, logger, clock });
    },
  };
}

/** Loads the model that searches use. Never rejects: the first search says what is wrong. */
async function warmUp(spaces: SpaceManager, logger: Logger): Promise<void> {
  try {
    const { provider } = await spaces.get();
    await provider.warmUp?.();
  } catch (error) {
    logger.debug(`The model wasn't loaded ahead: ${toImageSearchError(error).message}`);
  }
}

export interface ShutdownOptions {
  spaces: {
    /** Ends work in progress, indexing and whatever follows it. */
    stopIndexing(graceMs: number): Promise<unknown>;
    dispose(): Promise<void>;
  };
  meter: Pick<UsageMeter, 'stop'>;
  store: Pick<VectorStore, 'dispose'>;
  /** Everything that downloads, and other helpers that are closed last. */
  remotes: readonly Pick<GuardedFetch, 'dispose'>[];
  logger: Logger;
  clock: Clock;
}

/**
 * Ends the product within five seconds, whatever hangs: a process manager kills a Strapi that takes too long.
 * Unfinished work isn't lost, because its leases expire. Never rejects.
 */
export async function shutDown(options: ShutdownOptions): Promise<void> {
  const { clock, logger, meter, remotes, spaces, store } = options;
  const drained = spaces.stopIndexing(DRAIN_MS);
  await isDoneWithin(drained, { milliseconds: DRAIN_MS, clock });
  const released = Promise.all([drained, spaces.dispose()]);
  const isReleased = await isDoneWithin(released, { milliseconds: RELEASE_MS, clock });
  const closed = Promise.all([
    meter.stop(),
    store.dispose(),
    ...remotes.map((remote) => remote.dispose()),
  ]);
  const isClosed = await isDoneWithin(closed, { milliseconds: CLOSE_MS, clock });
  if (isReleased && isClosed) return;
  logger.warn(
    "Image search didn't stop in time. Unfinished images will be indexed after the next start.",
  );
}
