import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from '@strapi/openapi';
import sharp from 'sharp';
import { relatedResponseSchema } from '../../plugin/src/contracts/related';
import type { ImageSearchService } from '../../plugin/src/types';
import { createDirection, insertFiles, type PlainFile } from '../support/large-library';
import { repositoryFolder } from '../support/paths';
import {
  imagesOf,
  productOf,
  publicSearchActions,
  startSearchApp,
  type SearchApp,
} from '../support/search-app';
import { contentApi, expectFailure, idsOf, type SearchFace } from '../support/search-face';
import { appFolder } from '../support/strapi-environment';

let app: SearchApp;
let face: SearchFace;
beforeAll(async () => {
  app = await startSearchApp({
    folder: path.join(appFolder, 'editorial'),
    images: imagesOf(['dog', 'guitar', 'pizza']),
    publicActions: [
      ...publicSearchActions,
      'plugin::image-search.duplicates.findOne',
      'plugin::image-search.usage.findOne',
    ],
  });
  face = contentApi(app);
});
afterAll(() => app.stop());

describe('the attributes of files', () => {
  it('are those that a caller asks for, with the ids', async () => {
    const { data } = await face.searchText('dog', { fields: 'name,url' });
    expect(data).toHaveLength(3);
    for (const { file } of data) {
      expect(Object.keys(file).sort()).toEqual(['documentId', 'id', 'name', 'url']);
    }
    const { data: listed } = await face.search({ filters: { ext: '.jpg' }, fields: ['ext'] });
    expect(listed[0]?.file).toEqual({
      id: expect.any(Number),
      documentId: expect.any(String),
      ext: '.jpg',
    });
  });

  it('may be single formats, or everything', async () => {
    const { id } = app.fileOf('dog');
    const { data } = await face.similar(id, { 'fields[0]': 'formats.thumbnail' });
    expect(data).toHaveLength(2);
    for (const { file } of data) {
      expect(Object.keys(file['formats'] as object)).toEqual(['thumbnail']);
    }
    const [all, every] = [await face.similar(id), await face.similar(id, { fields: '*' })];
    expect(every).toEqual(all);
  });

  it("can't be private or unknown ones", async () => {
    for (const field of ['folderPath', 'createdBy', 'related', 'nosuch', 'name.x', 'formats.a.b']) {
      expectFailure(await face.get('search', { text: 'dog', fields: `name,${field}` }), {
        status: 400,
        code: 'invalid-input',
        message: /^fields: .*Use id, documentId, name/,
      });
    }
  });
});

describe('pages', () => {
  it('are counted as in Strapi', async () => {
    const filters = { mime: { $startsWith: 'image/' } };
    const pagination = { page: 2, pageSize: 2, withCount: true };
    const page = await face.search({ filters, pagination });
    expect(page.data).toHaveLength(1);
    expect(page.meta.pagination).toEqual({
      page: 2,
      pageSize: 2,
      pageCount: 2,
      total: 3,
      start: 2,
      limit: 2,
      hasMore: false,
    });
    const first = await face.search({ filters, pagination: { limit: 2, withCount: true } });
    expect(first.meta.pagination).toEqual({ start: 0, limit: 2, hasMore: true, total: 3 });
    expect(idsOf(first)).not.toContain(page.data[0]?.file.id);
  });

  it('of ranked results have no total, and say so', async () => {
    const { meta } = await face.searchText('dog', {
      'pagination[page]': '1',
      'pagination[pageSize]': '2',
      'pagination[withCount]': 'true',
    });
    expect(meta.pagination).toMatchObject({ hasMore: true, total: null, pageCount: null });
  });

  it('of duplicates have one', async () => {
    const { id } = app.fileOf('dog');
    const { body } = await face.get(`duplicates/${String(id)}`, {
      'pagination[withCount]': 'true',
      fields: 'url',
    });
    expect(body).toEqual({
      data: [],
      meta: { pagination: { start: 0, limit: 25, hasMore: false, total: 0 } },
    });
  });
});

it.each([
  'minRelevance',
  'autocut',
  'collapse',
  'diversity',
  'sort',
  'facets',
  'groupBy',
  'groupSize',
])('duplicates of a file take no %s', async (name) => {
  const path = `duplicates/${String(app.fileOf('dog').id)}`;
  expectFailure(await face.get(path, { [name]: '1' }), {
    status: 400,
    code: 'invalid-input',
    message: new RegExp(name),
  });
});

describe('what Strapi takes elsewhere', () => {
  it('is ignored if it means nothing for files', async () => {
    const plain = await face.searchText('dog');
    expect(await face.searchText('dog', { locale: 'de', status: 'draft' })).toEqual(plain);
  });

  it('names a facet that there is not', async () => {
    const failure = {
      status: 400,
      code: 'invalid-input',
      message: /^facets\.0: must be one of kind, type, folder, year, color, tags$/,
    } as const;
    for (const facets of ['colour', '']) {
      expectFailure(await face.get('search', { text: 'dog', facets }), failure);
      expectFailure(await face.post('search', { text: 'dog', facets: [facets] }), failure);
    }
  });

  it.each([
    ['populate', /use fields/],
    ['limit', /use pagination\[limit\]/],
    ['page', /use pagination\[page\]/],
    ['_q', /use text/],
  ])('is refused with what to use instead of "%s"', async (key, message) => {
    const failure = { status: 400, code: 'invalid-input', message } as const;
    expectFailure(await face.get('search', { text: 'dog', [key]: '1' }), failure);
    expectFailure(await face.post('search', { text: 'dog', [key]: '1' }), failure);
  });
});

describe('related entries', () => {
  const ARTICLE = 'api::article.article';
  const RELATED = 'plugin::image-search.related.find';
  /** By title. */
  const ids = new Map<string, string>();
  let token: string;

  async function create(title: string, data: object, status = 'published'): Promise<void> {
    const { documentId } = await app.strapi
      .documents(ARTICLE as never)
      .create({ data: { title, ...data }, status, locale: 'en' } as never);
    ids.set(title, documentId);
  }

  const pathOf = (title: string) => `related/${ARTICLE}/${ids.get(title) ?? ''}`;
  const titlesOf = (body: unknown) =>
    relatedResponseSchema.parse(body).data.map(({ entry }) => entry['title']);

  beforeAll(async () => {
    const [dog, guitar, pizza] = ['dog', 'guitar', 'pizza'].map((what) => app.fileOf(what).id);
    await create('Dogs', { cover: dog, summary: 'animal' });
    await create('More dogs', { cover: dog, gallery: [guitar, pizza], summary: 'animal' });
    await create('Guitars', { cover: guitar, summary: 'thing' });
    await create('Pizzas', { cover: pizza, summary: 'thing' });
    await create('A draft', { cover: pizza }, 'draft');
    await create('Without an image', {});
    token = await app.createApiToken({
      name: 'related',
      type: 'custom',
      permissions: [RELATED, `${ARTICLE}.find`],
    });
  });

  it('are those with the most similar images, in the order of a search', async () => {
    const { data } = await face.similar(app.fileOf('dog').id);
    const order = data.map(({ file }) =>
      file.id === app.fileOf('pizza').id ? 'Pizzas' : 'Guitars',
    );
    const { status, body } = await contentApi(app, token).get(pathOf('Dogs'), { field: 'cover' });
    expect(status).toBe(200);
    expect(titlesOf(body)).toEqual(['More dogs', ...order]);
    const scores = relatedResponseSchema.parse(body).data.map(({ score }) => score);
    expect(scores).toEqual([1, ...data.map(({ score }) => score)]);
  });

  it('are taken from a gallery, too, and from drafts if these are asked for', async () => {
    const gallery = await contentApi(app, token).get(pathOf('More dogs'), { field: 'gallery' });
    expect(titlesOf(gallery.body)).toEqual([]);
    const drafts = await contentApi(app, token).get(pathOf('Pizzas'), {
      field: 'cover',
      status: 'draft',
      'pagination[limit]': '1',
    });
    expect(titlesOf(drafts.body)).toEqual(['A draft']);
    expect(drafts.body).toMatchObject({ meta: { pagination: { hasMore: true } } });
    const none = await contentApi(app, token).get(pathOf('Without an image'), { field: 'cover' });
    expect(titlesOf(none.body)).toEqual([]);
  });

  it('are found by what is indexed of a gallery that has a video, too', async () => {
    const files = app.strapi.db.query('plugin::upload.file');
    const video = (await files.create({
      data: {
        name: 'clip',
        hash: 'clip',
        ext: '.mp4',
        mime: 'video/mp4',
        size: 1,
        url: '/clip',
        provider: 'local',
      },
    })) as { id: number };
    await create('Mixed', { gallery: [video.id, app.fileOf('guitar').id] });
    const { body, status } = await contentApi(app, token).get(pathOf('Mixed'), {
      field: 'gallery',
    });
    expect(status).toBe(200);
    expect(titlesOf(body)).toEqual(['More dogs']);
    await app.strapi.documents(ARTICLE as never).delete({ documentId: ids.get('Mixed') ?? '' });
    await files.delete({ where: { id: video.id } });
  });

  it("take Strapi's filters, fields and populate", async () => {
    const { body } = await contentApi(app, token).get(pathOf('Dogs'), {
      field: 'cover',
      filters: { summary: 'thing' },
      fields: 'title',
      populate: 'cover',
      'pagination[pageSize]': '1',
    });
    const { data } = relatedResponseSchema.parse(body);
    expect(data).toHaveLength(1);
    expect(Object.keys(data[0]?.entry ?? {}).sort()).toEqual([
      'cover',
      'documentId',
      'id',
      'title',
    ]);
    expect(data[0]?.entry['cover']).toMatchObject({ id: data[0]?.fileId });
    const bad = await contentApi(app, token).get(pathOf('Dogs'), {
      field: 'cover',
      filters: { createdBy: { email: 'a' } },
    });
    expect(bad.status).toBe(400);
  });

  it('are refused to server code, too, with names that the type lacks', async () => {
    const service = app.strapi.plugin('image-search').service<ImageSearchService>('search');
    const entry = { uid: ARTICLE, documentId: ids.get('Dogs') ?? '', field: 'cover' };
    const { data } = await service.related(entry, {
      filters: { createdBy: { id: { $null: true } }, summary: 'thing' },
      fields: ['title'],
      populate: ['cover'],
    });
    expect(data.map((match) => match.entry['title']).sort()).toEqual(['Guitars', 'Pizzas']);
    const unknown = [
      { filters: { nosuch: 1 } },
      { filters: { cover: { nosuch: 1 } } },
      { fields: ['nosuch'] },
      { populate: ['nosuch'] },
      { populate: { cover: { fields: ['nosuch'] } } },
    ];
    for (const options of unknown) {
      await expect(service.related(entry, options)).rejects.toThrow(/nosuch/);
    }
  });

  it('are the same whichever page shows them', async () => {
    const { body } = await contentApi(app, token).get(pathOf('Dogs'), { field: 'cover' });
    const titles = titlesOf(body);
    expect(titles.length).toBeGreaterThan(2);
    for (const [start, title] of titles.entries()) {
      const page = await contentApi(app, token).get(pathOf('Dogs'), {
        field: 'cover',
        'pagination[start]': String(start),
        'pagination[limit]': '1',
      });
      expect(titlesOf(page.body)).toEqual([title]);
    }
  });

  it('are shown only to those who may find entries of the type', async () => {
    const only = (name: string, permissions: string[]) =>
      app.createApiToken({ name, type: 'custom', permissions });
    for (const permissions of [[RELATED], [`${ARTICLE}.find`]]) {
      const refused = await only(permissions.join(), permissions);
      const response = await contentApi(app, refused).get(pathOf('Dogs'), { field: 'cover' });
      expect(response.status).toBe(403);
    }
    expect((await face.get(pathOf('Dogs'), { field: 'cover' })).status).toBe(403);
    const full = await app.createApiToken({ name: 'full', type: 'full-access' });
    const unknown = ['related/api::nosuch.nosuch/a', 'related/admin::user/a', 'related/a/b'];
    for (const wrong of unknown) {
      expect((await contentApi(app, full).get(wrong, { field: 'cover' })).status).toBe(400);
    }
    expectFailure(await contentApi(app, token).get(pathOf('A draft'), { field: 'cover' }), {
      status: 404,
      code: 'entry-not-found',
    });
    expectFailure(await contentApi(app, token).get(pathOf('Dogs'), { field: 'title' }), {
      status: 400,
      code: 'invalid-input',
      message: /Use cover, gallery/,
    });
    expect((await contentApi(app, token).get(pathOf('Dogs'))).status).toBe(400);
  });

  it('are found behind any number of images that no entry has', async () => {
    const { collection } = await productOf(app).spaces.get();
    const { dimensions } = collection.space;
    const alike = createDirection('alike', dimensions);
    const files = Array.from({ length: 520 }, (_value, index): PlainFile => ({
      id: 1_000 + index,
      name: `plain-${String(index)}`,
      mime: 'image/jpeg',
      createdBy: null,
      vector: index === 0 ? createDirection('another', dimensions) : alike,
    }));
    await insertFiles(app, collection, files);
    await create('Alike', { cover: 1_001 });
    await create('Another', { cover: 1_000 });
    const { body } = await contentApi(app, token).get(pathOf('Alike'), { field: 'cover' });
    const others = ['Another', 'Dogs', 'Guitars', 'More dogs', 'Pizzas'];
    expect(titlesOf(body).sort()).toEqual(others);
    const scores = relatedResponseSchema.parse(body).data.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((one, other) => other - one));
    await app.strapi.db.query('plugin::upload.file').deleteMany({ where: { id: { $gte: 1_000 } } });
  });
});

describe('the service for server code', () => {
  const service = () => app.strapi.plugin('image-search').service<ImageSearchService>('search');

  /** `ctx.state.auth` as a route of the project gets it. */
  async function authOf(token: string): Promise<object> {
    const seen: object[] = [];
    const ctx = {
      state: { route: { info: { type: 'content-api' } } } as Record<string, unknown>,
      request: { header: { authorization: `Bearer ${token}` } },
      unauthorized: () => undefined,
    };
    await app.strapi
      .get<{ authenticate(ctx: unknown, next: () => void): Promise<void> }>('auth')
      .authenticate(ctx, () => {
        seen.push(ctx.state['auth'] as object);
      });
    const [auth] = seen;
    if (!auth) throw new Error('Not authenticated.');
    return auth;
  }

  it('answers what the HTTP API does', async () => {
    const options = { fields: ['name'], pagination: { page: 1, pageSize: 2 } };
    const found = await service().search('dog', options);
    const page = await face.searchText('dog', {
      fields: 'name',
      'pagination[page]': '1',
      'pagination[pageSize]': '2',
    });
    // The files of other tests are being dropped from the index.
    const { index } = page.meta;
    expect({ ...found, meta: { ...found.meta, index } }).toEqual(page);
    const { id } = app.fileOf('dog');
    expect((await service().similar(id)).data.map(({ file }) => file.id)).toEqual(
      idsOf(await face.similar(id)),
    );
    expect((await service().findDuplicates(id)).data).toEqual([]);
    const image = await sharp(Buffer.from('<svg width="9" height="9"/>')).png().toBuffer();
    expect((await service().search({ image }, { pagination: { limit: 1 } })).data).toHaveLength(1);
    const { data } = await service().embed('dog');
    expect(data.embedding).toHaveLength(data.space.dimensions);
    expect((await service().status()).data).toMatchObject({ ok: true, coverage: { ratio: 1 } });
    expect(await service().reindex({ scope: 'failed' })).toEqual({ data: { marked: 0 } });
  });

  it('shows server code everything, and filters by anything', async () => {
    const { data } = await service().search('dog', { filters: { folderPath: '/' } });
    expect(data).toHaveLength(3);
    expect(data[0]?.file).toHaveProperty('folderPath', '/');
    await expect(service().search('dog', { filters: { nosuch: 1 } })).rejects.toThrow(/nosuch/);
    await expect(service().similar(999_999)).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(service().search({})).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it("keeps to a caller's permissions", async () => {
    const permissions = ['plugin::image-search.search.find'];
    const auth = await authOf(
      await app.createApiToken({ name: 'service', type: 'custom', permissions }),
    );
    const { data } = await service().search('dog', { auth });
    expect(data).toHaveLength(3);
    expect(data[0]?.file).not.toHaveProperty('folderPath');
    const { id } = app.fileOf('dog');
    await expect(service().similar(id, { auth })).rejects.toMatchObject({ name: 'ForbiddenError' });
    await expect(service().search('dog', { auth: undefined })).rejects.toMatchObject({
      name: 'UnauthorizedError',
    });
    const administrator = { ...auth, strategy: { name: 'admin' } };
    await expect(service().search('dog', { auth: administrator })).rejects.toMatchObject({
      name: 'UnauthorizedError',
    });
    const blind = { can: () => false };
    await expect(service().search('dog', { userAbility: blind })).rejects.toMatchObject({
      name: 'PolicyError',
    });
  });
});

describe('the OpenAPI document', () => {
  interface Operation {
    parameters: { name: string; in: string; schema: object }[];
    requestBody?: { content: Record<string, { schema: { properties: object } }> };
    responses: Record<string, { content?: Record<string, { schema: object }> }>;
  }

  let paths: [path: string, operation: Operation][];
  let file: string;
  beforeAll(async () => {
    const { document } = generate(app.strapi, { type: 'content-api' });
    file = path.join(app.dataFolder, 'openapi.json');
    await writeFile(file, JSON.stringify(document));
    paths = Object.entries(document.paths as Record<string, Record<string, Operation>>)
      .filter(([route]) => route.includes('/image-search/'))
      .flatMap(([route, methods]) =>
        Object.entries(methods).map(([method, operation]): [string, Operation] => [
          `${method} ${route}`,
          operation,
        ]),
      );
  });

  it('is valid', async () => {
    const cli = 'node_modules/@seriousme/openapi-schema-validator/bin/validate-api-cli.js';
    const { stdout } = await promisify(execFile)(process.execPath, [
      path.join(repositoryFolder, cli),
      file,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ valid: true });
  });

  it('describes every route', () => {
    expect(paths.length).toBeGreaterThanOrEqual(7);
    for (const [route, { parameters, requestBody, responses }] of paths) {
      const answer = responses['200']?.content?.['application/json']?.schema;
      const type = route.includes('/previews/') ? 'string' : 'object';
      expect([route, answer]).toEqual([route, expect.objectContaining({ type })]);
      const named = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(named);
      expect(requestBody !== undefined).toBe(route.startsWith('post '));
    }
  });

  it('shows how a search is asked for, and what it answers', () => {
    const operations = new Map(paths);
    const search = [...operations].find(([route]) => /^get .*\/search$/.test(route))?.[1];
    expect(search?.parameters.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['text', 'filters', 'fields', 'pagination[pageSize]', 'minScore']),
    );
    expect(JSON.stringify(search?.responses['200'])).toContain('alternativeText');
    const post = [...operations].find(([route]) => /^post .*\/search$/.test(route))?.[1];
    expect(Object.keys(post?.requestBody?.content ?? {})).toEqual([
      'application/json',
      'multipart/form-data',
    ]);
  });
});
