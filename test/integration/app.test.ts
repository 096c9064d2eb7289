import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createImageSearch } from '../../plugin/src/client';
import { searchResponseSchema } from '../../plugin/src/contracts/search';
import { renderSampleImage, sampleLibrary } from '../../sample/library';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

async function renderImage(concept: string): Promise<Buffer> {
  const image = sampleLibrary.find((candidate) => candidate.concept === concept);
  if (!image) throw new Error(`no image of ${concept}`);
  return await renderSampleImage(image);
}

describe('the test app', () => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({
      imageSearch: {
        search: { requestsPerMinute: 100 },
        words: { enabled: true },
        indexing: { views: { parts: 5 } },
      },
    });
  });
  afterAll(async () => {
    await app.stop();
  });

  it("runs the plugin with a test's configuration", () => {
    const config: unknown = app.strapi.config.get('plugin::image-search');
    expect(config).toMatchObject({
      embedding: { provider: 'clip', dtype: 'q8' },
      vectors: { store: 'embedded', path: expect.stringContaining(app.dataFolder) },
      search: { requestsPerMinute: 100 },
    });
  });

  it('signs administrators in', async () => {
    const token = await app.adminToken();
    const response = await app.request.get('/admin/users/me').auth(token, { type: 'bearer' });
    expect(response.status).toBe(200);
  });

  it('accepts uploads through the panel and the content API, and indexes them', async () => {
    await app.grantPublic(['plugin::upload.content-api.upload']);
    const files = [
      await app.uploadThroughAdmin(await renderImage('dog'), 'one.jpg'),
      await app.uploadThroughContentApi(await renderImage('guitar'), 'two.jpg'),
    ];
    expect(files.map((file) => file.name)).toEqual(['one.jpg', 'two.jpg']);
    const status = await app.waitUntilIndexed();
    expect(status).toMatchObject({ total: 2, counts: { indexed: 2, failed: 0, skipped: 0 } });
  });

  it('finds what stands at the end of a banner, and says where', async () => {
    const dog = await sharp(await renderImage('dog'))
      .resize(300, 300, { fit: 'cover' })
      .toBuffer();
    const background = { r: 240, g: 240, b: 240 };
    const banner = await sharp({ create: { width: 1_500, height: 300, channels: 3, background } })
      .composite([{ input: dog, left: 0, top: 0 }])
      .png()
      .toBuffer();
    const { id } = await app.uploadThroughAdmin(banner, 'banner.png');
    await app.waitUntilIndexed();
    const { body } = await app.request
      .get('/image-search/search')
      .query({ text: 'a dog', mode: 'vector' })
      .auth(await app.adminToken(), { type: 'bearer' });
    const { data } = searchResponseSchema.parse(body);
    expect(data.find(({ file }) => file.id === id)?.view).toEqual({ kind: 'part', number: 1 });
  });

  it('answers the client that frontends use', async () => {
    await app.grantPublic([
      'plugin::image-search.search.find',
      'plugin::image-search.similar.find',
      'plugin::image-search.duplicates.findOne',
      'plugin::image-search.embeddings.create',
    ]);
    const { port } = app.strapi.server.httpServer.address() as AddressInfo;
    const images = createImageSearch({ baseURL: `http://127.0.0.1:${String(port)}/api` });
    const filters = { mime: { $in: ['image/jpeg', 'image/png'] }, name: { $ne: 'banner.png' } };

    const byText = await images.search('a dog', { filters, pagination: { limit: 1 } });
    expect(byText.data.map(({ file }) => file.name)).toEqual(['one.jpg']);
    expect(byText.meta.index).toMatchObject({ indexed: 3, total: 3 });
    const shown = await fetch(images.urlOf(byText.data[0]?.file ?? { url: '' }, 'thumbnail'));
    expect(shown.status).toBe(200);

    const image = new Blob([new Uint8Array(await renderImage('guitar'))]);
    const byImage = await images.search({ image }, { filters, pagination: { limit: 1 } });
    expect(byImage.data.map(({ file }) => file.name)).toEqual(['two.jpg']);

    const id = byText.data[0]?.file.id ?? 0;
    const similar = await images.similar(id);
    expect(similar.data.map(({ file }) => file.name).sort()).toEqual(['banner.png', 'two.jpg']);
    expect((await images.duplicates(id)).data).toEqual([]);
    const { data } = await images.embed('a dog');
    expect(data.embedding).toHaveLength(data.space.dimensions);
    await expect(images.status()).rejects.toMatchObject({ status: 403 });
  });
});
