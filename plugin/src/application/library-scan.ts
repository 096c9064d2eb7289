import type { Clock } from '../clock';
import type { ScanResponse } from '../contracts/duplicates';
import type { DuplicatePairs, DuplicateScans, ImageTraces } from '../duplicates/contract';
import type { IsolatingComparison, Pass } from '../duplicates/library-comparison';
import { toImageSearchError } from '../errors';
import { claimJob, createLease, type LeaseOwner, keepRenewing, type JobLeases } from '../lease';
import type { Logger } from '../logger';

const JOB = 'compare all images';
/** Files compared between two checks whether to continue. */
const BATCH = 20;
/** Fewer remaining images don't count as a scan. */
const MIN_SCAN = 50;
const POLL_MS = 5_000;
const RETRY_MS = 30_000;
const MINUTE_MS = 60_000;
/** Pause after each image, as a multiple of its duration, to leave most of the event loop and store to others. */
const REST = 2;
/** A progress report older than this says nothing about the current speed. */
const STALE_MS = 60_000;

export interface LibraryScanOptions {
  comparison: Pick<IsolatingComparison, 'compare'>;
  traces: Pick<ImageTraces, 'notCompared' | 'counts'>;
  pairs: Pick<DuplicatePairs, 'counts'>;
  scans: DuplicateScans;
  jobs: JobLeases;
  currentPass: () => Promise<Pass>;
  /** Whether images are being indexed, which takes precedence. */
  isBusy: () => boolean;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/**
 * Compares every image without the current pass's mark, in one process at a time: the whole library when someone starts
 * a scan or another model becomes active, and whatever a comparison after indexing left out. The marks record the
 * progress, so a killed scan continues where it stopped.
 */
export class LibraryScan {
  readonly #options: LibraryScanOptions;
  readonly #stopping = new AbortController();
  #waking = new AbortController();
  #loop: Promise<void> | null = null;
  #problem: string | null = null;

  constructor(options: LibraryScanOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Starts a scan, or resumes a stopped one. */
  async begin(): Promise<ScanResponse['data']> {
    await this.#options.scans.begin({ restart: true, now: this.#now() });
    this.#waking.abort();
    return this.describe();
  }

  async halt(): Promise<ScanResponse['data']> {
    await this.#options.scans.stop(this.#now());
    return this.describe();
  }

  async describe(): Promise<ScanResponse['data']> {
    const { clock, currentPass, pairs, scans, traces } = this.#options;
    const scan = await scans.read();
    const { compared, total } = await traces.counts((await currentPass()).mark);
    // Far in the future, it was written before the clock was set back.
    const isMoving =
      scan.progressAt !== null && Math.abs(clock.now() - scan.progressAt.getTime()) < STALE_MS;
    const perMinute = scan.state === 'running' && isMoving ? (scan.perMinute ?? 0) : 0;
    return {
      state: scan.state,
      done: compared,
      total,
      found: scan.found,
      toReview: (await pairs.counts(['open'])).open,
      failed: scan.failed,
      startedAt: scan.startedAt?.toISOString() ?? null,
      endedAt: scan.endedAt?.toISOString() ?? null,
      remainingSeconds:
        perMinute > 0 ? Math.ceil(((total - compared) / perMinute) * (MINUTE_MS / 1_000)) : null,
      problem: scan.problem,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, isBusy } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // A fresh signal first, so that a wake-up in the meantime isn't lost.
      this.#waking = new AbortController();
      let waitMs = POLL_MS;
      try {
        if (!isBusy()) await this.#compareRemaining();
        this.#problem = null;
      } catch (error) {
        if (!this.#stopping.signal.aborted) await this.#reportProblem(error);
        waitMs = RETRY_MS;
      }
      await clock.wait(waitMs, AbortSignal.any([signal, this.#waking.signal]));
    }
  }

  async #compareRemaining(): Promise<void> {
    const { clock, currentPass, jobs, leaseMs, owner, scans, traces } = this.#options;
    const { number, state } = await scans.read();
    if (state === 'stopped') return;
    const left = await traces.notCompared((await currentPass()).mark, MIN_SCAN);
    if (left.length === 0) {
      if (state === 'running') await scans.finish(number, this.#now());
      return;
    }
    const lease = createLease(owner, new Date(clock.now() + leaseMs));
    if (!(await this.#claim(lease))) return;
    const ended = new AbortController();
    const renewals = keepRenewing({ ...this.#options, leases: jobs, lease, ended: ended.signal });
    try {
      if (left.length === MIN_SCAN) await scans.begin({ restart: false, now: this.#now() });
      while (await this.#compareBatch());
    } finally {
      ended.abort();
      await renewals;
      await jobs.finish(lease.token);
    }
  }

  async #claim(lease: ReturnType<typeof createLease>): Promise<boolean> {
    const { clock, jobs, owner } = this.#options;
    // Whenever it was last started: there is work to do.
    const wanted = { name: JOB, lease, notStartedSince: new Date(clock.now() + 1) };
    return (await claimJob(jobs, wanted, { owner, clock })) === 'claimed';
  }

  /** Returns false when nothing is left or indexing takes precedence. */
  async #compareBatch(): Promise<boolean> {
    const { clock, comparison, currentPass, isBusy, scans, traces } = this.#options;
    const { signal } = this.#stopping;
    const { number, state } = await scans.read();
    if (signal.aborted || isBusy() || state === 'stopped') return false;
    const pass = await currentPass();
    const fileIds = await traces.notCompared(pass.mark, BATCH);
    if (fileIds.length === 0) {
      await scans.finish(number, this.#now());
      return false;
    }
    const startedAt = clock.elapsed();
    let lastAt = startedAt;
    let compared = 0;
    const outcome = await comparison.compare(fileIds, {
      pass,
      signal,
      onCompared: async () => {
        await clock.wait(REST * (clock.elapsed() - lastAt), signal);
        lastAt = clock.elapsed();
        compared += 1;
        // An upload doesn't wait for the rest of the batch.
        return !isBusy();
      },
    });
    const perMinute = (compared * MINUTE_MS) / Math.max(1, clock.elapsed() - startedAt);
    await scans.reportProgress(number, { ...outcome, perMinute, problem: null, now: this.#now() });
    return true;
  }

  /** Reports a problem once, until it changes. */
  async #reportProblem(error: unknown): Promise<void> {
    const { logger, scans } = this.#options;
    const { code, message } = toImageSearchError(error);
    if (this.#problem === message) return;
    this.#problem = message;
    logger.warn(`Images couldn't be checked for duplicates; retrying later. ${message}`);
    try {
      const { number } = await scans.read();
      await scans.reportProgress(number, {
        found: 0,
        failed: 0,
        perMinute: null,
        problem: { code, message },
        now: this.#now(),
      });
    } catch {
      // If it can't be read, it can't be written either; the log has it.
    }
  }

  #now(): Date {
    return new Date(this.#options.clock.now());
  }
}
