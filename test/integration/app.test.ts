import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderSamplePicture, sampleLibrary } from '../../sample/library';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

async function renderPicture(concept: string): Promise<Buffer> {
  const picture = sampleLibrary.find((candidate) => candidate.concept === concept);
  if (!picture) throw new Error(`no picture of ${concept}`);
  return await renderSamplePicture(picture);
}

describe('the Strapi app of the tests', () => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({ imageSearch: { search: { requestsPerMinute: 7 } } });
  });
  afterAll(async () => {
    await app.stop();
  });

  it('runs the plugin with what a test configures', () => {
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

  it('takes uploads through the panel and the content API, and indexes them', async () => {
    await app.grantPublic(['plugin::upload.content-api.upload']);
    const files = [
      await app.uploadThroughAdmin(await renderPicture('dog'), 'one.jpg'),
      await app.uploadThroughContentApi(await renderPicture('guitar'), 'two.jpg'),
    ];
    expect(files.map((file) => file.name)).toEqual(['one.jpg', 'two.jpg']);
    const status = await app.waitUntilIndexed();
    expect(status).toMatchObject({ total: 2, counts: { indexed: 2, failed: 0, skipped: 0 } });
  });
});
