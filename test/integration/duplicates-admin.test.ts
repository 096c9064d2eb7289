import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  reviewResponseSchema,
  fileDuplicatesResponseSchema,
} from '../../plugin/src/contracts/duplicates';
import { fileUsageResponseSchema, mergeResponseSchema } from '../../plugin/src/contracts/merging';
import { DUPLICATE_PAIR_UID, FILE_UID } from '../../server/src/plugin-id';
import {
  dataOf,
  DUPLICATES,
  groupsIn,
  READ,
  READ_OWN,
  startDuplicatesApp,
  verdicts,
  type DuplicatesApp,
} from '../support/duplicates-app';
import { recordManyPairs } from '../support/many-pairs';
import { ARTICLE } from '../support/merging-app';
import { createArticle } from '../support/merging-content';
import { pollUntil } from '../support/polling';
import { productOf } from '../support/search-app';
import { expectFailure } from '../support/search-face';
import type { AdminCredentials } from '../support/strapi-client';

let app: DuplicatesApp;

beforeAll(async () => {
  app = await startDuplicatesApp();
});
afterAll(async () => {
  await app.stop();
});
beforeEach(async () => {
  await app.strapi.db.query(DUPLICATE_PAIR_UID).deleteMany({});
});

async function two(): Promise<[number, number]> {
  const [one = 0, other = 0] = await app.uploadFiles(2);
  return [one, other];
}

describe('GET duplicates', () => {
  it('returns groups with their files, pairs and evidence, newest first', async () => {
    const [a = 0, b = 0, c = 0, d = 0] = await app.uploadFiles(4);
    await app.record(b, [a], { verdict: verdicts.edited });
    await app.record(d, [c], { verdict: verdicts.identical });
    await app.record(c, [a], { verdict: verdicts.sameImage });
    const { data, meta } = dataOf(await app.get('duplicates'));
    expect(meta).toEqual({
      nextCursor: null,
      counts: { open: data.length, ignored: 0, merged: 0 },
    });
    const pairs = data.flatMap((group) => group.pairs);
    expect(pairs.map(({ fileA, fileB }) => [fileA, fileB]).sort()).toEqual([
      [a, b],
      [a, c],
      [c, d],
    ]);
    for (const { files, representativeId, hasMore } of data) {
      expect(files[0]?.id).toBe(representativeId);
      expect(files[0]).toMatchObject({ name: expect.any(String), url: expect.any(String) });
      expect(hasMore).toBe(false);
    }
    expect(pairs.find(({ fileB }) => fileB === b)).toMatchObject({
      kind: 'edited',
      evidence: {
        similarity: 0.875,
        fingerprintDistance: 90,
        correlation: 0.9,
        alignment: { innerFileId: b, isMirrored: true, region: { width: 0.5 } },
      },
      status: 'open',
      review: null,
    });
    expect(pairs.find(({ fileB }) => fileB === d)).toMatchObject({ evidence: {} });
  });

  it('filters by kind and status, in pages', async () => {
    const files = await app.uploadFiles(8);
    const pairs = [];
    for (const index of [0, 2, 4, 6]) {
      const verdict = index < 4 ? verdicts.identical : verdicts.sameImage;
      pairs.push(await app.record(files[index + 1] ?? 0, [files[index] ?? 0], { verdict }));
    }
    expect(groupsIn(await app.get('duplicates?kind=identical'))).toEqual([
      [files[2], files[3]],
      [files[0], files[1]],
    ]);
    const first = dataOf(await app.get('duplicates?limit=3'));
    expect(first.data.map(({ id }) => id)).toEqual([pairs[3]?.id, pairs[2]?.id, pairs[1]?.id]);
    const cursor = String(first.meta.nextCursor);
    const second = dataOf(await app.get(`duplicates?limit=3&cursor=${cursor}`));
    expect(second.data.map(({ id }) => id)).toEqual([pairs[0]?.id]);
    expect(second.meta.nextCursor).toBeNull();
    expect(groupsIn(await app.get('duplicates?status=ignored'))).toEqual([]);
  });

  it('returns the group of a pair if it matches the filters', async () => {
    const [one = 0, two = 0, three = 0, four = 0, five = 0] = await app.uploadFiles(5);
    const older = await app.record(two, [one]);
    const newer = await app.record(three, [one]);
    await app.record(five, [four]);
    const answer = dataOf(await app.get(`duplicates?pair=${String(older.id)}`));
    expect(answer.data.map(({ id }) => id)).toEqual([newer.id]);
    expect(answer.data[0]?.files.map(({ id }) => id)).toEqual([one, two, three]);
    expect(groupsIn(await app.get(`duplicates?pair=${String(older.id)}&status=ignored`))).toEqual(
      [],
    );
    expect(groupsIn(await app.get('duplicates?pair=999999'))).toEqual([]);
  });

  it.each([
    ['pair=x', 'pair'],
    ['status=lost', 'status'],
    ['kind=similar', 'kind'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['cursor=-1', 'cursor'],
    ['cursor=99999999999', 'cursor'],
    ['page=2', 'page'],
  ])('rejects %s by name', async (query, name) => {
    const response = await app.get(`duplicates?${query}`);
    expectFailure(response, { status: 400, code: 'invalid-input' });
    expect(JSON.stringify(response.body)).toContain(name);
  });

  it('shows a pair only to users who may see both files', async () => {
    const editor = await app.editorWith(DUPLICATES, READ_OWN);
    const [mine = 0, mineToo = 0, others = 0] = await app.uploadFiles(3);
    await app.strapi.db.query(FILE_UID).updateMany({
      where: { id: { $in: [mine, mineToo] } },
      data: { createdBy: editor.id },
    });
    await app.record(mineToo, [mine]);
    const hidden = await app.record(others, [mine, mineToo]);
    const response = await app.get('duplicates', editor);
    expect(groupsIn(response)).toEqual([[mine, mineToo]]);
    // How many there are of others is nothing to tell.
    expect(dataOf(response).meta.counts).toBeNull();
    const ofFile = await app.get(`files/${String(mine)}/duplicates`, editor);
    expect(fileDuplicatesResponseSchema.parse(ofFile.body).data.map(({ file }) => file.id)).toEqual(
      [mineToo],
    );
    expectFailure(await app.get(`files/${String(others)}/duplicates`, editor), {
      status: 404,
      code: 'file-not-found',
    });
    const path = `duplicates/${String(hidden.id)}/review`;
    expectFailure(await app.post(path, { status: 'ignored' }, editor), {
      status: 404,
      code: 'pair-not-found',
    });
    expect((await app.post(path, { status: 'ignored' })).status).toBe(200);
  });

  it('requires a signed-in user, the action, and access to the Media Library', async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    const requests = [
      ['get', 'duplicates'],
      ['post', `duplicates/${String(id)}/review`],
      ['get', `files/${String(a)}/duplicates`],
      ['get', `files/${String(a)}/usage`],
    ] as const;
    const reader = await app.editorWith(READ, { action: 'plugin::image-search.manage' });
    const blind = await app.editorWith(DUPLICATES);
    const searcher = await app.editorWith(READ, { action: 'plugin::image-search.search' });
    for (const [method, path] of requests) {
      expect((await app.request[method](`/image-search/${path}`)).status).toBe(401);
      const call = async (credentials: typeof reader) =>
        method === 'get'
          ? app.get(path, credentials)
          : app.post(path, { status: 'ignored' }, credentials);
      expect((await call(reader)).status).toBe(403);
      expect((await call(blind)).status).toBe(403);
      expect((await call(searcher)).status).toBe(path.startsWith('files') ? 200 : 403);
    }
    expect(await productOf(app).pairs.counts()).toMatchObject({ open: 1 });
  });

  it('reads a page of 10,000 open pairs with few queries, each group once', async () => {
    const [template = 0] = await app.uploadFiles(1);
    const { groups, remove } = await recordManyPairs(app, template);
    expect(await productOf(app).pairs.counts()).toMatchObject({ open: groups });
    let queries = 0;
    const count = (): void => void (queries += 1);
    app.strapi.db.connection.on('query', count);
    const seen: number[] = [];
    const perPage: number[] = [];
    let cursor: number | null = null;
    do {
      queries = 0;
      const query = cursor === null ? '' : `&cursor=${String(cursor)}`;
      const page = dataOf(await app.get(`duplicates?limit=100${query}`));
      perPage.push(queries);
      seen.push(...page.data.map(({ representativeId }) => representativeId));
      cursor = page.meta.nextCursor;
    } while (cursor !== null);
    app.strapi.db.connection.removeListener('query', count);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(groups);
    expect(Math.max(...perPage)).toBeLessThan(40);
    await remove();
  });
});

describe('POST duplicates/:id/review', () => {
  const review = (id: number, body: object) => app.post(`duplicates/${String(id)}/review`, body);

  it('ignores a pair, names the user, and reopens it', async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    const response = await review(id, { status: 'ignored' });
    expect(response.status).toBe(200);
    const { data } = reviewResponseSchema.parse(response.body);
    expect(data).toMatchObject({
      id,
      status: 'ignored',
      review: { at: expect.any(String), by: { name: 'Test Administrator' } },
    });
    expect(groupsIn(await app.get('duplicates'))).toEqual([]);
    expect(groupsIn(await app.get('duplicates?status=ignored'))).toEqual([[a, b]]);
    const back = reviewResponseSchema.parse((await review(id, { status: 'open' })).body);
    expect(back.data).toMatchObject({ status: 'open', review: null });
    expect(groupsIn(await app.get('duplicates'))).toEqual([[a, b]]);
  });

  it('keeps the status when the pair is found again, until one of the files is replaced', async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    await review(id, { status: 'ignored' });
    await app.record(b, [a], { verdict: verdicts.edited });
    expect(groupsIn(await app.get('duplicates'))).toEqual([]);
    await app.record(b, [a], { version: 2 });
    expect(groupsIn(await app.get('duplicates'))).toEqual([[a, b]]);
    expectFailure(await review(id, { status: 'ignored' }), { status: 404, code: 'pair-not-found' });
  });

  it('accepts the first of two concurrent reviews', async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    const editors = [
      await app.editorWith(DUPLICATES, READ),
      await app.editorWith(DUPLICATES, READ),
    ];
    const path = `duplicates/${String(id)}/review`;
    const responses = await Promise.all(
      editors.map((editor) => app.post(path, { status: 'ignored' }, editor)),
    );
    const winners = responses.map(
      ({ body }) => reviewResponseSchema.parse(body).data.review?.by?.id,
    );
    expect(editors.map((editor) => editor.id)).toContain(winners[0]);
    expect(winners[1]).toBe(winners[0]);
  });

  it("doesn't require permission to change files", async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    const editor = await app.editorWith(DUPLICATES, READ);
    const path = `duplicates/${String(id)}/review`;
    expect((await app.post(path, { status: 'ignored' }, editor)).status).toBe(200);
  });

  it.each([
    [{}, 'status'],
    [{ status: 'merged' }, 'status'],
    [{ status: 'ignored', user: 1 }, 'user'],
  ])('rejects %j', async (body, name) => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    const response = await review(id, body);
    expectFailure(response, { status: 400, code: 'invalid-input' });
    expect(JSON.stringify(response.body)).toContain(name);
  });

  it('reports a missing pair, and an invalid id', async () => {
    expectFailure(await review(2_000_000_000, { status: 'ignored' }), {
      status: 404,
      code: 'pair-not-found',
    });
    expectFailure(await app.post('duplicates/9999999999/review', { status: 'ignored' }), {
      status: 400,
      code: 'invalid-input',
    });
    expectFailure(await app.post('duplicates/first/review', { status: 'ignored' }), {
      status: 400,
      code: 'invalid-input',
    });
  });

  it('reports a file that was deleted without an event', async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    await app.strapi.db.connection('files').where({ id: b }).delete();
    expectFailure(await review(id, { status: 'ignored' }), { status: 404, code: 'file-not-found' });
    expect(groupsIn(await app.get('duplicates'))).toEqual([]);
    expectFailure(await app.get(`files/${String(b)}/duplicates`), {
      status: 404,
      code: 'file-not-found',
    });
  });

  it('removes the pairs of a file that is deleted in the Media Library', async () => {
    const [a, b] = await two();
    const { id } = await app.record(b, [a]);
    await app.library.call('delete', `/upload/files/${String(b)}`);
    await pollUntil(
      () => productOf(app).pairs.counts(),
      ({ open }) => open === 0,
    );
    expectFailure(await review(id, { status: 'ignored' }), { status: 404, code: 'pair-not-found' });
  });
});

describe('merging and pairs', () => {
  const merge = (fileIds: number[], keepId: number) =>
    app.post('duplicates/merge', { fileIds, keepId });

  it('marks the pairs of merged files with their user, and keeps the others', async () => {
    const [a = 0, b = 0, c = 0, d = 0] = await app.uploadFiles(4);
    const { id } = await app.record(a, [b, c, d]);
    await app.record(b, [c]);
    expect((await merge([a, b], a)).status).toBe(200);
    const merged = dataOf(await app.get('duplicates?status=merged'));
    expect(merged.data).toMatchObject([
      {
        files: [{ id: a }],
        pairs: [{ id, status: 'merged', review: { by: { name: 'Test Administrator' } } }],
      },
    ]);
    expect(merged.meta.counts).toEqual({ open: 1, ignored: 0, merged: 1 });
    expect(groupsIn(await app.get('duplicates'))).toEqual([[a, c, d]]);
    expectFailure(await app.post(`duplicates/${String(id)}/review`, { status: 'open' }), {
      status: 409,
      code: 'conflict',
    });
  });

  it('lets one of two concurrent merges win, and loses nothing', async () => {
    const [a = 0, b = 0, c = 0] = await app.uploadFiles(3);
    await app.record(a, [b, c]);
    const responses = await Promise.all([merge([a, b, c], a), merge([a, b, c], b)]);
    const statuses = responses.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(200);
    expect([404, 409]).toContain(statuses[1]);
    const kept = responses[0].status === 200 ? a : b;
    expect((await app.files([a, b, c])).map(({ id }) => id)).toEqual([kept]);
    expect(groupsIn(await app.get('duplicates'))).toEqual([]);
    const again = await merge([a, b, c], kept);
    expectFailure(again, { status: 404, code: 'file-not-found' });
    expect(JSON.stringify(again.body)).toContain(String(c));
  });
});

describe('GET files/:id/duplicates', () => {
  it('returns the other files with their pairs', async () => {
    const [a = 0, b = 0, c = 0] = await app.uploadFiles(3);
    const { id } = await app.record(b, [a]);
    await app.record(b, [c]);
    const ofFile = async (query = '') => {
      const response = await app.get(`files/${String(b)}/duplicates${query}`);
      expect(response.status).toBe(200);
      const { data } = fileDuplicatesResponseSchema.parse(response.body);
      return data.map(({ file }) => file.id);
    };
    expect(await ofFile()).toEqual([c, a]);
    await app.post(`duplicates/${String(id)}/review`, { status: 'ignored' });
    expect(await ofFile()).toEqual([c]);
    expect(await ofFile('?status=ignored')).toEqual([a]);
  });
});

describe('GET files/:id/usage', () => {
  const usage = async (id: number, account?: AdminCredentials) => {
    const response = await app.get(`files/${String(id)}/usage`, account);
    expect(response.status).toBe(200);
    return fileUsageResponseSchema.parse(response.body);
  };

  it('returns where a file is used, with titles only for users who may read them', async () => {
    const [a, b] = await two();
    await createArticle(app, { title: 'Harvest', cover: a });
    const { data, meta } = await usage(a);
    expect(meta).toEqual({ useCount: data.length, possibleUseCount: 0 });
    expect(data).toMatchObject([{ kind: 'relation', path: 'cover', title: 'Harvest' }]);
    expect(await usage(b)).toEqual({ data: [], meta: { useCount: 0, possibleUseCount: 0 } });
    const editor = await app.editorWith(DUPLICATES, READ);
    expect((await usage(a, editor)).data).toMatchObject([{ path: 'cover', title: null }]);
  });

  it('returns what a setting says only to users who may read that setting', async () => {
    const [a] = await two();
    const [file] = await app.files([a]);
    const email = app.strapi.store({ type: 'plugin', name: 'users-permissions', key: 'email' });
    const before = await email.get({});
    const message = `<img src="${file?.url ?? ''}">`;
    await email.set({ value: { reset_password: { options: { message } } } });
    const banner = app.strapi.store({ type: 'plugin', name: 'banner', key: 'options' });
    await banner.set({ value: { imageId: a } });
    const titles = async (account?: AdminCredentials) => {
      const { data } = await usage(a, account);
      expect(data.map(({ contentType }) => contentType.kind)).toEqual(['setting', 'setting']);
      expect(data.map(({ mention }) => mention)).toEqual(data.map(({ title }) => title));
      return data.map(({ title }) => title);
    };
    const inEmail = 'plugin_users-permissions_email: reset_password.options.message';
    const inBanner = `plugin_banner_options: imageId: ${String(a)}`;
    expect(await titles()).toEqual([inEmail, inBanner]);
    const search = { action: 'plugin::image-search.search' };
    const readTemplates = { action: 'plugin::users-permissions.email-templates.read' };
    const updateRoles = { action: 'admin::roles.update' };
    const updateUsers = { action: 'admin::users.update' };
    const titlesFor = async (...permissions: Parameters<DuplicatesApp['editorWith']>) =>
      titles(await app.editorWith(search, READ, ...permissions));
    expect(await titlesFor()).toEqual([null, null]);
    expect(await titlesFor(readTemplates)).toEqual([inEmail, null]);
    expect(await titlesFor(updateRoles)).toEqual([null, null]);
    expect(await titlesFor(updateRoles, updateUsers)).toEqual([inEmail, inBanner]);
    await email.set({ value: before });
    await banner.delete();
  });

  it('lists uses that prevent the deletion first, and possible ones last', async () => {
    const [a, b] = await two();
    const possible = Array.from({ length: 250 }, (_, index) => ({
      documentId: `possible-${String(index)}`,
      title: 'Possible',
      locale: 'en',
      notes: [a],
    }));
    await app.strapi.db.query(ARTICLE).createMany({ data: possible });
    await createArticle(app, { cover: a });
    await createArticle(app, { notes: { imageId: a } });
    const { data, meta } = await usage(a);
    expect(meta).toEqual({ useCount: 2, possibleUseCount: 250 });
    expect(data).toHaveLength(200);
    expect(data.slice(0, 3)).toMatchObject([
      { kind: 'id', certainty: 'sure', obstacle: { code: 'file-id' } },
      { kind: 'relation', certainty: 'sure', obstacle: null },
      { kind: 'id', certainty: 'possible' },
    ]);
    const response = await app.post('duplicates/merge', {
      fileIds: [b, a],
      keepId: b,
      dryRun: true,
    });
    expect(mergeResponseSchema.parse(response.body).data.files[1]).toMatchObject({
      outcome: 'left',
      obstacle: { code: 'unchangeable-uses', message: "1 of its 2 uses can't be changed." },
      uses: [{ kind: 'id', certainty: 'sure' }, { kind: 'relation' }, ...possibleUses(198)],
    });
    await app.strapi.db.query(ARTICLE).deleteMany({ where: { title: 'Possible' } });
  });
});

function possibleUses(count: number): object[] {
  return Array.from({ length: count }, () => ({ certainty: 'possible' }));
}
