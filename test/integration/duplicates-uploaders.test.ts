import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import { checkResponseSchema, notesResponseSchema } from '../../plugin/src/contracts/duplicates';
import { FILE_UID } from '../../server/src/plugin-id';
import { sampleImage, type FileBytes } from '../support/library';
import { readRow, storedFile } from '../support/library-rows';
import { pollUntil } from '../support/polling';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, expectFailure, type SearchFace } from '../support/search-face';
import { ARTICLE } from '../support/merging-app';
import { appFolder } from '../support/strapi-environment';
import type { RolePermission } from '../support/strapi-accounts';

const READ = { action: 'plugin::upload.read' };
const READ_OWN = { ...READ, conditions: ['admin::is-creator'] };
const UPLOAD = { action: 'plugin::upload.assets.create' };

let app: SearchApp;
let admin: SearchFace;
let elephant: FileBytes;
let accounts = 0;

beforeAll(async () => {
  app = await startSearchApp({
    folder: path.join(appFolder, 'editorial'),
    images: imagesOf(['elephant', 'teapot', 'castle']),
    // Warns, too.
    imageSearch: { duplicates: { policy: 'reject' } },
  });
  admin = await adminApi(app);
  elephant = await sampleImage('elephant');
});
afterAll(async () => {
  await app.stop();
});

async function faceOf(...permissions: RolePermission[]): Promise<SearchFace & { id: number }> {
  accounts += 1;
  const account = {
    email: `uploader-${String(accounts)}@example.com`,
    password: 'Uploader-Pass-1',
  };
  const { id } = await app.createRestrictedAdmin({ ...account, permissions });
  return { ...(await adminApi(app, account)), id };
}

async function check(bytes: Buffer, face = admin) {
  const response = await face.post('check').attach('image', bytes, 'image.png');
  expect(response.status).toBe(200);
  const parsed = checkResponseSchema.parse(response.body);
  expect(response.body).toEqual(parsed);
  return parsed;
}

/** Strapi makes images smaller when they are uploaded: what it keeps are other bytes. */
async function readStored(): Promise<Buffer> {
  const row = await readRow(app.strapi, app.fileOf('elephant').id);
  return await readFile(storedFile(app.strapi, row));
}

describe('POST check', () => {
  it.each<[string, string, (bytes: Buffer) => Promise<Buffer>]>([
    ['the bytes that Strapi stored', 'identical', readStored],
    ['it encoded again', 'same-image', (bytes) => sharp(bytes).jpeg({ quality: 60 }).toBuffer()],
    ['its mirror image', 'edited', (bytes) => sharp(bytes).flop().png().toBuffer()],
  ])('finds an image that is in the library already: %s', async (_, kind, change) => {
    const { data, meta } = await check(await change(elephant.bytes));
    expect(data).toMatchObject([{ kind, file: { id: app.fileOf('elephant').id } }]);
    expect(meta).toEqual({ isComplete: true });
  });

  it('accepts the image as text, finds no other, and keeps nothing', async () => {
    const stored = () => readdir(path.join(app.strapi.dirs.static.public, 'uploads'));
    const [before, count] = [await stored(), await app.strapi.db.query(FILE_UID).count({})];
    const { bytes } = await sampleImage('pizza');
    const response = await admin.post('check', { image: bytes.toString('base64') });
    expect(response.body).toEqual({ data: [], meta: { isComplete: true } });
    expect(await stored()).toEqual(before);
    expect(await app.strapi.db.query(FILE_UID).count({})).toBe(count);
  });

  it('is open to everyone who may upload, and returns only files that the role can see', async () => {
    expect((await app.request.post('/image-search/check')).status).toBe(401);
    expect((await (await faceOf(READ)).post('check', {})).status).toBe(403);
    expect((await check(elephant.bytes, await faceOf(READ, UPLOAD))).data).toHaveLength(1);
    expect((await check(elephant.bytes, await faceOf(READ_OWN, UPLOAD))).data).toEqual([]);
  });

  it.each([
    [{}, 'invalid-input', 400, /image/],
    [{ image: 'no base64!' }, 'invalid-input', 400, /image/],
    [{ photo: 'aGVsbG8=' }, 'invalid-input', 400, /photo/],
    [{ image: 'aGVsbG8=' }, 'image-unreadable', 400, /./],
  ] as const)('refuses %j', async (body, code, status, message) => {
    expectFailure(await admin.post('check', body), { code, status, message });
  });
});

describe('GET duplicates/notes', () => {
  async function notes(face: SearchFace, after?: number) {
    const response = await face.get('duplicates/notes', after === undefined ? {} : { after });
    expect(response.status).toBe(200);
    return notesResponseSchema.parse(response.body);
  }

  it('notifies only the user who uploaded a copy, once', async () => {
    const start = await notes(admin);
    expect(start).toMatchObject({ data: [], meta: { warnsUploaders: true } });
    const { id } = await app.uploadThroughAdmin(elephant.bytes, 'again.png');
    await pollUntil(
      () => productOf(app).pairs.pairsTouching({ fileIds: [id], limit: 10 }),
      (pairs) => pairs.length > 0,
    );
    const { data, meta } = await notes(admin, start.meta.after);
    expect(data).toMatchObject([
      { file: { id }, duplicateOf: { id: app.fileOf('elephant').id }, pair: { kind: 'identical' } },
    ]);
    expect((await notes(admin, meta.after)).data).toEqual([]);
    const other = await faceOf(READ, UPLOAD);
    expect(await notes(other, start.meta.after)).toMatchObject({ data: [], meta });
  });
});

describe('uploads over the content API', () => {
  const UPLOAD_API = 'plugin::upload.content-api.upload';
  const FIND_API = 'plugin::upload.content-api.find';

  async function uploadAs(
    permissions: string[],
    files: FileBytes[],
    fields: Record<string, string> = {},
  ) {
    accounts += 1;
    const name = `token ${String(accounts)}`;
    const token = await app.createApiToken({ name, type: 'custom', permissions });
    const request = app.request.post('/api/upload').auth(token, { type: 'bearer' }).field(fields);
    for (const { bytes, fileName } of files) void request.attach('files', bytes, fileName);
    return await request;
  }

  /** What the library holds, in its database and on disk. */
  async function readLibrary() {
    const rows = await app.strapi.db.query(FILE_UID).findMany({ orderBy: { id: 'asc' } });
    const folder = path.join(app.strapi.dirs.static.public, 'uploads');
    return {
      ids: rows.map(({ id }: { id: number }) => id),
      stored: (await readdir(folder)).sort(),
    };
  }

  it('are refused if the library has these bytes, and leave nothing behind', async () => {
    const before = await readLibrary();
    const response = await uploadAs([UPLOAD_API, FIND_API], [{ ...elephant, fileName: 'new.jpg' }]);
    expectFailure(response, { status: 409, code: 'conflict', message: /^new\.jpg is in the/ });
    const { details } = (response.body as { error: { details: { existing: object } } }).error;
    const { id } = app.fileOf('elephant');
    expect(details.existing).toMatchObject({ id, url: expect.stringContaining('/uploads/') });
    expect(details.existing).not.toHaveProperty('folder');
    expect(await readLibrary()).toEqual(before);
  });

  it('keep nothing if one of several files is refused', async () => {
    const before = await readLibrary();
    const response = await uploadAs([UPLOAD_API], [await sampleImage('owl'), elephant]);
    expectFailure(response, { status: 409, code: 'conflict', message: /None of the files/ });
    expect(await readLibrary()).toEqual(before);
  });

  it('are refused beside files that are no images, too', async () => {
    const before = await readLibrary();
    const text = { fileName: 'notes.txt', bytes: Buffer.from('No image.') };
    const response = await uploadAs([UPLOAD_API], [text, elephant]);
    expectFailure(response, { status: 409, code: 'conflict', message: /None of the files/ });
    expect(await readLibrary()).toEqual(before);
  });

  it('of the same image at the same time leave one of it', async () => {
    const owl = await sampleImage('owl');
    const responses = await Promise.all(
      Array.from({ length: 4 }, () => uploadAs([UPLOAD_API], [owl])),
    );
    expect(responses.map(({ status }) => status)).toContain(201);
  });

  it('list what is left if storage does not delete it', async () => {
    const upload = app.strapi.plugin('upload').service('upload');
    const remove = jest
      .spyOn(upload, 'remove')
      .mockRejectedValueOnce(new Error('Storage is down.'));
    const violin = await sampleImage('violin');
    const response = await uploadAs([UPLOAD_API], [elephant, violin]);
    remove.mockRestore();
    expect(response.status).toBe(201);
    const kept = response.body as { id: number }[];
    expect(kept).toHaveLength(1);
    expect((await readLibrary()).ids).toContain(kept[0]?.id);
  });

  it('are not told which file it is if they may not see files', async () => {
    const response = await uploadAs([UPLOAD_API], [elephant]);
    expect(response.body).toMatchObject({ error: { details: { existing: null } } });
  });

  it('succeed with other bytes, and if they are attached to an entry at once', async () => {
    const { status } = await uploadAs([UPLOAD_API], [await sampleImage('pizza')]);
    expect(status).toBe(201);
    const { id } = await app.strapi.db.query(ARTICLE).create({ data: { title: 'A zoo' } });
    const fields = { ref: ARTICLE, refId: String(id), field: 'cover' };
    expect((await uploadAs([UPLOAD_API], [elephant], fields)).status).toBe(201);
  });

  it('stand if they cannot be checked', async () => {
    const { duplicates } = productOf(app);
    const warn = jest.spyOn(app.strapi.log, 'warn');
    const check = jest
      .spyOn(duplicates, 'identicalTo')
      .mockRejectedValue(new Error('Storage is down.'));
    expect((await uploadAs([UPLOAD_API], [elephant])).status).toBe(201);
    check.mockRestore();
    expect(JSON.stringify(warn.mock.calls)).toContain("Couldn't check the upload");
    warn.mockRestore();
  });
});
