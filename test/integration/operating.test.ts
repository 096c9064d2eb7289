import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminActions } from '../../plugin/src/contracts/identity';
import { apiLimits } from '../../plugin/src/contracts/limits';
import { testResponseSchema } from '../../plugin/src/contracts/management';
import { createLibrary, sampleImages, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { adminApi, expectFailure } from '../support/search-face';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

let dataFolder: string;
let app: StrapiApp;
let library: Library;

beforeAll(async () => {
  dataFolder = await createDataFolder();
  await start();
});
afterAll(async () => {
  await app.stop();
  await rm(dataFolder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  app = await startStrapi({ dataFolder });
  library = createLibrary(app);
}

describe('Stopping indexing', () => {
  it('keeps uploads in the queue, over a restart, until it is resumed', async () => {
    const held = await library.call('post', '/image-search/hold');
    expect(held.status).toBe(200);
    expect(held.body).toMatchObject({ data: { hold: { by: 'Test Administrator' } } });
    const { since } = (held.body as { data: { hold: { since: string } } }).data.hold;

    const [image] = await library.upload(...(await sampleImages(1)));
    await app.stop();
    await start();
    // Searching embeds; indexing stands still all the same.
    await library.findText('dog');
    const again = await library.call('post', '/image-search/hold');
    expect(again.body).toMatchObject({
      data: { hold: { since }, counts: { pending: 1, indexed: 0 } },
    });

    const resumed = await library.call('delete', '/image-search/hold');
    expect(resumed.body).toMatchObject({ data: { hold: null } });
    await app.waitUntilIndexed();
    expect(await library.entry(image?.id ?? 0)).toMatchObject({ state: 'indexed' });
  });
});

describe('Retrying single images', () => {
  it('queues them whatever their state', async () => {
    const broken = { fileName: 'broken.png', bytes: Buffer.from('no image at all') };
    const [file] = await library.upload(broken);
    const fileId = file?.id ?? 0;
    await pollUntil(
      () => library.entry(fileId),
      ({ state }) => state === 'failed' || state === 'skipped',
    );
    await library.call('post', '/image-search/hold');
    const answer = await library.call('post', '/image-search/reindex', { fileIds: [fileId] });
    expect(answer.body).toEqual({ data: { marked: 1 } });
    expect(await library.entry(fileId)).toMatchObject({ state: 'pending', attempts: 0 });
    await library.call('delete', '/image-search/hold');
  });

  it.each([
    ['nothing', {}, /either scope or fileIds/],
    ['both', { scope: 'all', fileIds: [1] }, /either scope or fileIds/],
    ['no file', { fileIds: [] }, /at least one file/],
    ['what is no id', { fileIds: ['1; drop'] }, /fileIds\.0: must be the numeric id of a file/],
    [
      'too many files',
      { fileIds: Array.from({ length: apiLimits.maxReindexedFiles + 1 }, (_, id) => id + 1) },
      /at most 100 files/,
    ],
  ])('rejects %s', async (_name, body, message) => {
    const face = await adminApi(app);
    expectFailure(await face.post('reindex', body), {
      status: 400,
      code: 'invalid-input',
      message,
    });
  });

  it("rejects a file that isn't an image of the library", async () => {
    const face = await adminApi(app);
    const answer = await face.post('reindex', { fileIds: [987_654] });
    expectFailure(answer, { status: 404, code: 'file-not-found', message: /987654/ });
  });
});

describe('Testing provider and store', () => {
  it('reports that both work, and how long each took', async () => {
    const { body } = await library.call('post', '/image-search/test');
    const { data } = testResponseSchema.parse(body);
    expect(data.provider).toMatchObject({ ok: true });
    expect(data.provider.message).toContain('is running on this machine');
    expect(data.store).toMatchObject({ ok: true });
    expect(data.provider.milliseconds).toBeGreaterThanOrEqual(0);
  });
});

describe("The panel's settings", () => {
  it('is readable for every role, but not without signing in', async () => {
    const credentials = { email: 'guest@example.com', password: 'Test-Guest-1' };
    await app.createRestrictedAdmin({ ...credentials, permissions: [] });
    const guest = await adminApi(app, credentials);
    const answer = await guest.get('panel');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ data: { mediaLibrary: true, imagePicker: true, tags: [] } });
    expect((await app.request.get('/image-search/panel')).status).toBe(401);
  });

  it("doesn't grant access to anything else", async () => {
    const credentials = { email: 'searcher@example.com', password: 'Test-Searcher-1' };
    await app.createRestrictedAdmin({
      ...credentials,
      permissions: [{ action: adminActions.search }],
    });
    const searcher = await adminApi(app, credentials);
    for (const path of ['hold', 'test', 'reindex']) {
      expect((await searcher.post(path)).status).toBe(403);
    }
  });
});
