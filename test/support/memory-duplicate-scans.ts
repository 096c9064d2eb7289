import type { DuplicateScans, ScanRecord } from '../../plugin/src/duplicates/contract';

/** The scan in memory: every method is one synchronous step, so all of them are atomic. */
export class MemoryDuplicateScans implements DuplicateScans {
  #scan: ScanRecord = {
    state: 'never',
    number: 0,
    found: 0,
    failed: 0,
    perMinute: null,
    problem: null,
    startedAt: null,
    endedAt: null,
    progressAt: null,
  };

  read(): Promise<ScanRecord> {
    return Promise.resolve({ ...this.#scan });
  }

  begin({ restart, now }: { restart: boolean; now: Date }): Promise<ScanRecord> {
    const { failed, found, number, startedAt, state } = this.#scan;
    if (state === 'running') return this.read();
    const isStopped = state === 'stopped';
    return this.#become({
      state: 'running',
      number: restart && !isStopped ? number + 1 : number,
      found: isStopped ? found : 0,
      failed: isStopped ? failed : 0,
      perMinute: null,
      problem: null,
      startedAt: isStopped && startedAt ? startedAt : now,
      endedAt: null,
      progressAt: null,
    });
  }

  stop(now: Date): Promise<ScanRecord> {
    if (this.#scan.state === 'stopped') return this.read();
    const ended = { perMinute: null, problem: null, endedAt: now };
    return this.#become({ ...this.#scan, ...ended, state: 'stopped' });
  }

  reportProgress(
    number: number,
    progress: Parameters<DuplicateScans['reportProgress']>[1],
  ): Promise<boolean> {
    const { failed, found, now, perMinute, problem } = progress;
    return this.#change(number, {
      perMinute,
      problem,
      progressAt: now,
      found: this.#scan.found + found,
      failed: this.#scan.failed + failed,
    });
  }

  finish(number: number, now: Date): Promise<boolean> {
    return this.#change(number, { state: 'done', endedAt: now, perMinute: null, problem: null });
  }

  async #change(number: number, change: Partial<ScanRecord>): Promise<boolean> {
    if (this.#scan.state !== 'running' || this.#scan.number !== number) return false;
    await this.#become({ ...this.#scan, ...change });
    return true;
  }

  #become(scan: ScanRecord): Promise<ScanRecord> {
    this.#scan = scan;
    return this.read();
  }
}
