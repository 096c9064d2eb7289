import { beforeEach, describe, expect, it } from '@jest/globals';
import type { GuardedFetch } from '../../../plugin/src/network/contract';
import type { ExampleUrl, SearchExample } from '../../../plugin/src/search/contract';
import { QueryUrls } from '../../../plugin/src/search/query-urls';
import {
  EngineRig,
  file,
  fileIds,
  image,
  similarityOf,
  subjects,
  text,
  vectorOf,
} from '../../support/engine-rig';
import { failure } from '../../support/failures';
import { hashVector, untilAborted } from '../../support/hash-provider';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import { plainImage, unreadableImage } from '../../support/plain-images';

let rig: EngineRig;

beforeEach(async () => {
  rig = await EngineRig.create();
});

describe('search', () => {
  it('returns files, best first, as the caller sees them, with the space', async () => {
    const page = await rig.search({ like: [image(plainImage('a cat'))], limit: 2 });
    expect(page).toEqual({
      spaceId: rig.provider.space.id,
      hasMore: true,
      noCloseMatch: null,
      mode: 'vector',
      isDegraded: false,
      hits: [
        {
          fileId: 2,
          score: expect.closeTo(1, 5),
          matchedBy: ['image'],
          relevance: null,
          row: { id: 2, name: 'file-2.png' },
        },
        expect.objectContaining({ matchedBy: ['image'] }),
      ],
    });
  });

  it('finds what is close to a text', async () => {
    const page = await rig.search({ like: [text('something')] });
    const expected = subjects
      .map((subject, index) => ({ fileId: index + 1, score: similarityOf('something', subject) }))
      .sort((left, right) => right.score - left.score);
    expect(page.hits.map((hit) => hit.fileId)).toEqual(expected.map((hit) => hit.fileId));
    expect(page.hits[0]?.score).toBeCloseTo(expected[0]?.score ?? Number.NaN, 5);
  });

  it('embeds all texts in one call', async () => {
    await rig.search({
      like: [text('one'), file(1), text('two')],
      unlike: [text('three'), text('one')],
    });
    expect(rig.provider.textCalls).toEqual([['one', 'two', 'three']]);
  });

  it('leaves out files used as examples or counterexamples', async () => {
    const page = await rig.search({ like: [file(1), file(1)], unlike: [file(3)] });
    expect(page.hits.map((hit) => hit.fileId).sort()).toEqual([2, 4, 5]);
  });

  it('leaves out what scores below the minimum', async () => {
    const page = await rig.search({ like: [image(plainImage('a cat'))], minimumScore: 0.99 });
    expect(page.hits.map((hit) => hit.fileId)).toEqual([2]);
  });

  it('normalizes vectors to unit length', async () => {
    const vector = vectorOf('a boat').map((value) => value * 250);
    const page = await rig.search({
      like: [{ kind: 'vector', vector, spaceId: rig.provider.space.id }],
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
    const page = await rig.search({ like: [image(plainImage('a cat'))] }, visible);
    expect(page.hits.map((hit) => hit.fileId).sort()).toEqual([1, 3, 4, 5]);
  });

  it('accepts an example that the filters exclude, if the caller may see it', async () => {
    const visible = new MemoryVisibleFiles(fileIds, [4, 5]);
    const page = await rig.search({ like: [file(1)] }, visible);
    expect(page.hits.map((hit) => hit.fileId).sort()).toEqual([4, 5]);
  });

  it.each([
    ['like', { like: [file(5)] }],
    ['unlike', { like: [text('a dog')], unlike: [file(5)] }],
  ])('finds no file in %s that the caller may not see', async (_name, request) => {
    const visible = new MemoryVisibleFiles([1, 2, 3, 4]);
    await expect(rig.search(request, visible)).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining('5'),
    });
    expect(rig.provider.textCalls).toEqual([]);
  });

  it("is not ready for an example that isn't indexed", async () => {
    const visible = new MemoryVisibleFiles([...fileIds, 9]);
    await expect(rig.search({ like: [file(9)] }, visible)).rejects.toMatchObject({
      code: 'not-ready',
    });
  });

  it('rejects a vector from another space', async () => {
    const example: SearchExample = {
      kind: 'vector',
      vector: vectorOf('a dog'),
      spaceId: 'another-space',
    };
    await expect(rig.search({ like: [example] })).rejects.toMatchObject({
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
  ])('rejects a vector that is %s', async (_name, vector) => {
    const example: SearchExample = { kind: 'vector', vector, spaceId: rig.provider.space.id };
    await expect(rig.search({ like: [example] })).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('fails like the image reader, the provider and the store', async () => {
    await expect(rig.search({ like: [image(unreadableImage())] })).rejects.toMatchObject({
      code: 'image-unreadable',
    });
    rig.provider.onCall = () => {
      throw failure('provider-unavailable');
    };
    await expect(rig.search({ like: [text('a dog')] })).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
    rig.store.isDown = true;
    await expect(rig.search({ like: [file(1)] })).rejects.toMatchObject({
      code: 'store-unavailable',
    });
  });

  it('ends when its caller aborts', async () => {
    rig.provider.onCall = (_inputs, signal) => untilAborted(signal);
    const controller = new AbortController();
    const searching = rig.search({ like: [text('a dog')], signal: controller.signal });
    controller.abort();
    await expect(searching).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('embed', () => {
  it('returns the vector of a text or an image, and its space', async () => {
    await expect(rig.engine.embed({ kind: 'text', text: ' a  dog ' })).resolves.toEqual({
      vector: hashVector(Buffer.from('a dog')),
      space: rig.provider.space,
    });
    const embedded = await rig.engine.embed({ kind: 'image', bytes: plainImage('a dog') });
    expect(embedded.vector).toEqual(vectorOf('a dog'));
  });
});

describe('an example given by URL', () => {
  const url: ExampleUrl = { kind: 'url', url: 'https://images.example/dog.png' };
  let fetched: string[];
  const fetch: GuardedFetch = {
    fetchBytes(address) {
      fetched.push(address);
      return Promise.resolve(plainImage('a dog'));
    },
    dispose: () => Promise.resolve(),
  };

  const createUrls = (): QueryUrls =>
    new QueryUrls({ fetch, maxBytes: 1_000, timeoutMs: 1_000, concurrency: 1 });

  beforeEach(() => {
    fetched = [];
  });

  it('is rejected first, with the setting that allows it', async () => {
    const refusal = {
      code: 'invalid-input',
      message: expect.stringMatching(/search\.urls\.enabled/),
    };
    await expect(rig.search({ like: [url] })).rejects.toMatchObject(refusal);
    await expect(rig.search({ like: [text('a dog')], unlike: [url] })).rejects.toMatchObject(
      refusal,
    );
    await expect(rig.engine.embed(url)).rejects.toMatchObject(refusal);
    expect([...rig.provider.imageCalls, ...rig.provider.textCalls]).toEqual([]);
  });

  it('is the image at that URL', async () => {
    rig.engine = rig.createEngine({ urls: createUrls() });
    const byImage = await rig.search({ like: [image(plainImage('a dog'))] });
    expect(await rig.search({ like: [url] })).toEqual(byImage);
    expect((await rig.engine.embed(url)).vector).toEqual(vectorOf('a dog'));
    expect(fetched).toEqual([url.url, url.url]);
  });

  it("isn't fetched for callers who may not see the other examples", async () => {
    rig.engine = rig.createEngine({ urls: createUrls() });
    await expect(rig.search({ like: [url, file(999)] })).rejects.toMatchObject({
      code: 'file-not-found',
    });
    expect(fetched).toEqual([]);
  });
});
