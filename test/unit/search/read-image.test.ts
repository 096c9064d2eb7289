import { describe, expect, it } from '@jest/globals';
import type { ImageReader } from '../../../plugin/src/images/contract';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { HashProvider } from '../../support/hash-provider';
import { plainImage, plainImageReader, pixelsOf } from '../../support/plain-images';

const options = { preparation: new HashProvider().imagePreparation };
const image = plainImage('a dog');

/** Starts a read, which finishes on command. */
class HeldReader implements ImageReader {
  begun = 0;
  readonly #held: (() => void)[] = [];

  async read(...question: Parameters<ImageReader['read']>) {
    this.begun += 1;
    await new Promise<void>((resolve) => this.#held.push(resolve));
    return plainImageReader.read(...question);
  }

  release(): void {
    this.#held.shift()?.();
  }
}

const createEmbedder = (images: ImageReader): QueryEmbedder =>
  new QueryEmbedder({ images, cacheEntries: 0, cacheMs: 0 });

/** Runs everything that is ready to run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('images that are searched with', () => {
  it('are read two at a time', async () => {
    const reader = new HeldReader();
    const embedder = createEmbedder(reader);
    const reading = [1, 2, 3].map(() => embedder.readImage(image, options, undefined));
    await settle();
    expect(reader.begun).toBe(2);
    reader.release();
    await reading[0];
    await settle();
    expect(reader.begun).toBe(3);
    reader.release();
    reader.release();
    const prepared = pixelsOf(image);
    expect(await Promise.all(reading)).toMatchObject([1, 2, 3].map(() => ({ prepared })));
  });

  it('are rejected when twenty wait, until one of them is read', async () => {
    const reader = new HeldReader();
    const embedder = createEmbedder(reader);
    const callers = Array.from({ length: 23 }, () => new AbortController());
    const [late, ...early] = callers.map(({ signal }) => signal);
    const reading = early.map((signal) => embedder.readImage(image, options, signal));
    await expect(embedder.readImage(image, options, undefined)).rejects.toMatchObject({
      code: 'rate-limited',
      retryable: true,
      retryAfterMs: 1_000,
    });
    await settle();
    reader.release();
    await reading[0];
    await settle();
    reading.push(embedder.readImage(image, options, late));
    const rest = Promise.allSettled(reading.slice(1));
    for (const caller of callers) caller.abort();
    expect(await rest).toEqual(
      reading.slice(1).map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'aborted' }),
      })),
    );
  });

  it('leave the queue with their callers, but keep a slot while being read', async () => {
    const reader = new HeldReader();
    const embedder = createEmbedder(reader);
    const callers = Array.from({ length: 22 }, () => new AbortController());
    const left = Promise.allSettled(
      callers.map(({ signal }) => embedder.readImage(image, options, signal)),
    );
    await settle();
    for (const caller of callers) caller.abort();
    await left;
    const next = embedder.readImage(image, options, undefined);
    await settle();
    expect(reader.begun).toBe(2);
    reader.release();
    await settle();
    expect(reader.begun).toBe(3);
    reader.release();
    reader.release();
    expect(await next).toMatchObject({ prepared: pixelsOf(image) });
  });

  it("of a caller that has already disconnected aren't read", async () => {
    const reader = new HeldReader();
    const reading = createEmbedder(reader).readImage(image, options, AbortSignal.abort());
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    expect(reader.begun).toBe(0);
  });
});
