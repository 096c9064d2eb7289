import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderSamplePicture } from '../../sample/library';
import { picturesOf } from '../support/search-app';
import { adminApi, contentApi, readPage, type SearchFace } from '../support/search-face';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';

/** Strapi's own marks of an upload under way live elsewhere: this folder is the parser's alone. */
let temporaryFolder: string;
let dataFolder: string;
let app: StrapiProcess;
let face: SearchFace;
let adminFace: SearchFace;
let picture: Buffer;

beforeAll(async () => {
  dataFolder = await mkdtemp(path.join(tmpdir(), 'image-search-temporary-'));
  temporaryFolder = path.join(dataFolder, 'temporary');
  await mkdir(temporaryFolder);
  const [dog] = picturesOf(['dog']);
  if (!dog) throw new Error('There is no dog.');
  picture = await renderSamplePicture(dog);
  app = await spawnStrapi({
    dataFolder,
    env: { TMPDIR: temporaryFolder },
    imageSearch: { search: { maxImageBytes: 500_000, requestsPerMinute: 0 } },
  });
  adminFace = await adminApi(app);
  face = contentApi(app, await createFullToken());
  await app.uploadThroughAdmin(picture, 'dog.png');
  await app.waitUntilIndexed();
  // Everything that is made on first use is there after one search.
  expect(readPage(await face.post('search').attach('image', picture, 'a.png')).data).toHaveLength(
    1,
  );
});

afterAll(async () => {
  await app.kill('SIGTERM');
  await rm(dataFolder, { recursive: true, force: true });
});

async function createFullToken(): Promise<string> {
  const response = await app.request
    .post('/admin/api-tokens')
    .auth(await app.adminToken(), { type: 'bearer' })
    .send({ name: 'full', description: '', type: 'full-access', lifespan: null });
  expect(response.status).toBe(201);
  const { data } = response.body as { data: { accessKey: string } };
  return data.accessKey;
}

async function filesLeft(): Promise<string[]> {
  return await readdir(temporaryFolder, { recursive: true });
}

describe('the temporary folder keeps no picture', () => {
  it('that was searched with', async () => {
    const before = await filesLeft();
    for (const asking of [face, adminFace]) {
      const response = await asking.post('search').attach('image', picture, 'a.png');
      expect(response.status).toBe(200);
    }
    const embedding = await face.post('embeddings').attach('image', picture, 'a.png');
    expect(embedding.status).toBe(200);
    expect(await filesLeft()).toEqual(before);
  });

  it('of a caller who may not search', async () => {
    const before = await filesLeft();
    const everybody = contentApi(app);
    const statuses = [
      await everybody.post('search').attach('image', picture, 'a.png'),
      await everybody.post('embeddings').attach('image', picture, 'a.png'),
      await app.request.post('/image-search/search').attach('image', picture, 'a.png'),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 401]);
    expect(await filesLeft()).toEqual(before);
  });

  it('that was refused', async () => {
    const before = await filesLeft();
    const post = () => face.post('search');
    const statuses = [
      await post().attach('image', picture, 'a.png').attach('image', picture, 'b.png'),
      await post().attach('picture', picture, 'a.png'),
      await post().attach('image', Buffer.from('no picture'), 'a.png'),
      await post().attach('image', Buffer.alloc(0), 'a.png'),
      await post().attach('image', Buffer.alloc(600_000), 'a.png'),
      await post().attach('image', picture, 'a.png').field('filters', '{'),
      await face.post('no-such-path').attach('image', picture, 'a.png'),
      await face.get('similar/1').attach('image', picture, 'a.png'),
    ].map(({ status }) => status);
    expect(statuses).toEqual([400, 400, 400, 400, 413, 400, 405, 200]);
    expect(await filesLeft()).toEqual(before);
  });

  it('beside a part that Strapi takes for an upload', async () => {
    const before = await filesLeft();
    const response = await face
      .post('search')
      .attach('image', picture, 'a.png')
      .attach('files', picture, 'b.png');
    expect(response.status).toBe(400);
    expect(await filesLeft()).toEqual(before);
  });

  it('that was sent to the address in capital letters', async () => {
    const before = await filesLeft();
    const response = await app.request
      .post('/API/Image-Search/SEARCH')
      .attach('image', picture, 'a.png');
    expect(response.status).toBe(403);
    const admin = await app.request
      .post('/IMAGE-SEARCH/search')
      .auth(await app.adminToken(), { type: 'bearer' })
      .attach('image', picture, 'a.png');
    expect(admin.status).toBe(200);
    expect(await filesLeft()).toEqual(before);
  });

  it('of a caller that hung up while it was sending', async () => {
    const before = await filesLeft();
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      [
        'POST /api/image-search/search HTTP/1.1',
        'Host: localhost',
        'Content-Type: multipart/form-data; boundary=part',
        'Content-Length: 1000000',
        '',
        '--part',
        'Content-Disposition: form-data; name="image"; filename="a.png"',
        'Content-Type: image/png',
        '',
        'the first bytes',
      ].join('\r\n'),
    );
    await waitFor(async () => (await filesLeft()).length > before.length);
    socket.destroy();
    await waitFor(async () => (await filesLeft()).length === before.length);
    expect(await filesLeft()).toEqual(before);
    expect((await face.searchText('dog')).data).toHaveLength(1);
  });
});

/** Asks again and again; the test's own time limit ends it. */
async function waitFor(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve));
}
