import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import type { ActiveSpace, OpenSpace } from '../active-space';
import type { BudgetShare, IndexingBudget } from '../billing/contract';
import type { CircuitBreaker } from '../circuit-breaker';
import type { Clock } from '../clock';
import type { DuplicateWatch, ImageTraces } from '../duplicates/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { ImageReader, ViewLimits } from '../images/contract';
import { createLease, isAbandoned, keepRenewing, type Lease, type LeaseOwner } from '../lease';
import type { Logger, OutageLog } from '../logger';
import { BatchIndexer, type BatchOutcome, type RetryPolicy } from './batch-indexer';
import type { AssetSource, IndexEntries, IndexEntry, WorkerStatus } from './contract';
import { EntryPreparation, type EntryPreparationOptions } from './entry-preparation';
import { Throughput } from './throughput';
import { UntracedImages } from './untraced-images';

/** The longest time until work from another process is noticed. */
const IDLE_POLL_MS = 5_000;
/** One in this many places of the batches goes to what has been due longest, whatever its priority. */
const PLACES_PER_OLDEST = 4;
/** Between two passes over images that wait for a model which is down. */
const UNTRACED_PAUSE_MS = 250;

/** The clocks of two machines may differ by so much. */
const CLOCK_SKEW_MS = 60_000;

const NO_VIEWS: ViewLimits = { parts: 0, frames: 0, pages: 0, videoFrames: 0 };

export interface IndexingWorkerOptions {
  entries: IndexEntries;
  assets: AssetSource;
  images: ImageReader;
  /** @default no videos */
  videos?: EntryPreparationOptions['videos'];
  missingReaderFor?: EntryPreparationOptions['missingReaderFor'];
  traces: ImageTraces;
  duplicates: DuplicateWatch;
  activeSpace: ActiveSpace;
  policy: RetryPolicy;
  /** Images read and decoded at once. */
  concurrency: number;
  leaseMs: number;
  maxBytes: number;
  /** Of a video in the uploads folder. @default `maxBytes` */
  maxVideoBytes?: number;
  /** @default no further views */
  views?: ViewLimits;
  /** @default none are kept */
  previews?: EntryPreparationOptions['previews'];
  owner: LeaseOwner;
  /** Whether an operator has paused indexing; checked before every batch. */
  isHeld: () => Promise<boolean>;
  /** Limits what is sent to a paid model; without it there is no limit. */
  budget?: IndexingBudget | undefined;
  logger: Logger;
  /** Shared with all other parts that notice that the model or the store is down. */
  outages: OutageLog;
  clock: Clock;
  /** 0 ≤ value < 1, for jitter. */
  random: () => number;
}

/**
 * Processes the queue until stopped: claims due entries under a lease, uploads first, hands them to the batch indexer,
 * reads the next batch while the model is busy, and sleeps when nothing is due.
 */
export class IndexingWorker {
  readonly #options: IndexingWorkerOptions;
  readonly #breaker: CircuitBreaker;
  readonly #readQueue: PQueue;
  readonly #untraced: UntracedImages;
  readonly #throughput: Throughput;
  readonly #batches = new Set<Promise<void>>();
  /** Stops claiming. */
  #stopping = new AbortController();
  /** Cancels batches in progress. */
  #aborting = new AbortController();
  #waking = new AbortController();
  #loop: Promise<void> | null = null;
  #pipeline: { space: OpenSpace; indexer: BatchIndexer; maxBatches: number } | null = null;
  #nextLimitAt = -Infinity;
  /** Places that are due to the oldest entries. */
  #oldestShare = 0;
  #progress: { startedAt: number; outcome: BatchOutcome } | null = null;

  constructor(options: IndexingWorkerOptions) {
    this.#options = options;
    this.#readQueue = new PQueue({ concurrency: options.concurrency });
    this.#untraced = new UntracedImages({
      ...options,
      maxVideoBytes: options.maxVideoBytes ?? options.maxBytes,
      readQueue: this.#readQueue,
    });
    this.#throughput = new Throughput(options.clock);
    this.#breaker = options.activeSpace.health.indexing;
  }

  start(): void {
    if (this.#loop) return;
    this.#stopping = new AbortController();
    this.#aborting = new AbortController();
    // Every image in progress listens to one of them.
    setMaxListeners(0, this.#stopping.signal, this.#aborting.signal);
    this.#loop = this.#run();
  }

  /** Signals that there may be work; cheap, may be called at any time. */
  wake(): void {
    this.#waking.abort();
  }

  /** Like `wake`, and ends pauses after failures: an operator asked for it. */
  retryNow(): void {
    this.#options.activeSpace.health.retryNow();
    this.wake();
  }

  status(): WorkerStatus {
    const pause = this.#pause();
    const perSecond = this.#throughput.perSecond();
    const indexedInLastMinute = this.#throughput.indexedInLastMinute();
    const figures = { pause, perSecond, indexedInLastMinute };
    if (!this.#loop) return { state: 'stopped', ...figures };
    if (pause) return { state: 'paused', ...figures };
    return { state: this.#batches.size > 0 ? 'working' : 'idle', ...figures };
  }

  #pause(): WorkerStatus['pause'] {
    const error = this.#breaker.error();
    const remainingMs = this.#breaker.pauseMs();
    if (error && remainingMs > 0) return { error, remainingMs };
    const { budget, clock } = this.#options;
    const pause = budget?.pause() ?? null;
    return pause && { error: pause.error, remainingMs: pause.until - clock.now() };
  }

  /** Finishes batches in progress within `graceMs`; the rest returns to the queue. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#loop) return;
    this.#stopping.abort();
    this.wake();
    const ended = new AbortController();
    const canceled = this.#cancelAfter(graceMs, ended.signal);
    await this.#loop;
    await Promise.all(this.#batches);
    ended.abort();
    await canceled;
    this.#loop = null;
  }

  async #cancelAfter(graceMs: number, ended: AbortSignal): Promise<void> {
    await this.#options.clock.wait(graceMs, ended);
    if (!ended.aborted) this.#aborting.abort();
  }

  async #run(): Promise<void> {
    await this.#releaseLeftovers();
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#step();
      } catch (error) {
        const known = toImageSearchError(error);
        this.#options.logger.error(`Couldn't read the indexing queue: ${known.message}`);
        await this.#sleep(IDLE_POLL_MS);
      }
    }
  }

  async #step(): Promise<void> {
    // Renewed before the queue is read, so that a wake-up in the meantime is not lost.
    this.#waking = new AbortController();
    const pauseMs = this.#breaker.pauseMs();
    if (pauseMs > 0) {
      const read = await this.#untraced.readSome(this.#stopping.signal);
      await this.#sleep(Math.min(pauseMs, read > 0 ? UNTRACED_PAUSE_MS : IDLE_POLL_MS));
      return;
    }
    if (!(await this.#isWorkDue())) {
      if (this.#batches.size === 0) this.#logProgress();
      await this.#rest();
      return;
    }
    if (await this.#options.isHeld()) {
      await this.#sleep(IDLE_POLL_MS);
      return;
    }
    const pipeline = await this.#openPipeline();
    if (!pipeline) return;
    const share = await this.#shareOf(pipeline);
    if (share.images === 0) {
      await this.#untraced.readSome(this.#stopping.signal);
      await Promise.race([...this.#batches, this.#sleep(IDLE_POLL_MS)]);
      return;
    }
    const claimed = await this.#claimBatch(pipeline, share);
    const mostBatches = this.#breaker.state() === 'closed' ? pipeline.maxBatches : 1;
    while (this.#batches.size >= mostBatches) await Promise.race(this.#batches);
    if (!claimed) await Promise.race([...this.#batches, this.#rest()]);
  }

  async #isWorkDue(): Promise<boolean> {
    const { clock, entries } = this.#options;
    await this.#limitTimes();
    await entries.releaseExpired(new Date(clock.now()));
    const dueAt = await entries.nextDueAt();
    return dueAt !== null && dueAt.getTime() <= clock.now();
  }

  /** After the clock was set back, stored times lie too far in the future. */
  async #limitTimes(): Promise<void> {
    const { clock, entries, leaseMs, policy } = this.#options;
    if (clock.elapsed() < this.#nextLimitAt) return;
    this.#nextLimitAt = clock.elapsed() + IDLE_POLL_MS;
    await entries.limitTimes({
      due: new Date(clock.now() + policy.longestRetryMs),
      expiry: new Date(clock.now() + leaseMs + CLOCK_SKEW_MS),
    });
  }

  async #rest(): Promise<void> {
    const { clock, entries } = this.#options;
    const dueAt = await entries.nextDueAt();
    const untilDue = dueAt === null ? IDLE_POLL_MS : dueAt.getTime() - clock.now();
    await this.#sleep(Math.min(Math.max(untilDue, 1), IDLE_POLL_MS));
  }

  async #sleep(milliseconds: number): Promise<void> {
    await this.#options.clock.wait(milliseconds, this.#waking.signal);
  }

  async #openPipeline() {
    try {
      const space = await this.#options.activeSpace.get(this.#stopping.signal);
      if (this.#pipeline?.space !== space) this.#pipeline = this.#buildPipeline(space);
      return this.#pipeline;
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#recordFailure(toCertain(error));
      return null;
    }
  }

  #recordSuccess(): void {
    if (!this.#breaker.recordSuccess()) return;
    this.#untraced.reset();
    this.#options.outages.recover();
    this.#options.logger.info('Indexing resumed.');
  }

  #recordFailure(error: ImageSearchError): void {
    const pauseMs = this.#breaker.recordFailure(error);
    if (pauseMs === null) return;
    this.#options.outages.report(
      error.message,
      `Indexing paused for ${String(Math.ceil(pauseMs / 1_000))} s; uploads still work. ${error.message}`,
    );
  }

  #buildPipeline(space: OpenSpace) {
    const { assets, clock, duplicates, entries, logger, maxBytes, images, policy, random, traces } =
      this.#options;
    const { budget, maxVideoBytes = maxBytes, previews, views = NO_VIEWS } = this.#options;
    const { concurrentCalls } = space.provider.limits;
    const embedQueue = new PQueue({ concurrency: concurrentCalls });
    const indexer = new BatchIndexer({
      assets,
      breaker: this.#breaker,
      budget,
      clock,
      duplicates,
      embedQueue,
      entries,
      logger,
      onFailure: (error) => {
        this.#recordFailure(error);
      },
      onSuccess: () => {
        this.#recordSuccess();
      },
      preparation: new EntryPreparation({
        assets,
        duplicates,
        images,
        maxAttempts: policy.maxAttempts,
        maxBytes,
        maxVideoBytes,
        missingReaderFor: this.#options.missingReaderFor,
        previews,
        readQueue: this.#readQueue,
        traces,
        videos: this.#options.videos,
        views,
      }),
      policy,
      random,
      traces,
    });
    return { space, indexer, maxBatches: concurrentCalls + 1 };
  }

  /** How many images the next batch may hold. */
  async #shareOf({ space }: { space: OpenSpace }): Promise<BudgetShare> {
    const images = this.#breaker.state() === 'closed' ? space.provider.limits.imagesPerCall : 1;
    const share = await this.#options.budget?.share(images);
    return share ?? { images, release: () => Promise.resolve() };
  }

  async #claimBatch(
    pipeline: { space: OpenSpace; indexer: BatchIndexer },
    share: BudgetShare,
  ): Promise<boolean> {
    const { clock, entries, leaseMs, owner } = this.#options;
    const lease = createLease(owner, new Date(clock.now() + leaseMs));
    const oldest = this.#oldestShare + share.images / PLACES_PER_OLDEST;
    const claimed = await entries
      .claim(share.images, lease, Math.floor(oldest))
      .catch(async (error: unknown) => {
        await share.release();
        throw error;
      });
    this.#oldestShare = oldest % 1;
    if (claimed.length === 0) {
      await share.release();
      return false;
    }
    const batch = this.#runBatch(claimed, lease, pipeline)
      .finally(() => share.release())
      .finally(() => {
        this.#batches.delete(batch);
        // A failed entry may be due before the next poll.
        this.wake();
      });
    this.#batches.add(batch);
    return true;
  }

  async #runBatch(
    claimed: readonly IndexEntry[],
    lease: Lease,
    { space, indexer }: { space: OpenSpace; indexer: BatchIndexer },
  ): Promise<void> {
    this.#progress ??= {
      startedAt: this.#options.clock.elapsed(),
      outcome: { indexed: 0, reused: 0, unchanged: 0, failed: 0, removed: 0 },
    };
    const { outcome } = this.#progress;
    // A model on this machine, which gets pixels, starts with its first image.
    const startsModel = space.provider.imagePreparation.kind === 'pixels';
    const timer = this.#throughput.begin({ startsModel });
    const settled: BatchOutcome = { indexed: 0, reused: 0, unchanged: 0, failed: 0, removed: 0 };
    const ended = new AbortController();
    const renewals = keepRenewing({
      ...this.#options,
      leases: this.#options.entries,
      lease,
      ended: ended.signal,
    });
    try {
      Object.assign(settled, await indexer.index(claimed, space, this.#aborting.signal));
      outcome.indexed += settled.indexed;
      outcome.reused += settled.reused;
      outcome.unchanged += settled.unchanged;
      outcome.failed += settled.failed;
      outcome.removed += settled.removed;
    } catch (error) {
      const { message } = toImageSearchError(error);
      this.#options.logger.error(
        `A batch of images was abandoned until its lease expires: ${message}`,
      );
    } finally {
      const { indexed, unchanged, failed, removed } = settled;
      timer.end({ settled: indexed + unchanged + failed + removed, indexed });
      ended.abort();
      await renewals;
    }
  }

  async #releaseLeftovers(): Promise<void> {
    const { entries, logger, owner } = this.#options;
    try {
      const count = await entries.releaseAbandoned((token) => isAbandoned(token, owner));
      if (count > 0) logger.info(`Resuming ${String(count)} images of an interrupted run.`);
    } catch (error) {
      logger.error(
        `Couldn't release the leases of an interrupted run: ${toImageSearchError(error).message}`,
      );
    }
  }

  #logProgress(): void {
    if (!this.#progress) return;
    const { startedAt, outcome } = this.#progress;
    this.#progress = null;
    this.#throughput.reset();
    const { indexed, reused, unchanged, failed, removed } = outcome;
    if (indexed + unchanged + failed + removed === 0) return;
    const seconds = ((this.#options.clock.elapsed() - startedAt) / 1_000).toFixed(1);
    const stored = indexed === 0 ? 'No image was indexed' : `Indexed ${countOf(indexed, 'image')}`;
    const known = reused > 0 ? `${String(reused)} with known vectors, ` : '';
    this.#options.logger.info(
      `${stored} in ${seconds} s (${known}${String(unchanged)} unchanged, ${countOf(failed, 'failed attempt')}, ${String(removed)} removed).`,
    );
  }
}

function countOf(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** A space that can't be opened fails every image, so a single failure is enough to pause. */
function toCertain(error: unknown): ImageSearchError {
  const { code, message, retryAfterMs, cause } = toImageSearchError(error);
  return new ImageSearchError({ code, message, retryable: false, retryAfterMs, cause });
}
