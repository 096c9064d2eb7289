import { expect, it } from '@jest/globals';
import { FilePreviews } from '../../../plugin/src/application/file-previews';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { ImageReader, VideoReader } from '../../../plugin/src/images/contract';

const limits = { maxBytes: 1_000_000 };
const webp = new Uint8Array([1, 2, 3]);

function previewsOf(readImage: () => ReturnType<ImageReader['read']>) {
  let reads = 0;
  const previews = new FilePreviews({
    assets: {
      describe: (fileId) =>
        Promise.resolve({
          fileId,
          signature: 'abc',
          mimeType: 'application/pdf',
          extension: '.pdf',
          createdAt: '2026-01-01T00:00:00.000Z',
        } as never),
      read: () => Promise.resolve(new Uint8Array([0])),
      withFile: () => Promise.reject(new TypeError('No video is read.')),
    },
    images: {
      read: () => {
        reads += 1;
        return readImage();
      },
    } as unknown as ImageReader & VideoReader,
    // Nothing is kept, as with a limit of 0.
    cache: { get: () => Promise.resolve(null), put: () => Promise.resolve() },
    views: { parts: 0, frames: 0, pages: 10 } as never,
    limits: limits as never,
  });
  return { previews, reads: () => reads };
}

it("doesn't read a file again for a page that it doesn't have", async () => {
  const { previews, reads } = previewsOf(() =>
    Promise.resolve({ previews: [{ webp }, { view: { kind: 'page', number: 1 }, webp }] } as never),
  );
  expect(await previews.read(1, { kind: 'page', number: 1 })).toBe(webp);
  for (let times = 0; times < 3; times += 1) {
    expect(await previews.read(1, { kind: 'page', number: 99 })).toBeNull();
  }
  expect(reads()).toBe(2);
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
