import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { SearchRequest } from '../../../plugin/src/search/contract';
import type { TextIndex } from '../../../plugin/src/text/contract';
import { EngineRig, fileIds, image, text } from '../../support/engine-rig';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import { plainImage } from '../../support/plain-images';
import {
  createTextIndexFolder,
  wordsOf,
  type TextIndexFolder,
} from '../../support/text-index-folder';

let rig: EngineRig;
let folder: TextIndexFolder;
let index: TextIndex;

beforeEach(async () => {
  rig = await EngineRig.create();
  folder = await createTextIndexFolder();
  index = folder.open();
  await index.upsert([
    wordsOf(1, { name: 'IMG_0001.jpg', alternativeText: 'a dog on a sofa' }),
    wordsOf(2, { name: 'IMG_0002.jpg', caption: 'sofa catalog' }),
    wordsOf(3, { name: 'sofa.png', folder: 'Furniture' }),
    wordsOf(4, { name: 'IMG_0004.jpg' }),
    // In the library, but without a vector.
    wordsOf(6, { name: 'IMG_0006.heic', caption: 'the sofa nobody can decode' }),
  ]);
  rig.engine = rig.createEngine({ text: index });
});

afterEach(() => folder.destroy());

const everyone = [...fileIds, 6];
const searchAll = (words: string, request: Partial<SearchRequest> = {}) =>
  rig.search({ like: [text(words)], ...request }, new MemoryVisibleFiles(everyone));

const outage = (): Promise<never> =>
  Promise.reject(
    new ImageSearchError({ code: 'provider-unavailable', message: 'Down.', retryable: true }),
  );

describe('a search by images and words', () => {
  it('puts the exact name first, and says what matched', async () => {
    const page = await searchAll('IMG_0004');
    expect(page.hits[0]).toMatchObject({ fileId: 4, matchedBy: expect.arrayContaining(['name']) });
    expect(page).toMatchObject({ mode: 'hybrid', isDegraded: false });
    const bySofa = await searchAll('sofa');
    expect(bySofa.hits[0]).toMatchObject({ fileId: 3 });
    const evidence = new Map(bySofa.hits.map(({ fileId, matchedBy }) => [fileId, matchedBy]));
    expect(evidence.get(1)).toContain('alternativeText');
    expect(evidence.get(2)).toContain('caption');
    expect(evidence.get(3)).toContain('name');
    expect(evidence.get(4)).toEqual(['image']);
    expect(evidence.get(5)).toEqual(['image']);
  });

  it('leaves out files that serve as examples, whatever their words', async () => {
    const { hits } = await searchAll('sofa', { unlike: [{ kind: 'file', fileId: 3 }] });
    expect(hits.length).toBeGreaterThan(0);
    expect(hits.map(({ fileId }) => fileId)).not.toContain(3);
  });

  it('never ignores what a query excludes: not in an outage, and not with words alone', async () => {
    const unlike = [text('dog')];
    await expect(searchAll('sofa', { unlike, mode: 'text' })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    rig.provider.onCall = outage;
    await expect(searchAll('sofa', { unlike })).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
  });

  it('finds an image that has no vector by its words alone', async () => {
    const { hits } = await searchAll('nobody can decode');
    expect(hits[0]).toMatchObject({ fileId: 6, score: null, matchedBy: ['caption'] });
  });

  it('neither repeats nor misses a file from page to page', async () => {
    for (const words of ['sofa', 'IMG_0002', 'a dog']) {
      const all = await searchAll(words, { limit: 10 });
      expect(all.hits.map(({ fileId }) => fileId).sort()).toEqual(
        words === 'sofa' ? everyone : expect.arrayContaining(fileIds),
      );
      const paged: number[] = [];
      for (let start = 0; start < all.hits.length; start += 2) {
        const page = await searchAll(words, { start, limit: 2 });
        expect(page.hasMore).toBe(start + 2 < all.hits.length);
        paged.push(...page.hits.map(({ fileId }) => fileId));
      }
      expect(paged).toEqual(all.hits.map(({ fileId }) => fileId));
    }
  });

  it('answers quoted words with files that have them side by side, and no others', async () => {
    const { hasMore, hits } = await searchAll('"sofa catalog"');
    expect(hits.map(({ fileId }) => fileId)).toEqual([2]);
    expect(hasMore).toBe(false);
    expect((await searchAll('"catalog sofa"')).hits).toEqual([]);
  });

  it('shows no file and no field that the caller may not see', async () => {
    const others = new MemoryVisibleFiles([2, 4, 5]);
    const page = await rig.search({ like: [text('sofa')] }, others);
    expect(page.hits.map(({ fileId }) => fileId).sort()).toEqual([2, 4, 5]);
    const withoutFolders = Object.assign(new MemoryVisibleFiles(everyone), {
      wordFields: ['name', 'alternativeText', 'caption'] as const,
    });
    const furniture = await rig.search({ like: [text('"furniture"')] }, withoutFolders);
    expect(furniture.hits).toEqual([]);
    expect((await searchAll('"furniture"')).hits).toHaveLength(1);
  });

  it('drops what scores less than the minimum, whatever its words', async () => {
    const { hits } = await searchAll('sofa', { minimumScore: 0.999 });
    expect(hits).toEqual([]);
  });

  it('leaves the order to images, or to words, as the weight says', async () => {
    const byVector = await searchAll('a dog sofa', { mode: 'vector' });
    const light = await searchAll('a dog sofa', { weight: 0 });
    const order = ({ hits }: typeof light): number[] =>
      hits.map(({ fileId }) => fileId).filter((id) => id !== 6);
    expect(order(light)).toEqual(order(byVector));
    const heavy = await searchAll('a dog sofa', { weight: 1 });
    expect(order(heavy)[0]).toBe(1);
  });
});

describe('the mode', () => {
  it('"vector" ignores words', async () => {
    const page = await searchAll('IMG_0004', { mode: 'vector' });
    expect(page.mode).toBe('vector');
    expect(page.hits).toHaveLength(5);
    for (const { matchedBy } of page.hits) expect(matchedBy).toEqual(['image']);
  });

  it('"text" ignores images, and embeds nothing', async () => {
    let calls = 0;
    rig.provider.onCall = () => {
      calls += 1;
      return Promise.resolve();
    };
    const page = await searchAll('sofa', { mode: 'text' });
    expect(page.hits.map(({ fileId }) => fileId).sort()).toEqual([1, 2, 3, 6]);
    expect(page).toMatchObject({ mode: 'text', isDegraded: false, noCloseMatch: false });
    expect(calls).toBe(0);
  });

  it('"text" needs a single text', async () => {
    const like = [image(plainImage('a dog'))];
    await expect(rig.search({ like, mode: 'text' })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });

  it('is "vector" for anything but a single text', async () => {
    const page = await rig.search({ like: [text('sofa'), image(plainImage('a dog'))] });
    expect(page.mode).toBe('vector');
  });
});

describe('words while something is down', () => {
  it('answer alone while the model is down, and say so', async () => {
    rig.provider.onCall = outage;
    const page = await searchAll('sofa', { limit: 2 });
    expect(page).toMatchObject({ mode: 'text', isDegraded: true, hasMore: true, spaceId: null });
    expect(page.hits[0]).toMatchObject({ fileId: 3, score: null, matchedBy: ['name'] });
    const end = await searchAll('sofa', { start: 4, limit: 2 });
    expect(end).toMatchObject({ hits: [], hasMore: false, isDegraded: true });
  });

  it('leave the outage as it is when no file has them', async () => {
    rig.provider.onCall = outage;
    await expect(searchAll('giraffe')).rejects.toMatchObject({ code: 'provider-unavailable' });
    await expect(searchAll('sofa', { mode: 'vector' })).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
  });

  it('are left out when their file cannot be used', async () => {
    await index.dispose();
    const page = await searchAll('sofa');
    expect(page.hits).toHaveLength(5);
    expect(page.hits.every(({ matchedBy }) => matchedBy.join() === 'image')).toBe(true);
  });

  it('are found when the model knows none of them', async () => {
    rig.provider.onCall = () =>
      Promise.reject(
        new ImageSearchError({ code: 'text-unknown', message: 'Unknown.', retryable: false }),
      );
    const page = await searchAll('IMG_0004');
    expect(page.hits[0]).toMatchObject({ fileId: 4, score: null });
    expect(page.noCloseMatch).toBe(false);
  });
});
