import { createActiveSpace } from '../../plugin/src/active-space';
import type { Clock } from '../../plugin/src/clock';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import type { AssetSource, IndexEntries } from '../../plugin/src/indexing/contract';
import { ReconcileSchedule } from '../../plugin/src/indexing/reconcile-schedule';
import { IndexingWorker, type IndexingWorkerOptions } from '../../plugin/src/indexing/worker';
import type { Logger } from '../../plugin/src/logger';
import type { JobLeases } from '../../plugin/src/scheduling/contract';
import type { SpaceTrack } from '../../plugin/src/spaces/contract';
import { otherVectorsError } from '../../plugin/src/spaces/space-errors';
import type { TrackOptions } from '../../plugin/src/spaces/space-tracks';
import type { VectorStore } from '../../plugin/src/vectors/contract';

/** A provider or store that could not be opened is tried again after this time. */
const REOPEN_AFTER_MS = 15_000;

export interface SpaceTrackParts {
  openProvider: () => Promise<EmbeddingProvider>;
  /** The queue of a space; of no space for the empty id. */
  entriesOf: (spaceId: () => string) => IndexEntries;
  store: VectorStore;
  assets: AssetSource;
  worker: Omit<IndexingWorkerOptions, 'entries' | 'assets' | 'activeSpace' | 'logger' | 'clock'>;
  jobs: JobLeases;
  /** When this server was started, in milliseconds since the epoch. */
  bootedAt: number;
  reconcileMinutes: number;
  logger: Logger;
  clock: Clock;
}

/** Provider, queue, worker and schedule of one space, which may be known only when its provider was opened. */
export function createSpaceTrack(options: TrackOptions, parts: SpaceTrackParts): SpaceTrack {
  const { expectedSpaceId, identity, onOpened } = options;
  const { assets, clock, logger, openProvider, store } = parts;
  let spaceId = expectedSpaceId;
  let isOpened = false;

  async function open(): Promise<EmbeddingProvider> {
    const provider = await openProvider();
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
    retryAfterMs: REOPEN_AFTER_MS,
  });
  const entries = parts.entriesOf(() => spaceId ?? '');
  const { traces } = parts.worker;
  const shared = { activeSpace, assets, entries, logger, clock, traces };
  const worker = new IndexingWorker({ ...parts.worker, ...shared });
  const schedule = new ReconcileSchedule({
    ...shared,
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
    assume(assumed) {
      if (!isOpened) spaceId = assumed;
    },
    start() {
      worker.start();
      schedule.start();
    },
    wake() {
      worker.wake();
    },
    retryNow() {
      activeSpace.retryNow();
      worker.retryNow();
    },
    reconcile: () => schedule.runNow(),
    reconcileAgain: () => schedule.runAgain(),
    isReconciling: () => schedule.isRunning(),
    workerStatus: () => worker.status(),
    async stop(graceMs) {
      await Promise.all([worker.stop(graceMs), schedule.stop()]);
    },
    dispose: () => activeSpace.dispose(),
  };
}
