import { describe, expect, it } from '@jest/globals';
import {
  createPictureCheck,
  type DuplicateFinder,
  type DuplicateMatch,
} from '../../../plugin/src/duplicates/contract';
import { ImageSearchError, type ErrorCode } from '../../../plugin/src/errors';
import { hashContent, type ImagePreparation } from '../../../plugin/src/images/contract';
import type { PictureCheckOptions } from '../../../plugin/src/duplicates/picture-check';
import { createPictureReader } from '../../../plugin/src/images/picture-reader';
import { renderSamplePicture, sampleLibrary } from '../../../sample/library';

type Asked = Parameters<DuplicateFinder['find']>[0];

const vector = Float32Array.of(1, 0);
const largePixels: ImagePreparation = {
  kind: 'pixels',
  resize: { mode: 'exact', width: 128, height: 128 },
  kernel: 'cubic',
};
const { signal } = new AbortController();

function failure(code: ErrorCode): ImageSearchError {
  return new ImageSearchError({ code, message: 'It does not work.', retryable: true });
}

const reader = createPictureReader({ maxBytes: 1e7, maxPixels: 1e8, timeoutMs: 10_000 });

function createRig(
  options: {
    /** As a model does that reads the picture first. */
    embed?: PictureCheckOptions['embed'];
    /** What the finder fails with while it is given a vector. */
    storeFailure?: ImageSearchError;
  } = {},
) {
  const asked: Asked[] = [];
  const read: (AbortSignal | undefined)[] = [];
  const match = { fileId: 7, contentHash: 'a', verdict: { kind: 'identical' } } as DuplicateMatch;
  const check = createPictureCheck({
    read: (bytes, how, given) => {
      read.push(given);
      return given?.aborted ? Promise.reject(failure('aborted')) : reader.read(bytes, how);
    },
    embed:
      options.embed ??
      (async ({ bytes, onRead }) => {
        onRead(await reader.read(bytes, { preparation: largePixels, fingerprint: true }));
        return vector;
      }),
    finder: {
      find(picture) {
        asked.push(picture);
        if (options.storeFailure && picture.vector) return Promise.reject(options.storeFailure);
        return Promise.resolve([match]);
      },
    },
  });
  return { check, asked, match, read };
}

async function readPicture(): Promise<Buffer> {
  const [picture] = sampleLibrary;
  if (!picture) throw new Error('The sample library is empty.');
  return await renderSamplePicture(picture);
}

describe('checking a picture', () => {
  it('looks for the trace and the vector of the picture', async () => {
    const { asked, check, match, read } = createRig();
    const bytes = await readPicture();
    expect(await check(bytes, signal)).toEqual({ matches: [match], isComplete: true });
    expect(asked).toMatchObject([
      {
        exceptFileId: null,
        vector,
        trace: {
          contentHash: await hashContent(bytes),
          fingerprint: { bits: expect.stringMatching(/^[0-9a-f]{64}$/) },
          thumbnail: expect.any(String),
        },
      },
    ]);
    expect(asked[0]?.trace.width).toBeGreaterThan(64);
    // What the model was given was decoded already.
    expect(read).toEqual([]);
  });

  it.each(['provider-unavailable', 'not-ready', 'provider-rejected-input', 'aborted'] as const)(
    'looks for equal bytes alone, and says so, when the model answers %s',
    async (code) => {
      const { asked, check, match } = createRig({ embed: () => Promise.reject(failure(code)) });
      const found = await check(await readPicture(), signal);
      expect(found).toEqual({ matches: [match], isComplete: false });
      expect(asked.map((picture) => picture.vector)).toEqual([null]);
    },
  );

  it('reads the picture without a model after the deadline, but not for who hung up', async () => {
    const embed = () => Promise.reject(failure('provider-unavailable'));
    const { check, match, read } = createRig({ embed });
    const late = AbortSignal.abort(new DOMException('It took too long.', 'TimeoutError'));
    const found = await check(await readPicture(), late);
    expect(found).toEqual({ matches: [match], isComplete: false });
    await expect(check(await readPicture(), AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(read).toHaveLength(2);
  });

  it('looks for equal bytes alone, and says so, when only another model answers', async () => {
    const { asked, check, match } = createRig({ embed: () => Promise.resolve(null) });
    const found = await check(await readPicture(), signal);
    expect(found).toEqual({ matches: [match], isComplete: false });
    expect(asked.map((picture) => picture.vector)).toEqual([null]);
  });

  it('looks for equal bytes alone when the store does not answer', async () => {
    const { asked, check, match } = createRig({ storeFailure: failure('store-unavailable') });
    const found = await check(await readPicture(), signal);
    expect(found).toEqual({ matches: [match], isComplete: false });
    expect(asked.map((picture) => picture.vector)).toEqual([vector, null]);
  });

  it('refuses what is no picture, and what the model says is none', async () => {
    const { asked, check } = createRig();
    await expect(check(Buffer.from('no picture'), signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^image-/),
    });
    const strict = createRig({ embed: () => Promise.reject(failure('image-too-large')) });
    await expect(strict.check(await readPicture(), signal)).rejects.toMatchObject({
      code: 'image-too-large',
    });
    expect([...asked, ...strict.asked]).toEqual([]);
  });
});
