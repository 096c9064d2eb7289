import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pollUntil } from '../support/polling';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, idsOf, type SearchFace } from '../support/search-face';
import type { RolePermission } from '../support/strapi-accounts';
import { appFolder } from '../support/strapi-environment';

const ARTICLE = 'api::article.article';
const SEARCH = { action: 'plugin::image-search.search' };
const READ_FILES = { action: 'plugin::upload.read' };
const READ_ENTRIES = 'plugin::content-manager.explorer.read';

interface Articles {
  create(parameters: object): Promise<{ documentId: string }>;
  update(parameters: object): Promise<unknown>;
  delete(parameters: object): Promise<unknown>;
}

let app: SearchApp;
let admin: SearchFace;
let articles: Articles;

beforeAll(async () => {
  app = await startSearchApp({
    folder: path.join(appFolder, 'editorial'),
    images: imagesOf(['dog', 'guitar', 'pizza']),
    imageSearch: { search: { requestsPerMinute: 0 }, words: { enabled: true } },
  });
  admin = await adminApi(app);
  articles = app.strapi.documents(ARTICLE as never);
}, 240_000);
afterAll(() => app.stop());

const idOf = (concept: string): number => app.fileOf(concept).id;

const find = (face: SearchFace, text: string) => face.searchText(text, { mode: 'text' });

async function untilWordsFind(text: string, ids: readonly number[]): Promise<void> {
  await pollUntil(
    async () => idsOf(await find(admin, text)),
    (found) => JSON.stringify([...found].sort()) === JSON.stringify([...ids].sort()),
  );
}

describe('titles of entries', () => {
  it('find the files of media fields, components and dynamic zones, drafts included', async () => {
    const { documentId } = await articles.create({
      locale: 'en',
      data: {
        title: 'Harvest festival',
        cover: idOf('dog'),
        seo: { description: 'About', image: idOf('guitar') },
        sections: [
          {
            __component: 'shared.slider',
            name: 'Slider',
            slides: [{ image: idOf('pizza') }],
          },
        ],
      },
    });
    await untilWordsFind('harvest', [idOf('dog'), idOf('guitar'), idOf('pizza')]);
    const { data } = await find(admin, 'harvest festival');
    expect(data.map(({ matchedBy }) => matchedBy)).toEqual(data.map(() => ['entryTitles']));
    await articles.update({ documentId, locale: 'en', data: { title: 'Vintage festival' } });
    await untilWordsFind('vintage', [idOf('dog'), idOf('guitar'), idOf('pizza')]);
    await untilWordsFind('harvest', []);
    await articles.delete({ documentId, locale: '*' });
    await admin.post('reindex', { scope: 'missing' });
    await untilWordsFind('vintage', []);
  });

  it('are searched neither over the content API nor for roles that can’t read all of them', async () => {
    await articles.create({
      locale: 'en',
      data: { title: 'Secret merger', cover: idOf('guitar') },
    });
    await untilWordsFind('merger', [idOf('guitar')]);
    expect((await find(contentApi(app), 'merger')).data).toEqual([]);
    const ids = async (name: string, permissions: RolePermission[]): Promise<number[]> => {
      const account = { email: `${name}@example.com`, password: 'Restricted-Admin-1' };
      await app.createRestrictedAdmin({
        ...account,
        permissions: [SEARCH, READ_FILES, ...permissions],
      });
      return idsOf(await find(await adminApi(app, account), 'merger'));
    };
    const article = { action: READ_ENTRIES, subject: ARTICLE };
    const titles = { locales: ['en'], fields: ['title'] };
    await expect(ids('none', [])).resolves.toEqual([]);
    await expect(
      ids('own', [{ ...article, properties: titles, conditions: ['admin::is-creator'] }]),
    ).resolves.toEqual([]);
    const covers = { locales: ['en'], fields: ['cover'] };
    await expect(ids('covers', [{ ...article, properties: covers }])).resolves.toEqual([]);
    const german = { ...titles, locales: ['de'] };
    await expect(ids('german', [{ ...article, properties: german }])).resolves.toEqual([]);
    await expect(ids('all', [{ ...article, properties: titles }])).resolves.toEqual([
      idOf('guitar'),
    ]);
  });
});
