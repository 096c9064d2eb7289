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

  isRunning(): boolean {
    return this.#running !== null;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock, everyMinutes, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let wait = everyMinutes === 0 ? Infinity : everyMinutes * MINUTE_MS;
      try {
        await this.runNow();
        if (this.#options.activeSpace.state().kind !== 'open') wait = RETRY_MS;
      } catch (error) {
        const { message } = toImageSearchError(error);
        logger.warn(`Library and index could not be compared; it is tried again. ${message}`);
        wait = RETRY_MS;
      }
      if (wait === Infinity) return;
      await clock.wait(wait, signal);
    }
  }

  async #reconcile(): Promise<ReconcileReport> {
    const { activeSpace, assets, entries, logger, onMarked } = this.#options;
    // Without a provider the queue is still filled, so that nothing is lost and the status is true.
    const space: OpenSpace | null = await activeSpace.get().catch(() => null);
    const report = await reconcile({
      assets,
      entries,
      space,
      logger,
      signal: this.#stopping.signal,
    });
    if (report.marked > 0) onMarked();
    return report;
  }
}
