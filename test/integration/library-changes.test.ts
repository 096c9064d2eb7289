import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createLibrary,
  sampleImage,
  type Entry,
  type FileBytes,
  type Library,
} from '../support/library';
import { storedIds, storedVectors } from '../support/stored-vectors';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const SAME_IMAGE = 0.95;

describe('changes in the Media Library', () => {
  let app: StrapiApp;
  let library: Library;

  beforeAll(async () => {
    app = await startStrapi();
    await app.grantPublic([
      'plugin::upload.content-api.upload',
      'plugin::upload.content-api.destroy',
    ]);
    library = createLibrary(app);
    // Company, so that a wrong image could come first.
    for (const concept of ['red-apple', 'bicycle', 'camera', 'hammer']) await upload(concept);
  });
  afterAll(async () => {
    await app.stop();
  });

  describe('a replaced image', () => {
    type Replace = (fileId: number, image: FileBytes) => Promise<number>;
    const ways: Record<string, Replace> = {
      'in the panel': async (id, image) =>
        (await library.send(`/upload?id=${String(id)}`, [image])).status,
      'in the new Media Library': async (id, image) =>
        (await library.send(`/upload/files/${String(id)}/replace`, [image])).status,
      'through the content API': async (id, { bytes, fileName }) => {
        const request = app.request.post(`/api/upload?id=${String(id)}`);
        return (await request.attach('files', bytes, fileName)).status;
      },
    };

    it.each(Object.entries(ways))(
      '%s is found by what it shows now and no longer by what it showed',
      async (_name, replace) => {
        const [dog, pizza] = [await sampleImage('dog'), await sampleImage('pizza')];
        const id = await upload('dog');
        const [before] = await storedVectors(app, [id]);
        const foundBefore = await library.findImage(dog);
        expect(foundBefore.get(id)).toBeGreaterThan(SAME_IMAGE);
        expect([200, 201]).toContain(await replace(id, pizza));
        await app.waitUntilIndexed();
        expect(await library.entry(id)).toMatchObject({ state: 'indexed', error: null });
        const [after] = await storedVectors(app, [id]);
        expect(after).not.toEqual(before);
        expect((await library.findImage(pizza)).get(id)).toBeGreaterThan(SAME_IMAGE);
        expect((await library.findImage(dog)).get(id) ?? 0).toBeLessThan(SAME_IMAGE - 0.1);
        expect((await library.findText('a pizza'))[0]).toBe(id);
        await library.call('delete', `/upload/files/${String(id)}`);
        await app.waitUntilIndexed();
      },
    );
  });

  describe('a deleted image', () => {
    it('leaves neither entry nor vector behind', async () => {
      const id = await upload('guitar');
      const response = await library.call('delete', `/upload/files/${String(id)}`);
      expect(response.status).toBe(200);
      await expectNothingLeft([id]);
      expect(await library.findText('a guitar')).not.toContain(id);
    });

    it('leaves neither entry nor vector behind when the content API deletes it', async () => {
      const id = await upload('guitar');
      const response = await app.request.delete(`/api/upload/files/${String(id)}`);
      expect(response.status).toBe(200);
      await expectNothingLeft([id]);
    });

    it('leaves neither entry nor vector behind when many go at once', async () => {
      const ids = [await upload('owl'), await upload('castle'), await upload('teapot')];
      const kept = await upload('sailboat');
      const response = await library.call('post', '/upload/actions/bulk-delete', {
        fileIds: ids,
        folderIds: [],
      });
      expect(response.status).toBe(200);
      await expectNothingLeft(ids);
      expect(await library.entry(kept)).toMatchObject({ state: 'indexed' });
      expect(await storedIds(app)).toContain(kept);
    });

    it('leaves neither entry nor vector behind when its folder goes', async () => {
      const folder = await library.createFolder('To be deleted');
      const ids = await Promise.all(
        ['elephant', 'rainbow'].map(async (concept) => uploadInto(folder, concept)),
      );
      await app.waitUntilIndexed();
      expect(await storedIds(app)).toEqual(expect.arrayContaining(ids));
      const response = await library.call('post', '/upload/actions/bulk-delete', {
        fileIds: [],
        folderIds: [folder],
      });
      expect(response.status).toBe(200);
      await expectNothingLeft(ids);
    });
  });

  describe('an image whose bytes stay', () => {
    let id: number;
    let before: Entry;
    beforeAll(async () => {
      id = await upload('butterfly');
      before = await library.entry(id);
    });

    it('is not embedded again when its texts are edited in the panel', async () => {
      const fileInfo = { name: 'renamed.jpg', alternativeText: 'an insect', caption: 'Papilio' };
      const response = await library.send(`/upload?id=${String(id)}`, [], { fileInfo });
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject(fileInfo);
      await expectUntouched();
    });

    it('is not embedded again when its texts are edited in the new Media Library', async () => {
      const fileInfo = { name: 'again.jpg', alternativeText: 'wings', caption: 'Lepidoptera' };
      const response = await library.call('put', `/upload/files/${String(id)}`, { fileInfo });
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject(fileInfo);
      const update = { id, fileInfo: { ...fileInfo, caption: 'One of many' } };
      const bulk = await library.call('post', '/upload/actions/bulk-update', { updates: [update] });
      expect(bulk.status).toBe(200);
      expect(bulk.body).toMatchObject([{ caption: 'One of many' }]);
      await expectUntouched();
    });

    it('is not embedded again when it is moved with others', async () => {
      const destinationFolderId = await library.createFolder('Moved');
      const response = await library.call('post', '/upload/actions/bulk-move', {
        destinationFolderId,
        fileIds: [id],
        folderIds: [],
      });
      expect(response.status).toBe(200);
      await expectUntouched();
    });

    async function expectUntouched(): Promise<void> {
      // What hooks would not see, the comparison would.
      expect(await library.reindex('missing')).toBe(0);
      await app.waitUntilIndexed();
      expect(await library.entry(id)).toEqual(before);
    }
  });

  async function upload(concept: string): Promise<number> {
    const [file] = await library.upload(await sampleImage(concept));
    if (!file) throw new Error('Nothing was uploaded.');
    await app.waitUntilIndexed();
    return file.id;
  }

  async function uploadInto(folder: number, concept: string): Promise<number> {
    const response = await library.send('/upload', [await sampleImage(concept)], {
      fileInfo: { folder },
    });
    const [file] = response.body as { id: number }[];
    if (!file) throw new Error('Nothing was uploaded.');
    return file.id;
  }

  async function expectNothingLeft(ids: readonly number[]): Promise<void> {
    const status = await app.waitUntilIndexed();
    const entries = (await library.entries()).map((entry) => entry.fileId);
    const vectors = await storedIds(app);
    for (const id of ids) {
      expect(entries).not.toContain(id);
      expect(vectors).not.toContain(id);
    }
    expect(entries).toEqual(vectors);
    expect(entries).toHaveLength(status.total);
  }
});
