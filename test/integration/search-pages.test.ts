import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { sampleLibrary } from '../../sample/library';
import { startSearchApp, type LibraryFile, type SearchApp } from '../support/search-app';
import {
  adminApi,
  contentApi,
  expectFailure,
  idsOf,
  readPage,
  type SearchFace,
} from '../support/search-face';

/** Every tenth: all groups, formats and folders. */
const images = sampleLibrary.filter((_image, index) => index % 10 === 0);
const CACHE_SECONDS = 60;
const QUESTION = 'something colourful';

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;
/** All files in the order in which the question finds them. */
let ranking: number[];

beforeAll(async () => {
  app = await startSearchApp({
    images,
    imageSearch: { search: { requestsPerMinute: 100_000, cacheSeconds: CACHE_SECONDS } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
  ranking = idsOf(await publicFace.search({ text: QUESTION, pagination: { limit: 100 } }));
});

afterAll(async () => {
  await app.stop();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

/** Ids of the files that show this, in the order of the ranking. */
function ranked(isWanted: (file: LibraryFile) => boolean): number[] {
  const wanted = new Set(app.files.filter(isWanted).map(({ id }) => id));
  return ranking.filter((id) => wanted.has(id));
}

describe.each(faces)('pages over the %s', (_name, face) => {
  const page = (start: number, limit: number): Promise<SearchResponse> =>
    face().search({ text: QUESTION, pagination: { start, limit } });

  it('are disjoint, in order and complete', async () => {
    const seen: number[] = [];
    for (let start = 0; ; start += 7) {
      const answer = await page(start, 7);
      expect(answer.meta.pagination).toMatchObject({ start, limit: 7 });
      seen.push(...idsOf(answer));
      expect(answer.meta.pagination.hasMore).toBe(seen.length < images.length);
      if (!answer.meta.pagination.hasMore) break;
    }
    expect(seen).toEqual(ranking);
  });

  it('are the same when requested twice', async () => {
    expect(await page(3, 9)).toEqual(await page(3, 9));
  });

  it('end where the library ends', async () => {
    const last = await page(ranking.length - 5, 5);
    expect(idsOf(last)).toEqual(ranking.slice(-5));
    expect(last.meta.pagination.hasMore).toBe(false);
    for (const start of [ranking.length, 10_000]) {
      const beyond = await page(start, 5);
      expect(beyond.data).toEqual([]);
      expect(beyond.meta.pagination.hasMore).toBe(false);
    }
    const refusal = await face().post('search', { text: QUESTION, pagination: { start: 1e9 } });
    expectFailure(refusal, {
      status: 400,
      code: 'invalid-input',
      message: /pagination\.start: must be at most 10000/,
    });
  });

  it('work in the query string as in the body', async () => {
    const inAddress = await face().searchText(QUESTION, {
      'pagination[start]': '4',
      'pagination[limit]': '6',
    });
    expect(inAddress).toEqual(await page(4, 6));
  });

  it('work for files similar to a file, without itself', async () => {
    const [first = 0] = ranking;
    const all = await face().similar(first, { 'pagination[limit]': '100' });
    expect(all.data).toHaveLength(images.length - 1);
    expect(all.meta.pagination.hasMore).toBe(false);
    const most = await face().similar(first, {
      'pagination[limit]': String(images.length - 1),
    });
    expect(most.meta.pagination.hasMore).toBe(false);
  });
});

describe.each(faces)('filters over the %s', (_name, face) => {
  const ask = async (filters: Record<string, unknown>): Promise<number[]> =>
    idsOf(await face().search({ text: QUESTION, filters, pagination: { limit: 100 } }));

  it('match types', async () => {
    const expected = ranked(({ image }) => image.mimeType === 'image/webp');
    expect(expected.length).toBeGreaterThan(0);
    expect(await ask({ mime: 'image/webp' })).toEqual(expected);
    expect(await ask({ mime: { $eq: 'image/webp' } })).toEqual(expected);
  });

  it('match names', async () => {
    const expected = ranked(({ image }) => image.fileName.includes('IMG_'));
    expect(expected.length).toBeGreaterThan(0);
    expect(await ask({ name: { $contains: 'IMG_' } })).toEqual(expected);
  });

  it('combine with and, or and not', async () => {
    const isPng = { mime: 'image/png' };
    const isPhoto = { name: { $startsWith: 'IMG_' } };
    const shows = (file: LibraryFile) => ({
      png: file.image.mimeType === 'image/png',
      photo: file.image.fileName.startsWith('IMG_'),
    });
    expect(await ask({ $or: [isPng, isPhoto] })).toEqual(
      ranked((file) => shows(file).png || shows(file).photo),
    );
    expect(await ask({ $and: [{ $not: isPng }, isPhoto] })).toEqual(
      ranked((file) => !shows(file).png && shows(file).photo),
    );
    expect(await ask({ $not: isPng })).toEqual(ranked((file) => !shows(file).png));
  });

  it('match ids', async () => {
    const [first = 0, , third = 0] = ranking;
    expect(await ask({ id: { $in: [third, first] } })).toEqual([first, third]);
    expect(await ask({ id: { $notIn: [first] } })).toEqual(ranking.slice(1));
    expect(await ask({ id: 999_999 })).toEqual([]);
  });

  it('compare times', async () => {
    const { createdAt } = (await app.strapi.db
      .query('plugin::upload.file')
      .findOne({ where: { id: app.files[9]?.id } })) as { createdAt: string };
    const older = await ask({ createdAt: { $lt: createdAt } });
    const newer = await ask({ createdAt: { $gte: createdAt } });
    expect(older.length).toBeGreaterThan(0);
    expect(newer.length).toBeGreaterThan(0);
    expect(ranking.filter((id) => older.includes(id))).toEqual(older);
    expect(new Set([...older, ...newer])).toEqual(new Set(ranking));
    expect(older.length + newer.length).toBe(ranking.length);
  });

  it('are read from the query string, of a POST too', async () => {
    const expected = ranked(({ image }) => image.mimeType === 'image/png');
    const inAddress = await face().searchText(QUESTION, {
      'filters[mime][$eq]': 'image/png',
      'pagination[limit]': '100',
    });
    expect(idsOf(inAddress)).toEqual(expected);
    const page = readPage(
      await face()
        .post('search', { text: QUESTION })
        .query({ 'filters[mime][$eq]': 'image/png', 'pagination[limit]': '100' }),
    );
    expect(idsOf(page)).toEqual(expected);
    const [first = 0] = expected;
    const similar = await face().similar(first, { 'filters[mime][$eq]': 'image/png' });
    expect(new Set(idsOf(similar))).toEqual(new Set(expected.slice(1)));
  });

  it('work in a multipart request, as JSON and in bracket notation', async () => {
    const expected = ranked(({ image }) => image.mimeType === 'image/png').slice(0, 2);
    const asJson = await face()
      .post('search')
      .field('text', QUESTION)
      .field('filters', JSON.stringify({ mime: 'image/png' }))
      .field('pagination', JSON.stringify({ limit: 2 }));
    const inBrackets = await face()
      .post('search')
      .field('text', QUESTION)
      .field('filters[mime][$eq]', 'image/png')
      .field('pagination[limit]', '2');
    expect(idsOf(readPage(asJson))).toEqual(expected);
    expect(inBrackets.body).toEqual(asJson.body);
  });

  it("don't affect pagination", async () => {
    const expected = ranked(({ image }) => image.mimeType === 'image/jpeg');
    const filters = { mime: 'image/jpeg' };
    const page = await face().search({
      text: QUESTION,
      filters,
      pagination: { start: 2, limit: 3 },
    });
    expect(idsOf(page)).toEqual(expected.slice(2, 5));
    expect(page.meta.pagination.hasMore).toBe(true);
  });

  it.each([
    ['a time that is none', { createdAt: { $gt: 'abc' } }],
    ['a number that is none', { width: { $gt: 'abc' } }],
    ['a number beyond all', { size: { $lt: '1e400' } }],
    ['a list that is none', { $and: 'abc' }],
    ['conditions that are none', { $or: ['abc'] }],
    ['a range of one', { name: { $between: '1' } }],
    ['an operator that this database lacks', { name: { $jsonSupersetOf: '{}' } }],
  ])('reject %s', async (_what, filters) => {
    const response = await face().post('search', { text: QUESTION, filters });
    expectFailure(response, { status: 400, code: 'invalid-input', message: /filters/ });
  });

  it.each([['a text'], [['a list']], [null], [5]])('reject %j', async (filters) => {
    const response = await face().post('search', { text: QUESTION, filters });
    expectFailure(response, { status: 400, code: 'invalid-input', message: /filters/ });
  });
});

describe('examples in a multipart request', () => {
  it.each(['like', 'like[]', 'like[0]'])('are read from "%s"', async (field) => {
    const [first = 0] = ranking;
    const value = field === 'like' ? JSON.stringify([first]) : String(first);
    const response = await publicFace.post('search').field(field, value);
    expect(idsOf(readPage(response))).toEqual(idsOf(await publicFace.similar(first)));
  });

  it('can be texts', async () => {
    const response = await publicFace
      .post('search')
      .field('like[0]', 'dog')
      .field('like[1]', 'cat')
      .field('unlike[]', 'car');
    const inJson = await publicFace.search({ like: ['dog', 'cat'], unlike: ['car'] });
    expect(readPage(response)).toEqual(inJson);
  });
});

describe('folders', () => {
  it('can be filtered only in the admin API: the content API hides them', async () => {
    const folders = app.strapi.db.query('plugin::upload.folder');
    const data = { name: 'Blog', pathId: 1, path: '/1' };
    const folder = (await folders.create({ data })) as { id: number };
    const [first = 0, second = 0] = ranking;
    for (const id of [second, first]) {
      await app.strapi.db
        .query('plugin::upload.file')
        .update({ where: { id }, data: { folder: folder.id, folderPath: '/1' } });
    }
    for (const filters of [{ folder: folder.id }, { folder: { name: 'Blog' } }]) {
      const page = await adminFace.search({ text: QUESTION, filters });
      expect(idsOf(page)).toEqual([first, second]);
      expect(page.data[0]?.file.folder).toMatchObject({ id: folder.id, name: 'Blog' });
      const refusal = await publicFace.post('search', { text: QUESTION, filters });
      expectFailure(refusal, { status: 400, code: 'invalid-input', message: /folder/ });
    }
  });
});

describe('answers to GET requests', () => {
  const ask = (face: SearchFace) => face.get('search', { text: QUESTION });

  it('may be cached for everybody if they were asked without credentials', async () => {
    const { headers } = await ask(publicFace);
    expect(headers).toMatchObject({
      'cache-control': `public, max-age=${String(CACHE_SECONDS)}`,
      vary: expect.stringContaining('Authorization'),
    });
    expect(headers).not.toHaveProperty('ratelimit-remaining');
  });

  it('are not sent again while they are unchanged', async () => {
    const { headers } = await ask(publicFace);
    const etag = String(headers['etag']);
    const unchanged = await ask(publicFace).set('If-None-Match', etag);
    expect([unchanged.status, unchanged.text]).toEqual([304, '']);
    const other = await publicFace.get('search', { text: 'a dog' }).set('If-None-Match', etag);
    expect(other.status).toBe(200);
  });

  it('are private with an API token', async () => {
    const token = await app.createApiToken({ name: 'Caching', type: 'read-only' });
    const { headers } = await ask(contentApi(app, token));
    expect(headers).toMatchObject({
      'cache-control': 'private, no-cache',
      etag: expect.anything(),
    });
  });

  it('have no such headers if they are refusals, or answer POST requests', async () => {
    const refused = await publicFace.get('search', { text: '' });
    const posted = await publicFace.post('search', { text: QUESTION });
    expect([refused.status, posted.status]).toEqual([400, 200]);
    for (const { headers } of [refused, posted]) {
      expect(headers).not.toHaveProperty('cache-control');
      expect(headers).not.toHaveProperty('etag');
    }
  });
});
