import { describe, expect, it } from '@jest/globals';
import { FetchError, type FetchFailure } from '../../../plugin/src/errors';
import type { FetchOptions, GuardedFetch } from '../../../plugin/src/network/contract';
import { QueryUrls } from '../../../plugin/src/search/query-urls';

const URL_OF_IMAGE = 'https://images.example/inside?signature=hunter2';

/** Starts a fetch, which finishes on command or when aborted. */
class HeldFetch implements GuardedFetch {
  readonly asked: FetchOptions[] = [];
  readonly #held: (() => void)[] = [];

  async fetchBytes(_url: string, options: FetchOptions): Promise<Uint8Array> {
    this.asked.push(options);
    await new Promise<void>((resolve, reject) => {
      this.#held.push(resolve);
      options.signal?.addEventListener('abort', () => {
        reject(new Error('left'));
      });
    });
    return Uint8Array.of(7);
  }

  release(): void {
    this.#held.shift()?.();
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

class FailingFetch extends HeldFetch {
  constructor(readonly failure: FetchFailure) {
    super();
  }

  override fetchBytes(): Promise<Uint8Array> {
    return Promise.reject(new FetchError(this.failure, `${URL_OF_IMAGE} ${this.failure}`));
  }
}

function createUrls(fetch: GuardedFetch): QueryUrls {
  return new QueryUrls({ fetch, maxBytes: 500, timeoutMs: 2_000, concurrency: 2 });
}

/** Runs everything that is ready to run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('images that are searched with by URL', () => {
  it('are fetched within the limits', async () => {
    const fetch = new HeldFetch();
    const { signal } = new AbortController();
    const reading = createUrls(fetch).read(URL_OF_IMAGE, signal);
    await settle();
    fetch.release();
    expect(await reading).toEqual(Uint8Array.of(7));
    expect(fetch.asked).toEqual([{ maxBytes: 500, timeoutMs: 2_000, signal }]);
  });

  it('fail with the same message, whatever is wrong with the URL', async () => {
    const failures: unknown[] = [];
    for (const failure of ['refused', 'missing', 'forbidden', 'unreachable'] as const) {
      const error = await createUrls(new FailingFetch(failure))
        .read(URL_OF_IMAGE, undefined)
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'url-unreachable', retryable: true });
      failures.push((error as Error).message);
    }
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).not.toMatch(/hunter2|images\.example/);
  });

  it.each([
    ['too-large', 'image-too-large', /500 bytes/],
    ['wrong-type', 'image-unsupported', /content type/],
  ] as const)('that are %s fail with %s', async (failure, code, message) => {
    const reading = createUrls(new FailingFetch(failure)).read(URL_OF_IMAGE, undefined);
    await expect(reading).rejects.toMatchObject({
      code,
      retryable: false,
      message: expect.stringMatching(message),
    });
    await expect(reading).rejects.not.toMatchObject({ message: expect.stringMatching(/hunter2/) });
  });

  it('are fetched a few at a time, a few more wait, and the rest are rejected', async () => {
    const fetch = new HeldFetch();
    const urls = createUrls(fetch);
    const callers = Array.from({ length: 10 }, () => new AbortController());
    const reading = callers.map(({ signal }) => urls.read(URL_OF_IMAGE, signal));
    await settle();
    expect(fetch.asked).toHaveLength(2);
    await expect(urls.read(URL_OF_IMAGE, undefined)).rejects.toMatchObject({
      code: 'rate-limited',
      retryAfterMs: 1_000,
    });
    fetch.release();
    await reading[0];
    await settle();
    expect(fetch.asked).toHaveLength(3);
    const rest = Promise.allSettled(reading.slice(1));
    for (const caller of callers) caller.abort();
    for (const outcome of await rest) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    }
    // Aborted callers freed their places.
    const next = urls.read(URL_OF_IMAGE, undefined);
    await settle();
    expect(fetch.asked).toHaveLength(4);
    for (let place = 0; place < 3; place += 1) fetch.release();
    expect(await next).toEqual(Uint8Array.of(7));
  });
});
