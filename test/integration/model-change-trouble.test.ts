import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SpaceStatus } from '../../plugin/src/contracts/management';
import { sampleImage } from '../support/library';
import {
  BATCH_SIZE,
  createModelChangeClient,
  prepareLibrary,
  startHostedModel,
  type HostedModel,
  type ModelChangeClient,
  type PreparedLibrary,
} from '../support/model-change';
import { testKey } from '../support/openai-provider';
import { sampleModelFolder } from '../support/paths';
import { pollUntil } from '../support/polling';
import { expectFailure } from '../support/search-face';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';
import { sizeOf } from '../support/test-size';

/** More than may fail without keeping a new model from taking over. */
const IMAGES = 12;
const QUESTION = 'a dog';

let dataFolder: string;
let app: StrapiApp | StrapiProcess | null = null;

async function stopApp(): Promise<void> {
  if (app && 'stop' in app) await app.stop();
  else if (app) await app.kill('SIGTERM');
  app = null;
}

/** A Strapi in this process. */
async function start(imageSearch: Record<string, unknown>): Promise<ModelChangeClient> {
  await stopApp();
  app = await startStrapi({ dataFolder, imageSearch });
  return createModelChangeClient(app);
}

/** A Strapi in a process of its own, which can be killed and whose log can be read. */
async function spawn(embedding: Readonly<Record<string, unknown>>): Promise<ModelChangeClient> {
  await stopApp();
  app = await spawnStrapi({
    dataFolder,
    imageSearch: { embedding },
    env: { LOG_LEVEL: 'info' },
  });
  return createModelChangeClient(app);
}

afterEach(async () => {
  await stopApp();
  await rm(dataFolder, { recursive: true, force: true });
});

describe('a library that a local model has indexed', () => {
  let prepared: PreparedLibrary;
  let young: HostedModel;

  beforeAll(async () => {
    prepared = await prepareLibrary(IMAGES);
    young = await startHostedModel();
  });
  beforeEach(async () => {
    dataFolder = await prepared.copy();
  });
  afterAll(async () => {
    await young.server.close();
    await prepared.remove();
  });

  it.each(sizeOf<('SIGTERM' | 'SIGKILL')[]>({ ci: ['SIGKILL'], long: ['SIGTERM', 'SIGKILL'] }))(
    'is not embedded again by a new model where that was ended with %s',
    async (signal) => {
      const before = young.server.imagesSent();
      const release = young.server.holdImages(1);
      const first = await spawn(young.embedding);
      await first.untilSpace('building', ({ counts }) => counts.indexed === BATCH_SIZE);
      // The rest is under way, and lost.
      await pollUntil(
        () => Promise.resolve(young.server.imagesSent() - before),
        (sent) => sent === IMAGES,
      );
      if (app && 'kill' in app) await app.kill(signal);
      app = null;
      release();
      const second = await spawn(young.embedding);
      const { counts } = await second.untilSpace('active', ({ id }) => id !== prepared.spaceId);
      expect(counts.indexed).toBe(IMAGES);
      expect(young.server.imagesSent() - before).toBe(2 * IMAGES - BATCH_SIZE);
      expect((await second.face.searchText(QUESTION)).data).toHaveLength(IMAGES);
    },
  );

  describe("and whose images can't be read anymore,", () => {
    let client: ModelChangeClient;
    let filling: SpaceStatus;
    beforeEach(async () => {
      const files = (await readdir(uploads())).map((name) => path.join(uploads(), name));
      for (const file of files) await rename(file, `${file}-away`);
      client = await start({ embedding: young.embedding, indexing: { maxAttempts: 1 } });
      filling = await client.untilSpace('building', ({ problem }) => problem !== null);
      for (const file of files) await rename(`${file}-away`, file);
    });

    it("doesn't switch to a model with too many failures, unless the operator does", async () => {
      expect(filling.counts.failed).toBe(IMAGES);
      expect(filling.problem).toEqual({
        code: 'images-failed',
        message: expect.stringContaining('12 images failed in it, 0 in the active one'),
      });
      expect((await client.face.searchText(QUESTION)).meta.index).toEqual({
        space: prepared.spaceId,
        indexed: IMAGES,
        total: IMAGES,
      });
      const answer = await client.call('post', `/image-search/spaces/${filling.id}/activate`);
      expect(answer.status).toBe(200);
      const { data, meta } = await client.face.searchText(QUESTION);
      expect(data).toEqual([]);
      expect(meta.index).toEqual({ space: filling.id, indexed: 0, total: IMAGES });
    });

    it('switches to the new model once they can be read again', async () => {
      expect(await client.reindex('failed')).toBe(IMAGES);
      const answering = await client.untilSpace('active', ({ id }) => id === filling.id);
      expect(answering).toMatchObject({ counts: { indexed: IMAGES, failed: 0 }, problem: null });
    });

    const uploads = (): string => path.join(dataFolder, 'public/uploads');
  });

  it("is searched with the previous model while the new one can't be opened", async () => {
    const model = path.join(dataFolder, 'another-model');
    const client = await spawn({ provider: 'clip', model });
    const { data, meta } = await client.face.searchText(QUESTION);
    expect(data).toHaveLength(IMAGES);
    expect(meta.index.space).toBe(prepared.spaceId);
    const [file] = await client.upload(await sampleImage('teapot'));
    expect(await client.untilFound('a teapot', file?.id ?? 0)).toBe(prepared.spaceId);
    const readComplaints = (): string[] => {
      const lines = app && 'output' in app ? app.output().split('\n') : [];
      return lines.filter((line) => line.includes("The new model can't be opened"));
    };
    const [complaint] = await pollUntil(
      () => Promise.resolve(readComplaints()),
      (lines) => lines.length > 0,
    );
    expect(complaint).toContain('another-model');
    expect((await client.readStatus()).spaces).toHaveLength(1);

    await client.reindex('missing');
    await copyModel(model, 0.4);
    await client.reindex('missing');
    const { counts } = await client.untilSpace('active', ({ id }) => id !== prepared.spaceId);
    expect(counts.indexed).toBe(IMAGES + 1);
    expect(readComplaints()).toHaveLength(1);
  });
});

describe('a library that a hosted model has indexed', () => {
  const OTHER_KEY = 'SECRET_another_0123456789abcdef';
  let old: HostedModel;
  let young: HostedModel;
  let prepared: PreparedLibrary;

  beforeAll(async () => {
    old = await startHostedModel(testKey, 256);
    young = await startHostedModel(OTHER_KEY, 128);
    prepared = await prepareLibrary(3, old.embedding);
  });
  beforeEach(async () => {
    dataFolder = await prepared.copy();
  });
  afterAll(async () => {
    await old.server.close();
    await young.server.close();
    await prepared.remove();
  });

  it('stores no key in the database', async () => {
    const client = await start({ embedding: young.embedding, previousEmbedding: old.embedding });
    await client.untilSpace('building');
    if (!app || !('strapi' in app)) throw new Error('Strapi runs elsewhere.');
    const rows: unknown = await app.strapi.db.query('plugin::image-search.space').findMany();
    expect(rows).toMatchObject([
      { identity: { provider: 'openai', baseURL: old.server.baseURL, dimensions: 256 } },
      { identity: { provider: 'openai', baseURL: young.server.baseURL, dimensions: 128 } },
    ]);
    const names = (await readdir(dataFolder)).filter((name) => name.startsWith('strapi.sqlite'));
    expect(names).toContain('strapi.sqlite');
    for (const name of names) {
      const bytes = await readFile(path.join(dataFolder, name));
      for (const key of [testKey, OTHER_KEY]) expect(bytes.includes(key)).toBe(false);
    }
  });

  it("can't be searched until its settings are given or the new model is ready", async () => {
    const release = young.server.holdImages(0);
    const asked = old.server.requests.length;
    const client = await start({ embedding: young.embedding });
    const refused = {
      status: 503,
      code: 'provider-unavailable',
      message: /apiKey.*previousEmbedding/,
    } as const;
    const byImages = { text: QUESTION, mode: 'vector' };
    expectFailure(await client.face.get('search', byImages), refused);
    expect((await client.readStatus()).provider).toMatchObject({
      ok: false,
      message: expect.stringContaining('previousEmbedding'),
    });
    expect(old.server.requests).toHaveLength(asked);

    const told = await start({ embedding: young.embedding, previousEmbedding: old.embedding });
    const { data, meta } = await told.face.searchText(QUESTION);
    expect(data).toHaveLength(3);
    expect(meta.index).toEqual({ space: prepared.spaceId, indexed: 3, total: 3 });

    const untold = await start({ embedding: young.embedding });
    expectFailure(await untold.face.get('search', byImages), refused);
    release();
    await untold.untilSpace('active', ({ id }) => id !== prepared.spaceId);
    expect((await untold.face.searchText(QUESTION)).data).toHaveLength(3);
    const keys = young.server.requests.map(({ headers }) => headers.authorization);
    expect(new Set(keys)).toEqual(new Set(['Bearer <key>']));
  });
});

describe('a model whose files change under its name', () => {
  it('searches its new space at once, and is filled there', async () => {
    dataFolder = await createDataFolder();
    const model = path.join(dataFolder, 'own-model');
    await copyModel(model, 0.5);
    const embedding = { provider: 'clip', model };
    const before = await start({ embedding });
    const [file] = await before.upload(await sampleImage('dog'), await sampleImage('pizza'));
    const { id: former } = await before.untilSpace('active', (space) => space.counts.indexed === 2);
    await stopApp();
    await copyModel(model, 0.4);

    const after = await start({ embedding });
    const { meta } = await after.face.searchText(QUESTION);
    expect(meta.index.space).not.toBe(former);
    expect(await after.untilFound(QUESTION, file?.id ?? 0)).toBe(meta.index.space);
    const { counts } = await after.untilSpace('active', (space) => space.counts.indexed === 2);
    expect(counts).toMatchObject({ pending: 0, failed: 0 });
    expect(await after.space('standby')).toMatchObject({ id: former, counts: { indexed: 2 } });
    const back = await after.call('post', `/image-search/spaces/${former}/activate`);
    expectFailure(back, { status: 503, code: 'provider-model-missing', message: /have changed/ });
    expect((await after.space('active')).id).toBe(meta.index.space);
  });
});

/** The sample model, which expects images of this mean: another number is another space. Appears at once. */
async function copyModel(folder: string, mean: number): Promise<void> {
  const draft = `${folder}-draft`;
  await cp(sampleModelFolder, draft, { recursive: true });
  const file = path.join(draft, 'preprocessor_config.json');
  const settings = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...settings, image_mean: [mean, mean, mean] }));
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
}
