import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';

const space = createVectorSpace({
  provider: 'test',
  model: 'version',
  dimensions: 8,
  preprocessing: '',
});

describe('the version of the file', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
    await mkdir(path.dirname(folder.file));
  });
  afterEach(() => folder.destroy());

  /** Expects calls to fail with this message, and nothing in the folder to change. */
  async function expectRefusal(message: string): Promise<void> {
    const before = await readFile(folder.file);
    const store = await folder.open();
    const call = store.ensureSpace(space);
    await expect(call).rejects.toMatchObject({ code: 'store-unavailable', retryable: false });
    await expect(call).rejects.toThrow(message);
    await expect(call).rejects.toThrow('vectors.path');
    await store.dispose();
    expect((await readFile(folder.file)).equals(before)).toBe(true);
    expect(await readdir(path.dirname(folder.file))).toEqual([path.basename(folder.file)]);
  }

  it('is rejected if it is newer, and the file is left alone', async () => {
    const store = await folder.open();
    await store.ensureSpace(space);
    await store.dispose();
    const database = new Database(folder.file);
    database.pragma('user_version = 99');
    database.close();
    await expectRefusal('has version 99');
  });

  it("is ignored in another program's database, which is left alone", async () => {
    const database = new Database(folder.file);
    database.exec('create table users (name text)');
    database.close();
    await expectRefusal('is a database of another program');
  });

  it('stays the same when an up-to-date file is reopened', async () => {
    await (await folder.open()).ensureSpace(space);
    const store = await folder.open();
    await expect(store.listSpaces()).resolves.toEqual([space]);
    await store.dispose();
    const database = new Database(folder.file, { readonly: true });
    expect(database.pragma('user_version', { simple: true })).toBe(3);
    database.close();
  });
});
