import { describe, expect, it } from '@jest/globals';
import { createActiveSpace } from '../../plugin/src/active-space';
import { failure } from '../support/failures';
import { createFakeClock } from '../support/fake-clock';
import { HashProvider } from '../support/hash-provider';
import { MemoryVectorStore } from '../support/memory-vector-store';

const RETRY_AFTER_MS = 15_000;

/** An active space whose provider opens when the test says so. */
function build() {
  const clock = createFakeClock();
  const store = new MemoryVectorStore();
  const provider = new HashProvider();
  const openings: PromiseWithResolvers[] = [];
  const activeSpace = createActiveSpace({
    openProvider: () => {
      const opening = withResolvers();
      openings.push(opening);
      return opening.promise;
    },
    store,
    clock,
    // The longest pause.
    random: () => 1,
  });
  return { activeSpace, clock, openings, provider, store };
}

interface PromiseWithResolvers {
  promise: Promise<HashProvider>;
  resolve: (provider: HashProvider) => void;
  reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: PromiseWithResolvers['resolve'] = () => undefined;
  let reject: PromiseWithResolvers['reject'] = () => undefined;
  const promise = new Promise<HashProvider>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

describe('the active space', () => {
  it('opens nothing before it is requested', () => {
    const { activeSpace, openings } = build();
    expect(activeSpace.state()).toEqual({ kind: 'closed' });
    expect(openings).toHaveLength(0);
  });

  it('opens once for all callers', async () => {
    const { activeSpace, openings, provider } = build();
    const asked = [activeSpace.get(), activeSpace.get()];
    openings[0]?.resolve(provider);
    const [first, second] = await Promise.all(asked);
    expect(first).toBe(second);
    expect(first?.provider).toBe(provider);
    expect(first?.collection.space).toEqual(provider.space);
    expect(await activeSpace.get()).toBe(first);
    expect(openings).toHaveLength(1);
    expect(activeSpace.state()).toEqual({ kind: 'open', space: first });
  });

  it('remembers a failure for a while, then retries', async () => {
    const { activeSpace, clock, openings, provider } = build();
    const error = failure('provider-not-installed');
    const asked = [activeSpace.get(), activeSpace.get()];
    openings[0]?.reject(error);
    expect(await Promise.allSettled(asked)).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ]);
    await clock.advance(RETRY_AFTER_MS - 1);
    await expect(activeSpace.get()).rejects.toBe(error);
    expect(openings).toHaveLength(1);
    expect(activeSpace.state()).toEqual({ kind: 'failed', error });
    await clock.advance(1);
    const retried = activeSpace.get();
    openings[1]?.resolve(provider);
    expect((await retried).provider).toBe(provider);
    expect(activeSpace.state()).toMatchObject({ kind: 'open' });
  });

  it('retries at once after a failure when requested', async () => {
    const { activeSpace, openings, provider } = build();
    const error = failure('store-unavailable');
    const asked = activeSpace.get();
    openings[0]?.reject(error);
    await expect(asked).rejects.toBe(error);
    activeSpace.health.retryNow();
    expect(activeSpace.state()).toEqual({ kind: 'failed', error });
    const retried = activeSpace.get();
    openings[1]?.resolve(provider);
    expect((await retried).provider).toBe(provider);
  });

  it('wraps errors that have no code', async () => {
    const { activeSpace, openings } = build();
    const asked = activeSpace.get();
    openings[0]?.reject(new TypeError('It is broken.'));
    await expect(asked).rejects.toMatchObject({ code: 'unexpected', message: 'It is broken.' });
  });

  it('lets one caller abort, and opens for the others', async () => {
    const { activeSpace, openings, provider } = build();
    const givingUp = new AbortController();
    const given = activeSpace.get(givingUp.signal);
    const asked = activeSpace.get();
    givingUp.abort();
    await expect(given).rejects.toMatchObject({ code: 'aborted' });
    openings[0]?.resolve(provider);
    expect((await asked).provider).toBe(provider);
    expect(openings).toHaveLength(1);
  });

  it("disposes a provider whose collection can't be opened", async () => {
    const { activeSpace, openings, provider, store } = build();
    store.isDown = true;
    const asked = activeSpace.get();
    openings[0]?.resolve(provider);
    await expect(asked).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(provider.disposals).toBe(1);
  });

  it("disposes its provider once and can't be opened again", async () => {
    const { activeSpace, openings, provider } = build();
    const asked = activeSpace.get();
    openings[0]?.resolve(provider);
    await asked;
    await activeSpace.dispose();
    await activeSpace.dispose();
    expect(provider.disposals).toBe(1);
    expect(activeSpace.state()).toEqual({ kind: 'closed' });
    await expect(activeSpace.get()).rejects.toMatchObject({ code: 'aborted' });
    expect(openings).toHaveLength(1);
  });

  it('is disposed without waiting for an opening in progress, which closes what it opened', async () => {
    const { activeSpace, openings, provider } = build();
    const asked = activeSpace.get();
    const refused = expect(asked).rejects.toMatchObject({ code: 'aborted' });
    await activeSpace.dispose();
    await refused;
    const closed = provider.untilDisposed();
    openings[0]?.resolve(provider);
    await closed;
    expect(provider.disposals).toBe(1);
    expect(activeSpace.state()).toEqual({ kind: 'closed' });
  });
});
