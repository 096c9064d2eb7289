import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import { IMAGE_TAG_UID } from '../../server/src/plugin-id';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import { renderSampleImage } from '../../sample/library';
import { callTool, createAgents } from '../support/agents';
import { describeWithServer } from '../support/describe-with-server';
import { createLibrary } from '../support/library';
import { mariadb } from '../support/mariadb-server';
import { pollUntil } from '../support/polling';
import { postgres } from '../support/postgres-server';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import {
  adminApi,
  contentApi,
  expectFailure,
  idsOf,
  type SearchFace,
} from '../support/search-face';
import { createDataFolder, startStrapi, type StartOptions } from '../support/strapi-app';

const concepts = [
  ...['banana', 'strawberry', 'pineapple', 'watermelon', 'cherries'],
  ...['dog', 'cat', 'horse', 'elephant', 'penguin', 'butterfly'],
  ...['guitar', 'bicycle', 'house', 'hammer'],
];

/** Of one of which the model knows no word. */
const labels = ['dog', 'butterfly', { name: 'Gitarre', text: 'guitar' }, 'xqzvw'];

const settingsOf = (tags: object | undefined) => ({
  search: { requestsPerMinute: 0, calibrate: true },
  ...(tags && { tags }),
});

interface TagRow {
  id: number;
  fileId: number;
  name: string;
  tagging: string;
}

type RunningApp = Pick<SearchApp, 'strapi'> & Parameters<typeof productOf>[0];

const rowsOf = ({ strapi }: RunningApp): Promise<TagRow[]> =>
  strapi.db.query(IMAGE_TAG_UID).findMany({ orderBy: ['fileId', 'position'] });

/** Until every image was looked at with the labels of this start; it may happen by itself at the same time. */
async function waitUntilTagged(app: RunningApp, files: number, before?: string): Promise<TagRow[]> {
  const { calibrator, tagger } = productOf(app);
  return pollUntil(
    async () => {
      await calibrator?.runOnce();
      await tagger?.runOnce();
      return rowsOf(app);
    },
    (rows) =>
      new Set(rows.map(({ fileId }) => fileId)).size === files &&
      new Set(rows.map(({ tagging }) => tagging)).size === 1 &&
      rows[0]?.tagging !== before,
  );
}

function describeTags(options: () => Promise<StartOptions>): void {
  let app: SearchApp;
  let publicFace: SearchFace;
  let adminFace: SearchFace;
  const faces: [string, () => SearchFace][] = [
    ['content API', () => publicFace],
    ['admin API', () => adminFace],
  ];
  const ids = (...shown: string[]) => new Set(shown.map((concept) => app.fileOf(concept).id));

  beforeAll(async () => {
    app = await startSearchApp({
      images: imagesOf(concepts),
      ...(await options()),
      env: { GRAPHQL_ENABLED: 'true', MCP_ENABLED: 'true' },
      imageSearch: settingsOf({ labels, threshold: 0.6 }),
    });
    publicFace = contentApi(app);
    adminFace = await adminApi(app);
    await waitUntilTagged(app, concepts.length);
  });
  afterAll(() => app.stop());

  describe.each(faces)('over the %s', (_name, face) => {
    it('finds the images with a tag, alone and with a query', async () => {
      const listed = await face().get('search', { tags: 'dog' });
      expect(listed.status).toBe(200);
      expect(new Set(idsOf(listed.body as never))).toEqual(ids('dog'));
      const ranked = await face().search({ text: 'yellow', tags: ['Gitarre'] });
      expect(new Set(idsOf(ranked))).toEqual(ids('guitar'));
      expect(idsOf(await face().search({ tags: 'xqzvw' }))).toEqual([]);
      expect(idsOf(await face().search({ tags: 'butterfly,dog' }))).toEqual([]);
      const others = await face().similar(app.fileOf('cat').id, { tags: 'dog' });
      expect(new Set(idsOf(others))).toEqual(ids('dog'));
    });

    it('shows tags with results', async () => {
      const { data } = await face().search({ text: 'guitar', pagination: { limit: 1 } });
      expect(data[0]?.tags).toEqual(['Gitarre']);
      const { data: listed } = await face().search({ filters: { id: app.fileOf('house').id } });
      expect(listed[0]?.tags).toEqual([]);
    });

    it('counts tags', async () => {
      const { meta } = await face().search({ facets: ['tags', 'type'] });
      const counts = new Map(meta.facets?.tags?.map(({ count, value }) => [value, count]));
      for (const name of ['dog', 'butterfly', 'Gitarre']) expect(counts.get(name)).toBe(1);
      expect(counts.has('xqzvw')).toBe(false);
      const { meta: narrowed } = await face().search({ tags: 'dog', facets: 'tags' });
      expect(narrowed.facets?.tags).toEqual([{ value: 'dog', count: 1 }]);
    });

    it.each<[query: object, message: RegExp]>([
      [{ tags: 'dogs' }, /^tags: "dogs" isn't one of dog, butterfly, Gitarre, xqzvw\.$/],
      [{ tags: '' }, /^tags/],
      [{ tags: [] }, /^tags/],
      [{ tags: { $ne: 'dog' } }, /^tags: must be names of tags/],
      [{ tags: Array.from({ length: 21 }, () => 'dog') }, /^tags/],
    ])('refuses %j', async (wrong, message) => {
      const expected = { status: 400, code: 'invalid-input', message } as const;
      expectFailure(await face().post('search', { text: 'dog', ...wrong }), expected);
    });
  });

  it('finds and counts over GraphQL', async () => {
    const permissions = ['plugin::image-search.search.find'];
    const token = await app.createApiToken({ name: 'tags', type: 'custom', permissions });
    const query = `{ imageSearch(tags: ["dog"], facets: [tags]) {
      hits { fileId tags } facets { tags { value count } }
    } }`;
    const { body } = await app.request
      .post('/graphql')
      .auth(token, { type: 'bearer' })
      .send({ query });
    expect(body).toEqual({
      data: {
        imageSearch: {
          hits: [{ fileId: app.fileOf('dog').id, tags: ['dog'] }],
          facets: { tags: [{ value: 'dog', count: 1 }] },
        },
      },
    });
  });

  it('finds and counts over MCP, and nothing that the role may not see', async () => {
    const agents = createAgents(() => app);
    const SEARCH = { action: 'plugin::image-search.search' };
    const READ = { action: 'plugin::upload.read' };
    const READ_OWN = { ...READ, conditions: ['admin::is-creator'] };
    const credentials = { email: 'tags@example.com', password: 'Editor-Pass-1' };
    await app.createRestrictedAdmin({
      ...credentials,
      permissions: [SEARCH, READ_OWN, { action: 'admin::admin-tokens.create' }],
    });
    const answerSchema = z.object({
      images: z.array(z.looseObject({ id: z.number(), tags: z.array(z.string()) })),
      facets: z.looseObject({ tags: z.array(z.unknown()) }),
    });
    const input = { tags: ['dog'], facets: ['tags'], thumbnails: false };
    const all = await callTool(await agents.agentWith([READ, SEARCH]), 'search_images', input);
    expect(answerSchema.parse(all.data)).toMatchObject({
      images: [{ id: app.fileOf('dog').id, tags: ['dog'] }],
      facets: { tags: [{ value: 'dog', count: 1 }] },
    });
    const restricted = await agents.agentWith([READ_OWN, SEARCH], credentials);
    const own = await callTool(restricted, 'search_images', input);
    expect(answerSchema.parse(own.data)).toMatchObject({ images: [], facets: { tags: [] } });
    await agents.close();
    const face = await adminApi(app, credentials);
    expect(idsOf(await face.search({ tags: 'dog' }))).toEqual([]);
    const { meta } = await face.search({ facets: 'tags' });
    expect(meta.facets).toMatchObject({ tags: [], counted: 0 });
  });

  it('tells the panel which tags there are', async () => {
    const { body } = await adminFace.get('panel');
    expect(body).toMatchObject({ data: { tags: ['dog', 'butterfly', 'Gitarre', 'xqzvw'] } });
  });

  it('tags only what is left, and embeds no image for it', async () => {
    const { provider } = await productOf(app).spaces.get();
    const embedding = jest.spyOn(provider, 'embedImages');
    const before = await rowsOf(app);
    const fileId = { $in: [...ids('dog', 'guitar')] };
    await app.strapi.db.query(IMAGE_TAG_UID).deleteMany({ where: { fileId } });
    productOf(app).tagger?.noteIndexed(fileId.$in);
    const after = await waitUntilTagged(app, concepts.length);
    const keyOf = ({ fileId: file, name }: TagRow) => `${String(file)} ${name}`;
    expect(after.map(keyOf)).toEqual(before.map(keyOf));
    const kept = (rows: TagRow[]) => rows.filter((row) => !fileId.$in.includes(row.fileId));
    expect(kept(after)).toEqual(kept(before));
    expect(embedding).not.toHaveBeenCalled();
    embedding.mockRestore();
  });

  it('drops the tags of a file that was replaced, before the new image is embedded', async () => {
    const fileId = app.fileOf('guitar').id;
    const tagsNow = async () => (await rowsOf(app)).filter((row) => row.fileId === fileId);
    const before = await tagsNow();
    expect(before.map(({ name }) => name)).toEqual(['Gitarre']);
    const traces = createImageTraces(app.strapi);
    const [trace] = await traces.get([fileId]);
    if (!trace) throw new Error('The guitar has no trace.');
    await traces.put([{ ...trace, contentHash: '0'.repeat(64) }]);
    expect(await tagsNow()).toEqual([]);
    await traces.put([trace]);
    productOf(app).tagger?.noteIndexed([fileId]);
    await waitUntilTagged(app, concepts.length);
    expect((await tagsNow()).map(({ name }) => name)).toEqual(['Gitarre']);
  });

  it('follows files that are replaced and deleted', async () => {
    const library = createLibrary(app);
    const [guitar] = imagesOf(['guitar']);
    if (!guitar) throw new Error('There is no guitar.');
    const { id } = app.fileOf('hammer');
    await library.replace(id, { fileName: 'other.jpg', bytes: await renderSampleImage(guitar) });
    await app.waitUntilIndexed();
    await pollUntil(
      async () => {
        await productOf(app).tagger?.runOnce();
        return (await rowsOf(app)).filter(({ fileId }) => fileId === id);
      },
      ([row]) => row?.name === 'Gitarre',
    );
    const dog = app.fileOf('dog').id;
    await library.call('delete', `/upload/files/${String(dog)}`);
    await pollUntil(
      async () => (await rowsOf(app)).filter(({ fileId }) => fileId === dog),
      ({ length }) => length === 0,
    );
    expect(idsOf(await adminFace.search({ tags: 'dog' }))).toEqual([]);
  });
}

describe('tags of images', () => {
  describeTags(() => Promise.resolve({}));
});

for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, `tags of images on ${kind.name}`, (server) => {
    describeTags(async () => ({ database: await server().createDatabase() }));
  });
}

describe('a vocabulary that changes', () => {
  let dataFolder: string;
  beforeAll(async () => {
    dataFolder = await createDataFolder();
  });
  afterAll(() => rm(dataFolder, { recursive: true, force: true }));

  it('changes the tags after a restart, from the vectors that are there', async () => {
    const first = await startSearchApp({
      dataFolder,
      images: imagesOf(concepts),
      imageSearch: settingsOf({ labels: ['dog', 'guitar'] }),
    });
    const [before] = await waitUntilTagged(first, concepts.length);
    const guitar = first.fileOf('guitar').id;
    expect(idsOf(await (await adminApi(first)).search({ tags: 'guitar' }))).toEqual([guitar]);
    await first.stop();

    const second = await startStrapi({
      dataFolder,
      imageSearch: settingsOf({ labels: ['guitar', 'bicycle'] }),
    });
    try {
      const { provider } = await productOf(second).spaces.get();
      const embedding = jest.spyOn(provider, 'embedImages');
      const face = await adminApi(second);
      // Those of labels that there are no longer count for nothing meanwhile.
      const { meta } = await face.search({ facets: 'tags' });
      expect(meta.facets?.tags?.map(({ value }) => value)).not.toContain('dog');
      const rows = await waitUntilTagged(second, concepts.length, before?.tagging);
      expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(['', 'guitar', 'bicycle']));
      expect(idsOf(await face.search({ tags: 'guitar' }))).toEqual([guitar]);
      expect(embedding).not.toHaveBeenCalled();
    } finally {
      await second.stop();
    }

    const third = await startStrapi({ dataFolder, imageSearch: settingsOf(undefined) });
    try {
      const face = await adminApi(third);
      const { data } = await face.search({ text: 'dog', pagination: { limit: 1 } });
      expect(data[0]).not.toHaveProperty('tags');
      const refusals: [object, RegExp][] = [
        [{ tags: 'guitar' }, /^tags: there are none: set "tags\.labels"/],
        [{ facets: 'tags' }, /^facets: "tags": there are none/],
      ];
      for (const [query, message] of refusals) {
        const expected = { status: 400, code: 'invalid-input', message } as const;
        expectFailure(await face.post('search', { text: 'dog', ...query }), expected);
      }
    } finally {
      await third.stop();
    }
  });
});
