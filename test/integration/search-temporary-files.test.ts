import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderSampleImage } from '../../sample/library';
import { imagesOf } from '../support/search-app';
import { adminApi, contentApi, readPage, type SearchFace } from '../support/search-face';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';

/** Strapi's own marks of an upload under way live elsewhere: this folder is the parser's alone. */
let temporaryFolder: string;
let dataFolder: string;
let app: StrapiProcess;
let face: SearchFace;
let adminFace: SearchFace;
let image: Buffer;

beforeAll(async () => {
  dataFolder = await mkdtemp(path.join(tmpdir(), 'image-search-temporary-'));
  temporaryFolder = path.join(dataFolder, 'temporary');
  await mkdir(temporaryFolder);
  const [dog] = imagesOf(['dog']);
  if (!dog) throw new Error('There is no dog.');
  image = await renderSampleImage(dog);
  app = await spawnStrapi({
    dataFolder,
    env: { TMPDIR: temporaryFolder },
    imageSearch: { search: { maxImageBytes: 500_000, requestsPerMinute: 0 } },
  });
  adminFace = await adminApi(app);
  face = contentApi(app, await createFullToken());
  await app.uploadThroughAdmin(image, 'dog.png');
  await app.waitUntilIndexed();
  // Everything that is made on first use is there after one search.
  expect(readPage(await face.post('search').attach('image', image, 'a.png')).data).toHaveLength(1);
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

describe('the temporary folder keeps no image', () => {
  it('of a search', async () => {
    const before = await filesLeft();
    for (const asking of [face, adminFace]) {
      const response = await asking.post('search').attach('image', image, 'a.png');
      expect(response.status).toBe(200);
    }
    const embedding = await face.post('embeddings').attach('image', image, 'a.png');
    expect(embedding.status).toBe(200);
    expect(await filesLeft()).toEqual(before);
  });

  it('of a caller who may not search', async () => {
    const before = await filesLeft();
    const everybody = contentApi(app);
    const statuses = [
      await everybody.post('search').attach('image', image, 'a.png'),
      await everybody.post('embeddings').attach('image', image, 'a.png'),
      await app.request.post('/image-search/search').attach('image', image, 'a.png'),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 401]);
    expect(await filesLeft()).toEqual(before);
  });

  it('that was rejected', async () => {
    const before = await filesLeft();
    const post = () => face.post('search');
    const statuses = [
      await post().attach('image', image, 'a.png').attach('image', image, 'b.png'),
      await post().attach('photo', image, 'a.png'),
      await post().attach('image', Buffer.from('no image'), 'a.png'),
      await post().attach('image', Buffer.alloc(0), 'a.png'),
      await post().attach('image', Buffer.alloc(600_000), 'a.png'),
      await post().attach('image', image, 'a.png').field('filters', '{'),
      await face.post('no-such-path').attach('image', image, 'a.png'),
      await face.get('similar/1').attach('image', image, 'a.png'),
    ].map(({ status }) => status);
    expect(statuses).toEqual([400, 400, 400, 400, 413, 400, 405, 200]);
    expect(await filesLeft()).toEqual(before);
  });

  it('beside a part that Strapi takes for an upload', async () => {
    const before = await filesLeft();
    const response = await face
      .post('search')
      .attach('image', image, 'a.png')
      .attach('files', image, 'b.png');
    expect(response.status).toBe(400);
    expect(await filesLeft()).toEqual(before);
  });

  it('that was sent to the URL in capital letters', async () => {
    const before = await filesLeft();
    const response = await app.request
      .post('/API/Image-Search/SEARCH')
      .attach('image', image, 'a.png');
    expect(response.status).toBe(403);
    const admin = await app.request
      .post('/IMAGE-SEARCH/search')
      .auth(await app.adminToken(), { type: 'bearer' })
      .attach('image', image, 'a.png');
    expect(admin.status).toBe(200);
    expect(await filesLeft()).toEqual(before);
  });

  it('of a caller that hung up while it was sending', async () => {
    const before = await filesLeft();
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    const start = [
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
    ].join('\r\n');
    await new Promise((resolve) => socket.write(start, resolve));
    // Answered after the bytes before it were read.
    expect((await face.searchText('dog')).data).toHaveLength(1);
    expect(await filesLeft()).toEqual(before);
    socket.destroy();
    expect(await filesLeft()).toEqual(before);
    expect((await face.searchText('dog')).data).toHaveLength(1);
  });
});
