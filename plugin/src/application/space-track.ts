import { createActiveSpace } from '../active-space';
import type { HealthRecord } from '../circuit-breaker';
import type { Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import { toImageSearchError } from '../errors';
import { indexPriorities, type AssetSource, type IndexEntries } from '../indexing/contract';
import { ReconcileSchedule } from '../indexing/reconcile';
import { IndexingWorker, type IndexingWorkerOptions } from '../indexing/worker';
import type { JobLeases } from '../lease';
import type { Logger } from '../logger';
import type { SpaceTrack } from '../spaces/contract';
import { otherVectorsError, type TrackOptions } from '../spaces/space-tracks';
import type { VectorStore } from '../vectors/contract';

/** Entries moved at once. */
const PAGE_SIZE = 500;

export interface SpaceTrackParts {
  openProvider: (health: HealthRecord) => Promise<EmbeddingProvider>;
  /** The queue of a space; the empty id stands for files queued before any space is known. */
  entriesOf: (spaceId: () => string) => IndexEntries;
  store: VectorStore;
  assets: AssetSource;
  worker: Omit<IndexingWorkerOptions, 'entries' | 'assets' | 'activeSpace' | 'logger' | 'clock'>;
  /** See `ReconcileOptions`. */
  hasReaderFor?: (mimeType: string) => boolean;
  jobs: JobLeases;
  /** When this server started, in milliseconds since the epoch. */
  bootedAt: number;
  reconcileMinutes: number;
  logger: Logger;
  clock: Clock;
}

/** Provider, queue, worker and schedule of one space, which may be known only once its provider is open. */
export function createSpaceTrack(options: TrackOptions, parts: SpaceTrackParts): SpaceTrack {
  const { expectedSpaceId, identity, onOpened } = options;
  const { assets, clock, logger, openProvider, store } = parts;
  let spaceId = expectedSpaceId;
  let isOpened = false;

  async function open(health: HealthRecord): Promise<EmbeddingProvider> {
    const provider = await openProvider(health);
    try {
      const { space } = provider;
      if (expectedSpaceId !== null && space.id !== expectedSpaceId) throw otherVectorsError(space);
      await onOpened(space);
      spaceId = space.id;
      isOpened = true;
      return provider;
    } catch (error) {
      await provider.dispose();
      throw error;
    }
  }

  const activeSpace = createActiveSpace({
    openProvider: open,
    store,
    clock,
    random: parts.worker.random,
  });
  const entries = parts.entriesOf(() => spaceId ?? '');
  const { duplicates, traces } = parts.worker;
  const shared = { activeSpace, assets, entries, logger, clock, duplicates, traces };
  const worker = new IndexingWorker({ ...parts.worker, ...shared });
  const schedule = new ReconcileSchedule({
    ...shared,
    hasReaderFor: parts.hasReaderFor,
    jobs: parts.jobs,
    jobName: () => `compare ${spaceId ?? ''}`.trim(),
    leaseMs: parts.worker.leaseMs,
    owner: parts.worker.owner,
    bootedAt: parts.bootedAt,
    everyMinutes: parts.reconcileMinutes,
    onMarked: () => {
      worker.wake();
    },
  });

  return {
    activeSpace,
    entries,
    identity,
    spaceId: () => spaceId,
    expect(expected) {
      if (!isOpened) spaceId = expected;
    },
    start() {
      worker.start();
      schedule.start();
      // Said at once, such as that the model is missing, not only when there is something to index.
      activeSpace.get().catch((error: unknown) => {
        const { code, message } = toImageSearchError(error);
        if (code === 'aborted') return;
        parts.worker.outages.report(message, `Image search isn't available yet. ${message}`);
      });
    },
    wake() {
      worker.wake();
    },
    retryNow() {
      worker.retryNow();
    },
    resumeStore() {
      activeSpace.health.resumeStore();
      worker.wake();
    },
    reconcile: () => schedule.runAfresh(),
    reconcileAgain: () => schedule.runAgain(),
    isReconciling: () => schedule.isRunning(),
    workerStatus: () => worker.status(),
    async stop(graceMs) {
      await Promise.all([worker.stop(graceMs), schedule.stop()]);
    },
    dispose: () => activeSpace.dispose(),
  };
}

/**
 * Moves every entry of one queue to another, where it is due at once, as urgent as before. Entries that another process adds meanwhile stay
 * behind until the next reconcile.
 */
export async function moveEntries(from: IndexEntries, to: IndexEntries): Promise<void> {
  const { entries } = await from.list({ cursor: null, limit: 1 });
  if (entries.length === 0) return;
  let cursor: number | null = null;
  do {
    const page = await from.list({ cursor, limit: PAGE_SIZE });
    for (const priority of indexPriorities) {
      const moved = page.entries.filter((entry) => entry.priority === priority);
      await to.markPending(
        moved.map(({ fileId }) => fileId),
        priority,
      );
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  await from.clear();
}
