import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../../plugin/src/embedding/vector-space';
import { createEmbeddedStore } from '../../../../plugin/src/vectors/embedded';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { createStructuredVectors } from '../../../support/structured-vectors';
import { pointOf } from '../../../support/vector-points';
import { wrapWorker } from '../../../support/wrapped-worker';

const space = createVectorSpace({
  provider: 'test',
  model: 'thread',
  dimensions: 32,
  preprocessing: '',
});
const vectors = createStructuredVectors(6, space.dimensions);
const points = Array.from({ length: 50 }, (_, index) => pointOf(index + 1, vectors.image()));

/** Makes the thread end this way once, at its first count. */
function crashOnce(marker: string, crash: string): string {
  return `
    const { existsSync, writeFileSync } = require('node:fs');
    const { parentPort } = require('node:worker_threads');
    const marker = ${JSON.stringify(marker)};
    const { on } = parentPort;
    parentPort.on = (event, listener) =>
      on.call(parentPort, event, (request) => {
        if (request.operation !== 'count' || existsSync(marker)) return listener(request);
        writeFileSync(marker, '');
        ${crash};
      });`;
}

describe('the thread', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  it.each([
    { how: 'an uncaught error', crash: `throw new Error('crash')` },
    { how: 'its exit', crash: 'process.exit(0)' },
  ])(
    'fails pending calls when it ends by $how, and the next call starts another',
    async ({ crash }) => {
      const marker = path.join(folder.folder, 'crashed');
      const worker = await wrapWorker('embedded-store', crashOnce(marker, crash));
      const store = await folder.open({ program: worker.program });
      const collection = await store.ensureSpace(space);
      await collection.upsert(points);
      const calls = [collection.count(), collection.getMany([1]), collection.upsert(points)];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'store-unavailable', retryable: true },
        });
      }
      await expect(collection.count()).resolves.toBe(50);
      await expect(collection.search({ vector: vectors.text(), limit: 5 })).resolves.toHaveLength(
        5,
      );
      await rm(worker.folder, { recursive: true });
    },
  );

  it('fails calls as unavailable if its file is missing', async () => {
    const program = { file: path.join(folder.folder, 'missing.cjs'), execArgv: [] };
    const store = await folder.open({ program });
    await expect(store.listSpaces()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(store.checkHealth()).resolves.toMatchObject({ ok: false });
  });

  it('ends on disposal, and calls fail', async () => {
    const store = await folder.open();
    const collection = await store.ensureSpace(space);
    await store.dispose();
    await expect(collection.count()).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(store.checkHealth()).resolves.toMatchObject({ ok: false });
  });

  it("doesn't recreate a dropped collection for a late call", async () => {
    const store = await folder.open();
    const collection = await store.ensureSpace(space);
    await store.dropSpace(space.id);
    await expect(collection.upsert(points)).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(collection.count()).rejects.toThrow('was dropped');
    await expect(store.listSpaces()).resolves.toEqual([]);
    await expect((await store.ensureSpace(space)).count()).resolves.toBe(0);
    await expect(collection.count()).resolves.toBe(0);
  });

  it('sees what another process stores, removes and drops', async () => {
    const vector = vectors.text();
    const mine = await (await folder.open({ prefilterFrom: 1 })).ensureSpace(space);
    await mine.upsert(points);
    await mine.search({ vector, limit: 1 });
    const other = createEmbeddedStore({
      file: folder.file,
      prefilterFrom: 1,
      logger: folder.logger,
    });
    try {
      const others = await other.ensureSpace(space);
      await others.upsert([pointOf(99, vector)]);
      await expect(mine.search({ vector, limit: 1 })).resolves.toMatchObject([{ fileId: 99 }]);
      await others.remove([99]);
      const hits = await mine.search({ vector, limit: 99 });
      expect(hits.map(({ fileId }) => fileId)).not.toContain(99);
      expect(hits).toHaveLength(50);
      await other.dropSpace(space.id);
      await expect(mine.search({ vector, limit: 99 })).resolves.toEqual([]);
    } finally {
      await other.dispose();
    }
  });
});
