import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import type { ActiveSpace, OpenSpace } from '../active-space';
import { unlimitedShare, type BudgetShare, type IndexingBudget } from '../billing/contract';
import type { Clock } from '../clock';
import type { DuplicateWatch, PictureTraces } from '../duplicates/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { PictureReader } from '../images/contract';
import type { Logger } from '../logger';
import { BatchIndexer, type BatchOutcome } from './batch-indexer';
import { createCircuitBreaker, type CircuitBreaker } from './circuit-breaker';
import type { AssetSource, IndexEntries, IndexEntry, Lease, WorkerStatus } from './contract';
import { EntryPreparation } from './entry-preparation';
import { EntrySettlement } from './entry-settlement';
import { createLease, isAbandoned, type LeaseOwner } from './lease';
import { keepRenewing } from './lease-renewal';
import type { RetryPolicy } from './retry-policy';
import { UntracedPictures } from './untraced-pictures';

/** Longest time until work is noticed that another process added. */
const IDLE_POLL_MS = 5_000;
/** Between two goes at pictures that wait for a model which is down. */
const UNTRACED_PAUSE_MS = 250;

export interface IndexingWorkerOptions {
  entries: IndexEntries;
  assets: AssetSource;
  pictures: PictureReader;
  traces: PictureTraces;
  duplicates: DuplicateWatch;
  activeSpace: ActiveSpace;
  policy: RetryPolicy;
  /** Pictures read and decoded at once. */
  concurrency: number;
  leaseMs: number;
  maxBytes: number;
  owner: LeaseOwner;
  /** Whether an operator has stopped indexing; asked before every batch. */
  isHeld: () => Promise<boolean>;
  /** What may be sent to a model that is paid for; nothing limits one without. */
  budget?: IndexingBudget | undefined;
  logger: Logger;
  clock: Clock;
  /** 0 ≤ value < 1, for jitter. */
  random: () => number;
}

/**
 * Works the queue off until it is stopped: claims due entries under a lease, hands them to the batch indexer, a
 * second batch being read while the model is busy with the first, and sleeps when nothing is due.
 */
export class IndexingWorker {
  readonly #options: IndexingWorkerOptions;
  readonly #breaker: CircuitBreaker;
  readonly #readQueue: PQueue;
  readonly #untraced: UntracedPictures;
  readonly #batches = new Set<Promise<void>>();
  /** Stops claiming. */
  #stopping = new AbortController();
  /** Gives up what is under way. */
  #aborting = new AbortController();
  #waking = new AbortController();
  #loop: Promise<void> | null = null;
  #pipeline: { space: OpenSpace; indexer: BatchIndexer; maxBatches: number } | null = null;
  #tally: { startedAt: number; outcome: BatchOutcome } | null = null;

  constructor(options: IndexingWorkerOptions) {
    this.#options = options;
    this.#readQueue = new PQueue({ concurrency: options.concurrency });
    this.#untraced = new UntracedPictures({ ...options, readQueue: this.#readQueue });
    this.#breaker = createCircuitBreaker({
      clock: options.clock,
      random: options.random,
      onOpen: (error, pauseMs) => {
        options.logger.error(
          `Indexing pauses for ${String(Math.ceil(pauseMs / 1_000))} s; uploads are not affected. ${error.message}`,
        );
      },
      onClose: () => {
        this.#untraced.forgetOutage();
        options.logger.info('Indexing goes on.');
      },
    });
  }

  start(): void {
    if (this.#loop) return;
    this.#stopping = new AbortController();
    this.#aborting = new AbortController();
    // Every picture that is under way listens to one of them.
    setMaxListeners(0, this.#stopping.signal, this.#aborting.signal);
    this.#loop = this.#run();
  }

  /** Says that there may be work; cheap, may be called at any time. */
  wake(): void {
    this.#waking.abort();
  }

  /** As `wake`, and a pause after failures is cut short: an operator asked for it. */
  retryNow(): void {
    this.#breaker.reset();
    this.wake();
  }

  status(): WorkerStatus {
    const pause = this.#pause();
    if (!this.#loop) return { state: 'stopped', pause };
    if (pause) return { state: 'paused', pause };
    return { state: this.#batches.size > 0 ? 'working' : 'idle', pause };
  }

  #pause(): WorkerStatus['pause'] {
    const error = this.#breaker.error();
    const remainingMs = this.#breaker.pauseMs();
    if (error && remainingMs > 0) return { error, remainingMs };
    const { budget, clock } = this.#options;
    const pause = budget?.pause() ?? null;
    return pause && { error: pause.error, remainingMs: pause.until - clock.now() };
  }

  /** Ends what is under way within `graceMs`; what does not end by then is given back to the queue. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#loop) return;
    this.#stopping.abort();
    this.wake();
    const ended = new AbortController();
    const givenUp = this.#giveUpAfter(graceMs, ended.signal);
    await this.#loop;
    await Promise.all(this.#batches);
    ended.abort();
    await givenUp;
    this.#loop = null;
  }

  async #giveUpAfter(graceMs: number, ended: AbortSignal): Promise<void> {
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
        this.#options.logger.error(`The indexing queue could not be read: ${known.message}`);
        await this.#sleep(IDLE_POLL_MS);
      }
    }
  }

  async #step(): Promise<void> {
    // A fresh signal before looking: a wake-up that comes while the queue is read is not lost.
    this.#waking = new AbortController();
    const pauseMs = this.#breaker.pauseMs();
    if (pauseMs > 0) {
      const read = await this.#untraced.readSome(this.#stopping.signal);
      await this.#sleep(Math.min(pauseMs, read > 0 ? UNTRACED_PAUSE_MS : IDLE_POLL_MS));
      return;
    }
    if (!(await this.#isWorkDue())) {
      if (this.#batches.size === 0) this.#reportTally();
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
    const mostBatches = this.#breaker.isClosed() ? pipeline.maxBatches : 1;
    while (this.#batches.size >= mostBatches) await Promise.race(this.#batches);
    if (!claimed) await Promise.race([...this.#batches, this.#rest()]);
  }

  async #isWorkDue(): Promise<boolean> {
    const { clock, entries } = this.#options;
    await entries.releaseExpired(new Date(clock.now()));
    const dueAt = await entries.nextDueAt();
    return dueAt !== null && dueAt.getTime() <= clock.now();
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
      if (!this.#stopping.signal.aborted) this.#breaker.fail(toCertain(error));
      return null;
    }
  }

  #buildPipeline(space: OpenSpace) {
    const {
      assets,
      clock,
      duplicates,
      entries,
      logger,
      maxBytes,
      pictures,
      policy,
      random,
      traces,
    } = this.#options;
    const { concurrentCalls } = space.provider.limits;
    const embedQueue = new PQueue({ concurrency: concurrentCalls });
    const breaker = this.#breaker;
    const readQueue = this.#readQueue;
    const { maxAttempts } = policy;
    const indexer = new BatchIndexer({
      assets,
      breaker,
      duplicates,
      embedQueue,
      entries,
      logger,
      preparation: new EntryPreparation({
        ...{ assets, duplicates, maxAttempts, maxBytes, pictures, readQueue, traces },
      }),
      settlement: new EntrySettlement({ breaker, clock, entries, logger, policy, random }),
      traces,
    });
    return { space, indexer, maxBatches: concurrentCalls + 1 };
  }

  /** How many pictures the next batch may have. */
  async #shareOf({ space }: { space: OpenSpace }): Promise<BudgetShare> {
    const images = this.#breaker.isClosed() ? space.provider.limits.imagesPerCall : 1;
    return (await this.#options.budget?.share(images)) ?? unlimitedShare(images);
  }

  async #claimBatch(
    pipeline: { space: OpenSpace; indexer: BatchIndexer },
    share: BudgetShare,
  ): Promise<boolean> {
    const { clock, entries, leaseMs, owner } = this.#options;
    const lease = createLease(owner, new Date(clock.now() + leaseMs));
    const claimed = await entries.claim(share.images, lease).catch(async (error: unknown) => {
      await share.release();
      throw error;
    });
    if (claimed.length === 0) {
      await share.release();
      return false;
    }
    const batch = this.#runBatch(claimed, lease, pipeline)
      .finally(() => share.release())
      .finally(() => {
        this.#batches.delete(batch);
        // What failed may be due before the loop would look again.
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
    this.#tally ??= {
      startedAt: this.#options.clock.now(),
      outcome: { indexed: 0, failed: 0, removed: 0 },
    };
    const { outcome } = this.#tally;
    const ended = new AbortController();
    const renewals = keepRenewing({
      ...this.#options,
      leases: this.#options.entries,
      lease,
      ended: ended.signal,
    });
    try {
      const { indexed, failed, removed } = await indexer.index(
        claimed,
        space,
        this.#aborting.signal,
      );
      outcome.indexed += indexed;
      outcome.failed += failed;
      outcome.removed += removed;
    } catch (error) {
      const { message } = toImageSearchError(error);
      this.#options.logger.error(`A batch of pictures was left to its lease: ${message}`);
    } finally {
      ended.abort();
      await renewals;
    }
  }

  async #releaseLeftovers(): Promise<void> {
    const { entries, logger, owner } = this.#options;
    try {
      const count = await entries.releaseAbandoned((token) => isAbandoned(token, owner));
      if (count > 0)
        logger.info(`${String(count)} pictures of an interrupted run are indexed again.`);
    } catch (error) {
      logger.error(`The leases of an interrupted run stay: ${toImageSearchError(error).message}`);
    }
  }

  #reportTally(): void {
    if (!this.#tally) return;
    const { startedAt, outcome } = this.#tally;
    this.#tally = null;
    const { indexed, failed, removed } = outcome;
    if (indexed + failed + removed === 0) return;
    const seconds = ((this.#options.clock.now() - startedAt) / 1_000).toFixed(1);
    this.#options.logger.info(
      `Indexed ${String(indexed)} pictures in ${seconds} s (${String(failed)} failed tries, ${String(removed)} removed).`,
    );
  }
}

/** What keeps the space from opening keeps every picture from being indexed: one failure is enough to pause. */
function toCertain(error: unknown): ImageSearchError {
  const { code, message, retryAfterMs, cause } = toImageSearchError(error);
  return new ImageSearchError({ code, message, retryable: false, retryAfterMs, cause });
}
