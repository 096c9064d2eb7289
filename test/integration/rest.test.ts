import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from '@strapi/openapi';
import { repositoryFolder } from '../support/paths';
import {
  imagesOf,
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

describe('what Strapi takes elsewhere', () => {
  it('is ignored if it means nothing for files', async () => {
    const plain = await face.searchText('dog');
    expect(await face.searchText('dog', { locale: 'de', status: 'draft' })).toEqual(plain);
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
      expect([route, answer]).toEqual([route, expect.objectContaining({ type: 'object' })]);
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
