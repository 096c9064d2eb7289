import PQueue from 'p-queue';
import type { EmbeddingProvider } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import type { PictureReader, PreparedImage } from '../images/contract';
import { untilAborted } from './abortion';

/** Decoding takes a lot of memory, and searches share the machine with the rest of Strapi. */
const READ_AT_ONCE = 2;
/** The bytes of those that wait are in memory, too. */
const MOST_WAITING = 20;
const RETRY_AFTER_MS = 1_000;

/** Reads the pictures that are searched with, a few at a time. */
export class QueryPictures {
  readonly #pictures: PictureReader;
  readonly #queue = new PQueue({ concurrency: READ_AT_ONCE });

  constructor(pictures: PictureReader) {
    this.#pictures = pictures;
  }

  /** Fails as `PictureReader.read` does, and with `rate-limited` when too many wait already. */
  async read(
    bytes: Uint8Array,
    { imagePreparation: preparation }: EmbeddingProvider,
    signal: AbortSignal | undefined,
  ): Promise<PreparedImage> {
    if (this.#queue.size >= MOST_WAITING) throw crowdedError();
    // A picture that waits leaves the queue with its caller. One that is being read cannot be stopped: handed the
    // signal itself, the queue would take its place for free.
    const waiting = new AbortController();
    const leave = (): void => {
      waiting.abort();
    };
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
    const reading = this.#queue.add(
      () => {
        signal?.removeEventListener('abort', leave);
        return this.#pictures.read(bytes, { preparation });
      },
      { signal: waiting.signal },
    );
    const { prepared } = await untilAborted(reading, signal);
    return prepared;
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
