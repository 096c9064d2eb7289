import { ImageSearchError } from '../errors';
import { FetchError, type FetchFailure, type GuardedFetch } from '../network/contract';
import { QueryQueue } from './query-queue';

/** For each one that is fetched, so many may wait. */
const WAITING_PER_FETCH = 4;

export interface QueryUrlsOptions {
  /** Asks strangers' servers: public addresses alone. */
  fetch: GuardedFetch;
  maxBytes: number;
  /** For one picture, redirects included, in milliseconds. */
  timeoutMs: number;
  /** Pictures that are fetched at once. */
  atOnce: number;
}

/** Fetches the pictures that are searched with by their address, a few at a time; none is kept. */
export class QueryUrls {
  readonly #options: QueryUrlsOptions;
  readonly #queue: QueryQueue;

  constructor(options: QueryUrlsOptions) {
    const { atOnce } = options;
    this.#options = options;
    this.#queue = new QueryQueue({ atOnce, mostWaiting: WAITING_PER_FETCH * atOnce });
  }

  /**
   * Fails with `url-unreachable`, whose message is the same whatever is wrong, so that nobody learns from it what lies
   * in the network of this server; with `image-too-large` and `image-unsupported`, of which only a server that may be
   * asked is the cause; and with `rate-limited` when too many wait already.
   */
  async read(url: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { fetch, maxBytes, timeoutMs } = this.#options;
    try {
      return await this.#queue.run(
        () => fetch.fetchBytes(url, { maxBytes, timeoutMs, signal }),
        signal,
      );
    } catch (error) {
      throw error instanceof FetchError ? this.#refusal(error.failure, error) : error;
    }
  }

  #refusal(failure: FetchFailure, cause: FetchError): ImageSearchError {
    switch (failure) {
      case 'too-large':
        return new ImageSearchError({
          code: 'image-too-large',
          message: `url: the picture has more than the ${String(this.#options.maxBytes)} bytes that are searched with.`,
          retryable: false,
          cause,
        });
      case 'wrong-type':
        return new ImageSearchError({
          code: 'image-unsupported',
          message: 'url: what is there is no picture by its content type.',
          retryable: false,
          cause,
        });
      case 'refused':
      case 'missing':
      case 'unreachable':
        return new ImageSearchError({
          code: 'url-unreachable',
          message:
            'url: no picture could be fetched from there. It must be answered in time by a server of the public internet, on the usual port of http or https.',
          retryable: true,
          cause,
        });
    }
  }
}
