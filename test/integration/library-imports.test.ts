import { rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLibrary, sampleImage, type Library } from '../support/library';
import {
  copyForRow,
  deleteRaw,
  FILE_UID,
  insertRaw,
  placeForRow,
  storedFile,
} from '../support/library-rows';
import { storedIds } from '../support/stored-vectors';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

describe('changes that bypass the hooks', () => {
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;
  let original: number;

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    await start();
    const [file] = await library.upload(await sampleImage('dog'));
    original = file?.id ?? 0;
    await app.waitUntilIndexed();
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    const indexing = { maxAttempts: 1 };
    app = await startStrapi({ dataFolder, imageSearch: { indexing } });
    library = createLibrary(app);
  }

  const newRow = () => copyForRow(app.strapi, original);

  async function importWithoutHooks(): Promise<number> {
    app.strapi.db.lifecycles.disable();
    try {
      const { id } = await app.strapi.db.query(FILE_UID).create({ data: await newRow() });
      return id as number;
    } finally {
      app.strapi.db.lifecycles.enable();
    }
  }

  async function expectLibraryIndexed(ids: readonly number[]): Promise<void> {
    await app.waitUntilIndexed();
    const sorted = [...ids].sort((a, b) => a - b);
    expect(await storedIds(app)).toEqual(sorted);
    expect(await library.entries()).toMatchObject(
      sorted.map((fileId) => ({ fileId, state: 'indexed' })),
    );
  }

  it('are found by a sync on demand', async () => {
    const imported = [await importWithoutHooks(), await insertRaw(app.strapi, await newRow())];
    const { total, counts } = await app.readStatus();
    expect(total).toBe(3);
    expect(counts.indexed).toBe(1);
    expect(await library.reindex('missing')).toBe(2);
    await expectLibraryIndexed([original, ...imported]);

    for (const id of imported) await deleteRaw(app.strapi, id);
    expect(await library.reindex('missing')).toBe(2);
    await expectLibraryIndexed([original]);
    expect(await library.reindex('missing')).toBe(0);
  });

  it('are found by the sync at boot', async () => {
    const before = await library.entry(original);
    const doomed = await insertRaw(app.strapi, await newRow());
    await library.reindex('missing');
    await expectLibraryIndexed([original, doomed]);
    const imported = [await insertRaw(app.strapi, await newRow()), await importWithoutHooks()];
    await deleteRaw(app.strapi, doomed);
    await app.stop();
    await start();
    await expectLibraryIndexed([original, ...imported]);
    expect(await library.entry(original)).toEqual(before);
    for (const id of imported) await deleteRaw(app.strapi, id);
    await library.reindex('missing');
    await expectLibraryIndexed([original]);
  });

  it('are noticed when the bytes of a known file changed', async () => {
    const id = await insertRaw(app.strapi, await newRow());
    await library.reindex('missing');
    await expectLibraryIndexed([original, id]);
    const { bytes } = await sampleImage('guitar');
    const placed = await placeForRow(app.strapi, { bytes, ext: '.jpg', mime: 'image/jpeg' });
    const { ext, hash, mime, size, url } = placed;
    await app.strapi.db.connection('files').where({ id }).update({ ext, hash, mime, size, url });
    expect(await library.reindex('missing')).toBe(1);
    await expectLibraryIndexed([original, id]);
    expect((await library.findText('a guitar'))[0]).toBe(id);
    await deleteRaw(app.strapi, id);
    await library.reindex('missing');
    await expectLibraryIndexed([original]);
  });

  it('"failed" retries only failed images', async () => {
    const row = await placeForRow(app.strapi, {
      bytes: Buffer.from('no image'),
      ext: '.jpg',
      mime: 'image/jpeg',
    });
    const id = await insertRaw(app.strapi, row);
    await library.reindex('missing');
    await app.waitUntilIndexed();
    const failed = await library.entry(id);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'image-unreadable' } });
    // A comparison does not try again what cannot get better.
    expect(await library.reindex('missing')).toBe(0);

    const before = await library.entry(original);
    const { bytes } = await sampleImage('pizza');
    await writeFile(storedFile(app.strapi, row), bytes);
    expect(await library.reindex('failed')).toBe(1);
    await expectLibraryIndexed([original, id]);
    expect(await library.entry(id)).toMatchObject({ attempts: 1, error: null });
    expect(await library.entry(original)).toEqual(before);
  });

  it('"all" embeds every image again', async () => {
    const before = await library.entries();
    expect(before.length).toBeGreaterThan(1);
    expect(await library.reindex('all')).toBe(before.length);
    await expectLibraryIndexed(before.map((entry) => entry.fileId));
    const after = await library.entries();
    for (const [index, entry] of after.entries()) {
      expect(Date.parse(entry.indexedAt ?? '')).toBeGreaterThan(
        Date.parse(before[index]?.indexedAt ?? ''),
      );
    }
  });
});
