import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mergeResponseSchema } from '../../plugin/src/contracts/merging';
import { dumpDatabase, startMergingApp, type MergingApp } from '../support/merging-app';
import type { AdminCredentials } from '../support/strapi-client';

const MERGE_PATH = '/image-search/duplicates/merge';
const MERGE = 'plugin::image-search.duplicates';
const UPDATE = 'plugin::upload.assets.update';

let app: MergingApp;
let accounts = 0;

beforeAll(async () => {
  app = await startMergingApp();
});
afterAll(async () => {
  await app.stop();
});

async function merge(body: object, credentials?: AdminCredentials) {
  return app.request
    .post(MERGE_PATH)
    .set('authorization', `Bearer ${await app.adminToken(credentials)}`)
    .send(body);
}

async function uploadTwo(): Promise<[number, number]> {
  const [large, small] = await app.uploadCopies(
    { width: 400, format: 'png' },
    { width: 200, format: 'jpeg' },
  );
  if (!large || !small) throw new Error('Two images were not uploaded.');
  return [large.id, small.id];
}

async function editorWith(...actions: string[]): Promise<AdminCredentials> {
  accounts += 1;
  const credentials = { email: `editor${String(accounts)}@example.com`, password: 'Editor-Pass-1' };
  const permissions = actions.map((action) => ({ action }));
  await app.createRestrictedAdmin({ ...credentials, permissions });
  return credentials;
}

describe('merging over the admin API', () => {
  it('returns the report of a dry run and writes nothing', async () => {
    const [large, small] = await uploadTwo();
    const before = await dumpDatabase(app);
    const response = await merge({ fileIds: [large, small], dryRun: true });
    expect(response.status).toBe(200);
    const { data } = mergeResponseSchema.parse(response.body);
    expect(response.body).toEqual({ data });
    expect(data.keepId).toBe(large);
    expect(data.files.map(({ id, outcome }) => [id, outcome])).toEqual([
      [large, 'kept'],
      [small, 'removed'],
    ]);
    expect(await dumpDatabase(app)).toEqual(before);
  });

  it('keeps the requested file and deletes the other', async () => {
    const [large, small] = await uploadTwo();
    const response = await merge({ fileIds: [large, small], keepId: small });
    expect(response.status).toBe(200);
    const { data } = mergeResponseSchema.parse(response.body);
    // Nothing was indexed, so nothing shows that they are duplicates.
    expect(data).toMatchObject({ keepId: small, suggestion: { fileId: null } });
    expect((await app.files([large, small])).map(({ id }) => id)).toEqual([small]);
  });

  it('requires its own action and the one to change files', async () => {
    const fileIds = await uploadTwo();
    expect((await app.request.post(MERGE_PATH).send({ fileIds })).status).toBe(401);
    for (const actions of [[UPDATE], [MERGE], [MERGE, 'plugin::upload.read']]) {
      const response = await merge({ fileIds }, await editorWith(...actions));
      expect(response.status).toBe(403);
    }
    expect(await app.files(fileIds)).toHaveLength(2);
    const request = { fileIds, keepId: fileIds[0] };
    const allowed = await merge(request, await editorWith(MERGE, UPDATE));
    expect(allowed.status).toBe(200);
    expect(await app.files(fileIds)).toHaveLength(1);
  });

  it.each([
    [{}, 'fileIds'],
    [{ fileIds: [1] }, 'at least two files'],
    [{ fileIds: [1, 1] }, 'twice'],
    [{ fileIds: [1, 2], keep: 1 }, 'keep'],
    [{ fileIds: [1, 'two'] }, 'fileIds'],
  ])('refuses %j and says what is wrong', async (body, message) => {
    const response = await merge(body);
    expect(response.status).toBe(400);
    const { error } = response.body as { error: object };
    expect(error).toMatchObject({
      message: expect.stringContaining(message),
      details: { code: 'invalid-input' },
    });
  });

  it("rejects a file to keep that isn't among them", async () => {
    const fileIds = await uploadTwo();
    const [other] = await uploadTwo();
    const response = await merge({ fileIds, keepId: other });
    expect(response.status).toBe(400);
    expect(await app.files(fileIds)).toHaveLength(2);
  });
});
