import type { Clock } from '../../plugin/src/clock';
import type { ScanResponse } from '../../plugin/src/contracts/duplicates';
import type { DuplicateScans, PictureTraces } from '../../plugin/src/duplicates/contract';
import type { IsolatingComparison } from '../../plugin/src/duplicates/isolating-comparison';
import type { Pass } from '../../plugin/src/duplicates/library-comparison';
import { toImageSearchError } from '../../plugin/src/errors';
import { createLease, isAbandoned, type LeaseOwner } from '../../plugin/src/indexing/lease';
import { keepRenewing } from '../../plugin/src/indexing/lease-renewal';
import type { Logger } from '../../plugin/src/logger';
import type { JobLeases } from '../../plugin/src/scheduling/contract';

const JOB = 'compare all pictures';
/** Files that are compared before it is looked whether to go on. */
const BATCH = 20;
/** Fewer than these are compared without a word. */
const WORTH_A_SCAN = 50;
const POLL_MS = 5_000;
const RETRY_MS = 30_000;
const MINUTE_MS = 60_000;
/** Rest after each picture, by the time that it took: it leaves most of the event loop and of the store to others. */
const REST = 2;
/** What was told so long ago says nothing of the speed now. */
const STALE_MS = 60_000;

export interface LibraryScanOptions {
  comparison: Pick<IsolatingComparison, 'compare'>;
  traces: Pick<PictureTraces, 'notCompared' | 'counts'>;
  scans: DuplicateScans;
  jobs: JobLeases;
  currentPass: () => Promise<Pass>;
  /** Whether pictures are indexed right now: that comes first. */
  isBusy: () => boolean;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/**
 * Compares every picture that has no mark of the present pass, in one process at a time: the whole library when
 * somebody asks for it or another model answers, and whatever a comparison after indexing had to leave out. Where it is
 * lies in the marks, so that it goes on there when the process is killed.
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

  /** Starts a scan, or goes on with one that was stopped. */
  async begin(): Promise<ScanResponse['data']> {
    await this.#options.scans.begin({ anew: true, now: this.#now() });
    this.#waking.abort();
    return this.describe();
  }

  async halt(): Promise<ScanResponse['data']> {
    await this.#options.scans.stop(this.#now());
    return this.describe();
  }

  async describe(): Promise<ScanResponse['data']> {
    const { clock, currentPass, scans, traces } = this.#options;
    const scan = await scans.read();
    const { compared, total } = await traces.counts((await currentPass()).mark);
    const isMoving = scan.toldAt !== null && clock.now() - scan.toldAt.getTime() < STALE_MS;
    const perMinute = scan.state === 'running' && isMoving ? (scan.perMinute ?? 0) : 0;
    return {
      state: scan.state,
      done: compared,
      total,
      found: scan.found,
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
      // A fresh signal before looking: a wake-up that comes meanwhile is not lost.
      this.#waking = new AbortController();
      let waitMs = POLL_MS;
      try {
        if (!isBusy()) await this.#compareWhatIsLeft();
        this.#problem = null;
      } catch (error) {
        if (!this.#stopping.signal.aborted) await this.#complain(error);
        waitMs = RETRY_MS;
      }
      await clock.wait(waitMs, AbortSignal.any([signal, this.#waking.signal]));
    }
  }

  async #compareWhatIsLeft(): Promise<void> {
    const { clock, currentPass, jobs, leaseMs, owner, scans, traces } = this.#options;
    const { number, state } = await scans.read();
    if (state === 'stopped') return;
    const left = await traces.notCompared((await currentPass()).mark, WORTH_A_SCAN);
    if (left.length === 0) {
      if (state === 'running') await scans.finish(number, this.#now());
      return;
    }
    const lease = createLease(owner, new Date(clock.now() + leaseMs));
    if (!(await this.#claim(lease))) return;
    const ended = new AbortController();
    const renewals = keepRenewing({ ...this.#options, leases: jobs, lease, ended: ended.signal });
    try {
      if (left.length === WORTH_A_SCAN) await scans.begin({ anew: false, now: this.#now() });
      while (await this.#compareSome());
    } finally {
      ended.abort();
      await renewals;
      await jobs.finish(lease.token);
    }
  }

  async #claim(lease: ReturnType<typeof createLease>): Promise<boolean> {
    const { clock, jobs, owner } = this.#options;
    // Whenever it was begun last: there is work.
    const wanted = { name: JOB, lease, notStartedSince: new Date(clock.now() + 1) };
    const claim = await jobs.tryClaim(wanted);
    if (claim.kind !== 'held' || !isAbandoned(claim.leaseToken, owner)) {
      return claim.kind === 'claimed';
    }
    await jobs.renew({ token: claim.leaseToken, expiresAt: this.#now() });
    return (await jobs.tryClaim(wanted)).kind === 'claimed';
  }

  /** Answers false when there is nothing left, or when it has to give way. */
  async #compareSome(): Promise<boolean> {
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
    const startedAt = clock.now();
    let lastAt = startedAt;
    const outcome = await comparison.compare(fileIds, {
      pass,
      signal,
      onCompared: async () => {
        await clock.wait(REST * (clock.now() - lastAt), signal);
        lastAt = clock.now();
      },
    });
    const perMinute = (fileIds.length * MINUTE_MS) / Math.max(1, clock.now() - startedAt);
    await scans.tell(number, { ...outcome, perMinute, problem: null, now: this.#now() });
    return true;
  }

  /** Once, for as long as it stays the same. */
  async #complain(error: unknown): Promise<void> {
    const { logger, scans } = this.#options;
    const { message } = toImageSearchError(error);
    if (this.#problem === message) return;
    this.#problem = message;
    logger.warn(`Pictures could not be compared with each other; it is tried again. ${message}`);
    try {
      const { number } = await scans.read();
      const told = { perMinute: null, problem: message, now: this.#now() };
      await scans.tell(number, { found: 0, failed: 0, ...told });
    } catch {
      // What cannot be read now cannot be written either; the log has it.
    }
  }

  #now(): Date {
    return new Date(this.#options.clock.now());
  }
}
