import { beforeEach, describe, expect, it } from '@jest/globals';
import { createActiveSpace } from '../../../plugin/src/active-space';
import type { GuardedFetch } from '../../../plugin/src/network/contract';
import type {
  ExampleImage,
  ExampleUrl,
  SearchExample,
  SearchRequest,
} from '../../../plugin/src/search/contract';
import { SearchEngine } from '../../../plugin/src/search/engine';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { QueryUrls } from '../../../plugin/src/search/query-urls';
import { failure } from '../../support/failures';
import { createFakeClock } from '../../support/fake-clock';
import { hashVector, HashProvider, untilAborted } from '../../support/hash-provider';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import {
  pixelsOf,
  plainPicture,
  plainPictureReader,
  unreadablePicture,
} from '../../support/plain-pictures';
import { pointOf } from '../../support/vector-points';
import { createRecordingLogger } from '../../support/recording-logger';

const subjects = ['a dog', 'a cat', 'a car', 'a boat', 'a tree'];
const fileIds = subjects.map((_, index) => index + 1);
const vectorOf = (subject: string): Float32Array =>
  hashVector(pixelsOf(plainPicture(subject)).data);

let provider: HashProvider;
let store: MemoryVectorStore;
let engine: SearchEngine;

function createEngine(closeScore?: number, urls: QueryUrls | null = null): SearchEngine {
  return new SearchEngine({
    logger: createRecordingLogger(),
    spaces: createActiveSpace({
      openProvider: () => Promise.resolve(provider),
      store,
      clock: createFakeClock(),
      retryAfterMs: 1_000,
    }),
    embedder: new QueryEmbedder({ pictures: plainPictureReader, cacheEntries: 10, cacheMs: 1_000 }),
    urls,
    closeScore,
  });
}

beforeEach(async () => {
  provider = new HashProvider();
  store = new MemoryVectorStore();
  const collection = await store.ensureSpace(provider.space);
  await collection.upsert(subjects.map((subject, index) => pointOf(index + 1, vectorOf(subject))));
  engine = createEngine();
});

const text = (words: string): SearchExample => ({ kind: 'text', text: words });
const file = (fileId: number): SearchExample => ({ kind: 'file', fileId });
const image = (bytes: Uint8Array): ExampleImage => ({ kind: 'image', bytes });

function search(
  request: Pick<SearchRequest, 'like'> & Partial<SearchRequest>,
  visible = new MemoryVisibleFiles(fileIds),
) {
  return engine.search({ unlike: [], start: 0, limit: 10, ...request }, visible);
}

describe('search', () => {
  it('answers files best first, with what the caller sees of them and the space', async () => {
    const page = await search({ like: [image(plainPicture('a cat'))], limit: 2 });
    expect(page).toEqual({
      spaceId: provider.space.id,
      hasMore: true,
      nothingClose: null,
      hits: [
        {
          fileId: 2,
          score: expect.closeTo(1, 5),
          matchedBy: ['image'],
          row: { id: 2, name: 'file-2.png' },
        },
        expect.objectContaining({ matchedBy: ['image'] }),
      ],
    });
  });

  it('answers what a text is near to', async () => {
    const page = await search({ like: [text('something')] });
    const query = hashVector(Buffer.from('something'));
    const expected = subjects
      .map((subject, index) => ({ fileId: index + 1, score: dotProduct(query, vectorOf(subject)) }))
      .sort((left, right) => right.score - left.score);
    expect(page.hits.map((hit) => hit.fileId)).toEqual(expected.map((hit) => hit.fileId));
    expect(page.hits[0]?.score).toBeCloseTo(expected[0]?.score ?? Number.NaN, 5);
  });

  it('embeds all its texts with one call', async () => {
    await search({
      like: [text('one'), file(1), text('two')],
      unlike: [text('three'), text('one')],
    });
    expect(provider.textCalls).toEqual([['one', 'two', 'three']]);
  });

  it('leaves files that serve as examples out, liked or not', async () => {
    const page = await search({ like: [file(1), file(1)], unlike: [file(3)] });
    expect(page.hits.map((hit) => hit.fileId).sort()).toEqual([2, 4, 5]);
  });

  it('leaves out what is less alike than it was asked for', async () => {
    const page = await search({ like: [image(plainPicture('a cat'))], minimumScore: 0.99 });
    expect(page.hits.map((hit) => hit.fileId)).toEqual([2]);
  });

  it('brings a vector of any length to unit length', async () => {
    const vector = vectorOf('a boat').map((value) => value * 250);
    const page = await search({
      like: [{ kind: 'vector', vector, spaceId: provider.space.id }],
      limit: 1,
    });
    expect(page.hits).toMatchObject([{ fileId: 4, score: expect.closeTo(1, 5) }]);
  });

  it('leaves out a file that is deleted between the store and the rows', async () => {
    const visible = new MemoryVisibleFiles(fileIds);
    const load = visible.load.bind(visible);
    visible.load = (ids) => {
      visible.delete(2);
      return load(ids);
    };
    const page = await search({ like: [image(plainPicture('a cat'))] }, visible);
    expect(page.hits.map((hit) => hit.fileId).sort()).toEqual([1, 3, 4, 5]);
  });

  it('finds an example that the filters leave out, but the caller may see', async () => {
    const visible = new MemoryVisibleFiles(fileIds, [4, 5]);
    const page = await search({ like: [file(1)] }, visible);
    expect(page.hits.map((hit) => hit.fileId).sort()).toEqual([4, 5]);
  });

  it.each([
    ['like', { like: [file(5)] }],
    ['unlike', { like: [text('a dog')], unlike: [file(5)] }],
  ])('knows no file in %s that the caller may not see', async (_name, request) => {
    const visible = new MemoryVisibleFiles([1, 2, 3, 4]);
    await expect(search(request, visible)).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining('5'),
    });
    expect(provider.textCalls).toEqual([]);
  });

  it('is not ready for an example that is not indexed', async () => {
    const visible = new MemoryVisibleFiles([...fileIds, 9]);
    await expect(search({ like: [file(9)] }, visible)).rejects.toMatchObject({ code: 'not-ready' });
  });

  it('refuses a vector of another space', async () => {
    const example: SearchExample = {
      kind: 'vector',
      vector: vectorOf('a dog'),
      spaceId: 'another-space',
    };
    await expect(search({ like: [example] })).rejects.toMatchObject({
      code: 'space-mismatch',
      message: expect.stringContaining('another-space'),
    });
  });

  it.each([
    ['too short', new Float32Array(7).fill(1)],
    ['too long', new Float32Array(9).fill(1)],
    ['far too long', new Float32Array(500_000).fill(1)],
    ['empty', new Float32Array(0)],
    ['zero', new Float32Array(8)],
    ['not finite', new Float32Array(8).fill(Infinity)],
    ['no number', new Float32Array(8).fill(Number.NaN)],
  ])('refuses a vector that is %s', async (_name, vector) => {
    const example: SearchExample = { kind: 'vector', vector, spaceId: provider.space.id };
    await expect(search({ like: [example] })).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('fails as reading a picture, the provider and the store do', async () => {
    await expect(search({ like: [image(unreadablePicture())] })).rejects.toMatchObject({
      code: 'image-unreadable',
    });
    provider.onCall = () => {
      throw failure('provider-unavailable');
    };
    await expect(search({ like: [text('a dog')] })).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
    store.isDown = true;
    await expect(search({ like: [file(1)] })).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('ends when its caller does not wait any longer', async () => {
    provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const searching = search({ like: [text('a dog')], signal: controller.signal });
    controller.abort();
    await expect(searching).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('nothing close', () => {
  /** Similarity of the best picture with the text that is asked for. */
  let best: number;
  const something = { like: [text('something')] };

  beforeEach(() => {
    const query = hashVector(Buffer.from('something'));
    best = Math.max(...subjects.map((subject) => dotProduct(query, vectorOf(subject))));
  });

  const answer = async (...given: Parameters<typeof search>): Promise<boolean | null> =>
    (await search(...given)).nothingClose;

  it('is told by the score that the model states', async () => {
    provider.closeScore = best + 0.01;
    expect(await answer(something)).toBe(true);
    provider.closeScore = best - 0.01;
    expect(await answer(something)).toBe(false);
  });

  it('is told by the score that the operator set, whatever the model states', async () => {
    provider.closeScore = -1;
    engine = createEngine(best + 0.01);
    expect(await answer(something)).toBe(true);
    provider.closeScore = null;
    expect(await answer(something)).toBe(true);
    provider.closeScore = 1;
    engine = createEngine(best - 0.01);
    expect(await answer(something)).toBe(false);
  });

  it('cannot be told when neither does', async () => {
    expect(await answer(something)).toBeNull();
  });

  it.each([0, 4, 5, 100])('is the same on the page from %i', async (start) => {
    engine = createEngine(best - 0.01);
    expect(await answer({ ...something, start, limit: 1 })).toBe(false);
    engine = createEngine(best + 0.01);
    expect(await answer({ ...something, start, limit: 1 })).toBe(true);
  });

  it('keeps the hits', async () => {
    engine = createEngine(1);
    const page = await search(something);
    expect(page.nothingClose).toBe(true);
    expect(page.hits).toHaveLength(subjects.length);
  });

  it.each([0, 3])(
    'looks past a minimum score that leaves nothing, on the page from %i',
    async (start) => {
      const request = { ...something, start, minimumScore: 1 };
      engine = createEngine(best - 0.01);
      expect(await search(request)).toMatchObject({ hits: [], nothingClose: false });
      engine = createEngine(best + 0.01);
      expect(await search(request)).toMatchObject({ hits: [], nothingClose: true });
    },
  );

  it('counts only what the caller may see and its filters let through', async () => {
    const page = await search(something);
    const worst = page.hits.at(-1);
    if (!worst) throw new Error('There was no hit.');
    engine = createEngine(best - 0.001);
    expect(worst.score).toBeLessThan(best - 0.001);
    expect(await answer(something, new MemoryVisibleFiles([worst.fileId]))).toBe(true);
    expect(await answer(something, new MemoryVisibleFiles(fileIds, [worst.fileId]))).toBe(true);
  });

  it('cannot be told when there is no picture to compare with', async () => {
    engine = createEngine(0);
    expect(await answer(something, new MemoryVisibleFiles([]))).toBeNull();
    expect(await answer(something, new MemoryVisibleFiles(fileIds, []))).toBeNull();
    await (await store.ensureSpace(provider.space)).remove(fileIds);
    expect(await answer(something)).toBeNull();
    expect(await answer({ ...something, minimumScore: 0.5 })).toBeNull();
  });

  it.each([
    ['a picture', { like: [image(plainPicture('a cat'))] }],
    ['a file', { like: [file(1)] }],
    ['a vector', { like: [vectorExample()] }],
    ['words and a file', { like: [text('something'), file(1)] }],
    ['several texts', { like: [text('something'), text('else')] }],
    ['a text and what to avoid', { like: [text('something')], unlike: [text('else')] }],
  ])('is told of one text alone, not of %s', async (_name, request) => {
    engine = createEngine(1);
    expect(await answer(request)).toBeNull();
  });

  function vectorExample(): SearchExample {
    const { id } = new HashProvider().space;
    return { kind: 'vector', vector: vectorOf('a dog'), spaceId: id };
  }
});

describe('a model that does not answer', () => {
  const outOfTime = new DOMException('Too late.', 'TimeoutError');
  const isLate = {
    code: 'provider-unavailable',
    retryable: true,
    retryAfterMs: 5_000,
    message: 'The model is still being loaded or does not answer.',
  };

  /** Both questions, asked while the provider cannot be opened or does not answer. */
  async function expectFailures(reason: unknown, expected: object): Promise<void> {
    for (const isOpened of [false, true]) {
      const never = new Promise<never>(() => undefined);
      const patient = new SearchEngine({
        logger: createRecordingLogger(),
        spaces: createActiveSpace({
          openProvider: () => (isOpened ? Promise.resolve(provider) : never),
          store,
          clock: createFakeClock(),
          retryAfterMs: 1_000,
        }),
        embedder: new QueryEmbedder({
          pictures: plainPictureReader,
          cacheEntries: 10,
          cacheMs: 1_000,
        }),
      });
      // It does not heed the signal either.
      provider.onCall = () => never;
      for (const example of [
        { kind: 'text', text: 'a dog' },
        image(plainPicture('a dog')),
      ] as const) {
        const controller = new AbortController();
        const { signal } = controller;
        const asked = [
          patient.embed(example, signal),
          patient.search(
            { like: [example], unlike: [], start: 0, limit: 1, signal },
            new MemoryVisibleFiles(fileIds),
          ),
        ];
        const failing = asked.map((answer) => expect(answer).rejects.toMatchObject(expected));
        await untilIdle();
        controller.abort(reason);
        await Promise.all(failing);
      }
    }
  }

  it('is unavailable when the time is up', async () => {
    await expectFailures(outOfTime, isLate);
  });

  it('is not waited for by a caller that hung up', async () => {
    await expectFailures(undefined, { code: 'aborted' });
  });

  it('is unavailable even if it stops as it is told', async () => {
    provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const searching = search({ like: [text('a dog')], signal: controller.signal });
    controller.abort(outOfTime);
    await expect(searching).rejects.toMatchObject(isLate);
  });
});

describe('embed', () => {
  it('answers the vector of a text or a picture, and its space', async () => {
    await expect(engine.embed({ kind: 'text', text: ' a  dog ' })).resolves.toEqual({
      vector: hashVector(Buffer.from('a dog')),
      space: provider.space,
    });
    const embedded = await engine.embed({ kind: 'image', bytes: plainPicture('a dog') });
    expect(embedded.vector).toEqual(vectorOf('a dog'));
  });
});

/** Resolves when nothing is left to do but wait. */
function untilIdle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function dotProduct(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? Number.NaN), 0);
}

describe('an example that is an address', () => {
  const url: ExampleUrl = { kind: 'url', url: 'https://pictures.example/dog.png' };
  let fetched: string[];
  const fetch: GuardedFetch = {
    fetchBytes(address) {
      fetched.push(address);
      return Promise.resolve(plainPicture('a dog'));
    },
    dispose: () => Promise.resolve(),
  };

  const createUrls = (): QueryUrls =>
    new QueryUrls({ fetch, maxBytes: 1_000, timeoutMs: 1_000, atOnce: 1 });

  beforeEach(() => {
    fetched = [];
  });

  it('is refused, with the setting that mends it, before anything else is done', async () => {
    const refusal = {
      code: 'invalid-input',
      message: expect.stringMatching(/search\.urls\.enabled/),
    };
    await expect(search({ like: [url] })).rejects.toMatchObject(refusal);
    await expect(search({ like: [text('a dog')], unlike: [url] })).rejects.toMatchObject(refusal);
    await expect(engine.embed(url)).rejects.toMatchObject(refusal);
    expect([...provider.imageCalls, ...provider.textCalls]).toEqual([]);
  });

  it('is the picture that is there', async () => {
    engine = createEngine(undefined, createUrls());
    const byPicture = await search({ like: [image(plainPicture('a dog'))] });
    expect(await search({ like: [url] })).toEqual(byPicture);
    expect((await engine.embed(url)).vector).toEqual(vectorOf('a dog'));
    expect(fetched).toEqual([url.url, url.url]);
  });

  it('is fetched for nobody who may not see the other examples', async () => {
    engine = createEngine(undefined, createUrls());
    await expect(search({ like: [url, file(999)] })).rejects.toMatchObject({
      code: 'file-not-found',
    });
    expect(fetched).toEqual([]);
  });
});
