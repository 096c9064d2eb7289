import { createSpaceTrack, moveEntries } from '../../plugin/src/application/space-track';
import type { VectorSpace } from '../../plugin/src/embedding/contract';
import type { IndexEntries } from '../../plugin/src/indexing/contract';
import { OutageLog } from '../../plugin/src/logger';
import { activeOf } from '../../plugin/src/spaces/roles';
import { SpaceManager } from '../../plugin/src/spaces/space-manager';
import { createFakeClock, type FakeClock } from './fake-clock';
import { HashProvider } from './hash-provider';
import { MemoryAssets } from './memory-assets';
import { MemoryImageTraces } from './memory-image-traces';
import { MemoryIndexEntries } from './memory-index-entries';
import { MemoryJobLeases } from './memory-job-leases';
import { MemorySpaceRecords } from './memory-space-records';
import { MemoryVectorStore } from './memory-vector-store';
import { plainImage, plainImageReader } from './plain-images';
import { RecordingDuplicateWatch } from './recording-duplicate-watch';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';

/**
 * A library, its vector store and its database in memory, and processes that share them: each is a `SpaceManager` on a
 * model that its configuration names.
 */
export class SpacesRig {
  readonly clock: FakeClock = createFakeClock();
  readonly records = new MemorySpaceRecords();
  readonly jobs = new MemoryJobLeases(this.clock);
  readonly assets = new MemoryAssets();
  readonly store = new MemoryVectorStore();
  readonly logger: RecordingLogger = createRecordingLogger();
  /** Every provider that was opened, by its model; the last one at the end. */
  readonly opened: { model: string; provider: HashProvider }[] = [];
  /** What opens a model; by default a provider that has just hashes to tell. */
  openModel: (model: string) => Promise<HashProvider> = (model) =>
    Promise.resolve(new HashProvider({ model }));
  readonly traces = new MemoryImageTraces();
  readonly #queues = new Map<string, MemoryIndexEntries>();
  readonly #processes: SpaceManager[] = [];

  /** A process whose configuration names these models; it answers, and indexes once it was started. */
  createProcess(model: string, fallback?: string): SpaceManager {
    const { clock, jobs, logger, records } = this;
    const bootedAt = clock.now();
    const spaces: SpaceManager = new SpaceManager({
      records,
      configured: { provider: 'hash', model },
      fallback: fallback === undefined ? null : { provider: 'hash', model: fallback },
      entriesOf: (spaceId) => this.queue(spaceId),
      assign: (from, to) => moveEntries(this.queue(from), this.queue(to)),
      createTrack: (options) =>
        createSpaceTrack(options, {
          openProvider: () => this.#open(String(options.identity['model'])),
          entriesOf: (spaceId) => this.#queueOf(spaceId),
          store: this.store,
          assets: this.assets,
          worker: {
            images: plainImageReader,
            traces: this.traces,
            duplicates: new RecordingDuplicateWatch(this.traces),
            policy: { maxAttempts: 3, firstRetryMs: 1_000, longestRetryMs: 2_000 },
            concurrency: 2,
            leaseMs: 60_000,
            maxBytes: 1_000,
            owner: { host: 'alpha', pid: 1, life: String(this.#processes.length) },
            random: () => 0,
            outages: new OutageLog(logger),
            isHeld: () => Promise.resolve(false),
          },
          jobs,
          bootedAt,
          reconcileMinutes: 0,
          logger,
          clock,
        }),
      logger,
      clock,
    });
    this.#processes.push(spaces);
    return spaces;
  }

  start(model: string, fallback?: string): SpaceManager {
    const spaces = this.createProcess(model, fallback);
    spaces.start({ isIndexing: true });
    return spaces;
  }

  async stop(spaces: SpaceManager): Promise<void> {
    let isOver = false;
    const stopped = spaces
      .stopIndexing(1_000)
      .then(() => spaces.dispose())
      .then(() => {
        isOver = true;
      });
    await this.clock.runUntil(() => isOver);
    await stopped;
  }

  async stopAll(): Promise<void> {
    for (const spaces of this.#processes) await this.stop(spaces);
  }

  queue(spaceId: string): MemoryIndexEntries {
    const known = this.#queues.get(spaceId) ?? new MemoryIndexEntries(this.clock);
    this.#queues.set(spaceId, known);
    return known;
  }

  spaceOf(model: string): VectorSpace {
    return new HashProvider({ model }).space;
  }

  /** Puts images into the library, as an upload through this process does. */
  async upload(spaces: SpaceManager, fileIds: readonly number[], content = 'image'): Promise<void> {
    for (const fileId of fileIds) {
      this.assets.put(fileId, plainImage(`${content} ${String(fileId)}`));
    }
    await spaces.markPending(fileIds, 'upload');
    spaces.wake();
  }

  async remove(spaces: SpaceManager, fileIds: readonly number[]): Promise<void> {
    for (const fileId of fileIds) this.assets.delete(fileId);
    await spaces.markPending(fileIds, 'replacement');
    spaces.wake();
  }

  async activeModel(): Promise<string | null> {
    return activeOf(await this.records.list())?.space.model ?? null;
  }

  async untilAnswering(model: string): Promise<void> {
    await this.clock.runUntil(async () => (await this.activeModel()) === model);
  }

  /** Until the queue of this model holds so many indexed entries and nothing is due. */
  async untilIndexed(model: string, count: number): Promise<void> {
    await this.clock.runUntil(async () => {
      const counts = await this.queue(this.spaceOf(model).id).counts();
      return counts.indexed === count && counts.pending + counts.indexing === 0;
    });
  }

  /** Ids of the stored vectors. */
  async stored(model: string): Promise<number[]> {
    const collection = await this.store.ensureSpace(this.spaceOf(model));
    return (await collection.listIds(null, 10_000)).ids;
  }

  async #open(model: string): Promise<HashProvider> {
    const provider = await this.openModel(model);
    this.opened.push({ model, provider });
    return provider;
  }

  /** The queue of a space that is known only later. */
  #queueOf(spaceId: () => string): IndexEntries {
    return new Proxy({} as IndexEntries, {
      get: (_, name) => {
        const queue = this.queue(spaceId());
        const value: unknown = Reflect.get(queue, name);
        return typeof value === 'function' ? (value.bind(queue) as unknown) : value;
      },
    });
  }
}
