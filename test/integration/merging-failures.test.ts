import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { MergeReport } from '../../plugin/src/contracts/merging';
import { checkMergePermission } from '../../server/src/files/file-access';
import { hideTitlesInReport } from '../../server/src/merging/report';
import type { LibraryFile } from '../../server/src/usage/library-files';
import { MemoryDuplicatePairs } from '../support/memory-duplicate-pairs';
import { dumpDatabase, startMergingApp, type MergingApp } from '../support/merging-app';
import { articleUsing, createArticle, readArticle } from '../support/merging-content';
import type { RolePermission } from '../support/strapi-accounts';

const DRAFT = { locale: 'en', status: 'draft' } as const;
const FILE_UID = 'plugin::upload.file';

let app: MergingApp;

beforeAll(async () => {
  app = await startMergingApp();
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => app.stop());

interface Upload {
  remove(file: unknown): Promise<unknown>;
  updateFileInfo(id: number, info: object): Promise<unknown>;
}
interface Provider {
  delete(file: { hash: string }): Promise<unknown>;
}

const upload = () => app.strapi.plugin('upload').service<Upload>('upload');
const provider = () => (app.strapi.plugin('upload') as unknown as { provider: Provider }).provider;

/** The first is the one to keep; the second is used by an article. */
async function prepare(count = 2) {
  const variants = Array.from({ length: count }, (_, index) => ({
    width: 600 - 10 * index,
    format: 'png' as const,
  }));
  const [keep, copy, third] = await app.uploadCopies(...variants);
  if (!keep || !copy) throw new Error('Not all are uploaded.');
  const { documentId } = await createArticle(app, articleUsing(copy, [keep, keep], 'Article'));
  const fileIds = [keep, copy, ...(third ? [third] : [])].map(({ id }) => id);
  return { keep, copy, third, documentId, request: { fileIds, keepId: keep.id } };
}

async function expectNothingDone(work: () => Promise<unknown>, failure: object): Promise<void> {
  const before = [await dumpDatabase(app), await app.storedNames()];
  await expect(work()).rejects.toMatchObject(failure);
  expect([await dumpDatabase(app), await app.storedNames()]).toEqual(before);
}

/** Lets something happen after the merge has read its files and before it holds them. */
function beforeTransaction(work: () => Promise<unknown>): void {
  const { db } = app.strapi;
  const transaction = db.transaction.bind(db) as (work: never) => Promise<unknown>;
  jest.spyOn(db, 'transaction').mockImplementationOnce((async (given: never) => {
    await work();
    return transaction(given);
  }) as never);
}

describe('a merge that fails', () => {
  it('in the middle is undone and deletes nothing', async () => {
    const { copy, request } = await prepare();
    await upload().updateFileInfo(copy.id, { alternativeText: 'A bay' });
    const unsubscribe = app.strapi.db.lifecycles.subscribe({
      models: [FILE_UID],
      afterUpdate: () => {
        throw new Error('Not today.');
      },
    });
    await expectNothingDone(() => app.merging.perform(request), { message: 'Not today.' });
    unsubscribe();
    expect(await app.merging.perform(request)).toMatchObject({
      files: [{}, { outcome: 'removed' }],
    });
  });

  it('in storage loses no use, and is reported', async () => {
    const { keep, copy, third, documentId, request } = await prepare(3);
    const remove = provider().delete.bind(provider());
    jest.spyOn(provider(), 'delete').mockImplementation((file) => {
      if (file.hash === copy.hash) return Promise.reject(new Error('Storage is down.'));
      return remove(file);
    });
    const report = await app.merging.perform(request);
    expect(report.files).toMatchObject([
      { outcome: 'kept' },
      { id: copy.id, outcome: 'left', obstacle: { code: 'not-deleted' } },
      { id: third?.id, outcome: 'removed', obstacle: null },
    ]);
    expect(app.logger.at('warn').join()).toContain('Storage is down.');
    expect(await readArticle(app, documentId, DRAFT)).toMatchObject({ cover: { id: keep.id } });
    expect(await app.files(request.fileIds)).toHaveLength(2);
    jest.restoreAllMocks();
    const again = await app.merging.perform({ fileIds: [keep.id, copy.id], keepId: keep.id });
    expect(again.files).toMatchObject([{}, { outcome: 'removed', useCount: 0 }]);
  });

  it('to record a merge after storage deleted the copy reports what is left', async () => {
    const { copy, request } = await prepare();
    const failure = new Error('The database is gone.');
    jest.spyOn(MemoryDuplicatePairs.prototype, 'markMerged').mockRejectedValue(failure);
    const report = await app.merging.perform(request);
    expect(report.files).toMatchObject([
      { outcome: 'kept' },
      {
        id: copy.id,
        outcome: 'left',
        obstacle: { code: 'entry-left' },
      },
    ]);
    expect(app.logger.at('warn').join()).toContain('The database is gone.');
    expect(await app.files([copy.id])).toHaveLength(1);
    jest.restoreAllMocks();
    const again = await app.merging.perform(request);
    expect(again.files).toMatchObject([{}, { outcome: 'removed' }]);
  });

  it.each(['copy', 'keep'] as const)('because its %s is gone changes nothing', async (which) => {
    const files = await prepare();
    await upload().remove(files[which]);
    await expectNothingDone(() => app.merging.perform(files.request), { code: 'conflict' });
    const planned = app.merging.plan(files.request);
    await expect(planned).rejects.toMatchObject({ code: 'file-not-found' });
  });

  it.each([
    ['deleted', (file: LibraryFile) => upload().remove(file)],
    ['changed', (file: LibraryFile) => upload().updateFileInfo(file.id, { caption: 'New' })],
  ])('because a file is %s meanwhile re-points nothing', async (_name, change) => {
    const { keep, copy, documentId, request } = await prepare();
    beforeTransaction(() => change(keep));
    await expect(app.merging.perform(request)).rejects.toMatchObject({ code: 'conflict' });
    expect(await app.files([copy.id])).toEqual([copy]);
    const { body, seo } = await readArticle(app, documentId, DRAFT);
    expect(body).toContain(copy.url);
    expect(seo).toMatchObject({ image: { id: copy.id } });
  });

  it("rejects a file to keep that isn't one of the files", async () => {
    const { copy, third, request } = await prepare(3);
    const wrong = { fileIds: [copy.id, third?.id ?? 0], keepId: request.keepId };
    const failure = { code: 'invalid-input' };
    await expectNothingDone(() => app.merging.perform(wrong), failure);
    await expect(app.merging.plan(wrong)).rejects.toMatchObject(failure);
  });
});

describe('a file that is used again', () => {
  it('after the plan is updated there, too', async () => {
    const { keep, request } = await prepare();
    const { copy } = { copy: (await app.files(request.fileIds))[1] };
    const plan = await app.merging.plan(request);
    const later: string[] = [];
    beforeTransaction(async () => {
      later.push((await createArticle(app, { cover: copy?.id })).documentId);
    });
    const report = await app.merging.perform(request);
    expect(report.files[1]?.useCount).toBe((plan.files[1]?.useCount ?? 0) + 1);
    expect(await readArticle(app, later[0] ?? '', DRAFT)).toMatchObject({ cover: { id: keep.id } });
  });

  it("after it was merged isn't deleted", async () => {
    const { keep, copy, third, request } = await prepare(3);
    const remove = provider().delete.bind(provider());
    const later: string[] = [];
    jest.spyOn(provider(), 'delete').mockImplementation(async (file) => {
      if (file.hash === copy.hash) {
        later.push((await createArticle(app, { cover: third?.id })).documentId);
      }
      return remove(file);
    });
    const report = await app.merging.perform(request);
    expect(report.files).toMatchObject([
      { id: keep.id },
      { id: copy.id, outcome: 'removed' },
      { id: third?.id, outcome: 'left', obstacle: { code: 'used-again' } },
    ]);
    const article = await readArticle(app, later[0] ?? '', DRAFT);
    expect(article).toMatchObject({ cover: { id: third?.id } });
  });
});

describe('a storage that hangs', () => {
  it('blocks others no longer than its time limit, and keeps the copies', async () => {
    const { keep, request, third } = await prepare(3);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const asked = jest.spyOn(provider(), 'delete').mockImplementation(() => released);
    const merging = app.createMerging({ storageDeadlineMs: 50 });
    const report = await merging.perform(request);
    const [copyId, thirdId] = request.fileIds.slice(1);
    expect(report.files).toMatchObject([
      { id: keep.id, outcome: 'kept' },
      { id: copyId, outcome: 'left', obstacle: { code: 'unanswered' } },
      { id: thirdId, outcome: 'left', obstacle: { code: 'not-asked' } },
    ]);
    // One of the files of one copy: the others were not tried.
    expect(asked.mock.calls.length).toBeGreaterThan(0);
    expect(asked.mock.calls.map(([file]) => file.hash)).not.toContain(third?.hash);
    expect(await app.files(request.fileIds)).toHaveLength(3);
    release();
  });
});

describe('two merges', () => {
  it("of overlapping files in one process don't wait for each other", async () => {
    const { keep, copy, third, request } = await prepare(3);
    const other = { fileIds: [copy.id, third?.id ?? 0], keepId: copy.id };
    const [first, second] = await Promise.allSettled([
      app.merging.perform(request),
      app.merging.perform(other),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ reason: { code: 'conflict' } });
    expect(await app.files(request.fileIds)).toMatchObject([{ id: keep.id }]);
    // A merge that failed or ended is none that is under way.
    await expect(app.merging.perform(other)).rejects.toThrow(/no longer in the library/);
  });
});

describe('the permission to merge', () => {
  const UPDATE = 'plugin::upload.assets.update';
  const CREATE = { action: 'plugin::upload.assets.create' };
  let accounts = 0;

  /** An administrator who may do this; and a file that they uploaded. */
  async function editor(permissions: RolePermission[]) {
    accounts += 1;
    const account = {
      email: `editor-${String(accounts)}@example.com`,
      password: 'Restricted-Admin-1',
    };
    const { id } = await app.createRestrictedAdmin({
      ...account,
      permissions: [CREATE, ...permissions],
    });
    const response = await app.request
      .post('/upload')
      .auth(await app.adminToken(account), { type: 'bearer' })
      .attach('files', Buffer.from('Text'), 'own.txt');
    const [own] = response.body as { id: number }[];
    const user: unknown = await app.strapi.db
      .query('admin::user')
      .findOne({ where: { id }, populate: ['roles'] });
    const { engine } = app.strapi.service('admin::permission') as {
      engine: { generateUserAbility(user: unknown): Promise<unknown> };
    };
    return { own: own?.id ?? 0, ability: await engine.generateUserAbility(user) };
  }

  const check = (ability: unknown, fileIds: number[]) =>
    checkMergePermission(app.strapi, { ability, fileIds });

  it('requires permission to change every file, with its conditions', async () => {
    const foreign = (await editor([])).own;
    const { own, ability } = await editor([{ action: UPDATE, conditions: ['admin::is-creator'] }]);
    await expect(check(ability, [own])).resolves.toBeUndefined();
    await expect(check(ability, [own, foreign])).rejects.toMatchObject({
      name: 'PolicyError',
      message: `Your role can't edit file ${String(foreign)}.`,
    });
    await expect(check(ability, [own, 999_999])).rejects.toThrow('file 999999');
    const all = await editor([{ action: UPDATE }]);
    await expect(check(all.ability, [own, foreign, all.own])).resolves.toBeUndefined();
    const none = await editor([{ action: 'plugin::upload.read' }]);
    await expect(check(none.ability, [none.own])).rejects.toMatchObject({ name: 'PolicyError' });
  });

  it('reveals no titles of entries that the user may not read', async () => {
    const { request } = await prepare();
    const report = await app.merging.plan(request);
    const titles = ({ files }: MergeReport) => [
      ...new Set(files.flatMap(({ uses }) => uses.map(({ title }) => title))),
    ];
    expect(titles(report)).toEqual(['Article']);
    const { ability } = await editor([{ action: UPDATE }]);
    const hidden = await hideTitlesInReport(app.strapi, { ability, report });
    expect(titles(hidden)).toEqual([null]);
    expect(hidden.files.map(({ useCount }) => useCount)).toEqual(
      report.files.map(({ useCount }) => useCount),
    );
    const read = {
      action: 'plugin::content-manager.explorer.read',
      subject: 'api::article.article',
    };
    const shownTo = async (locales: string[]) => {
      const properties = { fields: ['title'], locales };
      const reader = await editor([{ ...read, properties }]);
      return hideTitlesInReport(app.strapi, { ability: reader.ability, report });
    };
    expect(await shownTo(['en'])).toEqual(report);
    expect(titles(await shownTo(['de']))).toEqual([null]);
  });
});
