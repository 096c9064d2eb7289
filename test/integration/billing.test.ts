import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  estimateResponseSchema,
  type EstimateResponse,
  type EstimateScope,
} from '../../plugin/src/contracts/billing';
import { startHostedApp, type HostedApp } from '../support/hosted-app';
import { changeRows } from '../support/index-files';
import { textsIn } from '../support/jina-server';
import { sampleImages, type FileBytes } from '../support/library';

const IMAGES = 12;

describe('the usage of a hosted provider', () => {
  let app: HostedApp;
  let supply: FileBytes[];
  let fileIds: number[];

  beforeAll(async () => {
    supply = await sampleImages(IMAGES + 2);
    app = await startHostedApp({
      budget: { pricePerMillionTokens: 500_000, currency: 'EUR' },
      batchSize: 5,
    });
  });
  afterAll(async () => {
    await app.stop();
  });

  async function estimate(scope: EstimateScope): Promise<EstimateResponse['data']> {
    const { body } = await app.call('get', `/image-search/estimate?scope=${scope}`);
    return estimateResponseSchema.parse(body).data;
  }

  it('is empty before the first image', async () => {
    expect((await app.readStatus()).usage).toEqual({
      month: new Date().toISOString().slice(0, 7),
      budget: null,
      providers: [],
      pausedUntil: null,
    });
    expect(await estimate('all')).toMatchObject({
      total: { images: 0, waiting: 0, requests: 0, cost: 0, seconds: 0 },
    });
  });

  it('counts every image and text once, and the tokens that the provider reports', async () => {
    fileIds = (await app.upload(...supply.splice(0, IMAGES))).map(({ id }) => id);
    await app.waitUntilIndexed();
    for (const text of ['a dog', ' a  dog.', 'a dog', 'a cat']) await app.findText(text);
    // Whoever asks how the provider is may cost a text, too.
    const texts = app.server.requests.flatMap(({ body }) => textsIn(body));
    expect(texts.filter((text) => text !== 'health')).toEqual(['a dog', 'a cat']);
    // The double counts one token for each image and text.
    const tokens = IMAGES + texts.length;
    expect((await app.readStatus()).usage.providers).toEqual([
      {
        provider: 'openai',
        model: 'jina-clip-v2',
        images: IMAGES,
        texts: texts.length,
        tokens,
        cost: tokens / 2,
        isEstimated: false,
      },
    ]);
  });

  it("doesn't count images whose bytes are unchanged", async () => {
    const [image] = await sampleImages(1);
    if (image) await app.replace(fileIds[0] ?? 0, image);
    await app.waitUntilIndexed();
    expect((await app.readStatus()).usage.providers[0]?.images).toBe(IMAGES);
  });

  it('is estimated before it occurs', async () => {
    const all = await estimate('all');
    expect(all).toMatchObject({ scope: 'all', currency: 'EUR', affordableImages: null });
    expect(all.total).toEqual({
      images: IMAGES,
      embeddings: IMAGES,
      waiting: 0,
      requests: 3,
      tokens: IMAGES,
      cost: IMAGES / 2,
      // What the images took so far, on this machine.
      seconds: expect.any(Number),
    });
    expect(all.spaces).toMatchObject([
      { role: 'active', provider: 'openai', model: 'jina-clip-v2', isLocal: false },
    ]);
    expect((await estimate('missing')).total).toMatchObject({ images: 0, cost: 0 });
    expect((await estimate('failed')).total).toMatchObject({ images: 0, cost: 0 });
    const { spaces } = await estimate('new');
    expect(spaces).toMatchObject([{ id: null, role: 'new', images: IMAGES, requests: 3 }]);
  });

  it('is as high as estimated', async () => {
    const { total } = await estimate('all');
    await app.reindex('all');
    await app.waitUntilIndexed();
    const [provider] = (await app.readStatus()).usage.providers;
    expect(provider).toMatchObject({ images: IMAGES + total.images });
    expect(app.imagesSent()).toBe(IMAGES + total.images);
  });

  it('is estimated with images that are missing from the index', async () => {
    // Neither the queue nor a comparison of counts tells: two entries fewer, and three files.
    changeRows(
      app.dataFolder,
      'delete from image_search_index_entries where file_id = ?',
      fileIds.slice(0, 2),
    );
    changeRows(app.dataFolder, 'delete from files where id = ?', fileIds.slice(4, 7));
    const { total } = await estimate('missing');
    expect(total).toMatchObject({ images: 2, waiting: 0, requests: 1, cost: 1 });
    // What is left of deleted files is removed after these.
    expect(await app.reindex('missing')).toBe(2);
    expect((await app.waitUntilIndexed()).counts).toMatchObject({ indexed: IMAGES - 3 });
    expect((await estimate('missing')).total).toMatchObject({ images: 0, cost: 0 });
  });

  it('counts no text for a status request, and one for every test', async () => {
    const textsAsked = (): number =>
      app.server.requests.flatMap(({ body }) => textsIn(body)).length;
    const before = textsAsked();
    await Promise.all(Array.from({ length: 8 }, () => app.readStatus()));
    await estimate('all');
    expect(textsAsked()).toBe(before);
    await app.call('post', '/image-search/test');
    await app.call('post', '/image-search/test');
    expect(textsAsked()).toBe(before + 2);
  });

  it('is visible only to roles that manage the index', async () => {
    expect((await app.request.get('/image-search/estimate')).status).toBe(401);
    const { body, status } = await app.call('get', '/image-search/estimate?scope=everything');
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { details: { code: 'invalid-input' } } });
  });
});
