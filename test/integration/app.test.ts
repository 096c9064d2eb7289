import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
    app = await startStrapi({ imageSearch: { search: { requestsPerMinute: 7 } } });
  });
  afterAll(async () => {
    await app.stop();
  });

  it("runs the plugin with a test's configuration", () => {
    const config: unknown = app.strapi.config.get('plugin::image-search');
    expect(config).toMatchObject({
      embedding: { provider: 'clip', dtype: 'q8' },
      vectors: { store: 'embedded', path: expect.stringContaining(app.dataFolder) },
      search: { requestsPerMinute: 7 },
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
});
