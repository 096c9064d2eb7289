import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { samplePicture, samplePictures } from '../support/library';
import {
  createModelChangeClient,
  startHostedModel,
  type HostedModel,
  type ModelChangeClient,
} from '../support/model-change';
import { sampleModelFolder } from '../support/paths';
import { pollUntil } from '../support/polling';
import { expectFailure, idsOf, readPage } from '../support/search-face';
import { readStoredSpaces } from '../support/index-files';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const PICTURES = 12;
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

  /** What answers a text that nobody has asked for yet. */
  async function spaceThatAnswers(text: string): Promise<string> {
    return (await client.face.searchText(text)).meta.index.space;
  }

  const goDown = (): void => {
    hosted.server.failAlways({ kind: 'status', status: 503, body: {} });
  };
  const comeBack = (): void => {
    hosted.server.failAlways(undefined);
  };

  it('fills a space of its own for each', async () => {
    fileIds = (await client.upload(...(await samplePictures(PICTURES)))).map(({ id }) => id);
    const indexed = ({ counts }: { counts: { indexed?: number } }) => counts.indexed === PICTURES;
    hostedSpace = (await client.untilSpace('answering', indexed)).id;
    const fallback = await client.untilSpace('fallback', indexed);
    expect(fallback).toMatchObject({ provider: 'clip', dimensions: 256, problem: null });
    localSpace = fallback.id;
    expect(hosted.server.picturesSent()).toBe(PICTURES);
    expect(await spaceThatAnswers('a dog')).toBe(hostedSpace);
  });

  it('searches in the fallback while the hosted one is down, and says so', async () => {
    goDown();
    const answer = await client.face.searchText('a bicycle');
    expect(answer.meta.index).toEqual({ space: localSpace, indexed: PICTURES, total: PICTURES });
    expect(answer.data).toHaveLength(PICTURES);
  });

  it('asks the hosted one for nothing more, once it is known to be down', async () => {
    const requests = hosted.server.requests.length;
    expect(await spaceThatAnswers('a second text')).toBe(localSpace);
    expect(hosted.server.requests).toHaveLength(requests);
  });

  it('goes on in the same space with a list that was begun in it', async () => {
    const answer = await client.face.get('search', {
      text: 'a dog',
      'pagination[start]': '5',
      'pagination[limit]': '5',
    });
    expect(readPage(answer).meta.index.space).toBe(hostedSpace);
  });

  it('answers questions of several parts wholly in one space', async () => {
    const [first = 0, second = 0] = fileIds;
    const similar = await client.face.similar(first);
    expect(similar.meta.index.space).toBe(hostedSpace);
    const mixed = await client.call('post', '/image-search/search', {
      like: [first, 'a picture with words'],
      unlike: [second],
    });
    expect(readPage(mixed).meta.index.space).toBe(localSpace);
    expect(idsOf(readPage(mixed))).not.toContain(first);
  });

  it('keeps both up to date, the hosted one as soon as it is back', async () => {
    const [teapot] = await client.upload(await samplePicture('teapot'));
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
    await client.untilSpace('answering', ({ counts }) => counts.indexed === fileIds.length);
    await client.untilSpace('fallback', ({ counts }) => counts.indexed === fileIds.length);
    const stored = await readStoredSpaces(dataFolder);
    const present = [...fileIds].sort((left, right) => left - right);
    expect(stored.get(hostedSpace)).toEqual(present);
    expect(stored.get(localSpace)).toEqual(present);
  });

  it('takes vectors of both, each in its own space', async () => {
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

  it('answers after a start, before anything was asked, though the hosted one hangs', async () => {
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
      [hostedSpace, 'answering'],
      [localSpace, 'fallback'],
    ]);
    expectFailure(await client.call('delete', `/image-search/spaces/${localSpace}`), {
      status: 409,
      code: 'conflict',
      message: /embedding\.fallback/,
    });
  });

  it('has an estimate and a bill of both, of which one costs nothing', async () => {
    const { body } = await client.call('get', '/image-search/estimate?scope=all');
    expect(body).toMatchObject({
      data: {
        total: { images: 2 * fileIds.length, cost: null },
        spaces: [
          { role: 'answering', isLocal: false, images: fileIds.length, cost: null },
          { role: 'fallback', isLocal: true, images: fileIds.length, cost: 0 },
        ],
      },
    });
    const { bill } = await client.readStatus();
    expect(bill.providers.find(({ provider }) => provider === 'clip')).toMatchObject({
      images: PICTURES + 1,
      cost: 0,
      isEstimated: false,
    });
  });
});
