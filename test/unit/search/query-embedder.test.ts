import { describe, expect, it, jest } from '@jest/globals';
import type { PictureReader } from '../../../plugin/src/images/contract';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { normalizeText } from '../../../plugin/src/search/query-texts';
import { createFakeClock } from '../../support/fake-clock';
import { failure } from '../../support/failures';
import { hashVector, HashProvider, untilAborted } from '../../support/hash-provider';
import {
  pixelsOf,
  plainPicture,
  plainPictureReader,
  unreadablePicture,
} from '../../support/plain-pictures';

const MINUTE_MS = 60_000;

function createEmbedder(cacheEntries = 2): QueryEmbedder {
  return new QueryEmbedder({ pictures: plainPictureReader, cacheEntries, cacheMs: MINUTE_MS });
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
  ])('makes of %j %j', (text, expected) => {
    expect(normalizeText(text)).toBe(expected);
  });

  it('goes through the longest texts once', () => {
    const text = `${'.'.repeat(1_000_000)}x`;
    expect(normalizeText(`${text} . `) === text).toBe(true);
  });
});

describe('embedTexts', () => {
  it('embeds equal questions once', async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder();
    const first = await embedder.embedTexts(['red car'], provider, undefined);
    const second = await embedder.embedTexts([' red \n car'], provider, undefined);
    expect(provider.textCalls).toEqual([['red car']]);
    const vector = hashVector(Buffer.from('red car'));
    expect(first).toEqual(new Map([['red car', vector]]));
    expect(second).toEqual(new Map([[' red \n car', vector]]));
  });

  it('keeps no more texts than it may, those that were asked last', async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder(2);
    for (const text of ['one', 'two', 'one', 'three', 'one', 'two']) {
      await embedder.embedTexts([text], provider, undefined);
    }
    expect(provider.textCalls).toEqual([['one'], ['two'], ['three'], ['two']]);
  });

  it('keeps none when it may keep none', async () => {
    const provider = new HashProvider();
    const embedder = createEmbedder(0);
    await embedder.embedTexts(['one'], provider, undefined);
    await embedder.embedTexts(['one'], provider, undefined);
    expect(provider.textCalls).toHaveLength(2);
  });

  it('forgets a text after its time', async () => {
    const clock = createFakeClock();
    const provider = new HashProvider();
    const embedder = new QueryEmbedder({
      pictures: plainPictureReader,
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

  it('keeps the vectors of two spaces apart', async () => {
    const [old, young] = [new HashProvider({ model: 'old' }), new HashProvider({ model: 'young' })];
    const embedder = createEmbedder();
    await embedder.embedTexts(['one'], old, undefined);
    await embedder.embedTexts(['one'], young, undefined);
    expect([old.textCalls, young.textCalls]).toEqual([[['one']], [['one']]]);
  });

  it('keeps no failure', async () => {
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

  it('hands the signal on', async () => {
    const provider = new HashProvider();
    provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const embedding = createEmbedder().embedTexts(['one'], provider, controller.signal);
    controller.abort();
    await expect(embedding).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('embedImage', () => {
  it('says that somebody waits for it', async () => {
    const provider = new HashProvider();
    const embedImages = jest.spyOn(provider, 'embedImages');
    await createEmbedder().embedImage({ bytes: plainPicture('a dog') }, provider, undefined);
    expect(embedImages).toHaveBeenCalledWith(
      expect.anything(),
      expect.objectContaining({ isUrgent: true }),
    );
  });

  it('reads the picture as the provider wants it and embeds it', async () => {
    const provider = new HashProvider();
    const bytes = plainPicture('a dog');
    const vector = await createEmbedder().embedImage({ bytes }, provider, undefined);
    expect(vector).toEqual(hashVector(pixelsOf(bytes).data));
  });

  it('tells what it read, fingerprint and thumbnail included', async () => {
    const onRead = jest.fn();
    const picture = { bytes: plainPicture('a dog'), onRead };
    await createEmbedder().embedImage(picture, new HashProvider(), undefined);
    const told = { fingerprint: expect.anything(), thumbnail: expect.any(String) };
    expect(onRead.mock.calls).toEqual([[expect.objectContaining(told)]]);
  });

  it('waits its turn among pictures that are only read', async () => {
    let [reading, most] = [0, 0];
    const pictures: PictureReader = {
      async read(...question) {
        reading += 1;
        most = Math.max(most, reading);
        await new Promise(setImmediate);
        const read = await plainPictureReader.read(...question);
        reading -= 1;
        return read;
      },
    };
    const embedder = new QueryEmbedder({ pictures, cacheEntries: 0, cacheMs: MINUTE_MS });
    const provider = new HashProvider();
    const pictureOf = (index: number): Uint8Array => plainPicture(String(index));
    const options = { preparation: provider.imagePreparation };
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => [
        embedder.readPicture(pictureOf(index), options, undefined),
        embedder.embedImage({ bytes: pictureOf(index) }, provider, undefined),
      ]).flat(),
    );
    expect(provider.imageCalls).toHaveLength(8);
    expect(most).toBe(2);
  });

  it('fails as reading the picture does', async () => {
    const provider = new HashProvider();
    await expect(
      createEmbedder().embedImage({ bytes: unreadablePicture() }, provider, undefined),
    ).rejects.toMatchObject({ code: 'image-unreadable' });
    expect(provider.imageCalls).toEqual([]);
  });
});
