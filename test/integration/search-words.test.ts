import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, type SearchFace } from '../support/search-face';
import { pollUntil } from '../support/polling';

let app: SearchApp;
let admin: SearchFace;
let token: string;
let embeddedImages = 0;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar', 'pizza']),
    imageSearch: { search: { requestsPerMinute: 0 }, words: { enabled: true } },
  });
  admin = await adminApi(app);
  token = await app.adminToken();
  const { provider } = await productOf(app).spaces.get();
  const embedImages = provider.embedImages.bind(provider);
  provider.embedImages = (images, options) => {
    embeddedImages += images.length;
    return embedImages(images, options);
  };
}, 240_000);

afterAll(() => app.stop());

const idOf = (concept: string): number => app.fileOf(concept).id;

/** What the words of a text find, once it is that. */
async function untilWordsFind(text: string, ids: readonly number[]): Promise<void> {
  const expected = [...ids].sort();
  await pollUntil(
    async () => {
      const { data } = await admin.searchText(text, { mode: 'text' });
      return data.map(({ file }) => file.id).sort();
    },
    (found) => JSON.stringify(found) === JSON.stringify(expected),
  );
}

async function edit(fileId: number, fileInfo: object): Promise<void> {
  const response = await app.request
    .post(`/upload?id=${String(fileId)}`)
    .auth(token, { type: 'bearer' })
    .field('fileInfo', JSON.stringify(fileInfo));
  expect(response.status).toBeLessThan(300);
}

it('follow an edit of a file’s name and texts, and nothing is embedded for it', async () => {
  const fileId = idOf('guitar');
  await edit(fileId, {
    name: 'IMG_4711.jpg',
    alternativeText: 'Zebra crossing',
    caption: 'Photo: J. Müller',
  });
  await untilWordsFind('zebra', [fileId]);
  const page = await contentApi(app).searchText('img 4711');
  expect(page.meta).toMatchObject({ mode: 'hybrid', isDegraded: false });
  expect(page.data[0]).toMatchObject({
    file: { id: fileId },
    matchedBy: expect.arrayContaining(['name']),
    highlights: { name: [[0, 3], [4, 8]] }, // prettier-ignore
  });
  await untilWordsFind('"j muller"', [fileId]);
  await edit(fileId, { name: 'guitar.jpg', alternativeText: '', caption: '' });
  await untilWordsFind('zebra', []);
  expect(embeddedImages).toBe(0);
});

it('follow folders that are renamed, and bulk moves at the next sync, for the panel alone', async () => {
  const fileId = idOf('dog');
  const create = await app.request
    .post('/upload/folders')
    .auth(token, { type: 'bearer' })
    .send({ name: 'Falcon campaign', parent: null });
  expect(create.status).toBe(201);
  const { id: folderId } = (create.body as { data: { id: number } }).data;
  const move = await app.request
    .post('/upload/actions/bulk-move')
    .auth(token, { type: 'bearer' })
    .send({ fileIds: [fileId], destinationFolderId: folderId });
  expect(move.status).toBe(200);
  expect((await admin.post('reindex', { scope: 'missing' })).status).toBe(200);
  await untilWordsFind('falcon', [fileId]);
  const [hit] = (await admin.searchText('falcon campaign', { mode: 'text' })).data;
  expect(hit).toMatchObject({ matchedBy: ['folder'], score: null });
  // Strapi hides folders from the content API.
  const outside = await contentApi(app).searchText('falcon campaign', { mode: 'text' });
  expect(outside.data).toEqual([]);
  const renamed = await app.request
    .put(`/upload/folders/${String(folderId)}`)
    .auth(token, { type: 'bearer' })
    .send({ name: 'Heron campaign', parent: null });
  expect(renamed.status).toBe(200);
  await untilWordsFind('heron', [fileId]);
  await untilWordsFind('falcon', []);
  expect(embeddedImages).toBe(0);
});

it('are gone with their file', async () => {
  const fileId = idOf('pizza');
  await edit(fileId, { name: 'pizza.jpg', alternativeText: 'quattro stagioni', caption: '' });
  await untilWordsFind('stagioni', [fileId]);
  const response = await app.request
    .delete(`/upload/files/${String(fileId)}`)
    .auth(token, { type: 'bearer' });
  expect(response.status).toBe(200);
  await untilWordsFind('stagioni', []);
});
