import PQueue from 'p-queue';
import { untilAborted } from '../abort';
import { ImageSearchError } from '../errors';

const RETRY_AFTER_MS = 1_000;

/** Limits expensive work of requests: some of it runs, some waits in line, the rest is rejected. */
export class BoundedQueue {
  readonly #queue: PQueue;
  readonly #maxWaiting: number;
  readonly #what: string;

  /** @param options `what` is what there are too many of */
  constructor({
    concurrency,
    maxWaiting,
    what = 'image searches',
  }: {
    concurrency: number;
    maxWaiting: number;
    what?: string;
  }) {
    this.#queue = new PQueue({ concurrency });
    this.#maxWaiting = maxWaiting;
    this.#what = what;
  }

  /** @throws ImageSearchError `rate-limited` when the line is full; also what the work and `untilAborted` throw */
  async run<Result>(work: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    if (this.#queue.size >= this.#maxWaiting) throw queueFullError(this.#what);
    // Work in line leaves with its caller. Running work keeps its slot until it ends: if the queue had the signal
    // itself, it would free the slot while the work still uses it.
    const waiting = new AbortController();
    const leave = (): void => {
      waiting.abort();
    };
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
    const running = this.#queue.add(
      () => {
        signal?.removeEventListener('abort', leave);
        return work();
      },
      { signal: waiting.signal },
    );
    return untilAborted(running, signal);
  }
}

function queueFullError(what: string): ImageSearchError {
  return new ImageSearchError({
    code: 'rate-limited',
    message: `Too many ${what} at once. Try again in a second.`,
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
  });
}
