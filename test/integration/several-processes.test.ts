import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { colorNumber, colorImage } from '../support/color-images';
import type { DatabaseKind } from '../support/database-server';
import { describeWithServer } from '../support/describe-with-server';
import { startJinaServer, type JinaServer } from '../support/jina-server';
import { createLibrary, type Library } from '../support/library';
import { ampleQuota, testKey } from '../support/openai-provider';
import { pollUntil } from '../support/polling';
import { postgres, postgresWithVectors } from '../support/postgres-server';
import { startQdrantServer } from '../support/qdrant-server';
import { storedIds } from '../support/stored-vectors';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';
import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';
import { sizeOf } from '../support/test-size';

const UPLOADS_AT_ONCE = 15;

interface Vectors {
  settings: Record<string, unknown>;
  /** How often all vectors were compared with the library; null if nobody counts. */
  comparisons: () => number | null;
  /** Requests that the store should not have made. */
  violations: () => readonly unknown[];
  close: () => Promise<void>;
}

interface Variant {
  database: DatabaseKind;
  name: string;
  images: number;
  /** Requests, of eight images mostly, that are answered before one of the processes is killed. */
  requestsBefore: number;
  indexedBefore: number;
  startVectors: () => Promise<Vectors>;
}

/** Each comparison walks all vectors from the first one on; a filter looks for the bytes of one image. */
async function startQdrant(): Promise<Vectors> {
  const qdrant = await startQdrantServer();
  return {
    settings: { store: 'qdrant', url: qdrant.url },
    comparisons: () =>
      qdrant.requests.filter(
        ({ operation, body }) =>
          operation === 'scroll' && !('offset' in (body ?? {})) && !('filter' in (body ?? {})),
      ).length,
    violations: () => qdrant.violations,
    close: () => qdrant.close(),
  };
}

describeProcesses({
  database: postgres,
  name: 'two processes on one PostgreSQL and one Qdrant',
  images: sizeOf({ ci: 150, long: 300 }),
  requestsBefore: sizeOf({ ci: 8, long: 16 }),
  indexedBefore: sizeOf({ ci: 30, long: 60 }),
  startVectors: startQdrant,
});

describeProcesses({
  database: postgresWithVectors,
  name: 'two processes on one PostgreSQL, which has the vectors, too',
  images: sizeOf({ ci: 90, long: 300 }),
  requestsBefore: sizeOf({ ci: 4, long: 16 }),
  indexedBefore: sizeOf({ ci: 15, long: 60 }),
  startVectors: () =>
    Promise.resolve({
      settings: { store: 'postgres' },
      comparisons: () => null,
      violations: () => [],
      close: () => Promise.resolve(),
    }),
});

interface ClaimedEntry {
  fileId: number;
  state: string;
  lease: string | null;
}

/** The encoded images in the body of a request. */
function imagesOf(body: unknown): Buffer[] {
  const { input } = body as { input: ({ image?: string } | string)[] };
  return input.flatMap((item) =>
    typeof item === 'object' && item.image !== undefined ? [Buffer.from(item.image, 'base64')] : [],
  );
}

function describeProcesses(variant: Variant): void {
  describeWithServer(variant.database, variant.name, (server) => {
    let dataFolder: string;
    let database: AppDatabase;
    let jina: JinaServer;
    let vectors: Vectors;
    /** Made the tables before the others came; looks on, and indexes nothing. */
    let observer: StrapiApp;
    let first: StrapiProcess;
    let second: StrapiProcess;
    let libraries: Library[];

    beforeAll(async () => {
      dataFolder = await createDataFolder();
      database = await server().createDatabase();
      jina = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
      vectors = await variant.startVectors();
      observer = await startStrapi({
        dataFolder,
        database,
        imageSearch: settings({ enabled: false }),
      });
    });
    afterAll(async () => {
      await Promise.all([first.kill('SIGTERM'), second.kill('SIGTERM')]);
      await observer.stop();
      await Promise.all([jina.close(), vectors.close()]);
      await rm(dataFolder, { recursive: true, force: true });
    });

    function settings(indexing: Record<string, unknown>): Record<string, unknown> {
      const { baseURL } = jina;
      return {
        embedding: {
          provider: 'openai',
          model: 'jina-clip-v2',
          dimensions: 256,
          apiKey: testKey,
          baseURL,
          ...ampleQuota,
        },
        vectors: vectors.settings,
        indexing: { leaseSeconds: 10, ...indexing },
      };
    }

    const spawn = (): Promise<StrapiProcess> =>
      spawnStrapi({ dataFolder, database, imageSearch: settings({}), env: { LOG_LEVEL: 'info' } });

    function expectOneComparison(): void {
      expect(vectors.comparisons() ?? 1).toBe(1);
    }

    async function entries(): Promise<ClaimedEntry[]> {
      const rows: unknown = await observer.strapi.db
        .query(INDEX_ENTRY_UID)
        .findMany({ select: ['fileId', 'state', 'lease'], orderBy: { fileId: 'asc' } });
      return rows as ClaimedEntry[];
    }

    async function claimedBy({ child }: StrapiProcess): Promise<number[]> {
      return (await entries())
        .filter(({ lease }) => lease?.split('|')[1] === String(child.pid))
        .map(({ fileId }) => fileId);
    }

    async function countIndexed(): Promise<number> {
      return (await entries()).filter(({ state }) => state === 'indexed').length;
    }

    it('sync the index once when they start together', async () => {
      const hold = await observer.strapi.db.connection.transaction();
      await hold.raw('LOCK TABLE image_search_jobs');
      [first, second] = await Promise.all([spawn(), spawn()]);
      await hold.commit();
      libraries = [first, second].map(createLibrary);
      for (const client of [first, second]) {
        await pollUntil(
          () => client.readStatus(),
          ({ isReconciling }) => !isReconciling,
        );
      }
      expectOneComparison();
    });

    it('index uploads to both, each image once except those that a killed process held', async () => {
      const beginIndexing = jina.holdImages(0);
      const names = new Map<number, string>();
      await Promise.all(
        libraries.map(async (library, part) => {
          for (let start = part; start < variant.images; start += 2 * UPLOADS_AT_ONCE) {
            const numbers = Array.from(
              { length: UPLOADS_AT_ONCE },
              (_, index) => start + 2 * index,
            );
            const files = await library.upload(...(await Promise.all(numbers.map(colorImage))));
            for (const { id, name } of files) names.set(id, name);
          }
        }),
      );
      expect(names.size).toBe(variant.images);
      beginIndexing();
      const finishIndexing = jina.holdImages(variant.requestsBefore);
      await pollUntil(
        () => Promise.all([countIndexed(), claimedBy(first), claimedBy(second)]),
        ([indexed, ...claims]) =>
          indexed >= variant.indexedBefore && claims.every((claimed) => claimed.length > 0),
      );
      await first.kill('SIGKILL');
      const held = await claimedBy(first);
      expect(held.length).toBeGreaterThan(0);
      expect(await countIndexed()).toBeLessThan(variant.images);
      finishIndexing();

      expect(await second.waitUntilIndexed({ timeoutMs: 90_000 })).toMatchObject({
        total: variant.images,
        counts: { indexed: variant.images, skipped: 0, failed: 0 },
      });
      expectOneComparison();
      const fileIds = [...names.keys()].sort((a, b) => a - b);
      expect((await entries()).map(({ fileId }) => fileId)).toEqual(fileIds);
      expect(await storedIds(observer)).toEqual(fileIds);

      const sent = await timesSent();
      const expectedOnce = fileIds.filter((fileId) => !held.includes(fileId));
      const timesOf = (fileId: number): number => sent.get(names.get(fileId) ?? '') ?? 0;
      expect(expectedOnce.filter((fileId) => timesOf(fileId) !== 1)).toEqual([]);
      expect(held.filter((fileId) => ![1, 2].includes(timesOf(fileId)))).toEqual([]);
    });

    it('find uploads to the other', async () => {
      const probe = await colorImage(0);
      const found = await createLibrary(second).findImage(probe);
      const scores = [...found.values()];
      expect(scores[0]).toBe(Math.max(...scores));
      expect(scores[0]).toBeGreaterThan(0.95);
    });

    it('leave no job behind, and never lock each other out', async () => {
      const jobs = observer.strapi.db.connection('image_search_jobs');
      const compared: unknown = await jobs.where('name', 'like', 'compare openai-%').select('*');
      expect(compared).toMatchObject([{ lease: null }]);
      expect(server().log()).not.toContain('deadlock detected');
      expect(vectors.violations()).toEqual([]);
    });

    /** How often each image was sent to be embedded, by file name. */
    async function timesSent(): Promise<Map<string, number>> {
      const times = new Map<string, number>();
      for (const payload of jina.requests.flatMap(({ body }) => imagesOf(body))) {
        const { fileName } = await colorImage(await colorNumber(payload));
        times.set(fileName, (times.get(fileName) ?? 0) + 1);
      }
      return times;
    }
  });
}
