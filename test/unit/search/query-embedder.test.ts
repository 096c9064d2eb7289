import { describe, expect, it, jest } from '@jest/globals';
import type { ImageReader } from '../../../plugin/src/images/contract';
import { normalizeText, QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { failure } from '../../support/failures';
import { createFakeClock } from '../../support/fake-clock';
import { hashVector, HashProvider, untilAborted } from '../../support/hash-provider';
import {
  pixelsOf,
  plainImage,
  plainImageReader,
  unreadableImage,
} from '../../support/plain-images';

const MINUTE_MS = 60_000;

function createEmbedder(cacheEntries = 2): QueryEmbedder {
  return new QueryEmbedder({ images: plainImageReader, cacheEntries, cacheMs: MINUTE_MS });
}

describe('normalizeText', () => {
  it.each([
    ['  red   car ', 'red car'],
    ['red\n\tcar\u3000', 'red car'],
    ['cafe\u0301', 'café'],
    ['Red Car', 'Red Car'],
    ['  ', ''],
    ['A red car.', 'A red car'],
    ['a car . . .', 'a car'],
    ['汽车。', '汽车'],
    ['v1.5 cars', 'v1.5 cars'],
    ['...', '...'],
  ])('turns %j into %j', (text, expected) => {
    expect(normalizeText(text)).toBe(expected);
  });

  it('processes the longest texts in one pass', () => {
    const text = `${'.'.repeat(1_000_000)}x`;
    expect(normalizeText(`${text} . `) === text).toBe(true);
  });
});

describe('embedTexts', () => {
  it('embeds equal texts once', async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder();
    const first = await embedder.embedTexts(['red car'], provider, undefined);
    const second = await embedder.embedTexts([' red \n car'], provider, undefined);
    expect(provider.textCalls).toEqual([['red car']]);
    const vector = hashVector(Buffer.from('red car'));
    expect(first).toEqual(new Map([['red car', vector]]));
    expect(second).toEqual(new Map([[' red \n car', vector]]));
  });

  it('caches no more texts than allowed, keeping the most recent', async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder(2);
    for (const text of ['one', 'two', 'one', 'three', 'one', 'two']) {
      await embedder.embedTexts([text], provider, undefined);
    }
    expect(provider.textCalls).toEqual([['one'], ['two'], ['three'], ['two']]);
  });

  it('caches none if none are allowed', async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder(0);
    await embedder.embedTexts(['one'], provider, undefined);
    await embedder.embedTexts(['one'], provider, undefined);
    expect(provider.textCalls).toHaveLength(2);
  });

  it('drops a text after its time', async () => {
    const clock = createFakeClock();
    const provider = new HashProvider();
    const embedder = new QueryEmbedder({
      images: plainImageReader,
      cacheEntries: 2,
      cacheMs: MINUTE_MS,
      clock,
    });
    await embedder.embedTexts(['one'], provider, undefined);
    await clock.advance(MINUTE_MS);
    await embedder.embedTexts(['one'], provider, undefined);
    expect(provider.textCalls).toHaveLength(1);
    await clock.advance(1);
    await embedder.embedTexts(['one'], provider, undefined);
    expect(provider.textCalls).toHaveLength(2);
  });

  it('keeps the vectors of two spaces separate', async () => {
    const [old, young] = [new HashProvider({ model: 'old' }), new HashProvider({ model: 'young' })];
    const embedder = createEmbedder();
    await embedder.embedTexts(['one'], old, undefined);
    await embedder.embedTexts(['one'], young, undefined);
    expect([old.textCalls, young.textCalls]).toEqual([[['one']], [['one']]]);
  });

  it("doesn't cache failures", async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder();
    provider.onCall = () => {
      throw failure('provider-unavailable', { retryable: true });
    };
    await expect(embedder.embedTexts(['one'], provider, undefined)).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
    provider.onCall = () => undefined;
    await expect(embedder.embedTexts(['one'], provider, undefined)).resolves.toHaveProperty(
      'size',
      1,
    );
  });

  it('forwards the signal', async () => {
    const provider = new HashProvider();
    provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const embedding = createEmbedder().embedTexts(['one'], provider, controller.signal);
    controller.abort();
    await expect(embedding).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('embedImage', () => {
  it('marks the request as urgent', async () => {
    const provider = new HashProvider();
    const embedImages = jest.spyOn(provider, 'embedImages');
    await createEmbedder().embedImage({ bytes: plainImage('a dog') }, provider, undefined);
    expect(embedImages).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ isUrgent: true }),
    );
  });

  it('preprocesses the image for the provider and embeds it', async () => {
    const provider = new HashProvider();
    const bytes = plainImage('a dog');
    const vector = await createEmbedder().embedImage({ bytes }, provider, undefined);
    expect(vector).toEqual(hashVector(pixelsOf(bytes).data));
  });

  it('returns what it read, including fingerprint and thumbnail', async () => {
    const onRead = jest.fn();
    const image = { bytes: plainImage('a dog'), onRead };
    await createEmbedder().embedImage(image, new HashProvider(), undefined);
    const told = { fingerprint: expect.anything(), thumbnail: expect.any(String) };
    expect(onRead.mock.calls).toEqual([[expect.objectContaining(told)]]);
  });

  it('waits its turn among images that are only read', async () => {
    let [reading, most] = [0, 0];
    const images: ImageReader = {
      async read(...question) {
        reading += 1;
        most = Math.max(most, reading);
        await new Promise(setImmediate);
        const read = await plainImageReader.read(...question);
        reading -= 1;
        return read;
      },
    };
    const embedder = new QueryEmbedder({ images, cacheEntries: 0, cacheMs: MINUTE_MS });
    const provider = new HashProvider();
    const imageOf = (index: number): Uint8Array => plainImage(String(index));
    const options = { preparation: provider.imagePreparation };
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => [
        embedder.readImage(imageOf(index), options, undefined),
        embedder.embedImage({ bytes: imageOf(index) }, provider, undefined),
      ]).flat(),
    );
    expect(provider.imageCalls).toHaveLength(8);
    expect(most).toBe(2);
  });

  it('fails like the image reader', async () => {
    const provider = new HashProvider();
    await expect(
      createEmbedder().embedImage({ bytes: unreadableImage() }, provider, undefined),
    ).rejects.toMatchObject({ code: 'image-unreadable' });
    expect(provider.imageCalls).toEqual([]);
  });
});
