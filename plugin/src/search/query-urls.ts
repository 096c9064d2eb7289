import { untilAborted } from '../abort';
import { ImageSearchError, FetchError, type FetchFailure } from '../errors';
import type { GuardedFetch } from '../network/contract';
import { BoundedQueue } from './bounded-queue';
import type { EmbeddableExample, SearchExample } from './contract';

/** How many fetches may wait for each one that runs. */
const WAITING_PER_FETCH = 4;

export interface QueryUrlsOptions {
  /** Requests URLs that anyone may choose, so it must reach public addresses only. */
  fetch: GuardedFetch;
  maxBytes: number;
  /** For one image including redirects, in milliseconds. */
  timeoutMs: number;
  /** How many images are fetched at once. */
  concurrency: number;
}

/** Fetches images that a search refers to by URL. They are not stored. */
export class QueryUrls {
  readonly #options: QueryUrlsOptions;
  readonly #queue: BoundedQueue;

  constructor(options: QueryUrlsOptions) {
    const { concurrency } = options;
    this.#options = options;
    this.#queue = new BoundedQueue({ concurrency, maxWaiting: WAITING_PER_FETCH * concurrency });
  }

  /**
   * @throws ImageSearchError
   * - `url-unreachable`, with the same message whatever went wrong, so that a caller can't map this server's network
   * - `image-too-large` and `image-unsupported`, which only a server that may be requested can cause
   * - `rate-limited` when too many fetches are waiting
   */
  async read(url: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { fetch, maxBytes, timeoutMs } = this.#options;
    try {
      return await this.#queue.run(
        () => fetch.fetchBytes(url, { maxBytes, timeoutMs, signal }),
        signal,
      );
    } catch (error) {
      throw error instanceof FetchError ? this.#toSearchError(error.failure, error) : error;
    }
  }

  #toSearchError(failure: FetchFailure, cause: FetchError): ImageSearchError {
    switch (failure) {
      case 'too-large':
        return new ImageSearchError({
          code: 'image-too-large',
          message: `url: the image is larger than ${String(this.#options.maxBytes)} bytes.`,
          retryable: false,
          cause,
        });
      case 'wrong-type':
        return new ImageSearchError({
          code: 'image-unsupported',
          message: 'url: the content type is not an image.',
          retryable: false,
          cause,
        });
      case 'refused':
      case 'missing':
      case 'forbidden':
      case 'unreachable':
        return new ImageSearchError({
          code: 'url-unreachable',
          message:
            'url: no image could be fetched. It must be on a public server that responds in time on the standard HTTP or HTTPS port.',
          retryable: true,
          cause,
        });
    }
  }
}

/** @throws ImageSearchError `invalid-input` for an image given by URL while `search.urls` is off */
export function rejectUrls(examples: readonly SearchExample[], urls: QueryUrls | null): void {
  if (urls || examples.every(({ kind }) => kind !== 'url')) return;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: 'url: searching by URL is off. Set search.urls.enabled to true to allow it.',
    retryable: false,
  });
}

/** Replaces URLs with the images behind them, fetched once even if two models embed them. Fails like `QueryUrls.read`. */
export async function fetchUrls(
  examples: readonly SearchExample[],
  urls: QueryUrls | null,
  signal: AbortSignal | undefined,
): Promise<EmbeddableExample[]> {
  rejectUrls(examples, urls);
  const fetched = examples.map(async (example): Promise<EmbeddableExample> => {
    if (example.kind !== 'url') return example;
    if (!urls) throw new RangeError('URLs must be rejected first.');
    const bytes = await urls.read(example.url, signal);
    return { kind: 'image', bytes, region: example.region };
  });
  return untilAborted(Promise.all(fetched), signal);
}
