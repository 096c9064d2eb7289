import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readStoredSpaces } from '../support/index-files';
import { sampleImage, sampleImages } from '../support/library';
import {
  createModelChangeClient,
  startHostedModel,
  type HostedModel,
  type ModelChangeClient,
} from '../support/model-change';
import { sampleModelFolder } from '../support/paths';
import { pollUntil } from '../support/polling';
import { expectFailure, idsOf, readPage } from '../support/search-face';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const IMAGES = 12;
/** A search that falls back must not wait for what does not answer. */
const SOON_MS = 10_000;

describe('a hosted model with a local one to fall back on', () => {
  let dataFolder: string;
  let hosted: HostedModel;
  let app: StrapiApp;
  let client: ModelChangeClient;
  let fileIds: number[];
  let hostedSpace: string;
  let localSpace: string;

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    hosted = await startHostedModel();
    await start();
  });
  afterAll(async () => {
    await app.stop();
    await hosted.server.close();
    await rm(dataFolder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    const embedding = { ...hosted.embedding, fallback: { model: sampleModelFolder, dtype: 'q8' } };
    app = await startStrapi({ dataFolder, imageSearch: { embedding } });
    client = await createModelChangeClient(app);
  }

  /** What answers a text that no one has asked for yet. */
  async function spaceThatAnswers(text: string): Promise<string> {
    return (await client.face.searchText(text)).meta.index.space ?? '';
  }

  const goDown = (): void => {
    hosted.server.failAlways({ kind: 'status', status: 503, body: {} });
  };
  const comeBack = (): void => {
    hosted.server.failAlways(undefined);
  };

  it('fills a separate space for each', async () => {
    fileIds = (await client.upload(...(await sampleImages(IMAGES)))).map(({ id }) => id);
    const indexed = ({ counts }: { counts: { indexed?: number } }) => counts.indexed === IMAGES;
    hostedSpace = (await client.untilSpace('active', indexed)).id;
    const fallback = await client.untilSpace('fallback', indexed);
    expect(fallback).toMatchObject({ provider: 'clip', dimensions: 256, problem: null });
    localSpace = fallback.id;
    expect(hosted.server.imagesSent()).toBe(IMAGES);
    expect(await spaceThatAnswers('a dog')).toBe(hostedSpace);
  });

  it('searches with the fallback while the hosted one is down, and reports it', async () => {
    goDown();
    const answer = await client.face.searchText('a bicycle');
    expect(answer.meta.index).toEqual({ space: localSpace, indexed: IMAGES, total: IMAGES });
    expect(answer.data).toHaveLength(IMAGES);
  });

  it('sends the hosted one no more requests once it is known to be down', async () => {
    const requests = hosted.server.requests.length;
    expect(await spaceThatAnswers('a second text')).toBe(localSpace);
    expect(hosted.server.requests).toHaveLength(requests);
  });

  it('continues a result list in the space it started in', async () => {
    const answer = await client.face.get('search', {
      text: 'a dog',
      'pagination[start]': '5',
      'pagination[limit]': '5',
    });
    expect(readPage(answer).meta.index.space).toBe(hostedSpace);
  });

  it('answers queries of several parts in one space', async () => {
    const [first = 0, second = 0] = fileIds;
    const similar = await client.face.similar(first);
    expect(similar.meta.index.space).toBe(hostedSpace);
    const mixed = await client.call('post', '/image-search/search', {
      like: [first, 'an image with words'],
      unlike: [second],
    });
    expect(readPage(mixed).meta.index.space).toBe(localSpace);
    expect(idsOf(readPage(mixed))).not.toContain(first);
  });

  it('keeps both up to date, the hosted one once it is back', async () => {
    const [teapot] = await client.upload(await sampleImage('teapot'));
    const id = teapot?.id ?? 0;
    expect(await client.untilFound('a teapot', id)).toBe(localSpace);
    expect((await client.call('delete', `/upload/files/${String(fileIds.pop())}`)).status).toBe(
      200,
    );
    comeBack();
    await pollUntil(
      async () => spaceThatAnswers(`is it back at ${String(Date.now())}`),
      (space) => space === hostedSpace,
    );
    fileIds.push(id);
    await client.reindex('missing');
    await client.untilSpace('active', ({ counts }) => counts.indexed === fileIds.length);
    await client.untilSpace('fallback', ({ counts }) => counts.indexed === fileIds.length);
    const stored = await readStoredSpaces(dataFolder);
    const present = [...fileIds].sort((left, right) => left - right);
    expect(stored.get(hostedSpace)).toEqual(present);
    expect(stored.get(localSpace)).toEqual(present);
  });

  it('accepts vectors of both, each in its own space', async () => {
    goDown();
    await client.face.searchText('down again');
    const [space, dimensions] = [localSpace, 256];
    const vector = Array.from({ length: dimensions }, (_, index) => (index === 0 ? 1 : 0));
    const answer = await client.call('post', '/image-search/search', { vector, space });
    expect(readPage(answer).meta.index.space).toBe(localSpace);
    const other = await client.call('post', '/image-search/search', { vector, space: 'another' });
    expectFailure(other, { status: 409, code: 'space-mismatch' });
    comeBack();
  });

  it('answers right after a start even if the hosted one hangs', async () => {
    await app.stop();
    await start();
    await app.waitUntilIndexed();
    hosted.server.failAlways({ kind: 'hang' });
    const before = Date.now();
    expect(await spaceThatAnswers('who is there')).toBe(localSpace);
    expect(Date.now() - before).toBeLessThan(SOON_MS);
    comeBack();
  });

  it('never switches to the fallback by itself, nor lets it be dropped', async () => {
    const { spaces } = await client.readStatus();
    expect(spaces.map(({ id, role }) => [id, role])).toEqual([
      [hostedSpace, 'active'],
      [localSpace, 'fallback'],
    ]);
    expectFailure(await client.call('delete', `/image-search/spaces/${localSpace}`), {
      status: 409,
      code: 'conflict',
      message: /embedding\.fallback/,
    });
  });

  it('has an estimate and usage for both, one of which costs nothing', async () => {
    const { body } = await client.call('get', '/image-search/estimate?scope=all');
    expect(body).toMatchObject({
      data: {
        total: { images: 2 * fileIds.length, cost: null },
        spaces: [
          { role: 'active', isLocal: false, images: fileIds.length, cost: null },
          { role: 'fallback', isLocal: true, images: fileIds.length, cost: 0 },
        ],
      },
    });
    const { usage } = await client.readStatus();
    expect(usage.providers.find(({ provider }) => provider === 'clip')).toMatchObject({
      images: IMAGES + 1,
      cost: 0,
      isEstimated: false,
    });
  });
});
