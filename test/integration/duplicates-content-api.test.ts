import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { publicDuplicatesResponseSchema } from '../../plugin/src/contracts/duplicates';
import { startDuplicatesApp, verdicts, type DuplicatesApp } from '../support/duplicates-app';
import { productOf } from '../support/search-app';
import { contentApi, expectFailure, type SearchFace } from '../support/search-face';

const FIND_ONE = 'plugin::image-search.duplicates.findOne';

let app: DuplicatesApp;
let everybody: SearchFace;
let [file, copy, resized, cropped, ignored, other]: number[] = [];

beforeAll(async () => {
  app = await startDuplicatesApp({ imageSearch: { search: { requestsPerMinute: 0 } } });
  everybody = contentApi(app);
  [file, copy, resized, cropped, ignored, other] = await app.uploadFiles(6);
  await app.record(file ?? 0, [cropped ?? 0], { verdict: verdicts.edited });
  await app.record(file ?? 0, [copy ?? 0], { verdict: verdicts.identical });
  await app.record(file ?? 0, [resized ?? 0], { verdict: verdicts.sameImage });
  const { id } = await app.record(ignored ?? 0, [file ?? 0]);
  const review = { status: 'ignored', userId: null, reviewedAt: new Date() } as const;
  await productOf(app).pairs.review(id, review);
});
afterAll(async () => {
  await app.stop();
});

const path = (id = file) => `duplicates/${String(id)}`;

async function read(query = {}) {
  const response = await everybody.get(path(), query);
  expect(response.status).toBe(200);
  const parsed = publicDuplicatesResponseSchema.parse(response.body);
  expect(response.body).toEqual(parsed);
  return parsed;
}

describe('the permission to read duplicates', () => {
  it('is required for everyone, including tokens', async () => {
    expect((await everybody.get(path())).status).toBe(403);
    const none = await app.createApiToken({ name: 'none', type: 'custom', permissions: [] });
    expect((await contentApi(app, none).get(path())).status).toBe(403);
    const custom = { name: 'one', type: 'custom', permissions: [FIND_ONE] } as const;
    expect((await contentApi(app, await app.createApiToken(custom)).get(path())).status).toBe(200);
  });

  it('is included in read-only tokens', async () => {
    const token = await app.createApiToken({ name: 'reading', type: 'read-only' });
    expect((await contentApi(app, token).get(path())).status).toBe(200);
  });
});

describe('GET /api/image-search/duplicates/:id', () => {
  beforeAll(async () => {
    await app.grantPublic([FIND_ONE]);
  });

  it('returns open pairs, most similar first, with files as the content API shows them', async () => {
    const { data, meta } = await read();
    expect(meta).toEqual({ pagination: { start: 0, limit: 25, hasMore: false } });
    expect(data).toMatchObject([
      { score: 1, kind: 'identical', evidence: {}, file: { id: copy } },
      { score: 0.991, kind: 'same-image', file: { id: resized } },
      {
        score: 0.9,
        kind: 'edited',
        evidence: { similarity: 0.875, alignment: { innerFileId: cropped } },
        file: { id: cropped },
      },
    ]);
    for (const match of data) expect(match.file).not.toHaveProperty('folderPath');
  });

  it('accepts pagination, a minimum score and filters', async () => {
    const page = await read({ pagination: { start: 1, limit: 1 } });
    expect(page.data.map((match) => match.file.id)).toEqual([resized]);
    expect(page.meta.pagination).toEqual({ start: 1, limit: 1, hasMore: true });
    expect((await read({ minScore: 0.95 })).data).toHaveLength(2);
    const byId = await read({ filters: { id: { $ne: copy } } });
    expect(byId.data.map((match) => match.file.id)).toEqual([resized, cropped]);
  });

  it('returns nothing for a file without duplicates, and a 404 for a missing file', async () => {
    const { body } = (await everybody.get(path(other))) as { body: unknown };
    expect(publicDuplicatesResponseSchema.parse(body).data).toEqual([]);
    expectFailure(await everybody.get(path(2_000_000_000)), {
      status: 404,
      code: 'file-not-found',
      message: /2000000000/,
    });
    expectFailure(await everybody.get('duplicates/first'), {
      status: 400,
      code: 'invalid-input',
      message: /id/,
    });
    const response = await everybody.get(path(), { status: 'ignored' });
    expectFailure(response, { status: 400, code: 'invalid-input', message: /status/ });
  });

  it('excludes deleted files, and ignores filters on private fields', async () => {
    await app.strapi.db.connection('files').where({ id: copy }).delete();
    expect((await read()).data.map((match) => match.file.id)).toEqual([resized, cropped]);
    const response = await everybody.get(path(), { filters: { folderPath: '/' } });
    expect(response.status).toBe(400);
  });
});
