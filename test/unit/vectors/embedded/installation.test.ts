import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadDriver } from '../../../../plugin/src/vectors/embedded/driver';
import { resolveWorkerFile } from '../../../../plugin/src/workers';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';

describe('better-sqlite3', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  it('that is not installed fails every call with what to install', async () => {
    const threadFile = path.join(folder.folder, 'thread.cjs');
    await copyFile(resolveWorkerFile('embedded-store'), threadFile);
    const store = await folder.open({ threadFile });
    const call = store.listSpaces();
    await expect(call).rejects.toMatchObject({ code: 'store-not-installed', retryable: false });
    await expect(call).rejects.toThrow('npm install better-sqlite3');
    await expect(call).rejects.toThrow('C++ compiler');
    const health = await store.checkHealth();
    expect(health.ok).toBe(false);
    expect(health.message).toContain('npm install better-sqlite3');
  });

  it('whose native part does not load is told from one that does', () => {
    const unbuilt = function () {
      throw new Error('Could not locate the bindings file. Tried:\n → /somewhere');
    };
    expect(() => loadDriver(() => unbuilt)).toThrow(
      'is missing or does not load (Could not locate the bindings file. Tried:)',
    );
    expect(loadDriver(require)).toBeInstanceOf(Function);
  });
});
