import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mergeResponseSchema } from '../../plugin/src/contracts/merging';
import {
  mergeBatchesResponseSchema,
  mergeBatchResponseSchema,
  type MergeBatch,
} from '../../plugin/src/contracts/bulk-merging';
import { PIXEL_VERSION, type PixelEvidence } from '../../plugin/src/matching/contract';
import {
  FILE_UID,
  INDEX_ENTRY_UID,
  MERGE_BATCH_GROUP_UID,
  MERGE_BATCH_UID,
  MERGE_UID,
} from '../../server/src/plugin-id';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import {
  DUPLICATES,
  READ,
  READ_OWN,
  startDuplicatesApp,
  verdicts,
  type DuplicatesApp,
} from '../support/duplicates-app';
import { dumpDatabase, journalTables } from '../support/merging-app';
import { createArticle, readArticle } from '../support/merging-content';
import { pollUntil } from '../support/polling';
import { productOf } from '../support/search-app';
import { expectFailure } from '../support/search-face';
import type { AdminCredentials } from '../support/strapi-client';

const MERGE_PATH = '/image-search/duplicates/merge';
const MERGE = 'plugin::image-search.duplicates';
const UPDATE = 'plugin::upload.assets.update';

let app: DuplicatesApp;
let accounts = 0;

beforeAll(async () => {
  app = await startDuplicatesApp({
    imageSearch: { indexing: { enabled: false }, duplicates: { trashDays: 30 } },
  });
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
      [small, 'trashed'],
    ]);
    expect(await dumpDatabase(app)).toEqual(before);
  });

  it('keeps the requested file and moves the other to the trash', async () => {
    const [large, small] = await uploadTwo();
    const response = await merge({ fileIds: [large, small], keepId: small });
    expect(response.status).toBe(200);
    const { data } = mergeResponseSchema.parse(response.body);
    // Nothing was indexed, so nothing shows that they are duplicates.
    expect(data).toMatchObject({ keepId: small, suggestion: { fileId: null } });
    expect(data.files.map(({ id, outcome }) => [id, outcome])).toEqual([
      [small, 'kept'],
      [large, 'trashed'],
    ]);
  });

  it('leaves merged copies out of the number of files in a folder', async () => {
    const folder = { name: 'Holidays', parent: null };
    const created = await app.library.call('post', '/upload/folders', folder);
    const { id: destinationFolderId } = (created.body as { data: { id: number } }).data;
    const fileIds = await uploadTwo();
    await app.library.call('post', '/upload/actions/bulk-move', { fileIds, destinationFolderId });
    const countedFiles = async () => {
      const { body } = await app.library.call('get', '/upload/folders');
      return (body as { data: { files: { count: number } }[] }).data.map(
        ({ files }) => files.count,
      );
    };
    expect(await countedFiles()).toEqual([2]);
    expect((await merge({ fileIds, keepId: fileIds[0] })).status).toBe(200);
    expect(await countedFiles()).toEqual([1]);
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

describe('a bulk merge', () => {
  const evidence: PixelEvidence = {
    version: PIXEL_VERSION,
    differences: { one: [], other: [] },
  };
  const confirmed = { ...verdicts.sameImage, pixels: evidence };
  /** Tables that tell what was merged, and pairs, which an undo restores under other ids. */
  const records = [
    ...journalTables,
    'image_search_merge_batches',
    'image_search_merge_batch_groups',
    'image_search_duplicate_pairs',
    'image_search_jobs',
    'image_search_index_entries',
    'strapi_sessions',
  ];

  /** Two new files, the first of which is to be kept. */
  async function pairUp(verdict: (typeof verdicts)['identical'] | typeof confirmed) {
    const [first = 0, second = 0] = await app.uploadFiles(2);
    const { id: pairId } = await app.record(second, [first], { verdict });
    await setIndexed([first, second], 'indexed');
    return { files: [first, second] as const, first, second, pairId };
  }

  /** Nothing is indexed here. */
  async function setIndexed(fileIds: readonly number[], state: 'indexed' | 'pending') {
    const where = { fileId: { $in: [...fileIds] } };
    await app.strapi.db.query(INDEX_ENTRY_UID).updateMany({ where, data: { state } });
  }

  async function send(path: string, body: object = {}, credentials?: AdminCredentials) {
    return app.post(`duplicates/batches${path}`, body, credentials);
  }

  async function list(credentials?: AdminCredentials): Promise<MergeBatch[]> {
    const { body } = await app.get('duplicates/batches', credentials);
    const parsed = mergeBatchesResponseSchema.parse(body);
    expect(body).toEqual(parsed);
    return parsed.data;
  }

  async function reach(id: number, state: MergeBatch['state'], credentials?: AdminCredentials) {
    const read = async () => (await list(credentials)).find((batch) => batch.id === id);
    const batch = await pollUntil(read, (found) => found?.state === state);
    if (!batch) throw new Error(`Bulk merge ${String(id)} is gone.`);
    return batch;
  }

  async function plan(kind: MergeBatch['kind'], credentials?: AdminCredentials) {
    const { body, status } = await send('', { kind }, credentials);
    expect(status).toBe(200);
    const { data } = mergeBatchResponseSchema.parse(body);
    return reach(data?.id ?? 0, 'ready', credentials);
  }

  async function run(id: number, action: 'merge' | 'undo') {
    expect((await send(`/${String(id)}/${action}`)).status).toBe(200);
    return reach(id, action === 'merge' ? 'ended' : 'undone');
  }

  const reasonsOf = ({ leftOut }: MergeBatch) =>
    leftOut.map(({ groups, reason, warning }) => [warning ?? reason, groups]).sort();
  const coverOf = async (documentId: string) =>
    (await readArticle(app, documentId, { locale: 'en', status: 'draft' }))['cover'];
  const openPairs = async () => (await productOf(app).pairs.counts()).open;

  it('merges what leaves no question open, and nothing else; an undo brings all back', async () => {
    const used = await pairUp(verdicts.identical);
    const unused = await pairUp(verdicts.identical);
    const listed = await pairUp(verdicts.identical);
    const replaced = await pairUp(verdicts.identical);
    await pairUp(confirmed);
    for (const cover of [used.first, used.first]) await createArticle(app, { cover });
    const { documentId } = await createArticle(app, { cover: used.second });
    await createArticle(app, { gallery: [listed.first, listed.second] });
    await setIndexed([replaced.second], 'pending');
    const before = await dumpDatabase(app, { leaveOut: records });
    const open = await openPairs();

    const planned = await plan('identical');
    expect(planned).toMatchObject({
      kind: 'identical',
      by: { name: 'Test Administrator' },
      isOwn: true,
      trashDays: 30,
      plan: { groups: 2, copies: 2, entries: 1 },
      hasMore: false,
      canUndo: false,
      problem: null,
    });
    expect(reasonsOf(planned)).toEqual([
      ['listed-once', 1],
      ['not-indexed', 1],
    ]);
    const [example] = planned.leftOut.flatMap(({ examples }) => examples);
    expect([listed.pairId, replaced.pairId]).toContain(example?.pairId);
    expect(example?.name).toMatch(/^image-/);
    expect(await dumpDatabase(app, { leaveOut: records })).toEqual(before);

    const merged = await run(planned.id, 'merge');
    expect(merged).toMatchObject({
      merged: { groups: 2, copies: 2 },
      progress: { done: 2, total: 2 },
      canUndo: true,
      isCancelled: false,
    });
    expect(await coverOf(documentId)).toMatchObject({ id: used.first });
    expect(await openPairs()).toBe(open - 2);
    const trashed = await productOf(app).mergeJournal.trashed([...used.files, ...unused.files]);
    expect(trashed.map(({ fileId }) => fileId)).toEqual([unused.second, used.second]);

    const undone = await run(planned.id, 'undo');
    expect(undone).toMatchObject({ undone: { groups: 2, failed: 0 }, canUndo: false });
    expect(await coverOf(documentId)).toMatchObject({ id: used.second });
    expect(await dumpDatabase(app, { leaveOut: records })).toEqual(before);
    expect(await openPairs()).toBe(open);
  });

  it('checks each group once more, and continues where a killed process stopped', async () => {
    const done = await pairUp(confirmed);
    const changed = await pairUp(confirmed);
    await pairUp({ ...confirmed, pixels: { ...confirmed.pixels, version: PIXEL_VERSION - 1 } });
    await pairUp({ ...confirmed, pixels: { ...confirmed.pixels, otherColors: true } });
    const planned = await plan('same-image');
    const before = [
      ['other-colors', 1],
      ['unconfirmed', 1],
    ];
    expect(reasonsOf(planned)).toEqual(before);
    await createArticle(app, { gallery: [changed.first, changed.second] });
    const merged = await run(planned.id, 'merge');
    expect(reasonsOf(merged)).toEqual([['listed-once', 1], ...before]);

    const { bulkMerging } = productOf(app);
    const rows = (uid: string) => app.strapi.db.query(uid);
    const merges = await rows(MERGE_UID).count();
    const where = { batchId: planned.id, state: 'merged' };
    await rows(MERGE_BATCH_GROUP_UID).updateMany({
      where,
      data: { state: 'planned', mergeId: null },
    });
    await rows(MERGE_BATCH_UID).updateMany({
      where: { id: planned.id },
      data: { state: 'merging', slot: 'taken' },
    });
    expectFailure(await send('', { kind: 'identical' }), { status: 409, code: 'conflict' });
    expectFailure(await send(`/${String(planned.id)}/undo`), { status: 409, code: 'conflict' });
    await bulkMerging.work(new AbortController().signal);
    expect(await rows(MERGE_UID).count()).toBe(merges);
    const resumed = await reach(planned.id, 'ended');
    expect(resumed).toMatchObject({ merged: merged.merged, canUndo: true });
    await run(planned.id, 'undo');
    expect((await app.files([done.second])).map(({ id }) => id)).toEqual([done.second]);
    expect(await productOf(app).mergeJournal.trashed(done.files)).toEqual([]);
  });

  it('leaves out what would lose texts or transparency, and files that were replaced since', async () => {
    const before = reasonsOf(await plan('same-image'));
    const described = await pairUp(confirmed);
    for (const [id, alternativeText] of [
      [described.first, 'A dog'],
      [described.second, 'Ein Hund'],
    ] as const) {
      await app.strapi.db.query(FILE_UID).update({ where: { id }, data: { alternativeText } });
    }
    const transparent = await pairUp(confirmed);
    const traces = createImageTraces(app.strapi);
    const [trace] = await traces.get([transparent.first]);
    if (!trace) throw new Error('The file has no trace.');
    const fingerprint = { bits: '0'.repeat(64), quality: 1 };
    await traces.put([{ ...trace, onBlack: { fingerprint, thumbnail: '' } }]);
    const replaced = await pairUp(confirmed);
    const planned = await plan('same-image');
    expect(planned.plan.groups).toBeGreaterThan(0);
    const added = [
      ['other-texts', 1],
      ['transparency', 1],
    ];
    expect(reasonsOf(planned)).toEqual([...before, ...added].sort());

    const [old] = await traces.get([replaced.second]);
    if (!old) throw new Error('The file has no trace.');
    await traces.put([{ ...old, contentHash: 'f'.repeat(64) }]);
    const merged = await run(planned.id, 'merge');
    expect(reasonsOf(merged)).toContainEqual(['changed', 1]);
    expect(await app.files(replaced.files)).toHaveLength(2);
    expect(await productOf(app).mergeJournal.trashed(replaced.files)).toEqual([]);
    if (merged.merged.groups > 0) await run(planned.id, 'undo');
  });

  it('stops when it is cancelled, and keeps what was merged for an undo', async () => {
    const planned = await plan('same-image');
    const { bulkMerging, mergeBatches } = productOf(app);
    await mergeBatches.setState(planned.id, { from: ['ready'], to: 'merging' });
    await bulkMerging.cancel(planned.id);
    const cancelled = await reach(planned.id, 'ended');
    expect(cancelled).toMatchObject({ isCancelled: true, merged: { groups: 0 } });
    const discarded = await plan('same-image');
    const response = await send(`/${String(discarded.id)}/cancel`);
    expect(response.body).toEqual({ data: null });
    expect((await list()).map(({ id }) => id)).not.toContain(discarded.id);
  });

  it('merges only what its user may change, and is started by that user alone', async () => {
    await pairUp(verdicts.identical);
    const update = { action: UPDATE };
    const reader = await app.editorWith(DUPLICATES, READ);
    expect((await send('', { kind: 'identical' }, reader)).status).toBe(403);
    const own = await app.editorWith(DUPLICATES, READ_OWN, update);
    expect(await plan('identical', own)).toMatchObject({ plan: { groups: 0 }, leftOut: [] });
    const changing = await app.editorWith(DUPLICATES, READ, {
      ...update,
      conditions: ['admin::is-creator'],
    });
    const theirs = await plan('identical', changing);
    expect(theirs).toMatchObject({ plan: { groups: 0 }, isOwn: true });
    expect(reasonsOf(theirs).map(([reason]) => reason)).toEqual(['forbidden']);
    expect((await list(own))[0]).toMatchObject({ id: theirs.id, isOwn: false });
    expectFailure(await send(`/${String(theirs.id)}/merge`), { status: 409, code: 'conflict' });
    expectFailure(await send('/999999/merge'), { status: 404, code: 'merge-not-found' });
    expectFailure(await send('', { kind: 'edited' }), { status: 400, code: 'invalid-input' });
  });

  it.each<[string, (email: string) => Promise<unknown>]>([
    [
      'is deactivated',
      (email) =>
        app.strapi.db.query('admin::user').update({ where: { email }, data: { isActive: false } }),
    ],
    ...[DUPLICATES.action, UPDATE].map((action): [string, (email: string) => Promise<unknown>] => [
      `loses ${action}`,
      (email) =>
        app.strapi.db
          .query('admin::permission')
          .deleteMany({ where: { action, role: { users: { email } } } }),
    ]),
  ])('ends when its user %s', async (_, change) => {
    await pairUp(verdicts.identical);
    const editor = await app.editorWith(DUPLICATES, READ, { action: UPDATE });
    const planned = await plan('identical', editor);
    expect(planned.plan.groups).toBeGreaterThan(0);
    await change(editor.email);
    const { bulkMerging, mergeBatches } = productOf(app);
    await mergeBatches.setState(planned.id, { from: ['ready'], to: 'merging' });
    await bulkMerging.work(new AbortController().signal);
    const ended = await reach(planned.id, 'ended');
    expect(ended).toMatchObject({ merged: { groups: 0 }, plan: planned.plan, canUndo: false });
    expect(ended.problem).toMatchObject({ code: 'forbidden' });
  });
});
