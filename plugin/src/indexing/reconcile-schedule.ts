import type { ActiveSpace, OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import type { PictureTraces } from '../duplicates/contract';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { JobClaim, JobLeases } from '../scheduling/contract';
import type { AssetSource, IndexEntries, Lease, ReconcileReport } from './contract';
import { createLease, isAbandoned, type LeaseOwner } from './lease';
import { keepRenewing } from './lease-renewal';
import { reconcile } from './reconcile';

const MINUTE_MS = 60_000;
/** After a comparison that failed or could not look at the vectors. */
const RETRY_MS = 5 * MINUTE_MS;
/** How often a process looks whether it is time for a comparison that no other process has made. */
const LOOK_MS = MINUTE_MS;
/** Processes that start within this time of each other start together. */
const BOOT_MS = MINUTE_MS;

export interface ReconcileScheduleOptions {
  assets: AssetSource;
  entries: IndexEntries;
  traces: PictureTraces;
  activeSpace: ActiveSpace;
  jobs: JobLeases;
  /** What this comparison is called in all processes; asked when the space was opened, if that is possible. */
  jobName: () => string;
  /** How long a killed process keeps its comparison from others. */
  leaseMs: number;
  owner: LeaseOwner;
  /** When this server was started, in milliseconds since the epoch. */
  bootedAt: number;
  /** 0: at boot and on demand only. */
  everyMinutes: number;
  onMarked: () => void;
  logger: Logger;
  clock: Clock;
}

/** `failed` stands for a comparison that could not look at the vectors, too. */
type Turn = 'done' | 'held' | 'failed';

/**
 * Compares library and index at boot, then on a schedule, then whenever it is asked to; never twice at a time. What is
 * scheduled is done by one process for all: a process makes the comparison of its boot only if none was begun since,
 * and then one per interval is made by whichever process is first. Clocks of several machines are taken to agree.
 */
export class ReconcileSchedule {
  readonly #options: ReconcileScheduleOptions;
  readonly #stopping = new AbortController();
  #running: Promise<ReconcileReport> | null = null;
  #isTakingTurn = false;
  /** Of a comparison that is to be made again; nobody else makes it before. */
  #postponed: Lease | null = null;
  #loop: Promise<void> | null = null;

  constructor(options: ReconcileScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Joins the comparison that is under way, if any. */
  async runNow(): Promise<ReconcileReport> {
    this.#running ??= this.#reconcile().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Sees to it that a comparison begins after this call; what fails is logged. Never rejects. */
  async runAgain(): Promise<void> {
    await this.#running?.catch(() => undefined);
    if (this.#stopping.signal.aborted) return;
    await this.runNow().catch((error: unknown) => {
      this.#warn(error);
    });
  }

  /** Whether this process compares, or is about to see whether it has to. */
  isRunning(): boolean {
    return this.#isTakingTurn || this.#running !== null;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { bootedAt, clock, everyMinutes } = this.#options;
    const { signal } = this.#stopping;
    const startedAt = clock.now();
    const first = startedAt - bootedAt > BOOT_MS ? startedAt : bootedAt;
    const everyMs = everyMinutes === 0 ? Infinity : everyMinutes * MINUTE_MS;
    while (!signal.aborted) {
      // What was begun one interval ago is due again.
      const since = new Date(Math.max(first, clock.now() - everyMs + 1));
      const turn = await this.#takeTurn(since);
      if (turn === 'done' && everyMinutes === 0) return;
      await clock.wait(turn === 'failed' ? RETRY_MS : Math.min(LOOK_MS, everyMs), signal);
    }
    await this.#handBack();
  }

  async #takeTurn(since: Date): Promise<Turn> {
    this.#isTakingTurn = true;
    try {
      // Its name may depend on what is opened. Without a provider the comparison is made all the same.
      await this.#openSpace();
      const { clock, leaseMs, owner } = this.#options;
      const lease = createLease(owner, new Date(clock.now() + leaseMs));
      const claim = await this.#claim(lease, since);
      return claim === 'claimed' ? await this.#compareUnder(lease) : claim;
    } catch (error) {
      this.#warn(error);
      return 'failed';
    } finally {
      this.#isTakingTurn = false;
    }
  }

  async #claim(lease: Lease, notStartedSince: Date): Promise<JobClaim['kind']> {
    const { clock, jobName, jobs, owner } = this.#options;
    const wanted = { name: jobName(), lease, notStartedSince };
    const claim = await jobs.tryClaim(wanted);
    if (claim.kind !== 'held' || !isAbandoned(claim.leaseToken, owner)) return claim.kind;
    await jobs.renew({ token: claim.leaseToken, expiresAt: new Date(clock.now()) });
    return (await jobs.tryClaim(wanted)).kind;
  }

  async #compareUnder(lease: Lease): Promise<Turn> {
    const { activeSpace, clock, jobs } = this.#options;
    const ended = new AbortController();
    const renewals = keepRenewing({
      ...this.#options,
      leases: jobs,
      lease,
      ended: ended.signal,
    });
    let isDone = false;
    try {
      await this.runNow();
      isDone = activeSpace.state().kind === 'open' && !this.#stopping.signal.aborted;
    } finally {
      ended.abort();
      await renewals;
      if (isDone) await jobs.finish(lease.token);
      else {
        this.#postponed = { token: lease.token, expiresAt: new Date(clock.now() + RETRY_MS) };
        await jobs.renew(this.#postponed);
      }
    }
    return isDone ? 'done' : 'failed';
  }

  /** A process that ends leaves to others what it did not finish. */
  async #handBack(): Promise<void> {
    if (!this.#postponed) return;
    const { clock, jobs } = this.#options;
    try {
      await jobs.renew({ token: this.#postponed.token, expiresAt: new Date(clock.now()) });
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { message } = toImageSearchError(error);
    this.#options.logger.warn(
      `Library and index could not be compared; it is tried again. ${message}`,
    );
  }

  async #openSpace(): Promise<OpenSpace | null> {
    return await this.#options.activeSpace.get(this.#stopping.signal).catch(() => null);
  }

  async #reconcile(): Promise<ReconcileReport> {
    const { assets, entries, logger, onMarked, traces } = this.#options;
    // Without a provider the queue is still filled, so that nothing is lost and the status is true.
    const { signal } = this.#stopping;
    const space = await this.#openSpace();
    if (signal.aborted) return { pictures: 0, marked: 0, retried: 0 };
    const report = await reconcile({ assets, entries, space, traces, logger, signal });
    if (report.marked > 0) onMarked();
    return report;
  }
}
