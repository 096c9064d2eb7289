import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  decisionResponseSchema,
  scanResponseSchema,
  type ScanResponse,
} from '../../plugin/src/contracts/duplicates';
import type { DuplicatePair } from '../../plugin/src/duplicates/contract';
import { PICTURE_TRACE_UID } from '../../server/src/plugin-id';
import { createDuplicatePairs } from '../../server/src/repositories/duplicate-pairs';
import { createLibrary, samplePicture, type FileBytes, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

/** One library through two lives of its Strapi: each test goes on where the one before ended. */
describe('what was decided about duplicates', () => {
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
    elephant = await samplePicture('elephant');
    const guitar = await samplePicture('guitar');
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

  it('is on record with who decided', async () => {
    const { id } = await pairOf(ids.elephant, ids.elephantCopy);
    const { body } = await library.call('post', `/image-search/duplicates/${String(id)}/decision`, {
      status: 'ignored',
    });
    expect(decisionResponseSchema.parse(body).data.decision?.by?.name).toBe('Test Administrator');
    const { status } = await library.call('post', '/image-search/duplicates/merge', {
      ...{ fileIds: [ids.guitar, ids.guitarCopy], keepId: ids.guitar },
    });
    expect(status).toBe(200);
    ignored = await pairOf(ids.elephant, ids.elephantCopy);
    merged = await pairOf(ids.guitar, ids.guitarCopy);
    expect([ignored.status, merged.status]).toEqual(['ignored', 'merged']);
    expect(merged.decidedBy).toBe(ignored.decidedBy);
  });

  it('outlives a restart and a scan of everything', async () => {
    await app.stop();
    await start();
    expect(await pairOf(ids.elephant, ids.elephantCopy)).toEqual(ignored);
    await scanAll();
    // The pictures were compared, and found to be the same again.
    expect(await pairOf(ids.elephant, ids.elephantCopy)).toEqual(ignored);
    expect(await pairOf(ids.guitar, ids.guitarCopy)).toEqual(merged);
    expect(await pairs().counts()).toEqual({ open: 0, ignored: 1, merged: 1 });
  });

  it('ends with the bytes that it was about', async () => {
    await library.replace(ids.elephantCopy, await samplePicture('pizza'));
    await untilCompared();
    expect(await pairs().counts()).toEqual({ open: 0, ignored: 0, merged: 1 });
    await library.replace(ids.elephantCopy, elephant);
    await untilCompared();
    const anew = await pairOf(ids.elephant, ids.elephantCopy);
    expect(anew).toMatchObject({ status: 'open', verdict: { kind: 'identical' }, decidedBy: null });
    expect(anew.id).not.toBe(ignored.id);
  });

  it('is not undone by another copy of what was merged', async () => {
    const again = await upload(await samplePicture('guitar'));
    await untilCompared();
    expect(await pairOf(ids.guitar, ids.guitarCopy)).toEqual(merged);
    expect(await pairOf(ids.guitar, again)).toMatchObject({ status: 'open' });
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
      () => app.strapi.db.query(PICTURE_TRACE_UID).findMany({}),
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
