import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SearchExample } from '../../../plugin/src/search/contract';
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
import { HashProvider } from '../../support/hash-provider';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import { plainPicture } from '../../support/plain-pictures';

let rig: EngineRig;

beforeEach(async () => {
  rig = await EngineRig.create();
});

describe('nothing close', () => {
  /** Similarity of the best picture with the text that is asked for. */
  let best: number;
  const something = { like: [text('something')] };

  beforeEach(() => {
    best = Math.max(...subjects.map((subject) => similarityOf('something', subject)));
  });

  const answer = async (...given: Parameters<EngineRig['search']>): Promise<boolean | null> =>
    (await rig.search(...given)).nothingClose;

  it('is told by the score that the model states', async () => {
    rig.provider.closeScore = best + 0.01;
    expect(await answer(something)).toBe(true);
    rig.provider.closeScore = best - 0.01;
    expect(await answer(something)).toBe(false);
  });

  it('is told by the score that the operator set, whatever the model states', async () => {
    rig.provider.closeScore = -1;
    rig.engine = rig.createEngine({ closeScore: best + 0.01 });
    expect(await answer(something)).toBe(true);
    rig.provider.closeScore = null;
    expect(await answer(something)).toBe(true);
    rig.provider.closeScore = 1;
    rig.engine = rig.createEngine({ closeScore: best - 0.01 });
    expect(await answer(something)).toBe(false);
  });

  it('cannot be told when neither does', async () => {
    expect(await answer(something)).toBeNull();
  });

  it.each([0, 4, 5, 100])('is the same on the page from %i', async (start) => {
    rig.engine = rig.createEngine({ closeScore: best - 0.01 });
    expect(await answer({ ...something, start, limit: 1 })).toBe(false);
    rig.engine = rig.createEngine({ closeScore: best + 0.01 });
    expect(await answer({ ...something, start, limit: 1 })).toBe(true);
  });

  it('keeps the hits', async () => {
    rig.engine = rig.createEngine({ closeScore: 1 });
    const page = await rig.search(something);
    expect(page.nothingClose).toBe(true);
    expect(page.hits).toHaveLength(subjects.length);
  });

  it.each([0, 3])(
    'looks past a minimum score that leaves nothing, on the page from %i',
    async (start) => {
      const request = { ...something, start, minimumScore: 1 };
      rig.engine = rig.createEngine({ closeScore: best - 0.01 });
      expect(await rig.search(request)).toMatchObject({ hits: [], nothingClose: false });
      rig.engine = rig.createEngine({ closeScore: best + 0.01 });
      expect(await rig.search(request)).toMatchObject({ hits: [], nothingClose: true });
    },
  );

  it('counts only what the caller may see and its filters let through', async () => {
    const page = await rig.search(something);
    const worst = page.hits.at(-1);
    if (!worst) throw new Error('There was no hit.');
    rig.engine = rig.createEngine({ closeScore: best - 0.001 });
    expect(worst.score).toBeLessThan(best - 0.001);
    expect(await answer(something, new MemoryVisibleFiles([worst.fileId]))).toBe(true);
    expect(await answer(something, new MemoryVisibleFiles(fileIds, [worst.fileId]))).toBe(true);
  });

  it('cannot be told when there is no picture to compare with', async () => {
    rig.engine = rig.createEngine({ closeScore: 0 });
    expect(await answer(something, new MemoryVisibleFiles([]))).toBeNull();
    expect(await answer(something, new MemoryVisibleFiles(fileIds, []))).toBeNull();
    await (await rig.store.ensureSpace(rig.provider.space)).remove(fileIds);
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
    rig.engine = rig.createEngine({ closeScore: 1 });
    expect(await answer(request)).toBeNull();
  });

  function vectorExample(): SearchExample {
    const { id } = new HashProvider().space;
    return { kind: 'vector', vector: vectorOf('a dog'), spaceId: id };
  }
});
