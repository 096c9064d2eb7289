import { isDoneWithin, type Clock } from '../clock';
import { toImageSearchError } from '../errors';
import { claimJob, createLease, keepRenewing, type JobLeases, type LeaseOwner } from '../lease';
import type { Logger } from '../logger';

/** Of the five seconds that a shutdown may take. */
const STOP_MS = 4_000;

export interface BackgroundJobOptions {
  /** The name of its lease. */
  name: string;
  /** Whether there is something to do, asked this often and after `wake`. */
  isDue: () => Promise<boolean>;
  pollMs: number;
  /**
   * Does what is due until the signal is aborted: at the end of the process, or when another process may have taken over
   * because the lease couldn't be renewed. What a crash left must be due again.
   */
  run: (signal: AbortSignal) => Promise<void>;
  /** Logged, before the reason, when it fails, and when it doesn't end in time for a shutdown. */
  warnings: { failed: string; unfinished: string };
  jobs: JobLeases;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/** Work that is in the database, done in one process at a time. */
export class BackgroundJob {
  readonly #options: BackgroundJobOptions;
  readonly #stopping = new AbortController();
  #waking = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: BackgroundJobOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#repeat();
  }

  /** There is something to do now. */
  wake(): void {
    this.#waking.abort();
  }

  /** Resolves after the step in progress, or after four seconds: then the next start finishes it. Never rejects. */
  async stop(): Promise<void> {
    const { clock, logger, warnings } = this.#options;
    this.#stopping.abort();
    if (!this.#loop || (await isDoneWithin(this.#loop, { milliseconds: STOP_MS, clock }))) return;
    logger.warn(warnings.unfinished);
  }

  /** Does what is due, unless another process is doing it. */
  async runOnce(): Promise<void> {
    const { clock, isDue, jobs, leaseMs, name, owner, run } = this.#options;
    if (!(await isDue())) return;
    const lease = createLease(owner, new Date(clock.now() + leaseMs));
    // Whenever it was last started: there is work to do.
    const wanted = { name, lease, notStartedSince: new Date(clock.now() + 1) };
    if ((await claimJob(jobs, wanted, { owner, clock })) !== 'claimed') return;
    const ended = new AbortController();
    const lost = new AbortController();
    const renewals = keepRenewing({
      ...this.#options,
      leases: jobs,
      lease,
      ended: ended.signal,
      onLost: () => {
        lost.abort();
      },
    });
    try {
      await run(AbortSignal.any([this.#stopping.signal, lost.signal]));
    } finally {
      ended.abort();
      await renewals;
      await jobs.finish(lease.token);
    }
  }

  async #repeat(): Promise<void> {
    const { clock, logger, pollMs, warnings } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // A fresh signal first, so that a wake-up in the meantime isn't lost.
      this.#waking = new AbortController();
      try {
        await this.runOnce();
      } catch (error) {
        if (!this.#stopping.signal.aborted) {
          logger.warn(`${warnings.failed} ${toImageSearchError(error).message}`);
        }
      }
      await clock.wait(pollMs, AbortSignal.any([signal, this.#waking.signal]));
    }
  }
}
