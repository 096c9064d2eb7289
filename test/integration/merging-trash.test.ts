import { access } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Response } from 'supertest';
import {
  mergeRecordResponseSchema,
  mergeResponseSchema,
  mergesResponseSchema,
  type MergeRecord,
} from '../../plugin/src/contracts/merging';
import { createAssetSource } from '../../server/src/assets/asset-source';
import { createMergeJournal } from '../../server/src/merging/journal';
import type { FileMerging } from '../../server/src/merging/merging';
import type { LibraryFile } from '../../server/src/usage/library-files';
import {
  DUPLICATES,
  READ,
  startDuplicatesApp,
  type DuplicatesApp,
} from '../support/duplicates-app';
import {
  articleUsing,
  createArticle,
  documents,
  readArticle,
  type Article,
} from '../support/merging-content';
import { MERGE_UID } from '../../server/src/plugin-id';
import { ARTICLE } from '../support/merging-app';
import { productOf } from '../support/search-app';
import { expectFailure } from '../support/search-face';

const DRAFT = { locale: 'en', status: 'draft' } as const;
const DAY_MS = 86_400_000;

let app: DuplicatesApp;
/** Its own merging, 31 days later. */
let later: FileMerging;

beforeAll(async () => {
  app = await startDuplicatesApp({
    imageSearch: { indexing: { enabled: false }, duplicates: { trashDays: 30 } },
  });
  const { pairs } = productOf(app);
  const clock = { now: () => Date.now() + 31 * DAY_MS };
  later = app.createMerging({ pairs, trashDays: 30, clock });
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => app.stop());

interface Provider {
  delete(file: { hash: string }): Promise<unknown>;
}
const provider = () => (app.strapi.plugin('upload') as unknown as { provider: Provider }).provider;
const journal = () => createMergeJournal(app.strapi);
const signal = new AbortController().signal;

async function upload(count: number): Promise<LibraryFile[]> {
  return app.files(await app.uploadFiles(count));
}

/** Merges all into the first. */
async function merge(files: readonly LibraryFile[]): Promise<number> {
  const fileIds = files.map(({ id }) => id);
  const response = await app.post('duplicates/merge', { fileIds, keepId: fileIds[0] });
  expect(response.status).toBe(200);
  return mergeResponseSchema.parse(response.body).data.mergeId ?? 0;
}

function recordIn({ body, status }: Response): MergeRecord {
  expect(status).toBe(200);
  const parsed = mergeRecordResponseSchema.parse(body);
  expect(body).toEqual(parsed);
  return parsed.data;
}

const act = (mergeId: number, action: 'undo' | 'empty') =>
  app.post(`duplicates/merges/${String(mergeId)}/${action}`, {});
const undo = async (mergeId: number) => recordIn(await act(mergeId, 'undo'));

async function list(query = ''): Promise<ReturnType<typeof mergesResponseSchema.parse>> {
  const { body } = await app.get(`duplicates/merges${query}`);
  const parsed = mergesResponseSchema.parse(body);
  expect(body).toEqual(parsed);
  return parsed;
}

async function isStored({ url }: LibraryFile): Promise<boolean> {
  return access(path.join(app.strapi.dirs.static.public, url)).then(
    () => true,
    () => false,
  );
}

/** Ids that the Media Library, and so every picker, lists. */
async function listed(): Promise<number[]> {
  const { body } = await app.library.call('get', '/upload/files?pageSize=100&sort=id:desc');
  return (body as { results: { id: number }[] }).results.map(({ id }) => id);
}

const coverOf = async ({ documentId }: Article): Promise<unknown> =>
  (await readArticle(app, documentId, DRAFT))['cover'];

describe('the trash', () => {
  it('keeps files and URLs, out of the library and its index', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const assets = createAssetSource({
      strapi: app.strapi,
      remote: { fetchBytes: jest.fn<never>(), dispose: jest.fn<never>() },
      readTimeoutMs: 1_000,
    });
    const before = await assets.count();
    const mergeId = await merge([kept, copy]);
    expect(await isStored(copy)).toBe(true);
    const byId = await app.library.call('get', `/upload/files/${String(copy.id)}`);
    expect(byId.body).toMatchObject({ id: copy.id, url: copy.url });
    expect(await listed()).not.toContain(copy.id);
    expect(await listed()).toContain(kept.id);
    const { body } = await app.get(`files/${String(copy.id)}/index`);
    expect(body).toMatchObject({ data: { state: 'in-trash', isSearchable: false } });
    expect(await assets.count()).toBe(before - 1);
    expect(await assets.describeMany([kept.id, copy.id])).toMatchObject([{ fileId: kept.id }]);
    expectFailure(await app.get(`files/${String(copy.id)}/duplicates`), {
      status: 404,
      code: 'file-not-found',
    });
    for (const dryRun of [true, false]) {
      const again = await app.post('duplicates/merge', { fileIds: [kept.id, copy.id], dryRun });
      expectFailure(again, { status: 409, code: 'conflict' });
      expect(JSON.stringify(again.body)).toContain(`File ${String(copy.id)} is in the trash`);
    }
    await undo(mergeId);
    expect(await listed()).toContain(copy.id);
    expect(await assets.count()).toBe(before);
  });

  it('lists merges, newest first, page by page', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    await createArticle(app, { cover: copy.id, gallery: [copy.id] });
    const first = await merge(await upload(2));
    const second = await merge([kept, copy]);
    const { data, meta } = await list('?pageSize=2');
    expect(data.map(({ id }) => id)).toEqual([second, first]);
    expect(data[0]).toMatchObject({
      state: 'done',
      mergedBy: { name: 'Test Administrator' },
      kept: { fileId: kept.id, name: kept.name, url: kept.url, isDeleted: false },
      copies: [{ fileId: copy.id, name: copy.name, url: copy.url, state: 'trashed' }],
      movedUses: 2,
      canUndo: true,
      undo: null,
    });
    const left = Date.parse(data[0]?.emptiesAt ?? '') - Date.now();
    expect(left / DAY_MS).toBeCloseTo(30, 1);
    expect(meta.pagination).toMatchObject({ page: 1, pageSize: 2 });
    const next = await list('?pageSize=2&page=2');
    expect(next.data.map(({ id }) => id)).not.toContain(first);
    expectFailure(await app.get('duplicates/merges?page=0'), {
      status: 400,
      code: 'invalid-input',
    });
  });

  it('requires the permissions of a merge', async () => {
    const mergeId = await merge(await upload(2));
    const route = `duplicates/merges/${String(mergeId)}`;
    const reader = await app.editorWith(DUPLICATES, READ);
    expect((await app.get('duplicates/merges', reader)).status).toBe(200);
    for (const action of ['undo', 'empty']) {
      expect((await app.post(`${route}/${action}`, {}, reader)).status).toBe(403);
    }
    const other = await app.editorWith(READ);
    expect((await app.get('duplicates/merges', other)).status).toBe(403);
    const editor = await app.editorWith(DUPLICATES, READ, {
      action: 'plugin::upload.assets.update',
    });
    expect((await app.post(`${route}/undo`, {}, editor)).status).toBe(200);
    expectFailure(await act(999_999, 'undo'), { status: 404, code: 'merge-not-found' });
  });
});

describe('the list of merges', () => {
  it('tells of files that the caller may not see only ids and states', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const id = await merge([kept, copy]);
    const own = await app.editorWith(DUPLICATES, { ...READ, conditions: ['admin::is-creator'] });
    const { body } = await app.get('duplicates/merges?pageSize=1', own);
    const [record] = mergesResponseSchema.parse(body).data;
    expect(record).toMatchObject({
      id,
      kept: { fileId: kept.id, name: '', mime: '', url: null },
      copies: [
        {
          fileId: copy.id,
          documentId: null,
          name: '',
          contentHash: null,
          mime: null,
          bytes: null,
          url: null,
          state: 'trashed',
          reason: null,
        },
      ],
    });
    for (const secret of [kept.name, copy.name, copy.documentId, copy.mime]) {
      expect(JSON.stringify(record)).not.toContain(secret);
    }
  });
});

describe('an undo', () => {
  it('leaves uses that were changed since, and names them', async () => {
    const [kept, copy, other] = await upload(3);
    if (!kept || !copy || !other) throw new Error('Not all are uploaded.');
    const changed = await createArticle(app, articleUsing(copy, [other, other], 'Changed'));
    const same = await createArticle(app, articleUsing(copy, [other, other], 'Same'));
    const mergeId = await merge([kept, copy]);
    const update = (article: Article, data: object) =>
      documents(app, ARTICLE).update({ documentId: article.documentId, locale: 'en', data });
    await update(changed, { cover: other.id, body: 'Another text' });
    // Saved without another image: Strapi gives the field's rows other ids.
    await update(same, { cover: kept.id });

    const record = await undo(mergeId);
    expect(record).toMatchObject({ state: 'undone', canUndo: false, emptiesAt: null });
    expect(record.copies).toMatchObject([{ state: 'restored' }]);
    const unrestored = record.undo?.unrestored.map(({ use, reason }) => [
      use.title,
      use.path,
      reason,
    ]);
    expect(unrestored?.sort()).toEqual([
      ['Changed', 'body', 'changed'],
      ['Changed', 'cover', 'changed'],
    ]);
    expect(await coverOf(changed)).toMatchObject({ id: other.id });
    expect(await coverOf(same)).toMatchObject({ id: copy.id });
    const { body, seo } = await readArticle(app, changed.documentId, DRAFT);
    expect(body).toBe('Another text');
    expect(seo).toMatchObject({ image: { id: copy.id } });
    expect(await undo(mergeId)).toEqual(record);
    await update(same, { cover: other.id });
    expect(await undo(mergeId)).toEqual(record);
    expect(await coverOf(same)).toMatchObject({ id: other.id });
  });

  it.each(['deleted', 'replaced'])('works after the kept file was %s', async (change) => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const article = await createArticle(app, { cover: copy.id, gallery: [kept.id, copy.id] });
    const mergeId = await merge([kept, copy]);
    if (change === 'deleted') await app.library.call('delete', `/upload/files/${String(kept.id)}`);
    else await app.library.replace(kept.id, { fileName: 'other.txt', bytes: Buffer.from('Text') });
    const record = await undo(mergeId);
    expect(record.undo).toMatchObject({ restoredUses: 2, unrestoredCount: 0 });
    expect(record.kept.isDeleted).toBe(change === 'deleted');
    const { cover, gallery } = await readArticle(app, article.documentId, DRAFT);
    expect(cover).toMatchObject({ id: copy.id });
    const ids = (gallery as { id: number }[]).map(({ id }) => id);
    expect(ids).toEqual(change === 'deleted' ? [copy.id] : [kept.id, copy.id]);
  });

  it('brings back what is left after a copy was deleted by hand', async () => {
    const [kept, one, two] = await upload(3);
    if (!kept || !one || !two) throw new Error('Not all are uploaded.');
    const article = await createArticle(app, { gallery: [one.id, two.id] });
    const other = await createArticle(app, { cover: one.id });
    const mergeId = await merge([kept, one, two]);
    await app.library.call('delete', `/upload/files/${String(one.id)}`);
    expect((await list('?pageSize=1')).data[0]?.copies).toMatchObject([
      { state: 'deleted', reason: 'deleted-by-hand' },
      { state: 'trashed' },
    ]);
    const record = await undo(mergeId);
    expect(record.undo?.unrestored).toMatchObject([
      { reason: 'file-gone', use: { path: 'cover' } },
    ]);
    const { gallery } = await readArticle(app, article.documentId, DRAFT);
    expect((gallery as { id: number }[]).map(({ id }) => id)).toEqual([kept.id, two.id]);
    expect(await coverOf(other)).toMatchObject({ id: kept.id });
  });

  it('fails when nothing is left, and names it', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, copy]);
    const emptied = recordIn(await act(mergeId, 'empty'));
    expect(emptied).toMatchObject({ canUndo: false, copies: [{ state: 'deleted', url: null }] });
    expect(await isStored(copy)).toBe(false);
    expect(await app.files([copy.id])).toEqual([]);
    const response = await act(mergeId, 'undo');
    expectFailure(response, { status: 409, code: 'conflict' });
    expect(JSON.stringify(response.body)).toContain(`${copy.name}” (${String(copy.id)})`);
    expect(recordIn(await act(mergeId, 'empty'))).toEqual(emptied);
  });

  it('of a merge whose kept file was merged again comes second', async () => {
    const [a, b, c] = await upload(3);
    if (!a || !b || !c) throw new Error('Not all are uploaded.');
    const article = await createArticle(app, { cover: c.id });
    const first = await merge([b, c]);
    const second = await merge([a, b]);
    expect(await coverOf(article)).toMatchObject({ id: a.id });
    const refused = await act(first, 'undo');
    expectFailure(refused, { status: 409, code: 'conflict' });
    expect(JSON.stringify(refused.body)).toContain(`merge ${String(second)}`);
    await undo(second);
    expect(await coverOf(article)).toMatchObject({ id: b.id });
    await undo(first);
    expect(await coverOf(article)).toMatchObject({ id: c.id });
  });

  it('asked twice at the same time is done once', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const article = await createArticle(app, { cover: copy.id });
    const mergeId = await merge([kept, copy]);
    const [one, two] = await Promise.all([undo(mergeId), undo(mergeId)]);
    expect(one).toEqual(two);
    expect(await coverOf(article)).toMatchObject({ id: copy.id });
  });

  it.each([
    ['this', false],
    ['an earlier', true],
  ])(
    'brings back pairs and their reviews after a merge by %s version',
    async (_version, isFormer) => {
      const [a = 0, b = 0, c = 0, d = 0] = await app.uploadFiles(4);
      await app.record(a, [b]);
      await app.record(b, [c, d]);
      const { pairs } = productOf(app);
      const touching = async () => {
        const found = await pairs.pairsTouching({ fileIds: [b], limit: 10 });
        return found
          .map((pair) => ({ ...pair, id: null, cluster: null, foundAt: null }))
          .sort((one, other) => one.fileA - other.fileA || one.fileB - other.fileB);
      };
      const [ignored] = (await pairs.pairsTouching({ fileIds: [d], limit: 1 })).map(({ id }) => id);
      await app.post(`duplicates/${String(ignored)}/review`, { status: 'ignored' });
      const before = await touching();
      expect(before.map(({ status }) => status)).toEqual(['open', 'open', 'ignored']);
      const mergeId = await merge(await app.files([a, b]));
      expect(await touching()).toMatchObject([{ fileA: a, fileB: b, status: 'merged' }]);
      if (isFormer) await useFormerNames(mergeId);
      await undo(mergeId);
      expect(await touching()).toEqual(before);
    },
  );
});

/** As previews of 0.1 wrote it. */
async function useFormerNames(mergeId: number): Promise<void> {
  const merges = app.strapi.db.query(MERGE_UID);
  const { changes } = (await merges.findOne({ where: { id: mergeId } })) as { changes: object };
  const former: unknown = JSON.parse(
    JSON.stringify(changes)
      .replaceAll('"reviewedBy"', '"decidedBy"')
      .replaceAll('"reviewedAt"', '"decidedAt"'),
  );
  await merges.update({ where: { id: mergeId }, data: { changes: former } });
}

describe('emptying the trash', () => {
  it('deletes what is due, and nothing that is not', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    await app.record(kept.id, [copy.id]);
    const mergeId = await merge([kept, copy]);
    const now = app.createMerging({ pairs: productOf(app).pairs });
    await now.emptyDue(signal);
    expect(await app.files([copy.id])).toHaveLength(1);
    expect(await later.hasDue()).toBe(true);
    await later.emptyDue(signal);
    expect(await later.hasDue()).toBe(false);
    expect(await app.files([kept.id, copy.id])).toMatchObject([{ id: kept.id }]);
    expect(await isStored(copy)).toBe(false);
    expect(await journal().copiesOf([mergeId])).toMatchObject([{ state: 'deleted' }]);
  });

  it.each([
    ['used', 'used-again', (copy: LibraryFile) => createArticle(app, { cover: copy.id })],
    [
      'replaced',
      'replaced',
      ({ id }: LibraryFile) =>
        app.library.replace(id, { fileName: 'new.txt', bytes: Buffer.from('New') }),
    ],
  ])('returns a copy that was %s since to the library', async (_name, reason, change) => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const returned: number[] = [];
    const merging = app.createMerging({
      pairs: productOf(app).pairs,
      clock: { now: () => Date.now() + 31 * DAY_MS },
      onReturn: (ids) => returned.push(...ids),
    });
    const mergeId = await merge([kept, copy]);
    await change(copy);
    await merging.emptyDue(signal);
    expect(returned).toEqual([copy.id]);
    expect(await listed()).toContain(copy.id);
    expect(await isStored(copy)).toBe(true);
    expect(await journal().copiesOf([mergeId])).toMatchObject([{ state: 'left', reason }]);
  });

  it('tries again what storage refuses, and an undo may come first', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, copy]);
    const refusal = jest.spyOn(provider(), 'delete').mockRejectedValue(new Error('Denied.'));
    await later.emptyDue(signal);
    const refused = { state: 'trashed', reason: 'not-deleted' };
    expect((await list('?pageSize=1')).data[0]).toMatchObject({ canUndo: true, copies: [refused] });
    const warnings = app.logger.at('warn').length;
    await later.emptyDue(signal);
    expect(refusal.mock.calls.length).toBeGreaterThan(1);
    expect(app.logger.at('warn')).toHaveLength(warnings);
    expect((await undo(mergeId)).copies).toMatchObject([{ state: 'restored', reason: null }]);
    jest.restoreAllMocks();
    expect(await isStored(copy)).toBe(true);
  });

  it('is not held up by copies that storage refuses', async () => {
    const files = await upload(23);
    const [, ...copies] = files;
    const mergeId = await merge(files);
    const remove = provider().delete.bind(provider());
    const last = copies.at(-1)?.hash;
    jest
      .spyOn(provider(), 'delete')
      .mockImplementation((file) =>
        file.hash === last ? remove(file) : Promise.reject(new Error('Denied.')),
      );
    await later.emptyDue(signal);
    const states = (await journal().copiesOf([mergeId])).map(({ state }) => state);
    expect(states).toEqual([...Array.from({ length: 21 }, () => 'trashed'), 'deleted']);
    jest.restoreAllMocks();
    await later.emptyDue(signal);
    expect(await later.hasDue()).toBe(false);
  });

  it('stops at a storage that hangs, and no undo brings back what it may delete', async () => {
    const [kept, copy, other] = await upload(3);
    if (!kept || !copy || !other) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, copy]);
    const otherId = await merge([kept, other]);
    let respond = (): void => undefined;
    const response = new Promise<void>((resolve) => (respond = resolve));
    const remove = provider().delete.bind(provider());
    const asked = jest.spyOn(provider(), 'delete').mockImplementation(async (file) => {
      await response;
      await remove(file);
    });
    const merging = app.createMerging({
      pairs: productOf(app).pairs,
      clock: { now: () => Date.now() + 31 * DAY_MS },
      storageDeadlineMs: 50,
    });
    await merging.emptyDue(signal);
    expect(asked).toHaveBeenCalledTimes(1);
    const [second, first] = (await list('?pageSize=2')).data;
    expect(first).toMatchObject({
      canUndo: false,
      copies: [{ state: 'emptying', reason: 'unanswered' }],
    });
    expect(second).toMatchObject({ canUndo: true, copies: [{ state: 'trashed', reason: null }] });
    const refused = await act(mergeId, 'undo');
    expectFailure(refused, { status: 409, code: 'conflict' });
    expect(JSON.stringify(refused.body)).toContain('being deleted');
    respond();
    await asked.mock.results[0]?.value;
    jest.restoreAllMocks();
    await undo(otherId);
    await later.emptyDue(signal);
    expect(await journal().copiesOf([mergeId])).toMatchObject([{ state: 'deleted', reason: null }]);
    expect(await isStored(copy)).toBe(false);
  });

  it.each(['original', 'format'])('knows whether the %s is left', async (left) => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, copy]);
    const formats = { small: { hash: `small_${copy.hash}`, ext: '.png', url: '/none.png' } };
    await app.strapi.db
      .query('plugin::upload.file')
      .update({ where: { id: copy.id }, data: { formats } });
    const remove = provider().delete.bind(provider());
    const refusedHash = left === 'original' ? copy.hash : formats.small.hash;
    jest
      .spyOn(provider(), 'delete')
      .mockImplementation((file) =>
        file.hash === refusedHash ? Promise.reject(new Error('Denied.')) : remove(file),
      );
    await later.emptyDue(signal);
    const isThere = left === 'original';
    expect(await isStored(copy)).toBe(isThere);
    expect((await list('?pageSize=1')).data[0]?.canUndo).toBe(isThere);
    expect(await journal().copiesOf([mergeId])).toMatchObject([
      { state: isThere ? 'trashed' : 'emptying', reason: 'not-deleted' },
    ]);
    jest.restoreAllMocks();
    await later.emptyDue(signal);
    expect(await journal().copiesOf([mergeId])).toMatchObject([{ state: 'deleted' }]);
  });

  it('says that the file of a copy used again is gone, and does not undo its merge', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, copy]);
    const [journaled] = await journal().copiesOf([mergeId]);
    await journal().setState(journaled?.id ?? 0, { from: ['trashed'], to: 'emptying' });
    await provider().delete(copy);
    await createArticle(app, { cover: copy.id });
    await later.emptyDue(signal);
    expect((await list('?pageSize=1')).data[0]).toMatchObject({
      canUndo: false,
      copies: [{ state: 'left', reason: 'used-without-file' }],
    });
    expectFailure(await act(mergeId, 'undo'), { status: 409, code: 'conflict' });
  });

  it('ends between two copies when it is stopped', async () => {
    const files = await upload(3);
    const mergeId = await merge(files);
    const stopping = new AbortController();
    const remove = provider().delete.bind(provider());
    jest.spyOn(provider(), 'delete').mockImplementation((file) => {
      stopping.abort();
      return remove(file);
    });
    await later.emptyDue(stopping.signal);
    expect(await journal().copiesOf([mergeId])).toMatchObject([
      { state: 'deleted' },
      { state: 'trashed' },
    ]);
    jest.restoreAllMocks();
    await undo(mergeId);
  });

  it('forgets what a merge changed once it cannot be undone', async () => {
    const [kept, one, two] = await upload(3);
    if (!kept || !one || !two) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, one, two]);
    await createArticle(app, { cover: one.id });
    await later.emptyDue(signal);
    expect(await journal().changesOf(mergeId)).not.toBeNull();
    await undo(mergeId);
    expect(await journal().changesOf(mergeId)).toBeNull();
    const other = await merge([kept, ...(await upload(1))]);
    await later.emptyDue(signal);
    expect(await journal().changesOf(other)).toBeNull();
    expectFailure(await act(other, 'undo'), { status: 409, code: 'conflict' });
  });

  it('finishes what a process that died between storage and database left', async () => {
    const [kept, copy] = await upload(2);
    if (!kept || !copy) throw new Error('Not all are uploaded.');
    const mergeId = await merge([kept, copy]);
    const [journaled] = await journal().copiesOf([mergeId]);
    await journal().setState(journaled?.id ?? 0, { from: ['trashed'], to: 'emptying' });
    await provider().delete(copy);
    expect(await isStored(copy)).toBe(false);
    await later.emptyDue(signal);
    expect(await app.files([copy.id])).toEqual([]);
    expect(await journal().copiesOf([mergeId])).toMatchObject([{ state: 'deleted' }]);
  });

  it('by two at a time deletes each copy once', async () => {
    const files = await upload(4);
    const mergeId = await merge(files);
    const deleted = jest.spyOn(provider(), 'delete');
    const other = app.createMerging({
      pairs: productOf(app).pairs,
      clock: { now: () => Date.now() + 31 * DAY_MS },
    });
    await Promise.all([later.emptyDue(signal), other.emptyDue(signal)]);
    const states = (await journal().copiesOf([mergeId])).map(({ state }) => state);
    expect(states).toEqual(['deleted', 'deleted', 'deleted']);
    const hashes = deleted.mock.calls.map(([{ hash }]) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect((await app.files(files.map(({ id }) => id))).map(({ id }) => id)).toEqual([
      files[0]?.id,
    ]);
  });
});
