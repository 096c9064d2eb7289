import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createSeededRandom } from '../../sample/seeded-random';
import { imageSearchOf } from '../../server/src/composition';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { insertRaw, placeForRow } from '../support/library-rows';
import { BATCH_SIZE, startHostedModel, type HostedModel } from '../support/model-change';
import { pollUntil } from '../support/polling';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

/** The model is slow, and so may be the machine. */
const LONGEST_MS = 240_000;
const BACKFILL = 200;
const EDGE = 24;

describe('a library that editors work in while 200 images of it wait for a slow model', () => {
  let model: HostedModel;
  let app: StrapiApp;
  let library: Library;
  /** Calls that the provider makes at a time. */
  let calls: number;
  /** Indexed before. */
  let known: { teapot: number; dog: number };

  beforeAll(async () => {
    model = await startHostedModel();
    app = await startStrapi({ imageSearch: { embedding: model.embedding } });
    library = createLibrary(app);
    const [teapot, dog] = await library.upload(
      await sampleImage('teapot'),
      await sampleImage('dog'),
    );
    known = { teapot: teapot?.id ?? 0, dog: dog?.id ?? 0 };
    await app.waitUntilIndexed();
    const { provider } = await imageSearchOf(app.strapi).spaces.get();
    calls = provider.limits.concurrentCalls;
    for (let count = 0; count < BACKFILL; count += 1) {
      const bytes = await randomPng(count);
      await insertRaw(
        app.strapi,
        await placeForRow(app.strapi, { bytes, ext: '.png', mime: 'image/png' }),
      );
    }
  });
  afterAll(async () => {
    await app.stop();
    await model.server.close();
  });

  const stateOf = async (fileId: number): Promise<string> => (await library.entry(fileId)).state;

  it('indexes what they upload in the next batch, with replaced files, and checks it for duplicates', async () => {
    const before = model.server.imageRequests();
    const release = model.server.holdImages(0);
    expect(await library.reindex('missing')).toBe(BACKFILL);
    await pollUntil(
      () => Promise.resolve(model.server.imageRequests() - before),
      (held) => held === calls,
    );
    const [copy] = await library.upload(await sampleImage('teapot'));
    const [guitar] = await library.upload(await sampleImage('guitar'));
    await library.replace(known.dog, await sampleImage('cat'));
    // What was claimed before, which one more batch waits with, and one for all three.
    release();
    const releaseRest = model.server.holdImages(2);
    for (const fileId of [copy?.id ?? 0, guitar?.id ?? 0, known.dog]) {
      await pollUntil(
        () => stateOf(fileId),
        (state) => state === 'indexed',
      );
    }
    const { pairs } = imageSearchOf(app.strapi);
    const page = await pollUntil(
      () => pairs.list({ status: 'open', cursor: null, limit: 10 }),
      (listed) => listed.pairs.length > 0,
    );
    expect(page.pairs).toMatchObject([{ fileA: known.teapot, fileB: copy?.id }]);
    const { counts } = await app.readStatus();
    expect(counts.indexed).toBeLessThanOrEqual(2 + (calls + 2) * BATCH_SIZE);
    releaseRest();
  });

  it(
    'finishes the rest',
    async () => {
      const { counts } = await app.waitUntilIndexed({ timeoutMs: LONGEST_MS });
      expect(counts).toMatchObject({ indexed: BACKFILL + 4, failed: 0 });
    },
    LONGEST_MS,
  );
});

/** An image that no other equals. */
function randomPng(number: number): Promise<Buffer> {
  const random = createSeededRandom(`backfill ${String(number)}`);
  const data = Uint8Array.from({ length: EDGE * EDGE * 3 }, () => random.integer(0, 255));
  return sharp(data, { raw: { width: EDGE, height: EDGE, channels: 3 } })
    .png()
    .toBuffer();
}
