import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { DatabaseServer } from '../support/database-server';
import { describeWithServer } from '../support/describe-with-server';
import { startJinaServer, type JinaServer } from '../support/jina-server';
import { createLibrary, sampleImages, type FileBytes, type Library } from '../support/library';
import { ampleQuota, testKey } from '../support/openai-provider';
import { pollUntil } from '../support/polling';
import { dumpAndRestore, postgresWithVectors } from '../support/postgres-server';
import { runSql } from '../support/postgres-store';
import { storedIds } from '../support/stored-vectors';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';

const model = 'jina-clip-v2';
const concepts = ['a dog', 'a pizza', 'a guitar', 'the sea'];

describeWithServer(
  postgresWithVectors,
  'Strapi with its vectors in its own PostgreSQL',
  (server) => {
    let dataFolder: string;
    let database: AppDatabase;
    let jina: JinaServer;
    let images: FileBytes[];
    let app: StrapiApp;
    let library: Library;
    let other: DatabaseServer | null = null;

    beforeAll(async () => {
      dataFolder = await createDataFolder();
      database = await server().createDatabase();
      jina = await startJinaServer({ apiKey: testKey, model, dimensions: 256 });
      images = await sampleImages(9);
      await start(database);
      await library.upload(...images.slice(0, 6));
      await app.waitUntilIndexed();
    });
    afterEach(async () => {
      await other?.stop();
      other = null;
    });
    afterAll(async () => {
      await app.stop();
      await jina.close();
      await rm(dataFolder, { recursive: true, force: true });
    });

    async function start(on: AppDatabase): Promise<void> {
      const { baseURL } = jina;
      app = await startStrapi({
        dataFolder,
        database: on,
        imageSearch: {
          embedding: {
            provider: 'openai',
            model,
            dimensions: 256,
            ...ampleQuota,
            baseURL,
            apiKey: testKey,
          },
          vectors: { store: 'postgres' },
          search: { requestsPerMinute: 1_000_000 },
          words: { enabled: true },
        },
      });
      library = createLibrary(app);
    }

    async function ask(): Promise<unknown> {
      const answers = [];
      for (const text of concepts) {
        const { body } = await library.call('post', '/image-search/search', {
          text,
          mode: 'vector',
        });
        const hits = (body as { data: { score: number; file: { id: number } }[] }).data;
        answers.push(hits.map(({ score, file }) => ({ id: file.id, score })));
      }
      return answers;
    }

    it('finds images, and says where their vectors are', async () => {
      const { counts, store } = await app.readStatus();
      expect(counts).toMatchObject({ indexed: 6, failed: 0 });
      expect(store).toMatchObject({
        ok: true,
        message: expect.stringMatching(/^PostgreSQL \d+.* with pgvector .* 1 collections/),
      });
      expect(await ask()).toMatchObject(concepts.map(() => ({ length: 6 })));
    });

    it('finds images by their names, which are in the same database', async () => {
      const [first] = images;
      const text = first?.fileName ?? '';
      const found = await pollUntil(
        async () => {
          const { body } = await library.call('post', '/image-search/search', {
            text,
            mode: 'text',
          });
          return (body as { data: { file: { name: string } }[] }).data;
        },
        ({ length }) => length > 0,
      );
      expect(found[0]?.file.name).toBe(text);
      await pollUntil(
        () =>
          runSql(database.connection, 'select count(*)::int as count from image_search.words_2'),
        ([row]) => (row as { count: number }).count === 6,
      );
    });

    it('keeps its tables when Strapi starts again, which syncs its schema', async () => {
      const before = await ask();
      const sent = jina.imagesSent();
      await app.stop();
      await start(database);
      await app.waitUntilIndexed();
      expect(await ask()).toEqual(before);
      expect(jina.imagesSent()).toBe(sent);
    });

    it('refills what was lost', async () => {
      const before = await ask();
      await runSql(database.connection, 'drop schema image_search cascade');
      await library.call('post', '/image-search/search', { text: 'a dog' });
      await pollUntil(
        () => storedIds(app),
        (ids) => ids.length === 6,
      );
      await app.waitUntilIndexed();
      expect(await ask()).toEqual(before);
    });

    it('answers the same from a dump on another server, and embeds nothing again', async () => {
      const before = await ask();
      const sent = jina.imagesSent();
      await app.stop();
      other = await postgresWithVectors.start();
      const restored = await other.createDatabase();
      await dumpAndRestore(database, restored);
      await start(restored);
      expect(await ask()).toEqual(before);
      await app.waitUntilIndexed();
      expect(await ask()).toEqual(before);
      expect(jina.imagesSent()).toBe(sent);
      const [row] = await runSql(
        restored.connection,
        'select count(*)::int as count from image_search.collections',
      );
      expect(row).toEqual({ count: 1 });
      await app.stop();
      await start(database);
    });

    it('keeps the vectors of a copy on the same server apart, and reuses them', async () => {
      const before = await ask();
      const sent = jina.imagesSent();
      await app.stop();
      const copy = await server().createDatabase();
      await dumpAndRestore(database, copy);
      await start(copy);
      await app.waitUntilIndexed();
      expect(await ask()).toEqual(before);
      const [file] = await library.entries();
      await library.call('delete', `/upload/files/${String(file?.fileId)}`);
      await pollUntil(
        () => storedIds(app),
        (ids) => ids.length === 5,
      );
      await app.stop();
      await start(database);
      expect(await ask()).toEqual(before);
      expect(jina.imagesSent()).toBe(sent);
    });
  },
);
