import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { scanResponseSchema, type ScanResponse } from '../../plugin/src/contracts/duplicates';
import { IMAGE_TRACE_UID } from '../../server/src/plugin-id';
import { createDuplicatePairs } from '../../server/src/repositories/duplicate-pairs';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import { createLibrary, sampleImage, type FileBytes, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import type { RolePermission } from '../support/strapi-accounts';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const MOST_PAIRS = 100;
const SCAN = '/image-search/duplicates/scan';

type Scan = ScanResponse['data'];
type Method = 'get' | 'post' | 'delete';

/** One library through several lives of its Strapi: each test continues where the one before ended. */
describe('the scan of a library for duplicates', () => {
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;
  /** Files by what they show. */
  const ids = { elephant: 0, elephantCopy: 0, guitar: 0, greyGuitar: 0, teapot: 0 };
  const elephants = () => [ids.elephant, ids.elephantCopy];
  const guitars = () => [ids.guitar, ids.greyGuitar];
  const all = () => Object.values(ids);

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    await start('off');
    const elephant = await sampleImage('elephant');
    const guitar = await sampleImage('guitar');
    const grey = await sharp(guitar.bytes).greyscale().jpeg().toBuffer();
    ids.elephant = await upload(elephant);
    ids.elephantCopy = await upload(elephant);
    ids.guitar = await upload(guitar);
    ids.greyGuitar = await upload({ fileName: 'grey.jpg', bytes: grey });
    ids.teapot = await upload(await sampleImage('teapot'));
    await app.waitUntilIndexed();
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it.each<Method>(['get', 'post', 'delete'])(
    'is off where no duplicates are searched for, whoever asks to %s it',
    async (method) => {
      const off = { state: 'off', done: 0, total: all().length, found: 0, startedAt: null };
      expect(await scan(method)).toMatchObject(off);
      expect(await pairsOf(all())).toEqual([]);
    },
  );

  it('starts by itself in a library that was never scanned', async () => {
    await restart('flag');
    const compared = await pollUntil(() => scan('get'), isComplete);
    expect(compared).toMatchObject({ state: 'never', total: all().length, problem: null });
    expect(await pairsOf(all())).toEqual([elephants(), guitars()]);
  });

  it('compares everything again on request, and counts new pairs', async () => {
    await forgetPairs();
    const begun = await scan('post');
    expect(begun).toMatchObject({ state: 'running', found: 0, endedAt: null });
    const done = await pollUntil(() => scan('get'), isDone);
    expect(done).toMatchObject({
      done: all().length,
      total: all().length,
      found: 2,
      problem: null,
    });
    expect(done.startedAt).toBe(begun.startedAt);
    expect(Date.parse(done.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(done.startedAt ?? ''));
    expect(await pairsOf(all())).toEqual([elephants(), guitars()]);
    expect(await scan('post')).toMatchObject({ state: 'running', found: 0 });
    expect(await pollUntil(() => scan('get'), isDone)).toMatchObject({ found: 0 });
  });

  it('stays stopped after a restart, and resumes with the rest', async () => {
    const stopped = await scan('delete');
    expect(stopped).toMatchObject({ state: 'stopped', done: all().length, remainingSeconds: null });
    // As if it had been stopped before it came to the guitars.
    await forgetPairs();
    await createImageTraces(app.strapi).unmark(guitars());
    await restart('flag');
    expect(await scan('get')).toMatchObject({ state: 'stopped', done: 3, total: 5 });
    const marks = await readMarks();

    expect(await scan('post')).toMatchObject({ state: 'running' });
    const done = await pollUntil(() => scan('get'), isDone);
    expect(done).toMatchObject({ done: all().length, found: 1 });
    expect(done.startedAt).toBe(stopped.startedAt);
    // The elephants were compared before: no one looked at them again.
    expect(await pairsOf(all())).toEqual([guitars()]);
    const [mark] = marks.filter((value) => value !== null);
    expect(await readMarks()).toEqual(all().map(() => mark));
  });

  it('starts over after it has finished', async () => {
    expect(await scan('post')).toMatchObject({ state: 'running', done: expect.any(Number) });
    expect(await pollUntil(() => scan('get'), isDone)).toMatchObject({ found: 1 });
    expect(await pairsOf(all())).toEqual([elephants(), guitars()]);
  });

  describe('is for those who may', () => {
    let accounts = 0;

    it('see duplicates: to look at', async () => {
      expect(await statusesFor({ action: 'plugin::image-search.duplicates' })).toEqual([
        200, 403, 403,
      ]);
    });

    it('manage the plugin: to look at, start and stop', async () => {
      expect(await statusesFor({ action: 'plugin::image-search.manage' })).toEqual([200, 200, 200]);
    });

    it('do neither: not at all', async () => {
      expect(await statusesFor({ action: 'plugin::image-search.search' })).toEqual([403, 403, 403]);
    });

    it('sign in: no one else', async () => {
      expect((await app.request.get(SCAN)).status).toBe(401);
      expect((await app.request.post(SCAN)).status).toBe(401);
      expect((await app.request.delete(SCAN)).status).toBe(401);
    });

    /** Of GET, POST and DELETE. */
    async function statusesFor(permission: RolePermission): Promise<number[]> {
      accounts += 1;
      const credentials = {
        email: `scan-${String(accounts)}@example.com`,
        password: 'Editor-Pass-1',
      };
      await app.createRestrictedAdmin({ ...credentials, permissions: [permission] });
      const token = await app.adminToken(credentials);
      const statuses: number[] = [];
      for (const method of ['get', 'post', 'delete'] as const) {
        const { status } = await app.request[method](SCAN).auth(token, { type: 'bearer' });
        statuses.push(status);
      }
      return statuses;
    }
  });

  async function start(policy: 'off' | 'flag'): Promise<void> {
    app = await startStrapi({ dataFolder, imageSearch: { duplicates: { policy } } });
    library = createLibrary(app);
  }

  async function restart(policy: 'off' | 'flag'): Promise<void> {
    await app.stop();
    await start(policy);
  }

  async function upload(file: FileBytes): Promise<number> {
    const [uploaded] = await library.upload(file);
    if (!uploaded) throw new Error('Nothing was uploaded.');
    return uploaded.id;
  }

  async function scan(method: Method): Promise<Scan> {
    const { body } = await library.call(method, SCAN);
    return scanResponseSchema.parse(body).data;
  }

  async function forgetPairs(): Promise<void> {
    await createDuplicatePairs(app.strapi).removeFiles(all());
  }

  /** Both files of each pair, in the order of the first ones. */
  async function pairsOf(fileIds: readonly number[]): Promise<number[][]> {
    const pairs = createDuplicatePairs(app.strapi);
    const found = await pairs.pairsTouching({ fileIds, limit: MOST_PAIRS });
    return found
      .map(({ fileA, fileB }) => [fileA, fileB])
      .sort(([one = 0], [other = 0]) => one - other);
  }

  /** What each image was last compared in. */
  async function readMarks(): Promise<(string | null)[]> {
    const rows: { comparedIn: string | null }[] = await app.strapi.db
      .query(IMAGE_TRACE_UID)
      .findMany({});
    return rows.map(({ comparedIn }) => comparedIn);
  }
});

function isDone({ state }: Scan): boolean {
  return state === 'done';
}

function isComplete({ done, total }: Scan): boolean {
  return total > 0 && done === total;
}
