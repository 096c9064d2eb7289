import type { Clock } from '../clock';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import {
  addFigures,
  noFigures,
  type UsageFigures,
  type UsageKey,
  type UsageRecords,
} from './contract';
import { monthOf } from './month';

/** Longest time that a count is kept in memory alone; a process that is killed loses it. */
const WRITE_AFTER_MS = 5_000;

export interface UsageMeterOptions {
  records: UsageRecords;
  logger: Logger;
  clock: Clock;
}

interface Count {
  key: UsageKey;
  figures: UsageFigures;
}

/** Counts what models do and writes it down every few seconds, never for a single search. */
export class UsageMeter {
  readonly #options: UsageMeterOptions;
  readonly #stopping = new AbortController();
  /** Not written yet, by month, provider and model. */
  #counts = new Map<string, Count>();
  #isTimed = false;
  /** Writings follow one another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: UsageMeterOptions) {
    this.#options = options;
  }

  count(model: Omit<UsageKey, 'month'>, figures: Partial<UsageFigures>): void {
    const { clock } = this.#options;
    const { provider, model: name } = model;
    const key = { month: monthOf(clock.now()), provider, model: name };
    this.#add({ key, figures: { ...noFigures, ...figures } });
    if (this.#isTimed || this.#stopping.signal.aborted) return;
    this.#isTimed = true;
    void this.#writeLater();
  }

  /**
   * Writes down all that was counted before this call.
   *
   * @throws what the database fails with; what was not written stays counted
   */
  write(): Promise<void> {
    const written = this.#writing.then(() => this.#writeAll());
    this.#writing = written.catch(() => undefined);
    return written;
  }

  /** Writes what is left; never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.write().catch((error: unknown) => {
      this.#complain(error);
    });
  }

  /** Again and again while the database refuses, which is said once. */
  async #writeLater(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let hasComplained = false;
    while (this.#counts.size > 0) {
      await clock.wait(WRITE_AFTER_MS, signal);
      if (signal.aborted) return;
      try {
        await this.write();
      } catch (error) {
        if (!hasComplained) this.#complain(error);
        hasComplained = true;
      }
    }
    this.#isTimed = false;
  }

  async #writeAll(): Promise<void> {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    for (const [index, count] of counts.entries()) {
      try {
        await this.#options.records.add(count.key, count.figures);
      } catch (error) {
        for (const unwritten of counts.slice(index)) this.#add(unwritten);
        throw error;
      }
    }
  }

  #add({ key, figures }: Count): void {
    const id = JSON.stringify([key.month, key.provider, key.model]);
    const known = this.#counts.get(id);
    this.#counts.set(id, { key, figures: known ? addFigures(known.figures, figures) : figures });
  }

  #complain(error: unknown): void {
    const { message } = toImageSearchError(error);
    this.#options.logger.warn(`What the models did could not be written down yet: ${message}`);
  }
}
