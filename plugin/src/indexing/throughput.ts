import type { Clock } from '../clock';

/** Time of work before which a rate says too little. */
const FIRST_RATE_MS = 10_000;
/** Time of work that a rate is taken from; longer if fewer batches ended in it. */
const WINDOW_MS = 15_000;
const LEAST_BATCHES = 3;
const MINUTE_MS = 60_000;

/** A batch in progress; `end` is to be called once. */
export interface BatchTimer {
  /**
   * @param batch.settled entries that left the queue; 0 if the batch was interrupted, so that its time doesn't count
   * @param batch.indexed those of them that were indexed
   */
  end(batch: { settled: number; indexed: number }): void;
}

interface EndedBatch {
  settled: number;
  indexed: number;
  /** Its part of the time of work, in milliseconds; null if the model's start is in it. */
  shareMs: number | null;
  endedAt: number;
}

/**
 * How fast a worker takes entries from its queue while it works: idle time and pauses don't count, nor does the
 * start-up of a model.
 *
 * Batches overlap and may end in bursts. So each moment is divided equally among the batches in progress: their shares
 * add up to the time of work, and the rate is the quotient of entries and shares of the batches that ended last.
 */
export class Throughput {
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** Those that the figures are taken from, in the order of their ends. */
  #ended: EndedBatch[] = [];
  #active = 0;
  #updatedAt = 0;
  /** Time in which batches were in progress. */
  #workMs = 0;
  /** What a batch that was always in progress would have got of that time. */
  #shareMs = 0;
  #isModelStarted = false;

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  /** @param options.startsModel whether the first batch has to wait until the model has started */
  begin({ startsModel }: { startsModel: boolean }): BatchTimer {
    this.#update();
    this.#active += 1;
    const includesStart = startsModel && !this.#isModelStarted;
    const shareBefore = this.#shareMs;
    return {
      end: ({ settled, indexed }) => {
        this.#update();
        this.#active -= 1;
        if (settled === 0) return;
        this.#isModelStarted = true;
        const shareMs = includesStart ? null : this.#shareMs - shareBefore;
        this.#ended.push({ settled, indexed, shareMs, endedAt: this.#clock.elapsed() });
        this.#forgetOld();
      },
    };
  }

  /** The queue is empty: what comes next may be faster or slower. */
  reset(): void {
    this.#ended = [];
    this.#workMs = 0;
    this.#isModelStarted = false;
  }

  /** Entries per second; null while too little is known. */
  perSecond(): number | null {
    this.#update();
    if (this.#workMs < FIRST_RATE_MS) return null;
    const batches = this.#window();
    const shareMs = sum(batches.map((batch) => batch.shareMs ?? 0));
    return shareMs > 0 ? sum(batches.map(({ settled }) => settled)) / (shareMs / 1_000) : null;
  }

  /** Images that this worker indexed in the last minute. */
  indexedInLastMinute(): number {
    const since = this.#clock.elapsed() - MINUTE_MS;
    return sum(this.#ended.map(({ endedAt, indexed }) => (endedAt >= since ? indexed : 0)));
  }

  /** The batches that the rate is taken from. */
  #window(): EndedBatch[] {
    const window: EndedBatch[] = [];
    let shareMs = 0;
    for (const batch of this.#ended.toReversed()) {
      if (batch.shareMs === null) break;
      if (shareMs >= WINDOW_MS && window.length >= LEAST_BATCHES) break;
      window.push(batch);
      shareMs += batch.shareMs;
    }
    return window;
  }

  #forgetOld(): void {
    const since = this.#clock.elapsed() - MINUTE_MS;
    const window = new Set(this.#window());
    this.#ended = this.#ended.filter((batch) => batch.endedAt >= since || window.has(batch));
  }

  #update(): void {
    const now = this.#clock.elapsed();
    const elapsed = this.#active === 0 ? 0 : Math.max(0, now - this.#updatedAt);
    this.#updatedAt = now;
    if (elapsed === 0) return;
    this.#workMs += elapsed;
    this.#shareMs += elapsed / this.#active;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
