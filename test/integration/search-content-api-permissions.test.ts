import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  imagesOf,
  publicSearchActions,
  startSearchApp,
  type SearchApp,
} from '../support/search-app';
import {
  contentApi,
  expectFailure,
  idsOf,
  readPage,
  type SearchFace,
} from '../support/search-face';

const USAGE = 'plugin::image-search.usage.findOne';
const DUPLICATES = 'plugin::image-search.duplicates.findOne';
const [FIND, FIND_SIMILAR, EMBED] = publicSearchActions as [string, string, string];

let app: SearchApp;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar', 'pizza']),
    publicActions: [],
    imageSearch: { search: { requestsPerMinute: 0 } },
  });
});

afterAll(async () => {
  await app.stop();
});

type Status = 200 | 401 | 403;

/** What each kind of request answers this caller. */
async function statusesFor(face: SearchFace): Promise<Record<string, number>> {
  const { id } = app.fileOf('dog');
  const responses = {
    getSearch: await face.get('search', { text: 'dog' }),
    postSearch: await face.post('search', { fileId: id }),
    similar: await face.get(`similar/${String(id)}`),
    embeddings: await face.post('embeddings', { text: 'dog' }),
  };
  return Object.fromEntries(Object.entries(responses).map(([name, { status }]) => [name, status]));
}

function statuses(search: Status, similar: Status, embeddings: Status): Record<string, Status> {
  return { getSearch: search, postSearch: search, similar, embeddings };
}

/** A user of the site, in the role that Strapi gives to everybody who signed in. */
async function createUserToken(): Promise<{ token: string; roleId: number }> {
  const role = (await app.strapi.db
    .query('plugin::users-permissions.role')
    .findOne({ where: { type: 'authenticated' } })) as { id: number };
  const users = app.strapi
    .plugin('users-permissions')
    .service<{ add(user: object): Promise<unknown> }>('user');
  const password = 'Site-User-1';
  await users.add({
    username: 'reader',
    email: 'reader@example.com',
    password,
    provider: 'local',
    confirmed: true,
    role: role.id,
  });
  const response = await app.request
    .post('/api/auth/local')
    .send({ identifier: 'reader@example.com', password });
  expect(response.status).toBe(200);
  const { jwt } = response.body as { jwt: string };
  return { token: jwt, roleId: role.id };
}

describe('the content API', () => {
  it('rejects everyone until it is opened', async () => {
    expect(await statusesFor(contentApi(app))).toEqual(statuses(403, 403, 403));
  });

  it('lets read-only tokens read, and nothing else', async () => {
    const token = await app.createApiToken({ name: 'reader', type: 'read-only' });
    expect(await statusesFor(contentApi(app, token))).toEqual(statuses(200, 200, 403));
  });

  it('lets custom tokens do what they list', async () => {
    const searching = await app.createApiToken({
      name: 'searching',
      type: 'custom',
      permissions: [FIND],
    });
    expect(await statusesFor(contentApi(app, searching))).toEqual(statuses(200, 403, 403));
    const embedding = await app.createApiToken({
      name: 'embedding',
      type: 'custom',
      permissions: [EMBED],
    });
    expect(await statusesFor(contentApi(app, embedding))).toEqual(statuses(403, 403, 200));
  });

  it('shows which files are used only with a permission of its own', async () => {
    const { id } = app.fileOf('dog');
    const tokenFor = (name: string, permissions: string[]) =>
      app.createApiToken({ name, type: 'custom', permissions });
    const searching = contentApi(app, await tokenFor('no uses', [FIND, FIND_SIMILAR]));
    const refused = [
      await searching.get('search', { text: 'dog', unused: true }),
      await searching.get('search', { text: 'dog', unused: false }),
      await searching.post('search', { text: 'dog', unused: true }),
      await searching.get(`similar/${String(id)}`, { unused: true }),
      await searching.get(`usage/${String(id)}`),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(refused[0]?.body).toMatchObject({
      data: null,
      error: { message: expect.stringContaining('plugin::image-search.usage.findOne') },
    });
    const both = contentApi(app, await tokenFor('uses', [FIND, USAGE]));
    expect((await both.searchText('dog', { unused: true })).data).toHaveLength(3);
    const usage = await both.get(`usage/${String(id)}`);
    expect(usage.body).toEqual({ data: { fileId: id, isUsed: false } });
    expect((await both.get('usage/999999')).status).toBe(404);
  });

  it('folds duplicates only with the permission to see them', async () => {
    const { id } = app.fileOf('dog');
    const tokenFor = (name: string, permissions: string[]) =>
      app.createApiToken({ name, type: 'custom', permissions });
    const searching = contentApi(app, await tokenFor('no pairs', [FIND, FIND_SIMILAR]));
    const refused = [
      await searching.get('search', { text: 'dog', collapse: true }),
      await searching.post('search', { text: 'dog', collapse: true }),
      await searching.get(`similar/${String(id)}`, { collapse: true }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403]);
    for (const { body } of refused) {
      expect(body).toMatchObject({
        data: null,
        error: {
          message: expect.stringContaining(`collapse: requires the permission "${DUPLICATES}"`),
        },
      });
    }
    const grouped = await searching.get('search', { text: 'dog', groupBy: 'duplicates' });
    expect(grouped.status).toBe(403);
    expect(JSON.stringify(grouped.body)).toContain(`groupBy: requires the permission`);
    expect((await searching.searchText('dog', { collapse: false })).data).toHaveLength(3);
    const both = contentApi(app, await tokenFor('pairs', [FIND, DUPLICATES]));
    const { data } = await both.searchText('dog', { collapse: true });
    expect(data.map(({ duplicateCount }) => duplicateCount)).toEqual([0, 0, 0]);
  });

  it('lets full-access tokens do everything, and invalid tokens nothing', async () => {
    const token = await app.createApiToken({ name: 'full', type: 'full-access' });
    expect(await statusesFor(contentApi(app, token))).toEqual(statuses(200, 200, 200));
    expect(await statusesFor(contentApi(app, 'no-such-token'))).toEqual(statuses(401, 401, 401));
    const administrator = await app.adminToken();
    expect(await statusesFor(contentApi(app, administrator))).toEqual(statuses(401, 401, 401));
  });

  it('lets users of the site do what their role allows', async () => {
    const { token, roleId } = await createUserToken();
    expect(await statusesFor(contentApi(app, token))).toEqual(statuses(403, 403, 403));
    await app.strapi.db
      .query('plugin::users-permissions.permission')
      .create({ data: { action: FIND_SIMILAR, role: roleId } });
    expect(await statusesFor(contentApi(app, token))).toEqual(statuses(403, 200, 403));
  });
});

describe('the content API, opened to everyone', () => {
  beforeAll(async () => {
    await app.grantPublic(publicSearchActions);
  });

  it('answers', async () => {
    expect(await statusesFor(contentApi(app))).toEqual(statuses(200, 200, 200));
  });

  it('shows no private fields of a file to anyone', async () => {
    const token = await app.createApiToken({ name: 'full as well', type: 'full-access' });
    for (const face of [contentApi(app), contentApi(app, token)]) {
      const { data } = await face.searchText('dog');
      expect(data).toHaveLength(3);
      for (const { file } of data) {
        expect(file).toHaveProperty('url');
        for (const field of ['folderPath', 'folder', 'createdBy', 'updatedBy', 'related']) {
          expect(file).not.toHaveProperty(field);
        }
      }
    }
  });

  it('leaks nothing through filters to anyone', async () => {
    const token = await app.createApiToken({ name: 'full once more', type: 'full-access' });
    const filters: [RegExp, object][] = [
      [/folderPath/, { folderPath: '/' }],
      [/folderPath/, { $or: [{ name: 'x' }, { $not: { folderPath: '/' } }] }],
      [/password/, { createdBy: { password: { $startsWith: '$2' } } }],
      [/nosuch/, { nosuch: 1 }],
      [/\$where/, { $where: '1 = 1' }],
    ];
    for (const face of [contentApi(app), contentApi(app, token)]) {
      for (const [message, filter] of filters) {
        const response = await face.post('search', { text: 'dog', filters: filter });
        expectFailure(response, { status: 400, code: 'invalid-input', message });
      }
    }
    const byEmail = { createdBy: { email: { $startsWith: 'a' } } };
    const response = await contentApi(app).post('search', { text: 'dog', filters: byEmail });
    expectFailure(response, { status: 400, code: 'invalid-input', message: /createdBy/ });
  });

  it.each(['populate', 'sort', 'limit', 'anything'])('refuses "%s"', async (key) => {
    const expected = { status: 400, code: 'invalid-input', message: new RegExp(key) } as const;
    const face = contentApi(app);
    const { id } = app.fileOf('dog');
    expectFailure(await face.get('search', { text: 'dog', [key]: '*' }), expected);
    expectFailure(await face.post('search', { text: 'dog', [key]: '*' }), expected);
    expectFailure(await face.post('search', { text: 'dog' }).query({ [key]: '*' }), expected);
    expectFailure(await face.get(`similar/${String(id)}`, { [key]: '*' }), expected);
    expectFailure(await face.post('embeddings', { text: 'dog', [key]: '*' }), expected);
  });

  it("doesn't find a deleted file", async () => {
    const { id } = app.fileOf('pizza');
    const token = await app.adminToken();
    const deletion = await app.request
      .delete(`/upload/files/${String(id)}`)
      .auth(token, { type: 'bearer' });
    expect(deletion.status).toBe(200);
    const face = contentApi(app);
    const page = readPage(await face.get('search', { text: 'pizza' }));
    expect(new Set(idsOf(page))).toEqual(new Set([app.fileOf('dog').id, app.fileOf('guitar').id]));
    expectFailure(await face.get(`similar/${String(id)}`), {
      status: 404,
      code: 'file-not-found',
      message: new RegExp(String(id)),
    });
  });
});
