import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { describeWithTestData, testDataFolder } from '../support/paths';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { sizeOf } from '../support/test-size';

/** Among fewer photographs a caption finds its own more easily. */
const { photographs, leastRecall } = sizeOf({
  ci: { photographs: 80, leastRecall: { at1: 0.38, at5: 0.78, at10: 0.87 } },
  long: { photographs: 300, leastRecall: { at1: 0.22, at5: 0.58, at10: 0.7 } },
});
const photoFolder = path.join(testDataFolder, 'photos');

describeWithTestData('photos', 'relevance on photographs, over the content API', () => {
  let app: StrapiApp;
  const ids = new Map<string, number>();

  beforeAll(async () => {
    app = await startStrapi({
      imageSearch: {
        embedding: {
          provider: 'clip',
          model: path.join(testDataFolder, 'mini-clip'),
          dtype: 'q8',
        },
        search: { requestsPerMinute: 0 },
      },
    });
    await app.grantPublic([
      'plugin::upload.content-api.upload',
      'plugin::image-search.search.find',
      'plugin::image-search.similar.find',
    ]);
    const names = readdirSync(photoFolder).filter((file) => file.endsWith('.jpg'));
    for (const name of names.sort().slice(0, photographs)) {
      const bytes = readFileSync(path.join(photoFolder, name));
      ids.set(name, (await app.uploadThroughContentApi(bytes, name)).id);
    }
    await app.waitUntilIndexed({ timeoutMs: 300_000 });
  }, 400_000);

  afterAll(async () => {
    await app.stop();
  });

  test('all photographs are indexed', async () => {
    const { counts, total } = await app.readStatus();
    expect(total).toBe(photographs);
    expect(counts).toEqual({
      pending: 0,
      indexing: 0,
      indexed: photographs,
      skipped: 0,
      failed: 0,
    });
  });

  test('the first caption finds its photograph', async () => {
    const captions = JSON.parse(
      readFileSync(path.join(photoFolder, 'captions.json'), 'utf8'),
    ) as Record<string, string[]>;
    const ranks: number[] = [];
    for (const [name, id] of ids) {
      const text = captions[name]?.[0];
      if (text === undefined) throw new Error(`No caption for ${name}.`);
      const response = await app.request
        .get('/api/image-search/search')
        .query({ text, 'pagination[limit]': 10 });
      expect(response.status).toBe(200);
      const { data } = response.body as SearchResponse;
      expect(data).toHaveLength(10);
      const rank = data.findIndex(({ file }) => file.id === id);
      ranks.push(rank === -1 ? Infinity : rank + 1);
    }
    const recall = (k: number): number => ranks.filter((rank) => rank <= k).length / ranks.length;
    expect(ranks).toHaveLength(photographs);
    expect(recall(1)).toBeGreaterThanOrEqual(leastRecall.at1);
    expect(recall(5)).toBeGreaterThanOrEqual(leastRecall.at5);
    expect(recall(10)).toBeGreaterThanOrEqual(leastRecall.at10);
  }, 120_000);

  test('a photograph sent as the query finds itself first', async () => {
    const names = [...ids.keys()].slice(0, 20);
    for (const name of names) {
      const response = await app.request
        .post('/api/image-search/search')
        .attach('image', readFileSync(path.join(photoFolder, name)), name);
      expect(response.status).toBe(200);
      const { data } = response.body as SearchResponse;
      expect(data[0]?.file.id).toBe(ids.get(name));
      // Strapi re-encodes what it stores (setting "size optimization"), and this small model notices.
      expect(data[0]?.score).toBeGreaterThan(0.8);
    }
  }, 60_000);
});
