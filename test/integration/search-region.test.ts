import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { renderSampleImage } from '../../sample/library';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import {
  adminApi,
  contentApi,
  expectFailure,
  idsOf,
  readPage,
  type SearchFace,
} from '../support/search-face';

const SIDE = 640;
const left = { x: 0, y: 0, width: 0.5, height: 1 };
const right = { x: 0.5, y: 0, width: 0.5, height: 1 };

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;
/** A sunflower on the left and a guitar on the right. */
let pair: Buffer;
let pairId: number;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['sunflower', 'guitar', 'pizza', 'castle', 'owl', 'bicycle']),
    imageSearch: { search: { requestsPerMinute: 0, maxImageBytes: 2_000_000 } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
  const side = async (concept: string) =>
    sharp(await renderSampleImage(app.fileOf(concept).image))
      .resize(SIDE, SIDE, { fit: 'cover' })
      .toBuffer();
  pair = await sharp({
    create: { width: 2 * SIDE, height: SIDE, channels: 3, background: 'white' },
  })
    .composite([
      { input: await side('sunflower'), left: 0, top: 0 },
      { input: await side('guitar'), left: SIDE, top: 0 },
    ])
    .jpeg()
    .toBuffer();
  ({ id: pairId } = await app.uploadThroughAdmin(pair, 'pair.jpg'));
  await app.waitUntilIndexed();
});

afterAll(() => app.stop());

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];
const bestOf = (page: Parameters<typeof idsOf>[0]): number | undefined => idsOf(page)[0];
/** The best other than the file itself, whose parts have views of their own. */
const bestOther = (page: Parameters<typeof idsOf>[0]): number | undefined =>
  idsOf(page).find((id) => id !== pairId);

describe.each(faces)('a part of the query image, over the %s', (_name, face) => {
  it('of an upload is what is searched for', async () => {
    const image = pair.toString('base64');
    expect(bestOther(await face().search({ image, region: left }))).toBe(
      app.fileOf('sunflower').id,
    );
    expect(bestOther(await face().search({ image, region: right }))).toBe(app.fileOf('guitar').id);
    const form = face().post('search').attach('image', pair, 'pair.jpg');
    const answered = await form.field('region', JSON.stringify(right));
    expect(bestOther(readPage(answered))).toBe(app.fileOf('guitar').id);
    const brackets = face().post('search').attach('image', pair, 'pair.jpg');
    for (const [name, value] of Object.entries(left)) {
      void brackets.field(`region[${name}]`, String(value));
    }
    expect(bestOther(readPage(await brackets))).toBe(app.fileOf('sunflower').id);
  });

  it('of a file is read from the library', async () => {
    const guitar = app.fileOf('guitar').id;
    for (const query of [
      { fileId: pairId },
      { like: [pairId] },
      { text: 'music', like: [pairId] },
    ]) {
      const page = await face().search({ ...query, region: right });
      expect(bestOf(page)).toBe(guitar);
      expect(idsOf(page)).not.toContain(pairId);
    }
    const inAddress = Object.fromEntries(
      Object.entries(left).map(([name, value]) => [`region[${name}]`, String(value)]),
    );
    expect(bestOf(await face().similar(pairId, inAddress))).toBe(app.fileOf('sunflower').id);
  });

  it.each([
    [{ x: 0.5, y: 0, width: 0.6, height: 1 }, /^region\.width: must end within the image/],
    [{ x: 0, y: 0.9, width: 1, height: 0.2 }, /^region\.height: must end within the image/],
    [{ x: -0.1, y: 0, width: 0.5, height: 1 }, /^region\.x: /],
    [{ x: 0, y: 0, width: 0, height: 1 }, /^region\.width: must be above 0/],
    [{ x: 0, y: 0, width: 1 }, /^region\.height: /],
    [{ ...left, depth: 1 }, /^region: /],
    ['all', /^region: /],
  ])('is refused by name (%j)', async (region, message) => {
    const failure = { status: 400, code: 'invalid-input', message } as const;
    expectFailure(await face().post('search', { fileId: pairId, region }), failure);
  });

  it.each([
    [{ text: 'dog' }, 0],
    [{ filters: { name: 'a' }, like: ['dog'] }, 0],
  ])('needs an image in the query (%j)', async (query, count) => {
    expectFailure(await face().post('search', { ...query, region: left }), {
      status: 400,
      code: 'invalid-input',
      message: new RegExp(`^region: needs a query with one image; this one has ${String(count)}`),
    });
  });

  it('is refused for several images', async () => {
    const like = app.files.slice(0, 2).map(({ id }) => id);
    expectFailure(await face().post('search', { like, region: left }), {
      status: 400,
      code: 'invalid-input',
      message: /this one has 2/,
    });
  });
});

describe('a part of a file', () => {
  it('is read from a smaller copy if the file is too large to search with', async () => {
    const files = app.strapi.db.query('plugin::upload.file');
    const row: unknown = await files.findOne({ where: { id: pairId } });
    const { formats, size } = row as { formats: Record<string, { width: number }>; size: number };
    expect(Object.keys(formats)).toContain('large');
    const resize = (kilobytes: number) =>
      app.strapi.db.connection('files').where({ id: pairId }).update({ size: kilobytes });
    await resize(30_000);
    expect(bestOf(await adminFace.search({ fileId: pairId, region: right }))).toBe(
      app.fileOf('guitar').id,
    );
    await app.strapi.db.connection('files').where({ id: pairId }).update({ formats: null });
    expectFailure(await adminFace.post('search', { fileId: pairId, region: right }), {
      status: 413,
      code: 'image-too-large',
      message: /^region: the image of file \d+ can't be read/,
    });
    await files.update({ where: { id: pairId }, data: { formats, size } });
  });

  it("is as hidden as the file, which can't be told from a missing one", async () => {
    const account = { email: 'own@example.com', password: 'Restricted-Admin-1' };
    await app.createRestrictedAdmin({
      ...account,
      permissions: [
        { action: 'plugin::image-search.search' },
        { action: 'plugin::upload.read', conditions: ['admin::is-creator'] },
      ],
    });
    const face = await adminApi(app, account);
    for (const fileId of [pairId, 999_999]) {
      expectFailure(await face.post('search', { fileId, region: left }), {
        status: 404,
        code: 'file-not-found',
        message: new RegExp(`^File ${String(fileId)} not found`),
      });
    }
  });
});
