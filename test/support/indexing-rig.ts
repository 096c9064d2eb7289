import { createActiveSpace, type ActiveSpace } from '../../plugin/src/active-space';
import type { IndexEntry } from '../../plugin/src/indexing/contract';
import {
  ReconcileSchedule,
  type ReconcileScheduleOptions,
} from '../../plugin/src/indexing/reconcile';
import { IndexingWorker, type IndexingWorkerOptions } from '../../plugin/src/indexing/worker';
import type { Lease, LeaseOwner } from '../../plugin/src/lease';
import { OutageLog } from '../../plugin/src/logger';
import type { VectorCollection, VectorPoint } from '../../plugin/src/vectors/contract';
import { createFakeClock, type FakeClock } from './fake-clock';
import { HashProvider } from './hash-provider';
import { MemoryAssets } from './memory-assets';
import { MemoryImageTraces } from './memory-image-traces';
import { MemoryIndexEntries } from './memory-index-entries';
import { MemoryJobLeases } from './memory-job-leases';
import { MemoryVectorStore } from './memory-vector-store';
import { plainImage, plainImageReader } from './plain-images';
import { RecordingDuplicateWatch } from './recording-duplicate-watch';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';

export const LEASE_MS = 60_000;
export const MAX_BYTES = 1_000;
export const MAX_ATTEMPTS = 8;

const owner: LeaseOwner = { host: 'alpha', pid: 1, life: 'first' };

/** Everything that indexing works on, in memory and on a clock that the test moves. */
export class IndexingRig {
  readonly clock: FakeClock = createFakeClock();
  readonly entries = new MemoryIndexEntries(this.clock);
  readonly jobs = new MemoryJobLeases(this.clock);
  readonly assets = new MemoryAssets();
  readonly traces = new MemoryImageTraces();
  readonly duplicates = new RecordingDuplicateWatch(this.traces);
  readonly store = new MemoryVectorStore();
  readonly logger: RecordingLogger = createRecordingLogger();
  readonly outages = new OutageLog(this.logger);
  readonly activeSpace: ActiveSpace;
  /** What the space opens; a rejection keeps it from opening. */
  openProvider: () => Promise<HashProvider>;
  readonly #workers: IndexingWorker[] = [];

  constructor(readonly provider = new HashProvider()) {
    this.openProvider = () => Promise.resolve(provider);
    this.activeSpace = createActiveSpace({
      openProvider: () => this.openProvider(),
      store: this.store,
      clock: this.clock,
      random: () => 0,
    });
  }

  /** A worker without jitter: a wait is half of its step. */
  createWorker(options: Partial<IndexingWorkerOptions> = {}): IndexingWorker {
    const worker = new IndexingWorker({
      entries: this.entries,
      assets: this.assets,
      images: plainImageReader,
      traces: this.traces,
      duplicates: this.duplicates,
      activeSpace: this.activeSpace,
      policy: { maxAttempts: MAX_ATTEMPTS, firstRetryMs: 5_000, longestRetryMs: 3_600_000 },
      concurrency: 2,
      leaseMs: LEASE_MS,
      maxBytes: MAX_BYTES,
      owner,
      logger: this.logger,
      outages: this.outages,
      clock: this.clock,
      random: () => 0,
      isHeld: () => Promise.resolve(false),
      ...options,
    });
    this.#workers.push(worker);
    return worker;
  }

  /** A schedule of a process that starts now, every hour. */
  createSchedule(options: Partial<ReconcileScheduleOptions> = {}): ReconcileSchedule {
    const { activeSpace, assets, clock, duplicates, entries, jobs, logger, traces } = this;
    return new ReconcileSchedule({
      activeSpace,
      assets,
      clock,
      duplicates,
      entries,
      jobs,
      logger,
      traces,
      jobName: () => 'compare',
      leaseMs: LEASE_MS,
      owner,
      bootedAt: clock.now(),
      everyMinutes: 60,
      onMarked: () => undefined,
      ...options,
    });
  }

  start(options: Partial<IndexingWorkerOptions> = {}): IndexingWorker {
    const worker = this.createWorker(options);
    worker.start();
    return worker;
  }

  /** Ends a worker, its grace time being over when nothing ends before. */
  async stop(worker: IndexingWorker, graceMs = 1_000): Promise<void> {
    const stopped = worker.stop(graceMs);
    await this.clock.advance(graceMs);
    await stopped;
  }

  async stopAll(): Promise<void> {
    for (const worker of this.#workers) await this.stop(worker);
  }

  /** Puts an image into the library, or replaces it there, and into the queue: as an upload does. */
  async upload(fileId: number, bytes = plainImage(`subject ${String(fileId)}`)): Promise<void> {
    this.assets.put(fileId, bytes);
    await this.entries.markPending([fileId], 'upload');
  }

  async uploadMany(count: number): Promise<number[]> {
    const fileIds = Array.from({ length: count }, (_, index) => index + 1);
    for (const fileId of fileIds) await this.upload(fileId);
    return fileIds;
  }

  /** Puts images into the library that a comparison with the index finds. */
  async backfill(fileIds: readonly number[]): Promise<void> {
    for (const fileId of fileIds) {
      this.assets.put(fileId, plainImage(`subject ${String(fileId)}`));
    }
    await this.entries.markPending(fileIds);
  }

  /** Deletes an image, as the Media Library does. */
  async remove(fileId: number): Promise<void> {
    this.assets.delete(fileId);
    await this.entries.markPending([fileId], 'replacement');
  }

  /** Until no entry is due or under way. */
  async untilSettled(): Promise<void> {
    await this.clock.runUntil(async () => {
      const { pending, indexing } = await this.entries.counts();
      return pending + indexing === 0;
    });
  }

  async entry(fileId: number): Promise<IndexEntry | null> {
    const [entry] = await this.entries.get([fileId]);
    return entry ?? null;
  }

  async point(fileId: number): Promise<VectorPoint | null> {
    const [point] = await (await this.collection()).getMany([fileId]);
    return point ?? null;
  }

  collection(): Promise<VectorCollection> {
    return this.store.ensureSpace(this.provider.space);
  }

  /** A lease of another process. */
  foreignLease(expiresInMs = LEASE_MS): Lease {
    return { token: 'beta|2|other|1', expiresAt: new Date(this.clock.now() + expiresInMs) };
  }
}

/** Something that others wait at until it is opened. */
export interface Gate {
  wait: (signal?: AbortSignal) => Promise<void>;
  open: () => void;
  /** How many have arrived. */
  readonly arrived: number;
}

export function createGate(): Gate {
  const opened = new AbortController();
  let arrived = 0;
  return {
    wait: (signal) => {
      arrived += 1;
      const either = signal ? AbortSignal.any([signal, opened.signal]) : opened.signal;
      return new Promise((resolve) => {
        if (either.aborted) resolve();
        else
          either.addEventListener(
            'abort',
            () => {
              resolve();
            },
            { once: true },
          );
      });
    },
    open: () => {
      opened.abort();
    },
    get arrived() {
      return arrived;
    },
  };
}
