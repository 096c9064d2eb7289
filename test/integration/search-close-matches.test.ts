import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sampleModelFolder } from '../support/paths';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, idsOf, scoresOf, type SearchFace } from '../support/search-face';

const images = imagesOf(['red-apple', 'dog', 'guitar', 'sailboat', 'owl', 'pizza']);
/** For a sample model that states none: between what these images score for their names and for words of nothing. */
const MEASURED_CLOSE_SCORE = 0.4;
const stated = readStatedScore();
const closeScore = stated ?? MEASURED_CLOSE_SCORE;
const REAL = ['an apple', 'dog', 'guitar', 'sailboat', 'owl', 'pizza'];
const MEANINGLESS = ['qzxv wkpf', 'zemlinup', 'tax return', 'null pointer exception'];

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;

beforeAll(async () => {
  app = await startSearchApp({
    images,
    imageSearch: { search: { requestsPerMinute: 0, ...(stated === null ? { closeScore } : {}) } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
});

afterAll(async () => {
  await app.stop();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

describe.each(faces)('"nothing close" over the %s', (_name, face) => {
  it.each(REAL)('is denied for "%s"', async (text) => {
    const { meta } = await face().searchText(text);
    expect(meta.noCloseMatch).toBe(false);
  });

  it.each(MEANINGLESS)('is said for "%s", with the images all the same', async (text) => {
    const page = await face().searchText(text);
    expect(page.meta.noCloseMatch).toBe(true);
    expect(idsOf(page)).toHaveLength(images.length);
    expect(Math.max(...scoresOf(page))).toBeLessThan(closeScore);
  });

  it('is said of the best image on every page, and below any minimum score', async () => {
    for (const [text, expected] of [
      ['dog', false],
      ['qzxv wkpf', true],
    ] as const) {
      for (const question of [
        { pagination: { start: 4, limit: 2 } },
        { pagination: { start: 100, limit: 2 } },
        { minScore: 0.99 },
      ]) {
        const { meta } = await face().search({ text, ...question });
        expect(meta.noCloseMatch).toBe(expected);
      }
    }
  });

  it('is said of what the filters let through', async () => {
    const dog = app.fileOf('dog').id;
    const without = await face().search({ text: 'dog', filters: { id: { $ne: dog } } });
    expect(without.meta.noCloseMatch).toBe(true);
    const none = await face().search({ text: 'dog', filters: { id: 999_999 } });
    expect(none.meta.noCloseMatch).toBeNull();
  });

  it('is not spoken of where the question is more than one text', async () => {
    const { id } = app.fileOf('dog');
    expect((await face().similar(id)).meta.noCloseMatch).toBeNull();
    for (const question of [{ fileId: id }, { like: ['dog', 'owl'] }, { text: 'a', unlike: ['b'] }])
      expect((await face().search(question)).meta.noCloseMatch).toBeNull();
  });
});

/** What the shipped sample model says of itself. */
function readStatedScore(): number | null {
  const config = JSON.parse(readFileSync(path.join(sampleModelFolder, 'config.json'), 'utf8')) as {
    image_search?: { close_score?: number };
  };
  return config.image_search?.close_score ?? null;
}
