import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { productOf } from '../support/search-app';
import { storedIds, storedVectors } from '../support/stored-vectors';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import { sizeOf } from '../support/test-size';

const STORE_FILE = 'image-search.sqlite';

type Damage = [where: string, garbage: Buffer];
type Blockage = [what: string, block: (place: string) => Promise<unknown>];

describe('the vector store', () => {
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;

  beforeEach(async () => {
    dataFolder = await createDataFolder();
  });
  afterEach(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  async function start(storePath = STORE_FILE): Promise<void> {
    const vectors = { path: path.join(dataFolder, storePath) };
    app = await startStrapi({ dataFolder, imageSearch: { vectors } });
    library = createLibrary(app);
  }

  async function uploadThree(): Promise<number[]> {
    const files = await library.upload(
      await sampleImage('dog'),
      await sampleImage('guitar'),
      await sampleImage('pizza'),
    );
    return files.map(({ id }) => id);
  }

  async function expectSearchable(ids: readonly number[]): Promise<void> {
    expect(await storedIds(app)).toEqual([...ids].sort((a, b) => a - b));
    expect((await library.findText('a dog'))[0]).toBe(ids[0]);
    expect((await library.findText('a guitar'))[0]).toBe(ids[1]);
    expect((await library.findText('a pizza'))[0]).toBe(ids[2]);
  }

  const storeFiles = async (): Promise<string[]> =>
    (await readdir(dataFolder)).filter((name) => name.startsWith(STORE_FILE));

  describe('that was lost', () => {
    it('is refilled at the next start', async () => {
      await start();
      const ids = await uploadThree();
      await app.waitUntilIndexed();
      const vectors = await storedVectors(app, ids);
      await app.stop();
      for (const name of await storeFiles()) await rm(path.join(dataFolder, name));
      await start();
      const status = await app.waitUntilIndexed();
      expect(status).toMatchObject({ counts: { indexed: 3 }, store: { ok: true } });
      await expectSearchable(ids);
      expect(await storedVectors(app, ids)).toEqual(vectors);
    });

    it('is refilled when only some vectors are missing', async () => {
      await start();
      const ids = await uploadThree();
      await app.waitUntilIndexed();
      const readEntries = () => Promise.all(ids.map((id) => library.entry(id)));
      const before = await readEntries();
      const { collection } = await productOf(app).spaces.get();
      await collection.remove(ids.slice(1, 2));
      await app.stop();
      await start();
      await app.waitUntilIndexed();
      await expectSearchable(ids);
      // The store still has the vector of these bytes, so the image isn't read again.
      expect(await readEntries()).toEqual(before);
    });
  });

  describe('that was damaged', () => {
    const onlyHeader: Damage = ['to a header', Buffer.from('SQLite format 3\0 and no more')];
    const everywhere: Damage = ['everywhere', Buffer.alloc(100_000, 'garbage')];
    it.each(sizeOf({ ci: [onlyHeader], long: [onlyHeader, everywhere] }))(
      '%s is set aside and filled again by itself',
      async (_where, garbage) => {
        await start();
        const ids = await uploadThree();
        await app.waitUntilIndexed();
        await app.stop();
        for (const name of await storeFiles()) await rm(path.join(dataFolder, name));
        await writeFile(path.join(dataFolder, STORE_FILE), garbage);
        await start();
        const status = await app.waitUntilIndexed();
        expect(status).toMatchObject({ counts: { indexed: 3 }, store: { ok: true } });
        await expectSearchable(ids);
        const aside = (await storeFiles()).filter((name) => name.includes('.damaged-'));
        expect(aside).toHaveLength(1);
      },
    );
  });

  describe("that can't be written", () => {
    const folderIsFile: Blockage = [
      'its folder is a file',
      (place) => writeFile(path.dirname(place), 'in the way'),
    ];
    const fileIsFolder: Blockage = [
      'its file is a folder',
      (place) => mkdir(place, { recursive: true }),
    ];
    it.each(sizeOf({ ci: [folderIsFile], long: [folderIsFile, fileIsFolder] }))(
      'lets uploads succeed: %s',
      async (_what, block) => {
        const storePath = path.join('vectors', STORE_FILE);
        const place = path.join(dataFolder, storePath);
        await block(place);
        await start(storePath);
        const ids = await uploadThree();
        expect(ids).toHaveLength(3);

        await library.reindex('missing');
        const status = await pollUntil(
          () => app.readStatus(),
          ({ worker }) => worker.state === 'paused',
        );
        expect(status.counts).toMatchObject({ pending: 3, failed: 0 });
        expect(status.store.ok).toBe(false);
        expect(status.store.message).toMatch(/vectors\.path/);
        expect(status.store.message).toContain(place);
        expect(status.worker.pause).toMatchObject({
          code: 'store-unavailable',
          message: expect.stringContaining('vectors.path'),
        });
        for (const entry of await library.entries()) {
          expect(entry).toMatchObject({ state: 'pending', attempts: 0 });
        }
        const search = await library.call('post', '/image-search/search', { text: 'a dog' });
        expect(search).toMatchObject({
          status: 503,
          body: { error: { details: { code: 'store-unavailable' } } },
        });

        await rm(path.join(dataFolder, 'vectors'), { recursive: true });
        await library.reindex('missing');
        const mended = await app.waitUntilIndexed();
        expect(mended).toMatchObject({
          counts: { indexed: 3 },
          store: { ok: true },
          worker: { state: 'idle', pause: null },
        });
        await expectSearchable(ids);
      },
    );
  });
});
