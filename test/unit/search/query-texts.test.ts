import { beforeEach, describe, expect, it } from '@jest/globals';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { failure } from '../../support/failures';
import { createFakeClock } from '../../support/fake-clock';
import { hashVector, HashProvider, untilAborted } from '../../support/hash-provider';
import { plainImageReader } from '../../support/plain-images';

let provider: HashProvider;
let embedder: QueryEmbedder;

beforeEach(() => {
  provider = new HashProvider({ limits: { textsPerCall: 3 } });
  embedder = new QueryEmbedder({
    images: plainImageReader,
    cacheEntries: 10,
    cacheMs: 1_000,
    clock: createFakeClock(),
  });
});

const vectorsOf = (...asked: string[]): Map<string, Float32Array> =>
  new Map(asked.map((text) => [text, hashVector(Buffer.from(text))]));

const ask = (asked: string[], signal?: AbortSignal) => embedder.embedTexts(asked, provider, signal);

/** Holds all calls until it is called. */
function holdCalls(): () => void {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  provider.onCall = (_inputs, signal) => Promise.race([held, untilAborted(signal)]);
  return release;
}

describe('texts of one search', () => {
  it('are embedded together, each once, as many at a time as the provider accepts', async () => {
    expect(await ask(['one', 'two', 'one', 'three', 'four'])).toEqual(
      vectorsOf('one', 'two', 'three', 'four'),
    );
    expect(provider.textCalls).toEqual([['one', 'two', 'three'], ['four']]);
  });

  it('are only embedded if not cached', async () => {
    await ask(['one', 'two']);
    expect(await ask(['zero', 'one', 'two', 'three'])).toEqual(
      vectorsOf('zero', 'one', 'two', 'three'),
    );
    expect(provider.textCalls).toEqual([
      ['one', 'two'],
      ['zero', 'three'],
    ]);
  });

  it('need no call if there are none', async () => {
    expect(await ask([])).toEqual(new Map());
    expect(provider.textCalls).toEqual([]);
  });
});

describe('equal texts in concurrent searches', () => {
  it('share one call', async () => {
    const release = holdCalls();
    const asked = [ask(['one', 'two']), ask(['two']), ask(['two', 'three'])];
    release();
    expect(await Promise.all(asked)).toEqual([
      vectorsOf('one', 'two'),
      vectorsOf('two'),
      vectorsOf('two', 'three'),
    ]);
    expect(provider.textCalls).toEqual([['one', 'two'], ['three']]);
  });

  it.each([0, 1])("aren't lost when caller %i disconnects", async (index) => {
    const release = holdCalls();
    const callers = [new AbortController(), new AbortController()];
    const asked = callers.map(({ signal }) => ask(['one'], signal));
    callers[index]?.abort();
    await expect(asked[index]).rejects.toMatchObject({ code: 'aborted' });
    release();
    expect(await asked[1 - index]).toEqual(vectorsOf('one'));
    expect(provider.textCalls).toEqual([['one']]);
  });

  it('are aborted when all callers disconnect, and embedded again for the next', async () => {
    const stopped: boolean[] = [];
    provider.onCall = async (_inputs, signal) => {
      await untilAborted(signal);
      stopped.push(true);
    };
    const callers = [new AbortController(), new AbortController()];
    const asked = Promise.allSettled(callers.map(({ signal }) => ask(['one'], signal)));
    for (const caller of callers) caller.abort();
    await asked;
    provider.onCall = () => undefined;
    expect(await ask(['one'])).toEqual(vectorsOf('one'));
    expect(stopped).toEqual([true]);
    expect(provider.textCalls).toEqual([['one'], ['one']]);
  });

  it('can be joined right after the last caller disconnected', async () => {
    const caller = new AbortController();
    provider.onCall = (_inputs, signal) => untilAborted(signal);
    const lost = ask(['one'], caller.signal);
    caller.abort();
    await expect(lost).rejects.toMatchObject({ code: 'aborted' });
    const release = holdCalls();
    const found = Promise.all([ask(['one']), ask(['one'])]);
    release();
    expect(await found).toEqual([vectorsOf('one'), vectorsOf('one')]);
    expect(provider.textCalls).toHaveLength(2);
  });

  it("fail together, and the failure isn't cached", async () => {
    provider.onCall = () => Promise.reject(failure('provider-unavailable'));
    const asked = await Promise.allSettled([ask(['one']), ask(['one'])]);
    const rejected = {
      status: 'rejected',
      reason: expect.objectContaining({ code: 'provider-unavailable' }),
    };
    expect(asked).toEqual([rejected, rejected]);
    provider.onCall = () => undefined;
    expect(await ask(['one'])).toEqual(vectorsOf('one'));
    expect(provider.textCalls).toEqual([['one'], ['one']]);
  });

  it("don't fail because of another search's text", async () => {
    provider.onCall = (inputs) => {
      const isRejected = inputs.some((input) => 'text' in input && input.text === 'bad');
      return isRejected ? Promise.reject(failure('provider-rejected-input')) : undefined;
    };
    const [bad, good] = await Promise.allSettled([ask(['bad', 'one']), ask(['one'])]);
    expect(bad).toMatchObject({ reason: { code: 'provider-rejected-input' } });
    expect(good).toEqual({ status: 'fulfilled', value: vectorsOf('one') });
    expect(provider.textCalls).toEqual([['bad', 'one'], ['one']]);
  });

  it("aren't embedded for a caller that has already disconnected", async () => {
    await expect(ask(['one'], AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    expect(provider.textCalls).toEqual([]);
  });
});
