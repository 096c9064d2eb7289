import {
  type UsageFigures,
  type UsageKey,
  type UsageRecord,
  type UsageRecords,
} from '../../plugin/src/billing/contract';
import { addFigures } from '../../plugin/src/billing/usage-meter';

/** The records in memory; each addition is one synchronous step, so all of them are atomic. */
export class MemoryUsageRecords implements UsageRecords {
  /** How often something was written. */
  additions = 0;
  /** What the next additions fail with; undefined for none. */
  failure: Error | undefined;
  readonly #records = new Map<string, UsageRecord>();

  add(key: UsageKey, figures: UsageFigures): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.additions += 1;
    const id = JSON.stringify([key.month, key.provider, key.model]);
    const known = this.#records.get(id);
    this.#records.set(id, { ...key, ...(known ? addFigures(known, figures) : figures) });
    return Promise.resolve();
  }

  list(month: string): Promise<UsageRecord[]> {
    return Promise.resolve([...this.#records.values()].filter((record) => record.month === month));
  }
}
