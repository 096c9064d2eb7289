import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ImageSearchEvents } from '../../plugin/src/types';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';

let app: SearchApp;
let library: Library;
beforeAll(async () => {
  app = await startSearchApp({ images: imagesOf(['dog', 'guitar']), publicActions: [] });
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
  });
});
