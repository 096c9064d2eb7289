import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { makeUpTexts } from '../../sample/evaluation/queries';
import { productOf } from '../support/search-app';
import { photographTags } from '../support/photograph-tags';
import { pollUntil } from '../support/polling';
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
        search: { requestsPerMinute: 0, calibrate: true },
        tags: { labels: Object.keys(photographTags) },
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
    // It also happens by itself, a little later.
    await productOf(app).calibrator?.runOnce();
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
    const captions = readCaptions();
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

  async function ask(query: Record<string, unknown>): Promise<SearchResponse> {
    const { body, status } = await app.request.post('/api/image-search/search').send(query);
    expect(status).toBe(200);
    return body as SearchResponse;
  }

  test('tags are those that captions mention, for the most part', async () => {
    const { tagger } = productOf(app);
    const page = { filters: { id: { $notNull: true } }, pagination: { limit: 100 } };
    await pollUntil(
      async () => {
        await tagger?.runOnce();
        return ask({ ...page, facets: ['tags'] });
      },
      ({ meta }) => (meta.facets?.tags?.length ?? 0) > 0,
    );
    const captions = readCaptions();
    const nameOf = new Map([...ids].map(([name, id]) => [id, name]));
    let given = 0;
    let right = 0;
    for (const [tag, mentions] of Object.entries(photographTags)) {
      for (const { file } of (await ask({ tags: [tag], ...page })).data) {
        given += 1;
        if (mentions.test(captions[nameOf.get(file.id) ?? '']?.join(' ') ?? '')) right += 1;
      }
    }
    expect(given).toBeGreaterThan(photographs / 4);
    expect(right / given).toBeGreaterThan(0.75);
  }, 60_000);

  test('most captions have a close match, and hardly any made-up word has', async () => {
    const captions = Object.entries(readCaptions()).filter(([name]) => ids.has(name));
    const saysNothing = async (text: string): Promise<boolean> => {
      const { data, meta } = await ask({ text, pagination: { limit: 1 } });
      // Of some texts this small model knows no word.
      expect(meta.noCloseMatch).toBe(data.length === 0 || data[0]?.relevance?.band === 'weak');
      return meta.noCloseMatch === true;
    };
    const share = async (texts: readonly string[]): Promise<number> => {
      let count = 0;
      for (const text of texts) if (await saysNothing(text)) count += 1;
      return count / texts.length;
    };
    expect(await share(captions.map(([, [caption = '']]) => caption))).toBeLessThanOrEqual(0.1);
    expect(await share(makeUpTexts(40, 'no caption'))).toBeGreaterThanOrEqual(0.8);
  }, 120_000);

  test('weak matches follow all others, page by page, and can be left out', async () => {
    const text = 'a dog runs on the grass';
    const all: SearchResponse['data'] = [];
    for (let start = 0; start < photographs; start += 7) {
      all.push(...(await ask({ text, pagination: { start, limit: 7 } })).data);
    }
    expect(new Set(all.map(({ file }) => file.id)).size).toBe(photographs);
    const values = all.map(({ relevance }) => relevance?.value ?? NaN);
    expect(values).toEqual(values.toSorted((left, right) => right - left));
    for (const [minRelevance, least] of [
      ['likely', 0.5],
      ['strong', 0.8],
      [0.3, 0.3],
    ] as const) {
      const { data, meta } = await ask({ text, minRelevance, pagination: { limit: 100 } });
      expect(data.map(({ file }) => file.id)).toEqual(
        all.filter((_, index) => (values[index] ?? 0) >= least).map(({ file }) => file.id),
      );
      expect(meta.pagination.hasMore).toBe(false);
    }
    const strong = all.filter(({ relevance }) => relevance?.band === 'strong').length;
    expect(strong).toBeGreaterThan(0);
    const first = await ask({ text, minRelevance: 'strong', pagination: { limit: 1 } });
    expect(first.meta.pagination.hasMore).toBe(strong > 1);
  });

  test('is known for every kind of query', async () => {
    const [id = 0, other = 0] = [...ids.values()];
    const { body } = await app.request
      .get('/api/image-search/search')
      .query({ text: 'a dog' })
      .expect(200);
    expect((body as SearchResponse).meta.noCloseMatch).toBe(false);
    for (const query of [
      { fileId: id },
      { like: [id, 'a dog'] },
      { like: [id, other] },
      { text: 'a dog', unlike: ['a man'] },
    ]) {
      const { data, meta } = await ask(query);
      expect(meta.noCloseMatch).not.toBeNull();
      expect(data.every(({ relevance }) => relevance !== null)).toBe(true);
    }
    const image = readFileSync(path.join(photoFolder, [...ids.keys()][0] ?? ''));
    const own = await app.request
      .post('/api/image-search/search')
      .attach('image', image, 'photo.jpg')
      .expect(200);
    expect((own.body as SearchResponse).data[0]?.relevance?.band).toBe('strong');
  });

  test('ends results where similarity falls steeply', async () => {
    const image = readFileSync(path.join(photoFolder, [...ids.keys()][0] ?? '')).toString('base64');
    const { data, meta } = await ask({ image, autocut: true });
    expect(data).toHaveLength(1);
    expect(meta.pagination.hasMore).toBe(false);
  });

  test('needs a query, and numbers or bands', async () => {
    for (const query of [
      { text: 'a dog', minRelevance: 'weak' },
      { text: 'a dog', minRelevance: 1.5 },
      { filters: { id: 1 }, minRelevance: 'likely' },
      { filters: { id: 1 }, autocut: true },
    ]) {
      await app.request.post('/api/image-search/search').send(query).expect(400);
    }
  });
});

function readCaptions(): Record<string, string[]> {
  return JSON.parse(readFileSync(path.join(photoFolder, 'captions.json'), 'utf8')) as Record<
    string,
    string[]
  >;
}
