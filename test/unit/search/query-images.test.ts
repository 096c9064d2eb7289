import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { QueryImages } from '../../../plugin/src/search/query-images';
import { QueryPictures } from '../../../plugin/src/search/query-pictures';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { failure } from '../../support/failures';
import { hashVector, HashProvider, untilAborted } from '../../support/hash-provider';
import {
  pixelsOf,
  plainPicture,
  plainPictureReader,
  unreadablePicture,
} from '../../support/plain-pictures';

const CACHE_MS = 1_000;
const dog = plainPicture('a dog');
const cat = plainPicture('a cat');

let provider: HashProvider;
let clock: FakeClock;
let images: QueryImages;

function createImages(cacheEntries: number): QueryImages {
  const pictures = new QueryPictures(plainPictureReader);
  return new QueryImages(pictures, { cacheEntries, cacheMs: CACHE_MS, clock });
}

beforeEach(() => {
  provider = new HashProvider();
  clock = createFakeClock();
  images = createImages(10);
});

const vectorOf = (picture: Uint8Array): Float32Array => hashVector(pixelsOf(picture).data);
const ask = (bytes: Uint8Array, signal?: AbortSignal) => images.embed({ bytes }, provider, signal);

/** The bytes again, as another request brings them. */
const again = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

/** Holds all calls until it is called; `begun` settles when the first one is there. */
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

describe('a picture that is searched with again', () => {
  it('is not embedded anew', async () => {
    expect(await ask(dog)).toEqual(vectorOf(dog));
    expect(await ask(again(dog))).toEqual(vectorOf(dog));
    expect(await ask(cat)).toEqual(vectorOf(cat));
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it('is not embedded anew to be looked for in the library, but read', async () => {
    await ask(dog);
    const onRead = jest.fn();
    const found = await images.embed({ bytes: again(dog), onRead }, provider, undefined);
    expect(found).toEqual(vectorOf(dog));
    expect(onRead).toHaveBeenCalledTimes(1);
    expect(provider.imageCalls).toEqual([1]);
  });

  it('is embedded anew after its time', async () => {
    await ask(dog);
    await clock.advance(CACHE_MS + 1);
    await ask(dog);
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it('is embedded anew when none may be kept', async () => {
    images = createImages(0);
    await ask(dog);
    await ask(dog);
    expect(provider.imageCalls).toEqual([1, 1]);
  });

  it('is embedded anew in another space', async () => {
    const young = new HashProvider({ model: 'young' });
    await ask(dog);
    await images.embed({ bytes: dog }, young, undefined);
    expect([provider.imageCalls, young.imageCalls]).toEqual([[1], [1]]);
  });

  it('is known to be remembered', async () => {
    await ask(dog);
    expect(await images.has([{ bytes: again(dog) }], provider, undefined)).toBe(true);
    expect(await images.has([{ bytes: dog }, { bytes: cat }], provider, undefined)).toBe(false);
    expect(await images.has([], provider, undefined)).toBe(true);
  });
});

describe('a picture that several ask for at a time', () => {
  it('is embedded once', async () => {
    const { begun, release } = holdCalls();
    const asked = [
      ask(dog),
      ask(again(dog)),
      images.embed({ bytes: dog, onRead: jest.fn() }, provider, undefined),
    ];
    await begun;
    release();
    expect(await Promise.all(asked)).toEqual([dog, dog, dog].map(vectorOf));
    expect(provider.imageCalls).toEqual([1]);
  });

  it.each([0, 1])('is not lost when caller %i hangs up', async (index) => {
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

  it('is given up when all hang up, and embedded anew for the next', async () => {
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

  it('fails for all, which is not remembered', async () => {
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

it('is refused at once when too many wait to be hashed', async () => {
  const asked = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => ask(plainPicture(String(index)))),
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

it('does not begin for a caller that is gone already', async () => {
  await expect(ask(dog, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  expect(provider.imageCalls).toEqual([]);
});

it('fails as reading the picture does', async () => {
  await expect(ask(unreadablePicture())).rejects.toMatchObject({ code: 'image-unreadable' });
  expect(provider.imageCalls).toEqual([]);
});
