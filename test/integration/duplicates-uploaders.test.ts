import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { checkResponseSchema, notesResponseSchema } from '../../plugin/src/contracts/duplicates';
import { FILE_UID } from '../../server/src/plugin-id';
import { sampleImage, type FileBytes } from '../support/library';
import { readRow, storedFile } from '../support/library-rows';
import { pollUntil } from '../support/polling';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, expectFailure, type SearchFace } from '../support/search-face';
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
    images: imagesOf(['elephant', 'teapot', 'castle']),
    imageSearch: { duplicates: { policy: 'warn' } },
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
