import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { estimateResponseSchema } from '../../plugin/src/contracts/billing';
import { createLibrary, sampleImages, type FileBytes, type Library } from '../support/library';
import { startHostedModel, type HostedModel } from '../support/model-change';
import { pollUntil } from '../support/polling';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const IMAGES = 14;
const BUDGET = 10;

describe('a budget that is reached while a library is indexed', () => {
  let dataFolder: string;
  let hosted: HostedModel;
  let app: StrapiApp;
  let library: Library;
  let supply: FileBytes[];

  beforeAll(async () => {
    supply = await sampleImages(IMAGES + 1);
    dataFolder = await createDataFolder();
    hosted = await startHostedModel();
    await start(BUDGET);
  });
  afterAll(async () => {
    await app.stop();
    await hosted.server.close();
    await rm(dataFolder, { recursive: true, force: true });
  });

  async function start(imagesPerMonth: number): Promise<void> {
    app = await startStrapi({
      dataFolder,
      imageSearch: { embedding: hosted.embedding, budget: { imagesPerMonth } },
    });
    library = createLibrary(app);
  }

  async function untilPaused(): Promise<Awaited<ReturnType<StrapiApp['readStatus']>>> {
    return pollUntil(
      () => app.readStatus(),
      ({ counts, worker }) => worker.state === 'paused' && counts.indexing === 0,
    );
  }

  it('pauses indexing, and says which setting to change and when it continues', async () => {
    await library.upload(...supply.splice(0, IMAGES));
    const { usage, counts, worker } = await untilPaused();
    expect(hosted.server.imagesSent()).toBe(BUDGET);
    expect(counts).toMatchObject({ indexed: BUDGET, pending: IMAGES - BUDGET, failed: 0 });
    const now = new Date();
    const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString();
    expect(usage).toMatchObject({
      budget: { imagesPerMonth: BUDGET, moneyPerMonth: null },
      providers: [{ images: BUDGET }],
      pausedUntil: next,
    });
    expect(worker.pause).toMatchObject({ code: 'budget-reached' });
    expect(worker.pause?.message).toContain('budget.imagesPerMonth');
    expect(worker.pause?.message).toContain(next);
  });

  it('never pauses searches', async () => {
    expect(await library.findText('something that nobody has asked for')).toHaveLength(BUDGET);
    const [image] = await sampleImages(1);
    if (image) expect((await library.findImage(image)).size).toBe(BUDGET);
  });

  it('is part of an estimate', async () => {
    const { body } = await library.call('get', '/image-search/estimate?scope=missing');
    expect(estimateResponseSchema.parse(body).data).toMatchObject({
      affordableImages: 0,
      total: { images: IMAGES - BUDGET, waiting: IMAGES - BUDGET, requests: 1 },
    });
  });

  it('holds when an operator reindexes, and after a restart', async () => {
    const sent = hosted.server.imagesSent();
    await library.reindex('failed');
    await app.stop();
    await start(BUDGET);
    await library.upload(...supply.splice(0, 1));
    await untilPaused();
    expect(hosted.server.imagesSent()).toBe(sent);
  });

  it('lets indexing resume by itself once raised', async () => {
    const sent = hosted.server.imagesSent();
    await app.stop();
    await start(100);
    const { usage, counts } = await app.waitUntilIndexed();
    expect(counts).toMatchObject({ indexed: IMAGES + 1, failed: 0 });
    expect(hosted.server.imagesSent() - sent).toBe(IMAGES + 1 - BUDGET);
    expect(usage.pausedUntil).toBeNull();
    // With the image that was searched with.
    expect(usage.providers).toMatchObject([{ images: IMAGES + 2 }]);
  });
});
