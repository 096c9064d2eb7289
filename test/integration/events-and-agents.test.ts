import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Client } from '@modelcontextprotocol/client';
import sharp from 'sharp';
import { z } from 'zod';
import { chunksOf } from '../../plugin/src/chunks';
import { mergeReportSchema, mergesResponseSchema } from '../../plugin/src/contracts/merging';
import { monitoringResponseSchema } from '../../plugin/src/contracts/monitoring';
import type { ImageSearchEvents } from '../../plugin/src/types';
import { callTool as call, createAgents, type Agents } from '../support/agents';
import { createLibrary, sampleImage, sampleImages, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, idsOf } from '../support/search-face';

let app: SearchApp;
let library: Library;
beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar']),
    publicActions: [],
    env: { MCP_ENABLED: 'true' },
    imageSearch: { search: { requestsPerMinute: 40 }, agents: { merge: true } },
  });
  library = createLibrary(app);
});
afterAll(() => app.stop());

describe('events', () => {
  type Name = keyof ImageSearchEvents;
  const stops: (() => void)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  /** What the event hub tells from now on. */
  function listenTo<Event extends Name>(name: Event): ImageSearchEvents[Event][] {
    const heard: ImageSearchEvents[Event][] = [];
    stops.push(
      app.strapi.eventHub.on(name, (payload) => {
        heard.push(payload as ImageSearchEvents[Event]);
        return Promise.resolve();
      }),
    );
    return heard;
  }

  const until = <Item>(heard: Item[], isReached: (items: Item[]) => boolean) =>
    pollUntil(() => Promise.resolve(heard), isReached);

  it('tell of files that are indexed, and of duplicates', async () => {
    const indexed = listenTo('image-search.file.indexed');
    const found = listenTo('image-search.duplicate.found');
    const { bytes } = await sampleImage('dog');
    const [copy] = await library.upload({ fileName: 'copy.jpg', bytes });
    await until(found, ({ length }) => length > 0);
    const { space } = await app.readStatus();
    expect(indexed).toEqual([{ fileId: copy?.id, space: space?.id }]);
    expect(found).toEqual([
      { fileId: copy?.id, duplicateOf: app.fileOf('dog').id, kind: 'identical', score: 1 },
    ]);
  });

  it("tell of files that can't be indexed", async () => {
    const failed = listenTo('image-search.file.failed');
    const [broken] = await library.upload({
      fileName: 'broken.svg',
      bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><g></svg>'),
    });
    await until(failed, ({ length }) => length > 0);
    expect(failed).toEqual([
      {
        fileId: broken?.id,
        space: expect.any(String),
        state: expect.stringMatching(/^(failed|skipped)$/),
        code: expect.stringMatching(/^image-/),
      },
    ]);
  });

  it('tell of merges', async () => {
    const done = listenTo('image-search.merge.done');
    const { bytes } = await sampleImage('guitar');
    const [copy] = await library.upload({ fileName: 'copy.jpg', bytes });
    const keepId = app.fileOf('guitar').id;
    const fileIds = [keepId, copy?.id];
    const path = '/image-search/duplicates/merge';
    expect((await library.call('post', path, { fileIds, keepId, dryRun: true })).status).toBe(200);
    expect((await library.call('post', path, { fileIds, keepId })).status).toBe(200);
    await until(done, ({ length }) => length > 0);
    expect(done).toEqual([
      {
        mergeId: expect.any(Number),
        keptId: keepId,
        mergedIds: [copy?.id],
        userId: expect.any(Number),
      },
    ]);
  });

  it('harm nothing when a listener fails', async () => {
    let calls = 0;
    stops.push(
      app.strapi.eventHub.on('image-search.file.indexed', () => {
        calls += 1;
        throw new Error('This listener fails.');
      }),
    );
    const [file] = await library.upload(await sampleImage('owl'));
    await pollUntil(
      () => Promise.resolve(calls),
      (count) => count > 0,
    );
    await app.waitUntilIndexed();
    expect(await library.entry(file?.id ?? 0)).toMatchObject({ state: 'indexed' });
  });

  describe('in webhooks', () => {
    let receiver: Server;
    const received: Record<string, unknown>[] = [];
    beforeAll(async () => {
      receiver = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          received.push(JSON.parse(String(Buffer.concat(chunks))) as Record<string, unknown>);
          response.end();
        });
      });
      await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => new Promise((resolve) => receiver.close(resolve)));

    it('are sent', async () => {
      const { port } = receiver.address() as AddressInfo;
      const events: Name[] = ['image-search.file.indexed', 'image-search.duplicate.found'];
      const created = await library.call('post', '/admin/webhooks', {
        name: 'automation',
        url: `http://127.0.0.1:${String(port)}/hook`,
        headers: {},
        events,
      });
      expect(created.status).toBe(201);
      const [file] = await library.upload(await sampleImage('pizza'));
      await until(received, ({ length }) => length > 0);
      expect(received).toEqual([
        {
          event: 'image-search.file.indexed',
          createdAt: expect.any(String),
          fileId: file?.id,
          space: expect.any(String),
        },
      ]);
    });

    it('tell once of each file of a burst of uploads', async () => {
      received.length = 0;
      const images = await sampleImages(27);
      const copies = images.slice(0, 3).map(({ bytes }, index) => ({
        fileName: `copy-${String(index)}.png`,
        bytes,
      }));
      const uploads = chunksOf([...images, ...copies], 5).map((files) => library.upload(...files));
      const files = (await Promise.all(uploads)).flat().map(({ id }) => id);
      await app.waitUntilIndexed();
      const indexed = () =>
        received
          .filter(({ event }) => event === 'image-search.file.indexed')
          .map(({ fileId }) => fileId as number);
      await until(received, () => indexed().length >= files.length);
      expect(indexed().sort((left, right) => left - right)).toEqual(
        files.sort((left, right) => left - right),
      );
      await library.call('post', '/upload/actions/bulk-delete', { fileIds: files });
    });
  });
});

describe('MCP', () => {
  const SEARCH = { action: 'plugin::image-search.search' };
  const DUPLICATES = { action: 'plugin::image-search.duplicates' };
  const MANAGE = { action: 'plugin::image-search.manage' };
  const READ = { action: 'plugin::upload.read' };
  const READ_OWN = { ...READ, conditions: ['admin::is-creator'] };
  const agents: Agents = createAgents(() => app);
  const { agentWith } = agents;
  afterAll(() => agents.close());

  async function toolsOf(client: Client): Promise<string[]> {
    const { tools } = await client.listTools();
    return tools.map(({ name }) => name).filter((name) => /image|duplicate/.test(name));
  }

  const imagesSchema = z.object({
    images: z.array(z.looseObject({ id: z.number(), score: z.number().nullable() })),
  });

  const pairsSchema = z.object({
    pairs: z.array(z.object({ images: z.array(z.looseObject({ id: z.number() })) })),
  });

  it('offers what the token may do', async () => {
    expect(await toolsOf(await agentWith([READ]))).toEqual([]);
    expect(await toolsOf(await agentWith([READ, SEARCH]))).toEqual([
      'search_images',
      'find_similar_images',
      'find_duplicate_images',
    ]);
    expect(await toolsOf(await agentWith([READ, DUPLICATES]))).toEqual([
      'find_duplicate_images',
      'merge_duplicates',
    ]);
    expect(await toolsOf(await agentWith([MANAGE]))).toEqual(['image_index_status']);
  });

  it('finds images, and shows them', async () => {
    const agent = await agentWith([READ, SEARCH]);
    const answer = await call(agent, 'search_images', { text: 'a dog', limit: 2 });
    const { images } = imagesSchema.parse(answer.data);
    expect(images).toHaveLength(2);
    expect(images[0]).toMatchObject({
      id: app.fileOf('dog').id,
      url: expect.stringContaining('/uploads/'),
    });
    expect(answer.pictures).toHaveLength(2);
    const { width } = await sharp(Buffer.from(answer.pictures[0] ?? '', 'base64')).metadata();
    expect(width).toBeGreaterThan(0);
    expect(width).toBeLessThanOrEqual(245);
    const [berry] = await library.upload(await sampleImage('strawberry'));
    await app.waitUntilIndexed();
    const red = await call(agent, 'search_images', { color: 'red', facets: ['color'] });
    const redIds = imagesSchema.parse(red.data).images.map(({ id }) => id);
    expect(redIds).toContain(berry?.id);
    expect(redIds).not.toContain(app.fileOf('dog').id);
    await library.call('delete', `/upload/files/${String(berry?.id)}`);
    const plain = await call(agent, 'search_images', { text: 'a dog', thumbnails: false });
    expect(plain.pictures).toEqual([]);
    const fileId = app.fileOf('dog').id;
    const similar = await call(agent, 'find_similar_images', { fileId, limit: 1 });
    expect(imagesSchema.parse(similar.data).images[0]?.id).not.toBe(fileId);
    const guitar = app.fileOf('guitar').id;
    const narrowed = await call(agent, 'find_similar_images', {
      fileId,
      region: { x: 0, y: 0, width: 0.5, height: 1 },
      filters: { id: guitar },
      facets: ['type'],
    });
    expect(narrowed.data).toMatchObject({
      images: [{ id: guitar }],
      facets: { counted: 1, type: [{ value: 'image/webp', count: 1 }], isLowerBound: false },
    });
  });

  it('lists duplicates, those of one image or all', async () => {
    const { bytes } = await sampleImage('pizza');
    const [one] = await library.upload({ fileName: 'one.jpg', bytes });
    const [other] = await library.upload({ fileName: 'other.jpg', bytes });
    await pollUntil(
      async () => (await library.call('get', '/image-search/duplicates')).body as object,
      (body) => JSON.stringify(body).includes('other.jpg'),
    );
    const agent = await agentWith([READ, SEARCH, DUPLICATES]);
    const expected = { kind: 'identical', score: 1 };
    const ofOne = await call(agent, 'find_duplicate_images', { fileId: one?.id, limit: 20 });
    expect(ofOne.data).toMatchObject({ pairs: expect.arrayContaining([expect.anything()]) });
    expect(JSON.stringify(ofOne.data)).toContain('other.jpg');
    expect(ofOne.pictures.length).toBeGreaterThan(1);
    const all = await call(agent, 'find_duplicate_images', { thumbnails: false });
    expect(all.data).toMatchObject({
      pairs: expect.arrayContaining([
        { ...expected, images: [expect.anything(), expect.objectContaining({ id: other?.id })] },
      ]),
    });
    const searching = await agentWith([READ, SEARCH]);
    expect(await call(searching, 'find_duplicate_images')).toMatchObject({ isError: true });
  });

  describe('merging', () => {
    const MERGE = [READ, { action: 'plugin::upload.assets.update' }, DUPLICATES];
    async function uploadCopies(name: string): Promise<number[]> {
      const { bytes } = await sampleImage(name);
      const files = [];
      for (const side of ['one', 'other']) {
        files.push(...(await library.upload({ fileName: `${name}-${side}.jpg`, bytes })));
      }
      await app.waitUntilIndexed();
      const ids = files.map(({ id }) => id);
      await pollUntil(
        () => productOf(app).pairs.pairsTouching({ fileIds: ids, limit: 1 }),
        ({ length }) => length > 0,
      );
      return ids;
    }
    const inLibrary = async (fileIds: number[]) => {
      const page = await (await adminApi(app)).search({ filters: { id: { $in: fileIds } } });
      return idsOf(page).sort((one, other) => one - other);
    };

    it('is a dry run by default', async () => {
      const fileIds = await uploadCopies('tulip');
      const [keepId] = fileIds;
      const agent = await agentWith(MERGE);
      const { data, pictures } = await call(agent, 'merge_duplicates', { fileIds, keepId });
      expect(mergeReportSchema.parse(data)).toMatchObject({ keepId, mergeId: null });
      expect(pictures).toHaveLength(2);
      expect(await inLibrary(fileIds)).toEqual(fileIds);
    });

    it('is done if the operator allows it, by the owner of the token', async () => {
      const fileIds = await uploadCopies('sunflower');
      const [keepId] = fileIds;
      const input = { fileIds, keepId, dryRun: false };
      const agent = await agentWith(MERGE);
      const off = jest.replaceProperty(productOf(app), 'canAgentsMerge', false);
      expect(await call(agent, 'merge_duplicates', input)).toMatchObject({
        isError: true,
        text: expect.stringContaining('agents.merge'),
      });
      off.restore();
      expect(await inLibrary(fileIds)).toEqual(fileIds);
      const { data } = await call(agent, 'merge_duplicates', input);
      const { mergeId } = mergeReportSchema.parse(data);
      expect(await inLibrary(fileIds)).toEqual([keepId]);
      const { body } = await library.call('get', '/image-search/duplicates/merges');
      const [merge] = mergesResponseSchema.parse(body).data;
      expect(merge).toMatchObject({ id: mergeId, mergedBy: expect.anything(), canUndo: true });
    });

    it('is refused with a warning, and for files that the role may not change', async () => {
      const fileIds = [app.fileOf('dog').id, app.fileOf('guitar').id];
      const input = { fileIds, keepId: fileIds[0], dryRun: false };
      expect(await call(await agentWith(MERGE), 'merge_duplicates', input)).toMatchObject({
        isError: true,
        text: expect.stringContaining('Nothing was merged'),
      });
      const reading = await agentWith([READ, DUPLICATES]);
      expect(await call(reading, 'merge_duplicates', { fileIds })).toMatchObject({
        isError: true,
        text: expect.stringContaining("can't edit"),
      });
      expect(await inLibrary(fileIds)).toEqual([...fileIds].sort((one, other) => one - other));
    });
  });

  it('tells how the index is', async () => {
    const answer = await call(await agentWith([MANAGE]), 'image_index_status');
    expect(monitoringResponseSchema.shape.data.parse(answer.data)).toMatchObject({ ok: true });
  });

  it('shows no file that the role may not see', async () => {
    const credentials = { email: 'own@example.com', password: 'Editor-Pass-1' };
    const permissions = [SEARCH, DUPLICATES, READ_OWN];
    await app.createRestrictedAdmin({
      ...credentials,
      permissions: [
        ...permissions,
        { action: 'plugin::upload.assets.create' },
        { action: 'admin::admin-tokens.create' },
      ],
    });
    const { bytes } = await sampleImage('violin');
    const own = (await app.request
      .post('/upload')
      .auth(await app.adminToken(credentials), { type: 'bearer' })
      .attach('files', bytes, 'own-1.jpg')
      .attach('files', bytes, 'own-2.jpg')) as { body: { id: number }[] };
    const ownIds = own.body.map(({ id }) => id).sort((one, other) => one - other);
    const [ownId, ownCopyId] = ownIds;
    expect(ownIds).toHaveLength(2);
    await app.waitUntilIndexed();
    const [hidden] = await library.upload({ fileName: 'hidden.jpg', bytes });
    await app.waitUntilIndexed();
    await pollUntil(
      async () => (await library.call('get', '/image-search/duplicates')).body as object,
      (body) =>
        ['own-1.jpg', 'own-2.jpg', 'hidden.jpg'].every((name) =>
          JSON.stringify(body).includes(name),
        ),
    );
    const agent = await agentWith(permissions, credentials);
    const idsIn = ({ data }: { data: unknown }) =>
      imagesSchema.parse(data).images.map(({ id }) => id);

    const found = await call(agent, 'search_images', { text: 'a violin' });
    const { images } = imagesSchema.parse(found.data);
    expect(images).toEqual([expect.objectContaining({ duplicateCount: 1 })]);
    expect(ownIds).toContain(images[0]?.id);
    expect(found.pictures).toHaveLength(1);
    const listed = await call(agent, 'search_images', { filters: { mime: 'image/jpeg' } });
    expect(idsIn(listed).sort((one, other) => one - other)).toEqual(ownIds);
    expect(idsIn(await call(agent, 'find_similar_images', { fileId: ownId }))).toEqual([ownCopyId]);
    for (const input of [{}, { fileId: ownId }]) {
      const { data } = await call(agent, 'find_duplicate_images', input);
      const { pairs } = pairsSchema.parse(data);
      expect(pairs).toHaveLength(1);
      expect(pairs[0]?.images.map(({ id }) => id).sort((one, other) => one - other)).toEqual(
        ownIds,
      );
    }

    const fileId = hidden?.id;
    const like = await call(agent, 'search_images', { like: [fileId] });
    expect(like).toMatchObject({ isError: true, pictures: [] });
    expect(like.text).toMatch(/not found/);
    for (const tool of ['find_similar_images', 'find_duplicate_images']) {
      const refused = await call(agent, tool, { fileId });
      expect(refused).toMatchObject({ isError: true, pictures: [] });
      expect(refused.text).toMatch(/not found/);
    }
    const blind = await call(await agentWith([SEARCH]), 'search_images', { text: 'a dog' });
    expect(blind).toMatchObject({ isError: true, pictures: [] });
  });
});
