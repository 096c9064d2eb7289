import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../plugin/src/errors';
import { renderSampleImage } from '../../sample/library';
import { imagesOf, publicSearchActions } from '../support/search-app';
import { pollUntil } from '../support/polling';
import { adminApi, contentApi, expectFailure, type SearchFace } from '../support/search-face';
import {
  createDataFolder,
  startStrapi,
  type StartOptions,
  type StrapiApp,
} from '../support/strapi-app';

let dataFolder: string;
let app: StrapiApp;
let publicFace: SearchFace;
let adminFace: SearchFace;

async function start(imageSearch: StartOptions['imageSearch']): Promise<void> {
  const words = { enabled: true };
  app = await startStrapi({ dataFolder, imageSearch: { words, ...imageSearch } });
  await app.grantPublic(publicSearchActions);
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
}

async function uploadImage(concept: string): Promise<number> {
  const [image] = imagesOf([concept]);
  if (!image) throw new Error(`There is no image of a ${concept}.`);
  return (await app.uploadThroughAdmin(await renderSampleImage(image), image.fileName)).id;
}

async function stop(): Promise<void> {
  await app.stop();
  await rm(dataFolder, { recursive: true, force: true });
}

/** Both faces refuse every question; the admin says why, the content API does not. */
async function expectUnavailable(
  fileId: number,
  { code, reason }: { code: ErrorCode; reason: RegExp },
): Promise<void> {
  for (const ask of [
    (face: SearchFace) => face.get('search', { text: 'a pet' }),
    (face: SearchFace) => face.post('search', { fileId }),
    (face: SearchFace) => face.get(`similar/${String(fileId)}`),
  ]) {
    const forEverybody = await ask(publicFace);
    expectFailure(forEverybody, { status: 503, code });
    expect(Number(forEverybody.headers['retry-after'])).toBeGreaterThan(0);
    const { error } = forEverybody.body as { error: object };
    expect(error).toEqual({
      status: 503,
      name: 'ServiceUnavailableError',
      message: 'Search is unavailable. Try again later.',
      details: { code },
    });
    expectFailure(await ask(adminFace), { status: 503, code, message: reason });
  }
  const embedding = await publicFace.post('embeddings', { text: 'a pet' });
  expectFailure(embedding, { status: 503, code, message: /^Search is unavailable/ });
}

describe("a library that isn't indexed yet", () => {
  beforeAll(async () => {
    dataFolder = await createDataFolder();
    await start({ indexing: { enabled: false } });
  });
  afterAll(stop);

  it('returns nothing for texts, and reports how much is searchable', async () => {
    await uploadImage('dog');
    for (const face of [publicFace, adminFace]) {
      const { data, meta } = await face.searchText('a pet');
      expect(data).toEqual([]);
      expect(meta.pagination.hasMore).toBe(false);
      expect(meta.index).toMatchObject({ indexed: 0, total: 1 });
    }
  });

  it("rejects a file that isn't indexed yet", async () => {
    const imageId = await uploadImage('cat');
    const text = await app.uploadThroughAdmin(Buffer.from('A text.'), 'text.txt');
    for (const face of [publicFace, adminFace]) {
      for (const id of [imageId, text.id]) {
        const expected = {
          status: 409,
          code: 'not-ready',
          message: new RegExp(`File ${String(id)} isn't indexed`),
        } as const;
        expectFailure(await face.get(`similar/${String(id)}`), expected);
        expectFailure(await face.post('search', { fileId: id }), expected);
        expectFailure(await face.post('search', { text: 'a pet', unlike: [id] }), expected);
      }
    }
  });
});

describe('without the model', () => {
  beforeAll(async () => {
    dataFolder = await createDataFolder();
    const model = path.join(dataFolder, 'no-such-model');
    await start({ embedding: { provider: 'clip', model } });
  });
  afterAll(stop);

  it('Strapi runs, takes uploads, and says to operators alone what is missing', async () => {
    const fileId = await uploadImage('dog');
    await expectUnavailable(fileId, { code: 'provider-model-missing', reason: /no-such-model/ });
    const status = await app.readStatus();
    expect(status.space).toBeNull();
    expect(status.provider).toEqual({
      ok: false,
      message: expect.stringContaining('no-such-model'),
    });
    expect(status.store.ok).toBe(true);
    expect(status.counts.indexed).toBe(0);
    const found = await pollUntil(
      async () => publicFace.get('search', { text: 'dog' }),
      (response) => response.status === 200,
    );
    expect(found.body).toMatchObject({
      data: [{ file: { id: fileId }, matchedBy: ['name'], score: null }],
      meta: { mode: 'text', isDegraded: true },
    });
  });
});

describe('without a vector store', () => {
  beforeAll(async () => {
    dataFolder = await createDataFolder();
    // A file where a folder should be: not even the system's administrator can write below it.
    await writeFile(path.join(dataFolder, 'no-folder'), '');
    await start({
      vectors: { store: 'embedded', path: path.join(dataFolder, 'no-folder/vectors') },
    });
  });
  afterAll(stop);

  it('Strapi runs, takes uploads, and says to operators alone what is missing', async () => {
    const fileId = await uploadImage('dog');
    await expectUnavailable(fileId, { code: 'store-unavailable', reason: /no-folder/ });
    const status = await app.readStatus();
    expect(status.store).toEqual({ ok: false, message: expect.stringContaining('no-folder') });
    // The model is there, whatever becomes of the store.
    expect(status.provider.ok).toBe(true);
    expect(status.counts.indexed).toBe(0);
  });
});
