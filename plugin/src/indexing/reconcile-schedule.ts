import type { ActiveSpace, OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { AssetSource, IndexEntries } from './contract';
import { reconcile, type ReconcileReport } from './reconcile';

const MINUTE_MS = 60_000;
/** After a comparison that failed or could not look at the vectors. */
const RETRY_MS = 5 * MINUTE_MS;

export interface ReconcileScheduleOptions {
  assets: AssetSource;
  entries: IndexEntries;
  activeSpace: ActiveSpace;
  /** 0: at boot and on demand only. */
  everyMinutes: number;
  onMarked: () => void;
  logger: Logger;
  clock: Clock;
}

/** Compares library and index at boot, then on a schedule, then whenever it is asked to; never twice at a time. */
export class ReconcileSchedule {
  readonly #options: ReconcileScheduleOptions;
  readonly #stopping = new AbortController();
  #running: Promise<ReconcileReport> | null = null;
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
    if (!this.#stopping.signal.aborted) await this.#tryRun();
  }

  isRunning(): boolean {
    return this.#running !== null;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { activeSpace, clock, everyMinutes } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const isDone = (await this.#tryRun()) && activeSpace.state().kind === 'open';
      if (isDone && everyMinutes === 0) return;
      await clock.wait(isDone ? everyMinutes * MINUTE_MS : RETRY_MS, signal);
    }
  }

  async #tryRun(): Promise<boolean> {
    try {
      await this.runNow();
      return true;
    } catch (error) {
      if (this.#stopping.signal.aborted) return false;
      const { message } = toImageSearchError(error);
      this.#options.logger.warn(
        `Library and index could not be compared; it is tried again. ${message}`,
      );
      return false;
    }
  }

  async #reconcile(): Promise<ReconcileReport> {
    const { activeSpace, assets, entries, logger, onMarked } = this.#options;
    // Without a provider the queue is still filled, so that nothing is lost and the status is true.
    const { signal } = this.#stopping;
    const space: OpenSpace | null = await activeSpace.get(signal).catch(() => null);
    if (signal.aborted) return { pictures: 0, marked: 0 };
    const report = await reconcile({ assets, entries, space, logger, signal });
    if (report.marked > 0) onMarked();
    return report;
  }
}
