import {
  hashContent,
  type PictureReader,
  type PictureReading,
  type ReadPictureOptions,
} from '../images/contract';
import { QueryQueue } from './query-queue';

/** Decoding takes a lot of memory, and searches share the machine with the rest of Strapi. */
const READ_AT_ONCE = 2;
/** The bytes of those that wait are in memory, too. */
const MOST_WAITING = 20;

/** Hashes and reads the pictures that are searched with or looked for, a few at a time. */
export class QueryPictures {
  readonly #pictures: PictureReader;
  readonly #queue = new QueryQueue({ atOnce: READ_AT_ONCE, mostWaiting: MOST_WAITING });
  /** Of their own, as hashing ends before others are read. */
  readonly #hashing = new QueryQueue({ atOnce: READ_AT_ONCE, mostWaiting: MOST_WAITING });

  constructor(pictures: PictureReader) {
    this.#pictures = pictures;
  }

  /** The SHA-256 of the bytes. Fails with `rate-limited` when too many wait already, and with `aborted`. */
  async hash(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<string> {
    return this.#hashing.run(() => hashContent(bytes), signal);
  }

  /** Fails as `PictureReader.read` does, and with `rate-limited` when too many wait already. */
  async read(
    bytes: Uint8Array,
    options: ReadPictureOptions,
    signal: AbortSignal | undefined,
  ): Promise<PictureReading> {
    return this.#queue.run(() => this.#pictures.read(bytes, options), signal);
  }
}
