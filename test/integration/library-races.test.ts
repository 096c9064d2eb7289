import { rm, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { readRow, storedFile } from '../support/library-rows';
import { stallFile } from '../support/stalled-file';
import { storedIds, storedVectors } from '../support/stored-vectors';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const TRIES = 2;

describe('a file that changes between upload and indexing', () => {
  const folders: string[] = [];
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;

  beforeEach(async () => {
    dataFolder = await createDataFolder();
    folders.push(dataFolder);
    await start({ enabled: false });
  });
  afterEach(async () => {
    await app.stop();
  });
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  async function start(indexing: { enabled: boolean }): Promise<void> {
    const settings = { concurrency: 1, maxAttempts: TRIES, firstRetrySeconds: 1 };
    app = await startStrapi({
      dataFolder,
      imageSearch: { indexing: { ...settings, ...indexing } },
    });
    library = createLibrary(app);
  }

  async function startIndexing(): Promise<void> {
    await app.stop();
    await start({ enabled: true });
  }

  async function upload(concept: string): Promise<{ id: number; file: string }> {
    const [uploaded] = await library.upload(await sampleImage(concept));
    if (!uploaded) throw new Error('Nothing was uploaded.');
    const { id } = uploaded;
    return { id, file: storedFile(app.strapi, await readRow(app.strapi, id)) };
  }

  it('is retried and fails when its bytes are missing, and indexed once they are back', async () => {
    const lost = await upload('dog');
    const kept = await upload('guitar');
    expect((await app.readStatus()).counts).toMatchObject({ pending: 2 });
    await rm(lost.file);
    await startIndexing();
    await app.waitUntilIndexed();
    expect(await library.entry(kept.id)).toMatchObject({ state: 'indexed' });
    const failed = await library.entry(lost.id);
    expect(failed).toMatchObject({
      state: 'failed',
      attempts: TRIES,
      error: { code: 'image-missing' },
    });
    expect(failed.error?.message).toMatch(/dog.*isn't in the uploads folder.*[Uu]pload it again/);

    await writeFile(lost.file, (await sampleImage('dog')).bytes);
    expect(await library.reindex('failed')).toBe(1);
    await app.waitUntilIndexed();
    expect(await library.entry(lost.id)).toMatchObject({ state: 'indexed', error: null });
    expect((await library.findText('a dog'))[0]).toBe(lost.id);
  });

  it('leaves nothing when it is deleted before it is claimed', async () => {
    const [deleted, kept] = [await upload('dog'), await upload('guitar')];
    await library.call('delete', `/upload/files/${String(deleted.id)}`);
    await startIndexing();
    await expectOnlyIndexed(kept.id);
  });

  it('leaves nothing when it is deleted between claim and read', async () => {
    // One is read at a time: the second waits, claimed, for the first.
    const [first, second] = [await upload('dog'), await upload('guitar')];
    const stalled = await stallFile(first.file);
    await startIndexing();
    await stalled.untilRead();
    await library.call('delete', `/upload/files/${String(second.id)}`);
    await stalled.letGo();
    await expectOnlyIndexed(first.id);
  });

  it('leaves nothing when it is deleted while it is read', async () => {
    const [first, second] = [await upload('dog'), await upload('guitar')];
    const stalled = await stallFile(first.file);
    await startIndexing();
    await stalled.untilRead();
    await library.call('delete', `/upload/files/${String(first.id)}`);
    await stalled.letGo();
    await expectOnlyIndexed(second.id);
  });

  it('is indexed as it is now when it is replaced while its batch is read', async () => {
    const [replaced, other] = [await upload('dog'), await upload('guitar')];
    const stalled = await stallFile(other.file);
    await startIndexing();
    // What is replaced was read by then: its batch continues with what it showed.
    await stalled.untilRead();
    await library.replace(replaced.id, await sampleImage('pizza'));
    await stalled.letGo();
    await app.waitUntilIndexed();
    expect(await library.entry(replaced.id)).toMatchObject({ state: 'indexed', error: null });
    expect(await library.entry(other.id)).toMatchObject({ state: 'indexed', error: null });
    const pizza = await library.findImage(await sampleImage('pizza'));
    expect(pizza.get(replaced.id)).toBeGreaterThan(0.95);
    expect((await library.findText('a pizza'))[0]).toBe(replaced.id);
    expect((await library.findText('a guitar'))[0]).toBe(other.id);
  });

  it('waits for the next start when the process ends while it is read', async () => {
    const { id, file } = await upload('dog');
    const stalled = await stallFile(file);
    await startIndexing();
    await stalled.untilRead();
    await app.stop();
    await stalled.letGo();
    await rm(file);
    await writeFile(file, (await sampleImage('dog')).bytes);
    await start({ enabled: false });
    expect((await app.readStatus()).counts).toMatchObject({ pending: 1, indexing: 0 });
    expect(await library.entry(id)).toMatchObject({ state: 'pending', attempts: 0, error: null });
    await startIndexing();
    await expectOnlyIndexed(id);
  });

  async function expectOnlyIndexed(id: number): Promise<void> {
    const { total } = await app.waitUntilIndexed();
    expect(total).toBe(1);
    expect(await library.entries()).toMatchObject([{ fileId: id, state: 'indexed' }]);
    expect(await storedIds(app)).toEqual([id]);
    expect((await storedVectors(app, [id]))[0]).not.toBeNull();
  }
});
