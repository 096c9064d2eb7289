import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { readStoredEntries, readStoredSpaces } from '../support/index-files';
import { sampleImage } from '../support/library';
import {
  BATCH_SIZE,
  createModelChangeClient,
  hitsOf,
  prepareLibrary,
  startHostedModel,
  type HostedModel,
  type ModelChangeClient,
  type PreparedLibrary,
} from '../support/model-change';
import { expectFailure, idsOf, readPage } from '../support/search-face';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const IMAGES = 12;
const SEARCHERS = 4;
const QUESTION = 'a dog';

describe('a library whose model is changed', () => {
  let prepared: PreparedLibrary;
  let young: HostedModel;
  let dataFolder: string;
  let app: StrapiApp;
  let client: ModelChangeClient;
  let release: () => void;
  let oldSpace: string;
  let youngSpace: string;
  /** Uploaded while the young model filled. */
  let teapot: number;
  let replaced: number;
  let deleted: number;
  /** What is in the library, ascending. */
  let present: number[];

  beforeAll(async () => {
    prepared = await prepareLibrary(IMAGES);
    oldSpace = prepared.spaceId;
    dataFolder = await prepared.copy();
    young = await startHostedModel();
    release = young.server.holdImages(1);
    await start();
  });
  afterAll(async () => {
    await app.stop();
    await young.server.close();
    await prepared.remove();
    await rm(dataFolder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    app = await startStrapi({ dataFolder, imageSearch: { embedding: young.embedding } });
    client = await createModelChangeClient(app);
  }

  async function restart(): Promise<void> {
    await app.stop();
    await start();
  }

  function expectAnswered(answer: SearchResponse, spaceId: string): void {
    expect(answer.data.length).toBeGreaterThan(0);
    expect(answer.meta.index).toMatchObject({ space: spaceId });
  }

  const activate = (spaceId: string) => client.call('post', pathOf(spaceId, '/activate'));
  const drop = (spaceId: string) => client.call('delete', pathOf(spaceId));

  describe('while the new model fills', () => {
    it('is searched with the previous one, with all its images', async () => {
      await client.untilSpace('building', ({ counts }) => counts.indexed === BATCH_SIZE);
      const whole = { space: oldSpace, indexed: IMAGES, total: IMAGES };
      const byText = await client.face.searchText(QUESTION);
      expect(byText.data).toHaveLength(IMAGES);
      expect(byText.meta.index).toEqual(whole);
      const similar = await client.face.similar(prepared.fileIds[0] ?? 0);
      expect(similar.data).toHaveLength(IMAGES - 1);
      expect(similar.meta.index).toEqual(whole);
    });

    it('reports the progress of both', async () => {
      const { counts, space, spaces } = await client.readStatus();
      expect(space?.id).toBe(oldSpace);
      expect(counts.indexed).toBe(IMAGES);
      const [answering, filling] = spaces;
      expect(spaces).toHaveLength(2);
      expect(answering).toMatchObject({
        id: oldSpace,
        role: 'active',
        isConfigured: false,
        provider: 'clip',
        dimensions: 256,
        counts: { indexed: IMAGES, pending: 0, indexing: 0, failed: 0, skipped: 0 },
        problem: null,
      });
      expect(filling).toMatchObject({
        role: 'building',
        isConfigured: true,
        provider: 'openai',
        model: 'jina-clip-v2',
        dimensions: 128,
        counts: { indexed: BATCH_SIZE, failed: 0, skipped: 0 },
        perMinute: BATCH_SIZE,
        problem: null,
      });
      youngSpace = filling?.id ?? '';
      expect(youngSpace).not.toBe(oldSpace);
    });

    it('finds new and replaced images at once, and no deleted ones', async () => {
      const [file] = await client.upload(await sampleImage('teapot'));
      teapot = file?.id ?? 0;
      expect(await client.untilFound('a teapot', teapot)).toBe(oldSpace);
      [replaced = 0, deleted = 0] = prepared.fileIds.slice(1);
      await client.replace(replaced, await sampleImage('guitar'));
      expect(await client.untilFound('a guitar', replaced)).toBe(oldSpace);
      expect((await client.call('delete', `/upload/files/${String(deleted)}`)).status).toBe(200);
      const found = await client.face.searchText(QUESTION);
      present = [...prepared.fileIds, teapot]
        .filter((fileId) => fileId !== deleted)
        .sort((left, right) => left - right);
      expect(idsOf(found).sort((left, right) => left - right)).toEqual(present);
      await app.waitUntilIndexed();
      expect((await client.space('active')).counts.indexed).toBe(IMAGES);
    });

    it("can't lose either of the two", async () => {
      expectFailure(await drop(oldSpace), {
        status: 409,
        code: 'conflict',
        message: /searches use it/,
      });
      expectFailure(await drop(youngSpace), {
        status: 409,
        code: 'conflict',
        message: /its model is configured/,
      });
      expect((await client.readStatus()).spaces).toHaveLength(2);
    });
  });

  describe('when the new model has every image', () => {
    it('is searched without interruption, with one model or the other', async () => {
      const before = await client.face.searchText(QUESTION);
      expectAnswered(before, oldSpace);
      let isOver = false;
      /** The answers to one who asks and asks again, in order. */
      async function askOnAndOn(): Promise<SearchResponse[]> {
        const answers: SearchResponse[] = [];
        while (!isOver || answers.at(-1)?.meta.index.space !== youngSpace) {
          answers.push(readPage(await client.face.get('search', { text: QUESTION })));
        }
        return answers;
      }
      const searchers = Array.from({ length: SEARCHERS }, askOnAndOn);
      release();
      try {
        await client.untilSpace('active', ({ id }) => id === youngSpace);
      } finally {
        isOver = true;
      }
      const asked = await Promise.all(searchers);
      const after = await client.face.searchText(QUESTION);
      expectAnswered(after, youngSpace);
      expect(hitsOf(after)).not.toEqual(hitsOf(before));
      const known = new Map([
        [oldSpace, hitsOf(before)],
        [youngSpace, hitsOf(after)],
      ]);
      for (const answers of asked) {
        const spaces = answers.map(({ meta }) => meta.index.space);
        expect(spaces[0]).toBe(oldSpace);
        const switchedAt = spaces.indexOf(youngSpace);
        expect(new Set(spaces.slice(switchedAt))).toEqual(new Set([youngSpace]));
        for (const answer of answers) {
          expect(hitsOf(answer)).toEqual(known.get(answer.meta.index.space ?? ''));
        }
      }
    });

    it('has switched once, and keeps the previous space', async () => {
      const { spaces } = await client.readStatus();
      expect(spaces.map(({ id, role }) => [id, role])).toEqual([
        [youngSpace, 'active'],
        [oldSpace, 'standby'],
      ]);
      expect(await readActivations()).toEqual([
        [oldSpace, 1],
        [youngSpace, 2],
      ]);
      const indexed = present.map((fileId) => ({ fileId, state: 'indexed' }));
      const entries = readStoredEntries(dataFolder);
      for (const spaceId of [oldSpace, youngSpace]) {
        expect(entries.filter((entry) => entry.spaceId === spaceId)).toMatchObject(indexed);
      }
      const stored = await readStoredSpaces(dataFolder);
      expect(stored).toEqual(
        new Map([
          [oldSpace, present],
          [youngSpace, present],
        ]),
      );
    });

    it('finds what was uploaded and replaced in the meantime', async () => {
      expect(await client.untilFound('a teapot', teapot)).toBe(youngSpace);
      expect(await client.untilFound('a guitar', replaced)).toBe(youngSpace);
      // Each once; the replaced one and the deleted one may have been sent before they were.
      expect(young.server.imagesSent()).toBeGreaterThanOrEqual(present.length);
      expect(young.server.imagesSent()).toBeLessThanOrEqual(present.length + 2);
    });
  });

  describe('and back', () => {
    it('is searched with the previous one at once, which catches up with changes', async () => {
      const [file] = await client.upload(await sampleImage('pizza'));
      const pizza = file?.id ?? 0;
      await client.untilFound('a pizza', pizza);
      await client.replace(teapot, await sampleImage('owl'));
      await client.untilFound('an owl', teapot);
      const gone = prepared.fileIds[3] ?? 0;
      expect((await client.call('delete', `/upload/files/${String(gone)}`)).status).toBe(200);
      present = [...present.filter((fileId) => fileId !== gone), pizza];
      expect((await client.space('standby')).counts.indexed).toBe(IMAGES);

      const answer = await activate(oldSpace);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        data: { spaces: [{ id: oldSpace, role: 'active' }, { id: youngSpace }] },
      });
      const first = await client.face.searchText(QUESTION);
      expectAnswered(first, oldSpace);
      expect(idsOf(first)).not.toContain(gone);
      expect(await client.untilFound('a pizza', pizza)).toBe(oldSpace);
      expect(await client.untilFound('an owl', teapot)).toBe(oldSpace);
      await app.waitUntilIndexed();
      expect((await readStoredSpaces(dataFolder)).get(oldSpace)).toEqual(present);
    });

    it('stays there after a restart, although the configuration names the other', async () => {
      const sent = young.server.imagesSent();
      await restart();
      expectAnswered(await client.face.searchText(QUESTION), oldSpace);
      const [file] = await client.upload(await sampleImage('sailboat'));
      present = [...present, file?.id ?? 0];
      expect(await client.untilFound('a sailboat', file?.id ?? 0)).toBe(oldSpace);
      expect(await client.space('standby')).toMatchObject({ id: youngSpace, isConfigured: true });
      expectFailure(await drop(youngSpace), {
        status: 409,
        code: 'conflict',
        message: /its model is configured/,
      });
      expect(young.server.imagesSent()).toBe(sent);
    });

    it('and forth again', async () => {
      const switches: unknown[] = [];
      app.strapi.eventHub.on('image-search.space.switched', (payload) => {
        switches.push(payload);
        return Promise.resolve();
      });
      expect((await activate(youngSpace)).status).toBe(200);
      expectAnswered(await client.face.searchText(QUESTION), youngSpace);
      expect(await client.untilFound('a sailboat', present.at(-1) ?? 0)).toBe(youngSpace);
      await app.waitUntilIndexed();
      expect((await readStoredSpaces(dataFolder)).get(youngSpace)).toEqual(present);
      // As good as once.
      expect((await activate(youngSpace)).status).toBe(200);
      expect(switches).toEqual([{ space: youngSpace, from: oldSpace }]);
      expect(await readActivations()).toEqual([
        [oldSpace, 3],
        [youngSpace, 4],
      ]);
    });
  });

  describe('is restricted to roles that manage it:', () => {
    it.each<[string, 'post' | 'delete', string]>([
      ['switching', 'post', '/activate'],
      ['dropping', 'delete', ''],
    ])('%s', async (name, method, end) => {
      const email = `${name}@example.com`;
      const password = 'Test-Restricted-1';
      const action = 'plugin::image-search.search';
      await app.createRestrictedAdmin({ email, password, permissions: [{ action }] });
      const token = await app.adminToken({ email, password });
      const path = pathOf(oldSpace, end);
      expect((await app.request[method](path).auth(token, { type: 'bearer' })).status).toBe(403);
      expect((await app.request[method](path)).status).toBe(401);
      expect((await client.space('standby')).id).toBe(oldSpace);
    });
  });

  describe('is left with one space when the other is dropped:', () => {
    it('not the active one', async () => {
      expectFailure(await drop(youngSpace), {
        status: 409,
        code: 'conflict',
        message: /searches use it/,
      });
      expectAnswered(await client.face.searchText(QUESTION), youngSpace);
    });

    it('not a missing one', async () => {
      for (const answer of [await drop('clip-none-256'), await activate('clip-none-256')]) {
        expectFailure(answer, { status: 400, code: 'invalid-input', message: /"clip-none-256"/ });
        expectFailure(answer, {
          status: 400,
          code: 'invalid-input',
          message: new RegExp(`${oldSpace}, ${youngSpace}`),
        });
      }
    });

    it('the standby one, with all its data', async () => {
      const answer = await drop(oldSpace);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ data: { spaces: [{ id: youngSpace }] } });
      expect((await client.readStatus()).spaces).toHaveLength(1);
      expect(await readStoredSpaces(dataFolder)).toEqual(new Map([[youngSpace, present]]));
      expect(await readActivations()).toEqual([[youngSpace, 4]]);
      const spaceIds = readStoredEntries(dataFolder).map(({ spaceId }) => spaceId);
      expect(new Set(spaceIds)).toEqual(new Set([youngSpace]));
      expectFailure(await drop(oldSpace), { status: 400, code: 'invalid-input' });
      expectAnswered(await client.face.searchText(QUESTION), youngSpace);
    });
  });

  async function readActivations(): Promise<[string, number | null][]> {
    const rows = (await app.strapi.db
      .query('plugin::image-search.space')
      .findMany({ orderBy: { id: 'asc' } })) as { spaceId: string; activation: number | null }[];
    return rows.map(({ spaceId, activation }) => [spaceId, activation]);
  }
});

describe('a model that was configured by mistake', () => {
  it('leaves an unfinished space, which can be deleted once another model is configured', async () => {
    const prepared = await prepareLibrary(IMAGES);
    const dataFolder = await prepared.copy();
    const mistaken = await startHostedModel();
    const release = mistaken.server.holdImages(1);
    const before = await startStrapi({
      dataFolder,
      imageSearch: { embedding: mistaken.embedding },
    });
    const { id } = await (
      await createModelChangeClient(before)
    ).untilSpace('building', ({ counts }) => counts.indexed === BATCH_SIZE);
    await before.stop();
    const app = await startStrapi({ dataFolder });
    const client = await createModelChangeClient(app);
    const [file] = await client.upload(await sampleImage('teapot'));
    await client.untilFound('a teapot', file?.id ?? 0);
    expect(await client.space('building')).toMatchObject({
      id,
      isConfigured: false,
      remainingSeconds: null,
      problem: { code: 'not-configured', message: expect.stringContaining('delete its space') },
    });
    expect((await client.call('delete', pathOf(id))).status).toBe(200);
    expect((await client.readStatus()).spaces).toMatchObject([{ id: prepared.spaceId }]);
    await client.upload(await sampleImage('guitar'));
    await app.waitUntilIndexed();
    await app.stop();
    expect([...(await readStoredSpaces(dataFolder)).keys()]).toEqual([prepared.spaceId]);
    const spaceIds = readStoredEntries(dataFolder).map(({ spaceId }) => spaceId);
    expect(new Set(spaceIds)).toEqual(new Set([prepared.spaceId]));
    release();
    await mistaken.server.close();
    await prepared.remove();
    await rm(dataFolder, { recursive: true, force: true });
  });
});

function pathOf(spaceId: string, end = ''): string {
  return `/image-search/spaces/${spaceId}${end}`;
}
