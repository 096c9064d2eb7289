import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Context } from 'koa';
import type { ImageSearch } from '../../../server/src/composition';
import { createSearchHandlers } from '../../../server/src/controllers/search';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** A search: the signal passed to the engine, and the response that the caller waits for. */
async function beginSearch() {
  let signal: AbortSignal | undefined;
  const searchEngine = {
    search(request: { signal?: AbortSignal }) {
      ({ signal } = request);
      return Promise.resolve({ hits: [], hasMore: false, spaceId: 'space' });
    },
  };
  const product = {
    searchEngine,
    status: { coverage: () => Promise.resolve({ indexed: 0, total: 0 }) },
    tagsOf: () => Promise.resolve(null),
    inputLimits: { maxTextLength: 10, maxImageBytes: 10 },
  };
  const handlers = createSearchHandlers({
    imageSearch: () => product as unknown as ImageSearch,
    visibleFilesOf: () => Promise.resolve({} as never),
  });
  const response = Object.assign(new EventEmitter(), { writableFinished: false });
  await handlers.findByText({ query: { text: 'dog' }, res: response } as unknown as Context);
  if (!signal) throw new Error('The engine was handed no signal.');
  return { signal, response };
}

describe('the signal of a search', () => {
  it('aborts with a timeout after fifteen seconds', async () => {
    const { signal } = await beginSearch();
    jest.advanceTimersByTime(14_999);
    expect(signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('aborts without a timeout when the caller disconnects', async () => {
    const { signal, response } = await beginSearch();
    response.emit('close');
    expect(signal.reason).toMatchObject({ name: 'AbortError' });
  });

  it("doesn't abort once the caller has a response", async () => {
    const { signal, response } = await beginSearch();
    response.writableFinished = true;
    response.emit('close');
    expect(jest.getTimerCount()).toBe(0);
    expect(signal.aborted).toBe(false);
  });
});
