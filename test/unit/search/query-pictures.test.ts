import { describe, expect, it } from '@jest/globals';
import type { PictureReader } from '../../../plugin/src/images/contract';
import { QueryPictures } from '../../../plugin/src/search/query-pictures';
import { HashProvider } from '../../support/hash-provider';
import { plainPicture, plainPictureReader, pixelsOf } from '../../support/plain-pictures';

const options = { preparation: new HashProvider().imagePreparation };
const picture = plainPicture('a dog');

/** Begins to read, and goes on when it is told to. */
class HeldReader implements PictureReader {
  begun = 0;
  readonly #held: (() => void)[] = [];

  async read(...question: Parameters<PictureReader['read']>) {
    this.begun += 1;
    await new Promise<void>((resolve) => this.#held.push(resolve));
    return plainPictureReader.read(...question);
  }

  release(): void {
    this.#held.shift()?.();
  }
}

/** Lets everything run that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('pictures that are searched with', () => {
  it('are read two at a time', async () => {
    const reader = new HeldReader();
    const pictures = new QueryPictures(reader);
    const reading = [1, 2, 3].map(() => pictures.read(picture, options, undefined));
    await settle();
    expect(reader.begun).toBe(2);
    reader.release();
    await reading[0];
    await settle();
    expect(reader.begun).toBe(3);
    reader.release();
    reader.release();
    const prepared = pixelsOf(picture);
    expect(await Promise.all(reading)).toMatchObject([1, 2, 3].map(() => ({ prepared })));
  });

  it('are refused when twenty wait, until one of them is read', async () => {
    const reader = new HeldReader();
    const pictures = new QueryPictures(reader);
    const callers = Array.from({ length: 23 }, () => new AbortController());
    const [late, ...early] = callers.map(({ signal }) => signal);
    const reading = early.map((signal) => pictures.read(picture, options, signal));
    await expect(pictures.read(picture, options, undefined)).rejects.toMatchObject({
      code: 'rate-limited',
      retryable: true,
      retryAfterMs: 1_000,
    });
    await settle();
    reader.release();
    await reading[0];
    await settle();
    reading.push(pictures.read(picture, options, late));
    const rest = Promise.allSettled(reading.slice(1));
    for (const caller of callers) caller.abort();
    expect(await rest).toEqual(
      reading.slice(1).map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'aborted' }),
      })),
    );
  });

  it('leave the queue with their callers, but keep the place that they are read in', async () => {
    const reader = new HeldReader();
    const pictures = new QueryPictures(reader);
    const callers = Array.from({ length: 22 }, () => new AbortController());
    const left = Promise.allSettled(
      callers.map(({ signal }) => pictures.read(picture, options, signal)),
    );
    await settle();
    for (const caller of callers) caller.abort();
    await left;
    const next = pictures.read(picture, options, undefined);
    await settle();
    expect(reader.begun).toBe(2);
    reader.release();
    await settle();
    expect(reader.begun).toBe(3);
    reader.release();
    reader.release();
    expect(await next).toMatchObject({ prepared: pixelsOf(picture) });
  });

  it('of a caller that is gone already are not read', async () => {
    const reader = new HeldReader();
    const reading = new QueryPictures(reader).read(picture, options, AbortSignal.abort());
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    expect(reader.begun).toBe(0);
  });
});
