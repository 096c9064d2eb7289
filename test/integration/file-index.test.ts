import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  fileIndexResponseSchema,
  type FileIndexResponse,
} from '../../plugin/src/contracts/file-status';
import { adminActions } from '../../plugin/src/contracts/identity';
import { createLibrary, sampleImage, sampleImages, type Library } from '../support/library';
import { copyForRow, deleteRaw, insertRaw, readRow, storedFile } from '../support/library-rows';
import {
  createModelChangeClient,
  prepareLibrary,
  startHostedModel,
  type HostedModel,
  type PreparedLibrary,
} from '../support/model-change';
import { pollUntil } from '../support/polling';
import { adminApi, expectFailure, type SearchFace } from '../support/search-face';
import type { RolePermission } from '../support/strapi-accounts';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const READ = { action: 'plugin::upload.read' };
const SEARCH = { action: adminActions.search };
const brokenImage = { fileName: 'broken.png', bytes: Buffer.from('no image at all') };
/** One red pixel as a Windows bitmap, which no model is shown. */
const bitmap = {
  fileName: 'red.bmp',
  bytes: Buffer.from(
    '424d3a0000000000000036000000280000000100000001000000010018000000000004000000000000000000000000000000000000000000ff00',
    'hex',
  ),
};
const nothingWrong = { isPaused: false, code: null, reason: null, message: null };

const pathOf = (fileId: number): string => `files/${String(fileId)}/index`;

async function indexOf(face: SearchFace, fileId: number): Promise<FileIndexResponse['data']> {
  const { body, status } = await face.get(pathOf(fileId));
  expect(status).toBe(200);
  return fileIndexResponseSchema.parse(body).data;
}

describe('the index status of a file', () => {
  let app: StrapiApp;
  let library: Library;
  let operator: SearchFace;
  let editor: SearchFace;
  let dogId: number;

  async function faceOf(name: string, permissions: RolePermission[]): Promise<SearchFace> {
    const account = { email: `${name}@example.com`, password: 'Restricted-Admin-1' };
    await app.createRestrictedAdmin({ ...account, permissions });
    return await adminApi(app, account);
  }

  async function uploadOne(file: { fileName: string; bytes: Buffer }): Promise<number> {
    const [uploaded] = await library.upload(file);
    return uploaded?.id ?? 0;
  }

  beforeAll(async () => {
    app = await startStrapi();
    library = createLibrary(app);
    operator = await adminApi(app);
    editor = await faceOf('editor', [READ, SEARCH]);
    dogId = await uploadOne(await sampleImage('dog'));
    await app.waitUntilIndexed();
  });
  afterAll(() => app.stop());

  it('is a vector that searches find', async () => {
    const described = await indexOf(editor, dogId);
    expect(described).toMatchObject({ fileId: dogId, state: 'indexed', isSearchable: true });
    expect(described).toMatchObject(nothingWrong);
    expect(Date.parse(described.indexedAt ?? '')).toBeGreaterThan(0);
  });

  it.each([
    ['a broken image', brokenImage, 'failed', 'image-unreadable', 'unreadable'],
    ['an image of another format', bitmap, 'skipped', 'image-unsupported', 'unsupported'],
  ])(
    'is why %s cannot be found, in words for operators alone',
    async (_kind, file, state, code, reason) => {
      const fileId = await uploadOne(file);
      await app.waitUntilIndexed();
      const { error } = await library.entry(fileId);
      const told = { fileId, state, isSearchable: false, isPaused: false, code, reason };
      expect(error?.message).toMatch(/./);
      expect(await indexOf(operator, fileId)).toMatchObject({ ...told, message: error?.message });
      expect(await indexOf(editor, fileId)).toMatchObject({ ...told, message: null });
    },
  );

  it('is nothing for a file that is not an image', async () => {
    const fileId = await uploadOne({ fileName: 'terms.pdf', bytes: Buffer.from('%PDF-1.4\n') });
    expect(await indexOf(editor, fileId)).toEqual({
      fileId,
      state: 'not-an-image',
      isSearchable: false,
      ...nothingWrong,
      indexedAt: null,
      isPartial: false,
      text: null,
    });
  });

  it('is nothing yet for an image that no hook has seen', async () => {
    const fileId = await insertRaw(app.strapi, await copyForRow(app.strapi, dogId));
    expect(await indexOf(editor, fileId)).toMatchObject({
      state: 'not-queued',
      isSearchable: false,
    });
    await deleteRaw(app.strapi, fileId);
  });

  it('waits while indexing is stopped; earlier versions stay searchable', async () => {
    await library.call('post', '/image-search/hold');
    const fileId = await uploadOne(await sampleImage('cat'));
    const waiting = { state: 'waiting', isPaused: true, code: null, reason: null };
    expect(await indexOf(editor, fileId)).toMatchObject({ ...waiting, isSearchable: false });
    await library.call('post', '/image-search/reindex', { fileIds: [dogId] });
    expect(await indexOf(editor, dogId)).toMatchObject({ ...waiting, isSearchable: true });
    await library.call('delete', '/image-search/hold');
    for (const id of [fileId, dogId]) {
      const indexed = await pollUntil(
        () => indexOf(editor, id),
        ({ state }) => state === 'indexed',
      );
      expect(indexed).toMatchObject({ isSearchable: true, isPaused: false });
    }
  });

  it('reports why it waits for a retry', async () => {
    const fileId = await uploadOne(await sampleImage('guitar'));
    await app.waitUntilIndexed();
    await rm(storedFile(app.strapi, await readRow(app.strapi, fileId)));
    await library.call('post', '/image-search/reindex', { fileIds: [fileId] });
    const waiting = await pollUntil(
      () => indexOf(operator, fileId),
      ({ reason }) => reason !== null,
    );
    expect(waiting).toMatchObject({
      state: 'waiting',
      isSearchable: true,
      isPaused: false,
      code: 'image-missing',
      reason: 'missing',
      message: expect.stringContaining('uploads folder'),
    });
    await library.call('post', '/upload/actions/bulk-delete', { fileIds: [fileId] });
  });

  it("doesn't find a replaced image by its former content if the new file is broken", async () => {
    const fileId = await uploadOne(await sampleImage('pizza'));
    await app.waitUntilIndexed();
    await library.replace(fileId, { ...brokenImage, fileName: 'pizza.png' });
    const failed = await pollUntil(
      () => indexOf(operator, fileId),
      ({ state }) => state === 'failed',
    );
    expect(failed).toMatchObject({
      isSearchable: false,
      code: 'image-unreadable',
      reason: 'unreadable',
    });
    expect(failed.indexedAt).not.toBeNull();
  });

  describe('and who asks', () => {
    const noFile = { status: 404, code: 'file-not-found' } as const;

    it("isn't told whether a file exists that the role may not see", async () => {
      const own = await faceOf('own', [{ ...READ, conditions: ['admin::is-creator'] }, SEARCH]);
      const { body: foreign } = await own.get(pathOf(dogId));
      const missing = await own.get(pathOf(999_999));
      expectFailure(missing, noFile);
      expect(JSON.stringify(missing.body).replaceAll('999999', String(dogId))).toBe(
        JSON.stringify(foreign),
      );
      expectFailure(await operator.get(pathOf(999_999)), noFile);
    });

    it.each(['duplicates', 'manage'] as const)('may have the action %s alone', async (action) => {
      const face = await faceOf(action, [READ, { action: adminActions[action] }]);
      expect(await indexOf(face, dogId)).toMatchObject({ state: 'indexed' });
    });

    it('requires one of the actions, and access to the library', async () => {
      const reader = await faceOf('reader', [READ]);
      expect((await reader.get(pathOf(dogId))).status).toBe(403);
      const blind = await faceOf('blind', [SEARCH]);
      expect((await blind.get(pathOf(dogId))).status).toBe(403);
      expect((await app.request.get(`/image-search/${pathOf(dogId)}`)).status).toBe(401);
    });

    it('names a file', async () => {
      expectFailure(await operator.get('files/first/index'), {
        status: 400,
        code: 'invalid-input',
        message: /numeric id/,
      });
    });
  });
});

describe('the index status of a file while the model changes', () => {
  let prepared: PreparedLibrary;
  let young: HostedModel;
  let dataFolder: string;
  let app: StrapiApp;

  beforeAll(async () => {
    prepared = await prepareLibrary(3);
    dataFolder = await prepared.copy();
    young = await startHostedModel();
    young.server.holdImages(0);
    app = await startStrapi({ dataFolder, imageSearch: { embedding: young.embedding } });
  });
  afterAll(async () => {
    await app.stop();
    await young.server.close();
    await prepared.remove();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('is that of the active model, not of the one being built', async () => {
    const client = await createModelChangeClient(app);
    await client.untilSpace('building', ({ counts }) => counts.pending + counts.indexing > 0);
    const [first = 0] = prepared.fileIds;
    expect(await indexOf(client.face, first)).toMatchObject({
      state: 'indexed',
      isSearchable: true,
    });
    const [added] = await client.upload(...(await sampleImages(4)).slice(3));
    const described = await pollUntil(
      () => indexOf(client.face, added?.id ?? 0),
      ({ state }) => state === 'indexed',
    );
    expect(described).toMatchObject({ isSearchable: true, ...nothingWrong });
    expect((await client.space('building')).counts.indexed).toBe(0);
  });
});
