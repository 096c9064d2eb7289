import { describe, expect, it } from '@jest/globals';
import type { DuplicateFinder, DuplicateMatch } from '../../../plugin/src/duplicates/contract';
import {
  createImageCheck,
  type ImageCheckOptions,
} from '../../../plugin/src/duplicates/image-check';
import { ImageSearchError, type ErrorCode } from '../../../plugin/src/errors';
import type { ImagePreparation } from '../../../plugin/src/images/contract';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import { hashContent } from '../../../plugin/src/images/trace';
import type { DuplicateVerdict } from '../../../plugin/src/matching/contract';
import { verdicts } from '../../conformance/duplicate-pairs/situations';
import { bareTrace } from '../../support/duplicate-world';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';

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

const reader = createImageReader({ maxBytes: 1e7, maxPixels: 1e8, timeoutMs: 10_000 });

function createRig(
  options: {
    /** As a model does that reads the image first. */
    embed?: ImageCheckOptions['embed'];
    /** What the finder fails with while it is given a vector. */
    storeFailure?: ImageSearchError;
    confirmation?: ImageCheckOptions['confirmation'];
    verdict?: DuplicateVerdict;
  } = {},
) {
  const asked: Asked[] = [];
  const read: (AbortSignal | undefined)[] = [];
  const { verdict = { kind: 'identical' } } = options;
  const match: DuplicateMatch = { fileId: 7, contentHash: 'a', verdict };
  const check = createImageCheck({
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
    traces: {
      get: (ids) => Promise.resolve(ids.map((fileId) => ({ ...bareTrace('a'), fileId }))),
    },
    confirmation: options.confirmation ?? (({ verdict }) => Promise.resolve(verdict)),
    readFile: () => Promise.resolve(new Uint8Array()),
    finder: {
      find(image) {
        asked.push(image);
        if (options.storeFailure && image.vector) return Promise.reject(options.storeFailure);
        return Promise.resolve([match]);
      },
    },
  });
  return { check, asked, match, read };
}

async function readImage(): Promise<Buffer> {
  const [image] = sampleLibrary;
  if (!image) throw new Error('The sample library is empty.');
  return await renderSampleImage(image);
}

describe('checking an image', () => {
  it('returns only what the pixels confirm', async () => {
    const { check } = createRig({ confirmation: () => Promise.resolve(null) });
    expect(await check(await readImage(), signal)).toEqual({ matches: [], isComplete: true });
  });

  it('says that it is incomplete while a file cannot be read', async () => {
    const { check } = createRig({
      confirmation: () => Promise.reject(failure('image-unreachable')),
    });
    expect(await check(await readImage(), signal)).toEqual({ matches: [], isComplete: false });
  });

  it('searches by the trace and the vector of the image', async () => {
    const { asked, check, match, read } = createRig();
    const bytes = await readImage();
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
    // The model received decoded pixels.
    expect(read).toEqual([]);
  });

  it.each(['provider-unavailable', 'not-ready', 'provider-rejected-input', 'aborted'] as const)(
    'only finds identical files, and says so, when the model fails with %s',
    async (code) => {
      const { asked, check, match } = createRig({ embed: () => Promise.reject(failure(code)) });
      const found = await check(await readImage(), signal);
      expect(found).toEqual({ matches: [match], isComplete: false });
      expect(asked.map((image) => image.vector)).toEqual([null]);
    },
  );

  it('reads the image without a model after the deadline, but not for a disconnected caller', async () => {
    const embed = () => Promise.reject(failure('provider-unavailable'));
    const { check, match, read } = createRig({ embed });
    const late = AbortSignal.abort(new DOMException('It took too long.', 'TimeoutError'));
    const found = await check(await readImage(), late);
    expect(found).toEqual({ matches: [match], isComplete: false });
    await expect(check(await readImage(), AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(read).toHaveLength(2);
  });

  it('only finds identical files, and says so, when only another model is available', async () => {
    const { asked, check, match } = createRig({ embed: () => Promise.resolve(null) });
    const found = await check(await readImage(), signal);
    expect(found).toEqual({ matches: [match], isComplete: false });
    expect(asked.map((image) => image.vector)).toEqual([null]);
  });

  it('only finds identical files when the store is unavailable', async () => {
    const { asked, check, match } = createRig({ storeFailure: failure('store-unavailable') });
    const found = await check(await readImage(), signal);
    expect(found).toEqual({ matches: [match], isComplete: false });
    expect(asked.map((image) => image.vector)).toEqual([vector, null]);
  });

  it.each(['store-unavailable', 'aborted'] as const)(
    'returns nothing that no pixels confirmed after %s',
    async (code) => {
      const { check } = createRig({ storeFailure: failure(code), verdict: verdicts.sameImage });
      expect(await check(await readImage(), signal)).toEqual({ matches: [], isComplete: false });
    },
  );

  it("rejects what isn't an image, and what the model rejects as one", async () => {
    const { asked, check } = createRig();
    await expect(check(Buffer.from('no image'), signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^image-/),
    });
    const strict = createRig({ embed: () => Promise.reject(failure('image-too-large')) });
    await expect(strict.check(await readImage(), signal)).rejects.toMatchObject({
      code: 'image-too-large',
    });
    expect([...asked, ...strict.asked]).toEqual([]);
  });
});
