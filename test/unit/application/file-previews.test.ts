import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { FilePreviews } from '../../../plugin/src/application/file-previews';
import { ImageSearchError } from '../../../plugin/src/errors';
import type {
  ImageReader,
  ReadImageOptions,
  VideoReader,
} from '../../../plugin/src/images/contract';

const limits = { maxBytes: 1_000_000 };
const webp = new Uint8Array([1, 2, 3]);
const page = { kind: 'page', number: 1 } as const;

function previewsOf(readImage: (options: ReadImageOptions) => ReturnType<ImageReader['read']>) {
  let reads = 0;
  const previews = new FilePreviews({
    assets: {
      describe: (fileId) =>
        Promise.resolve({
          fileId,
          signature: `abc${String(fileId)}`,
          mimeType: 'application/pdf',
          extension: '.pdf',
          createdAt: '2026-01-01T00:00:00.000Z',
        } as never),
      read: () => Promise.resolve(new Uint8Array([0])),
      withFile: () => Promise.reject(new TypeError('No video is read.')),
    },
    images: {
      read: (_bytes: Uint8Array, options: ReadImageOptions) => {
        reads += 1;
        return readImage(options);
      },
    } as unknown as ImageReader & VideoReader,
    // Nothing is kept, as with a limit of 0.
    cache: { get: () => Promise.resolve(null), put: () => Promise.resolve() },
    views: { parts: 0, frames: 0, pages: 10 } as never,
    limits: limits as never,
  });
  return { previews, reads: () => reads };
}

it("doesn't read a file again for pages that it doesn't have", async () => {
  const { previews, reads } = previewsOf(() =>
    Promise.resolve({ previews: [{ webp }, { view: { kind: 'page', number: 1 }, webp }] } as never),
  );
  expect(await previews.read(1, { kind: 'page', number: 1 })).toBe(webp);
  for (const number of [2, 99, 16_383]) {
    expect(await previews.read(1, { kind: 'page', number })).toBeNull();
  }
  expect(await previews.read(1, { kind: 'frame', number: 1 })).toBeNull();
  expect(reads()).toBe(1);
});

it.each([
  [true, 3],
  [false, 1],
])('reads a file again after a failure that may pass (%s)', async (retryable, times) => {
  const code = retryable ? 'storage-unavailable' : 'image-unreadable';
  const { previews, reads } = previewsOf(() =>
    Promise.reject(new ImageSearchError({ code, message: 'No.', retryable })),
  );
  for (let time = 0; time < 3; time += 1) {
    await expect(previews.read(1, undefined)).rejects.toThrow('No.');
  }
  expect(reads()).toBe(times);
});

it('reads few pages for what shows the whole of a file, and all for one of its views', async () => {
  const pages: (number | undefined)[] = [];
  const { previews } = previewsOf(({ views }) => {
    pages.push(views?.pages);
    return Promise.resolve({ previews: [{ webp }, { view: page, webp }] } as never);
  });
  await previews.read(1, undefined);
  await previews.read(1, page);
  expect(pages).toEqual([0, 10]);
});

it('stops reading a file once nobody waits for it any more', async () => {
  const aborted: string[] = [];
  const { previews, reads } = previewsOf(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          aborted.push('first');
          reject(new ImageSearchError({ code: 'aborted', message: 'Gone.' }));
        });
      }),
  );
  const [one, other] = [new AbortController(), new AbortController()];
  const both = [one, other].map(({ signal }) => previews.read(1, undefined, signal));
  const outcomes = Promise.allSettled(both);
  await until(() => reads() === 1);
  one.abort();
  await expect(both[0]).rejects.toMatchObject({ code: 'aborted' });
  expect(aborted).toEqual([]);
  other.abort();
  await outcomes;
  await until(() => aborted.length === 1);
  expect(reads()).toBe(1);
});

it('reads two files at a time, has others wait, and rejects more than a page of results', async () => {
  const ends: (() => void)[] = [];
  const { previews, reads } = previewsOf(
    () =>
      new Promise((resolve) => {
        ends.push(() => {
          resolve({ previews: [{ webp }] } as never);
        });
      }),
  );
  const wanted = Array.from({ length: 103 }, (_, id) => previews.read(id, undefined));
  const settled = Promise.allSettled(wanted);
  await expect(wanted[102]).rejects.toMatchObject({
    code: 'rate-limited',
    retryable: true,
    retryAfterMs: 1_000,
  });
  expect(reads()).toBe(2);
  for (let read = 0; read < 102; read += 1) {
    await until(() => ends.length > read);
    ends[read]?.();
  }
  const found = (await settled).filter(({ status }) => status === 'fulfilled');
  expect(found).toHaveLength(102);
});

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await nextTurn();
}
