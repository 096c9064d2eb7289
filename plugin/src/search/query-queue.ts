import PQueue from 'p-queue';
import { ImageSearchError } from '../errors';
import { untilAborted } from './abortion';

const RETRY_AFTER_MS = 1_000;

/** Costly work of searches: some at a time, some wait for their turn, the rest is refused. */
export class QueryQueue {
  readonly #queue: PQueue;
  readonly #mostWaiting: number;

  constructor({ atOnce, mostWaiting }: { atOnce: number; mostWaiting: number }) {
    this.#queue = new PQueue({ concurrency: atOnce });
    this.#mostWaiting = mostWaiting;
  }

  /** Fails as the work does, as `untilAborted` does, and with `rate-limited` when too many wait already. */
  async run<Result>(work: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    if (this.#queue.size >= this.#mostWaiting) throw crowdedError();
    // Work that waits leaves the queue with its caller. Work that runs keeps its place until it ends: handed the
    // signal itself, the queue would take its place for free.
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

function crowdedError(): ImageSearchError {
  return new ImageSearchError({
    code: 'rate-limited',
    message: 'Too many pictures are searched with at the moment. Wait and ask again.',
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
  });
}
