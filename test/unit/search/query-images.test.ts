import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { failure } from '../../support/failures';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { hashVector, HashProvider, untilAborted } from '../../support/hash-provider';
import {
  pixelsOf,
  plainImage,
  plainImageReader,
  unreadableImage,
} from '../../support/plain-images';

const CACHE_MS = 1_000;
const dog = plainImage('a dog');
const cat = plainImage('a cat');

let provider: HashProvider;
let clock: FakeClock;
let embedder: QueryEmbedder;

function createEmbedder(cacheEntries: number): QueryEmbedder {
  return new QueryEmbedder({ images: plainImageReader, cacheEntries, cacheMs: CACHE_MS, clock });
}

beforeEach(() => {
  provider = new HashProvider();
  clock = createFakeClock();
  embedder = createEmbedder(10);
});

const vectorOf = (image: Uint8Array): Float32Array => hashVector(pixelsOf(image).data);
const ask = (bytes: Uint8Array, signal?: AbortSignal) =>
  embedder.embedImage({ bytes }, provider, signal);

/** The same bytes, as another request sends them. */
const again = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

/** Holds all calls until it is called. `begun` settles when the first one arrives. */
function holdCalls(): { begun: Promise<void>; release: () => void } {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    provider.onCall = (_inputs, signal) => {
      resolve();
      return Promise.race([held, untilAborted(signal)]);
    };
  });
  return { begun, release };
}

describe('an image that is searched with again', () => {
  it("isn't embedded again", async () => {
    expect(await ask(dog)).toEqual(vectorOf(dog));
    expect(await ask(again(dog))).toEqual(vectorOf(dog));
    expect(await ask(cat)).toEqual(vectorOf(cat));
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it("isn't embedded again to check the library, but read", async () => {
    await ask(dog);
    const onRead = jest.fn();
    const found = await embedder.embedImage({ bytes: again(dog), onRead }, provider, undefined);
    expect(found).toEqual(vectorOf(dog));
    expect(onRead).toHaveBeenCalledTimes(1);
    expect(provider.imageCalls).toEqual([1]);
  });

  it('is embedded for each part of it', async () => {
    const region = { x: 0, y: 0, width: 0.5, height: 1 };
    const askPart = (part: typeof region) =>
      embedder.embedImage({ bytes: dog, region: part }, provider, undefined);
    await ask(dog);
    await askPart(region);
    await askPart({ ...region });
    await askPart({ ...region, x: 0.5 });
    expect(provider.imageCalls).toEqual([1, 1, 1]);
    expect(await embedder.hasImages([{ bytes: dog, region }], provider, undefined)).toBe(true);
    const other = { ...region, height: 0.5 };
    const isKnown = await embedder.hasImages([{ bytes: dog, region: other }], provider, undefined);
    expect(isKnown).toBe(false);
  });

  it('is embedded again after its time', async () => {
    await ask(dog);
    await clock.advance(CACHE_MS + 1);
    await ask(dog);
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it('is embedded again if caching is off', async () => {
    embedder = createEmbedder(0);
    await ask(dog);
    await ask(dog);
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it('is embedded again in another space', async () => {
    const young = new HashProvider({ model: 'young' });
    await ask(dog);
    await embedder.embedImage({ bytes: dog }, young, undefined);
    expect([provider.imageCalls, young.imageCalls]).toEqual([[1], [1]]);
  });

  it('is known to be cached', async () => {
    await ask(dog);
    expect(await embedder.hasImages([{ bytes: again(dog) }], provider, undefined)).toBe(true);
    expect(await embedder.hasImages([{ bytes: dog }, { bytes: cat }], provider, undefined)).toBe(
      false,
    );
    expect(await embedder.hasImages([], provider, undefined)).toBe(true);
  });
});

describe('an image in concurrent searches', () => {
  it('is embedded once', async () => {
    const { begun, release } = holdCalls();
    const asked = [
      ask(dog),
      ask(again(dog)),
      embedder.embedImage({ bytes: dog, onRead: jest.fn() }, provider, undefined),
    ];
    await begun;
    release();
    expect(await Promise.all(asked)).toEqual([dog, dog, dog].map(vectorOf));
    expect(provider.imageCalls).toEqual([1]);
  });

  it.each([0, 1])("isn't lost when caller %i disconnects", async (index) => {
    const { begun, release } = holdCalls();
    const callers = [new AbortController(), new AbortController()];
    const asked = callers.map(({ signal }) => ask(dog, signal));
    await begun;
    callers[index]?.abort();
    await expect(asked[index]).rejects.toMatchObject({ code: 'aborted' });
    release();
    expect(await asked[1 - index]).toEqual(vectorOf(dog));
    expect(provider.imageCalls).toEqual([1]);
  });

  it('is aborted when all callers disconnect, and embedded again for the next', async () => {
    const { begun } = holdCalls();
    const callers = [new AbortController(), new AbortController()];
    const asked = Promise.allSettled(callers.map(({ signal }) => ask(dog, signal)));
    await begun;
    for (const caller of callers) caller.abort();
    await asked;
    provider.onCall = () => undefined;
    expect(await ask(dog)).toEqual(vectorOf(dog));
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it("fails for all, and the failure isn't cached", async () => {
    provider.onCall = () => Promise.reject(failure('provider-unavailable'));
    const asked = await Promise.allSettled([ask(dog), ask(dog)]);
    const reason = expect.objectContaining({ code: 'provider-unavailable' });
    expect(asked).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
    provider.onCall = () => undefined;
    expect(await ask(dog)).toEqual(vectorOf(dog));
  });
});

it('is rejected at once when too many wait to be hashed', async () => {
  const asked = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => ask(plainImage(String(index)))),
  );
  const refused = asked.filter(({ status }) => status === 'rejected');
  expect(refused).toEqual(
    Array.from({ length: 8 }, () => ({
      status: 'rejected',
      reason: expect.objectContaining({ code: 'rate-limited', retryable: true }),
    })),
  );
  expect(provider.imageCalls).toHaveLength(22);
});

it("doesn't start for a caller that has already disconnected", async () => {
  await expect(ask(dog, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  expect(provider.imageCalls).toEqual([]);
});

it('fails like the image reader', async () => {
  await expect(ask(unreadableImage())).rejects.toMatchObject({ code: 'image-unreadable' });
  expect(provider.imageCalls).toEqual([]);
});
