import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderSampleImage } from '../../sample/library';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, expectFailure, idsOf, type SearchFace } from '../support/search-face';
import type { RolePermission } from '../support/strapi-accounts';

const SEARCH = { action: 'plugin::image-search.search' };
const MANAGE = { action: 'plugin::image-search.manage' };
const READ = { action: 'plugin::upload.read' };
const READ_OWN = { ...READ, conditions: ['admin::is-creator'] };
const UPLOAD = { action: 'plugin::upload.assets.create' };
const PASSWORD = 'Restricted-Admin-1';

let app: SearchApp;

async function faceOf(name: string, permissions: RolePermission[]): Promise<SearchFace> {
  const account = { email: `${name}@example.com`, password: PASSWORD };
  await app.createRestrictedAdmin({ ...account, permissions });
  return await adminApi(app, account);
}

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'cat', 'lion', 'guitar', 'pizza', 'rose']),
    // The rate limit is the content API's alone.
    imageSearch: { search: { requestsPerMinute: 1 } },
  });
});

afterAll(async () => {
  await app.stop();
});

describe('the admin API', () => {
  it.each([
    ['get', 'search?text=dog'],
    ['post', 'search'],
    ['get', 'similar/1'],
    ['get', 'status'],
    ['get', 'entries'],
    ['post', 'reindex'],
  ] as const)('asks who calls %s %s', async (method, path) => {
    const response = await app.request[method](`/image-search/${path}`);
    expect(response.status).toBe(401);
    const token = await app.createApiToken({ name: `${method} ${path}`, type: 'full-access' });
    const withApiToken = await app.request[method](`/image-search/${path}`).auth(token, {
      type: 'bearer',
    });
    expect(withApiToken.status).toBe(401);
  });

  it('rejects a role that may not search', async () => {
    const face = await faceOf('reader', [READ, MANAGE]);
    const { id } = app.fileOf('dog');
    expect((await face.get('search', { text: 'dog' })).status).toBe(403);
    expect((await face.post('search', { text: 'dog' })).status).toBe(403);
    expect((await face.get(`similar/${String(id)}`)).status).toBe(403);
    expect((await face.get('status')).status).toBe(200);
    expect((await face.get('entries')).status).toBe(200);
    expect((await face.post('reindex', { scope: 'failed' })).status).toBe(200);
  });

  it('rejects a role that may search but not read the library', async () => {
    const face = await faceOf('blind', [SEARCH]);
    const { id } = app.fileOf('dog');
    for (const response of [
      await face.get('search', { text: 'dog' }),
      await face.post('search', { text: 'dog' }),
      await face.get(`similar/${String(id)}`),
    ]) {
      expect(response.status).toBe(403);
      expect(response.body).toMatchObject({
        error: { status: 403, message: "Your role can't read the Media Library." },
      });
    }
  });

  it("doesn't let roles that may only search manage the index", async () => {
    const face = await faceOf('searcher', [SEARCH, READ]);
    expect((await face.searchText('dog')).data).toHaveLength(6);
    expect((await face.get('status')).status).toBe(403);
    expect((await face.get('entries')).status).toBe(403);
    expect((await face.post('reindex', { scope: 'all' })).status).toBe(403);
  });

  it("doesn't limit administrators' requests", async () => {
    const face = await adminApi(app);
    for (let request = 0; request < 5; request += 1) {
      expect((await face.searchText('dog')).data).toHaveLength(6);
    }
  });
});

describe('an editor who may see only their own files', () => {
  let face: SearchFace;
  let ownIds: number[];
  let foreignId: number;

  beforeAll(async () => {
    face = await faceOf('editor', [SEARCH, READ_OWN, UPLOAD]);
    const token = await app.adminToken({ email: 'editor@example.com', password: PASSWORD });
    ownIds = [];
    for (const image of imagesOf(['rabbit', 'violin', 'banana'])) {
      const response = await app.request
        .post('/upload')
        .auth(token, { type: 'bearer' })
        .attach('files', await renderSampleImage(image), image.fileName);
      expect(response.status).toBe(201);
      const [file] = response.body as { id: number }[];
      ownIds.push(file?.id ?? 0);
    }
    await app.waitUntilIndexed();
    foreignId = app.fileOf('dog').id;
  });

  it('finds only these, while the super administrator finds all', async () => {
    const page = await face.searchText('an animal');
    expect(new Set(idsOf(page))).toEqual(new Set(ownIds));
    expect(page.meta.pagination.hasMore).toBe(false);
    const all = await (await adminApi(app)).searchText('an animal');
    expect(all.data).toHaveLength(9);
    // Best first, as for everybody.
    expect(idsOf(page)).toEqual(idsOf(all).filter((id) => ownIds.includes(id)));
  });

  it('counts only these', async () => {
    const facets = ['type', 'folder', 'year'];
    const all = await (await adminApi(app)).search({ text: 'an animal', facets });
    expect(all.meta.facets?.counted).toBe(9);
    for (const query of [{ text: 'an animal' }, {}]) {
      const { meta } = await face.search({ ...query, facets });
      const { counted, folder = [], type = [], year = [] } = meta.facets ?? {};
      expect(counted).toBe(3);
      for (const counts of [folder, type, year]) {
        expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(3);
      }
    }
  });

  it('finds files similar to their own among these', async () => {
    const [first = 0, ...others] = ownIds;
    expect(new Set(idsOf(await face.similar(first)))).toEqual(new Set(others));
  });

  it("can't tell someone else's file from a missing one", async () => {
    const { body: foreign } = await face.get(`similar/${String(foreignId)}`);
    const { body: missing } = await face.get('similar/999999');
    expect(JSON.stringify(missing).replaceAll('999999', String(foreignId))).toBe(
      JSON.stringify(foreign),
    );
    const expected = {
      status: 404,
      code: 'file-not-found',
      message: /^File \d+ not found/,
    } as const;
    for (const body of [
      { fileId: foreignId },
      { like: [foreignId] },
      { text: 'dog', unlike: [foreignId] },
      { like: [ownIds[0], foreignId] },
    ]) {
      expectFailure(await face.post('search', body), expected);
    }
  });

  it("can't widen that with filters", async () => {
    for (const filters of [{ id: foreignId }, { id: { $in: [foreignId] } }]) {
      expect((await face.search({ text: 'dog', filters })).data).toEqual([]);
    }
    for (const filters of [
      { $or: [{ id: foreignId }, { id: { $ne: foreignId } }] },
      { $not: { id: 0 } },
      { createdBy: { id: { $ne: 0 } } },
      { $or: [{ createdBy: { email: { $contains: '@' } } }, { name: { $contains: '' } }] },
    ]) {
      expect(new Set(idsOf(await face.search({ text: 'dog', filters })))).toEqual(new Set(ownIds));
    }
    const page = await face.search({
      text: 'dog',
      filters: { id: { $in: [foreignId, ownIds[1]] } },
    });
    expect(idsOf(page)).toEqual([ownIds[1]]);
  });

  it('learns nothing about uploaders', async () => {
    for (const asking of [face, await adminApi(app)]) {
      const page = await asking.searchText('dog');
      expect(page.data.length).toBeGreaterThan(0);
      expect(JSON.stringify(page)).not.toMatch(/password|resetPasswordToken|@example\.com/);
      const filters = { createdBy: { password: { $startsWith: '$2' } } };
      const response = await asking.post('search', { text: 'dog', filters });
      expectFailure(response, { status: 400, code: 'invalid-input', message: /password/ });
    }
  });
});
