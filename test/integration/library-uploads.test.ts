import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createLibrary,
  inOrder,
  sampleImage,
  type FileBytes,
  type Library,
} from '../support/library';
import { storedIds, storedVectors } from '../support/stored-vectors';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import type { UploadedFile } from '../support/strapi-client';

const pdf: FileBytes = { fileName: 'paper.pdf', bytes: Buffer.from('%PDF-1.4\n%%EOF\n') };
const video: FileBytes = {
  fileName: 'film.mp4',
  bytes: Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'),
};

describe('uploads to the Media Library', () => {
  let app: StrapiApp;
  let library: Library;

  beforeAll(async () => {
    app = await startStrapi();
    await app.grantPublic(['plugin::upload.content-api.upload']);
    library = createLibrary(app);
  });
  afterAll(async () => {
    await app.stop();
  });

  it('are indexed when several come in one request of the panel', async () => {
    const files = await library.upload(
      await sampleImage('dog'),
      await sampleImage('guitar'),
      await sampleImage('pizza'),
    );
    await expectAllIndexed(files);
    expect((await library.findText('a dog'))[0]).toBe(files[0]?.id);
    expect((await library.findText('a guitar'))[0]).toBe(files[1]?.id);
    expect((await library.findText('a pizza'))[0]).toBe(files[2]?.id);
  });

  it('are indexed when several come in one request of the content API', async () => {
    const [owl, teapot] = [await sampleImage('owl'), await sampleImage('teapot')];
    const response = await app.request
      .post('/api/upload')
      .attach('files', owl.bytes, owl.fileName)
      .attach('files', teapot.bytes, teapot.fileName);
    expect(response.status).toBe(201);
    const files = inOrder([owl, teapot], response.body);
    await expectAllIndexed(files);
    expect((await library.findText('an owl'))[0]).toBe(files[0]?.id);
  });

  it("are indexed when they come through the new Media Library's own address", async () => {
    const response = await library.send('/upload/files', [await sampleImage('castle')]);
    expect(response.status).toBe(201);
    const files = [response.body].flat() as UploadedFile[];
    expect(files).toHaveLength(1);
    await expectAllIndexed(files);
    expect((await library.findText('a castle'))[0]).toBe(files[0]?.id);
  });

  it('have an entry each when two of them are the same image', async () => {
    const image = await sampleImage('sunflower');
    const files = await library.upload(image, { ...image, fileName: 'again.jpg' });
    await expectAllIndexed(files);
    const [first, second] = await storedVectors(
      app,
      files.map(({ id }) => id),
    );
    expect(first).toEqual(second);
    const found = await library.findImage(image);
    for (const { id } of files) expect(found.get(id)).toBeGreaterThan(0.95);
  });

  it('are not entries when they are documents and films', async () => {
    const before = await app.waitUntilIndexed();
    const files = await library.upload(pdf, video);
    expect(files.map((file) => file.mime)).toEqual(['application/pdf', 'video/mp4']);
    const status = await app.waitUntilIndexed();
    expect(status.total).toBe(before.total);
    expect(status.counts).toEqual(before.counts);
    const entries = await library.entries();
    expect(entries).toHaveLength(before.total);
    for (const { id } of files) expect(entries.map((entry) => entry.fileId)).not.toContain(id);
    expect(await library.reindex('missing')).toBe(0);
  });

  it('become and cease to be entries when a document is replaced by an image and back', async () => {
    const [file] = await library.upload(pdf);
    if (!file) throw new Error('nothing was uploaded');
    await library.replace(file.id, await sampleImage('bicycle'));
    await expectAllIndexed([file]);
    await library.replace(file.id, pdf);
    await app.waitUntilIndexed();
    expect((await library.entries()).map((entry) => entry.fileId)).not.toContain(file.id);
    expect(await storedVectors(app, [file.id])).toEqual([null]);
  });

  async function expectAllIndexed(files: readonly { id: number }[]): Promise<void> {
    await app.waitUntilIndexed();
    for (const { id } of files) {
      expect(await library.entry(id)).toMatchObject({
        state: 'indexed',
        error: null,
        indexedAt: expect.any(String),
      });
    }
    const ids = files.map(({ id }) => id);
    expect(await storedIds(app)).toEqual(expect.arrayContaining(ids));
  }
});
