import { isDoneWithin, type Clock } from '../clock';
import { toImageSearchError } from '../errors';
import { claimJob, createLease, keepRenewing, type JobLeases, type LeaseOwner } from '../lease';
import type { Logger } from '../logger';

const JOB = 'empty the trash of duplicates';
const POLL_MS = 10 * 60_000;
/** Of the five seconds that a shutdown may take. */
const STOP_MS = 4_000;

export interface TrashJobOptions {
  /** The trash of merged copies. */
  trash: {
    hasDue(): Promise<boolean>;
    /** Deletes what is due until the signal is aborted; what a crash left is due again. */
    emptyDue(signal: AbortSignal): Promise<void>;
  };
  jobs: JobLeases;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/** Deletes copies whose time in the trash is over, in one process at a time. */
export class TrashJob {
  readonly #options: TrashJobOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: TrashJobOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /**
   * Resolves after the deletion in progress, or after four seconds: then the next start finishes it. Never rejects.
   */
  async stop(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#stopping.abort();
    if (!this.#loop || (await isDoneWithin(this.#loop, { milliseconds: STOP_MS, clock }))) return;
    logger.warn(
      "Storage didn't delete a merged copy in time to stop; it is deleted after the next start.",
    );
  }

  /** Does what is due, unless another process is doing it. */
  async runOnce(): Promise<void> {
    const { clock, jobs, leaseMs, owner, trash } = this.#options;
    if (!(await trash.hasDue())) return;
    const lease = createLease(owner, new Date(clock.now() + leaseMs));
    // Whenever it was last started: there is work to do.
    const wanted = { name: JOB, lease, notStartedSince: new Date(clock.now() + 1) };
    if ((await claimJob(jobs, wanted, { owner, clock })) !== 'claimed') return;
    const ended = new AbortController();
    const renewals = keepRenewing({ ...this.#options, leases: jobs, lease, ended: ended.signal });
    try {
      await trash.emptyDue(this.#stopping.signal);
    } finally {
      ended.abort();
      await renewals;
      await jobs.finish(lease.token);
    }
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.runOnce();
      } catch (error) {
        if (!this.#stopping.signal.aborted) {
          const { message } = toImageSearchError(error);
          logger.warn(`The trash of duplicates couldn't be emptied; retrying later. ${message}`);
        }
      }
      await clock.wait(POLL_MS, signal);
    }
  }
}
