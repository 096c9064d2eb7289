import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  reviewResponseSchema,
  scanResponseSchema,
  type ScanResponse,
} from '../../plugin/src/contracts/duplicates';
import { mergesResponseSchema } from '../../plugin/src/contracts/merging';
import type { DuplicatePair } from '../../plugin/src/duplicates/contract';
import { IMAGE_TRACE_UID } from '../../server/src/plugin-id';
import { createDuplicatePairs } from '../../server/src/repositories/duplicate-pairs';
import { createLibrary, sampleImage, type FileBytes, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

/** One library through two lives of its Strapi: each test continues where the one before ended. */
describe('a review of duplicates', () => {
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;
  let elephant: FileBytes;
  /** Files by what they show; the elephants are ignored, the guitars merged. */
  const ids = { elephant: 0, elephantCopy: 0, guitar: 0, guitarCopy: 0 };
  let ignored: DuplicatePair;
  let merged: DuplicatePair;

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    await start();
    elephant = await sampleImage('elephant');
    const guitar = await sampleImage('guitar');
    ids.elephant = await upload(elephant);
    ids.elephantCopy = await upload(elephant);
    ids.guitar = await upload(guitar);
    ids.guitarCopy = await upload(guitar);
    await untilCompared();
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('is recorded with its user', async () => {
    const { id } = await pairOf(ids.elephant, ids.elephantCopy);
    const { body } = await library.call('post', `/image-search/duplicates/${String(id)}/review`, {
      status: 'ignored',
    });
    expect(reviewResponseSchema.parse(body).data.review?.by?.name).toBe('Test Administrator');
    const { status } = await library.call('post', '/image-search/duplicates/merge', {
      fileIds: [ids.guitar, ids.guitarCopy],
      keepId: ids.guitar,
    });
    expect(status).toBe(200);
    ignored = await pairOf(ids.elephant, ids.elephantCopy);
    merged = await pairOf(ids.guitar, ids.guitarCopy);
    expect([ignored.status, merged.status]).toEqual(['ignored', 'merged']);
    expect(merged.reviewedBy).toBe(ignored.reviewedBy);
  });

  it('survives a restart and a full scan', async () => {
    await app.stop();
    await start();
    // The merged copy's trace may have outlived its file; the reconcile at boot removes it.
    await untilCompared();
    expect(await pairOf(ids.elephant, ids.elephantCopy)).toEqual(ignored);
    await scanAll();
    // The images were compared, and found to be the same again.
    expect(await pairOf(ids.elephant, ids.elephantCopy)).toEqual(ignored);
    expect(await pairOf(ids.guitar, ids.guitarCopy)).toEqual(merged);
    expect(await pairs().counts()).toEqual({ open: 0, ignored: 1, merged: 1 });
  });

  it('ends when a file is replaced', async () => {
    await library.replace(ids.elephantCopy, await sampleImage('pizza'));
    await untilCompared();
    expect(await pairs().counts()).toEqual({ open: 0, ignored: 0, merged: 1 });
    await library.replace(ids.elephantCopy, elephant);
    await untilCompared();
    const anew = await pairOf(ids.elephant, ids.elephantCopy);
    expect(anew).toMatchObject({
      status: 'open',
      verdict: { kind: 'identical' },
      reviewedBy: null,
    });
    expect(anew.id).not.toBe(ignored.id);
  });

  it("isn't undone by another copy of a merged file", async () => {
    const again = await upload(await sampleImage('guitar'));
    await untilCompared();
    expect(await pairOf(ids.guitar, ids.guitarCopy)).toEqual(merged);
    expect(await pairOf(ids.guitar, again)).toMatchObject({ status: 'open' });
  });

  it('comes back with the copy when the merge is undone', async () => {
    const indexed = async () => (await library.entries()).map(({ fileId }) => fileId);
    expect(await indexed()).not.toContain(ids.guitarCopy);
    const { body } = await library.call('get', '/image-search/duplicates/merges');
    const [record] = mergesResponseSchema.parse(body).data;
    const path = `/image-search/duplicates/merges/${String(record?.id)}/undo`;
    expect((await library.call('post', path)).status).toBe(200);
    await untilCompared();
    expect(await indexed()).toContain(ids.guitarCopy);
    expect(await pairOf(ids.guitar, ids.guitarCopy)).toMatchObject({
      status: 'open',
      reviewedBy: null,
    });
  });

  const pairs = () => createDuplicatePairs(app.strapi);

  async function start(): Promise<void> {
    app = await startStrapi({ dataFolder });
    library = createLibrary(app);
  }

  async function upload(file: FileBytes): Promise<number> {
    const [uploaded] = await library.upload(file);
    if (!uploaded) throw new Error('Nothing was uploaded.');
    return uploaded.id;
  }

  async function scanAll(): Promise<void> {
    const scan = async (method: 'get' | 'post'): Promise<ScanResponse['data']> => {
      const { body } = await library.call(method, '/image-search/duplicates/scan');
      return scanResponseSchema.parse(body).data;
    };
    expect(await scan('post')).toMatchObject({ state: 'running' });
    const done = await pollUntil(
      () => scan('get'),
      ({ state }) => state === 'done',
    );
    expect(done).toMatchObject({ done: 3, total: 3, found: 0, failed: 0 });
  }

  /** Until everything is indexed, and nothing is left to be compared. */
  async function untilCompared(): Promise<void> {
    const { space, total } = await app.waitUntilIndexed();
    await pollUntil(
      () => app.strapi.db.query(IMAGE_TRACE_UID).findMany({}),
      (rows: { comparedIn: string | null }[]) =>
        rows.length === total &&
        rows.every(({ comparedIn }) => comparedIn?.endsWith(space?.id ?? '')),
    );
  }

  async function pairOf(fileA: number, fileB: number): Promise<DuplicatePair> {
    const found = await pairs().pairsTouching({ fileIds: [fileB], limit: 10 });
    const pair = found.find((one) => one.fileA === fileA && one.fileB === fileB);
    if (!pair) throw new Error(`Files ${String(fileA)} and ${String(fileB)} are no pair.`);
    return pair;
  }
});
