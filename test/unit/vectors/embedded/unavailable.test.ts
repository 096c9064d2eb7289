import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import { ImageSearchError } from '../../../../plugin/src/errors';
import type { VectorCollection } from '../../../../plugin/src/vectors/contract';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { createStructuredVectors } from '../../../support/structured-vectors';
import { pointOf } from '../../../support/vector-points';

const space = createVectorSpace({
  provider: 'test',
  model: 'unavailable',
  dimensions: 256,
  preprocessing: '',
});
const vectors = createStructuredVectors(4, space.dimensions);
const points = Array.from({ length: 4000 }, (_, index) => pointOf(index + 1, vectors.image()));

/** Returns whether it succeeded. */
function run(command: string, ...parameters: string[]): boolean {
  return spawnSync(command, parameters).status === 0;
}

function mountDisk(options: string, target: string): boolean {
  return run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', target);
}

function canMount(): boolean {
  const target = mkdtempSync(path.join(tmpdir(), 'image-search-mount-'));
  const isMounted = mountDisk('size=64k', target);
  if (isMounted) run('umount', target);
  rmdirSync(target);
  return isMounted;
}

async function failureOf(call: Promise<unknown>): Promise<ImageSearchError> {
  const outcome = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(outcome instanceof ImageSearchError)) throw new Error('The call should have failed.');
  return outcome;
}

describe("a file that can't be used", () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  it('because a folder has its name is reported with the setting to change', async () => {
    await mkdir(folder.file, { recursive: true });
    const store = await folder.open();
    const failure = await failureOf(store.listSpaces());
    expect(failure).toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(failure.message).toContain(folder.file);
    expect(failure.message).toContain('vectors.path');
    await expect(store.checkHealth()).resolves.toEqual({
      ok: false,
      message: failure.message,
      others: null,
    });
    await rm(folder.file, { recursive: true });
    await expect(store.listSpaces()).resolves.toEqual([]);
    expect(folder.logger.lines).toEqual([]);
  });
});

const isMountAllowed = canMount();

(isMountAllowed ? describe : describe.skip)(
  isMountAllowed
    ? 'a file on a disk of its own'
    : 'a file on a disk of its own (skipped: mounting is not allowed)',
  () => {
    let disk: string;
    let folder: EmbeddedStoreFolder;
    beforeEach(async () => {
      folder = await createEmbeddedStoreFolder();
      disk = await mkdtemp(path.join(tmpdir(), 'image-search-disk-'));
      expect(mountDisk('size=6m', disk)).toBe(true);
    });
    afterEach(async () => {
      await folder.destroy();
      run('umount', disk);
      await rm(disk, { recursive: true });
    });
    const openOnDisk = () => folder.open({ file: path.join(disk, 'vectors.sqlite') });

    it('that is full keeps its data, stores nothing partially, and recovers when there is space', async () => {
      const filler = path.join(disk, 'filler');
      await writeFile(filler, Buffer.alloc(3_000_000));
      const store = await openOnDisk();
      const collection = await store.ensureSpace(space);
      const stored = await fillUp(collection);
      const failure = await failureOf(collection.upsert(points.slice(stored, stored + 200)));
      expect(failure).toMatchObject({ code: 'store-unavailable', retryable: true });
      expect(failure.message).toContain(disk);
      expect(failure.message).toContain('the disk is full');
      expect(failure.message).toContain('vectors.path');
      await expect(collection.count()).resolves.toBe(stored);
      await expect(
        collection.search({ vector: vectors.text(), limit: 9999 }),
      ).resolves.toHaveLength(stored);

      await rm(filler);
      await collection.upsert(points.slice(stored, stored + 200));
      await expect(collection.count()).resolves.toBe(stored + 200);
      const reopened = await (await openOnDisk()).ensureSpace(space);
      await expect(reopened.count()).resolves.toBe(stored + 200);
      expect(folder.logger.lines).toEqual([]);
    });

    it('that became read-only is used again once it is writable', async () => {
      const first = await (await openOnDisk()).ensureSpace(space);
      await first.upsert(points.slice(0, 100));
      const store = await openOnDisk();
      expect(run('mount', '-o', 'remount,ro', disk)).toBe(true);
      const failure = await failureOf(store.ensureSpace(space));
      expect(failure).toMatchObject({ code: 'store-unavailable', retryable: true });
      expect(failure.message).toContain('vectors.path');
      expect(run('mount', '-o', 'remount,rw', disk)).toBe(true);
      const collection = await store.ensureSpace(space);
      await collection.upsert(points.slice(100, 150));
      await expect(collection.count()).resolves.toBe(150);
      expect(folder.logger.lines).toEqual([]);
    });
  },
);

/** Stores batches until one fails. Returns the number of stored points. */
async function fillUp(collection: VectorCollection): Promise<number> {
  for (let stored = 0; stored < points.length; stored += 200) {
    try {
      await collection.upsert(points.slice(stored, stored + 200));
    } catch {
      return stored;
    }
  }
  throw new Error('The disk should have been full.');
}
