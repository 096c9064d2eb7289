import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import {
  playQdrant,
  reachQdrant,
  type Disturbance,
  type QdrantEnvironment,
} from '../support/qdrant-environment';
import { findLiveQdrant } from '../support/qdrant-store';
import { storedIds } from '../support/stored-vectors';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const live = findLiveQdrant();

describeStrapiOnQdrant('played by a double', playQdrant);

if (live === null) {
  describe.skip('Strapi on a real Qdrant (QDRANT_URL is not set)', () => undefined);
} else {
  describeStrapiOnQdrant('the real one', () => reachQdrant(live));
}

function describeStrapiOnQdrant(name: string, create: () => Promise<QdrantEnvironment>): void {
  describe(`Strapi on Qdrant, ${name}`, () => {
    let qdrant: QdrantEnvironment;
    let app: StrapiApp;
    let library: Library;
    const ids: number[] = [];

    beforeAll(async () => {
      qdrant = await create();
      await qdrant.setDown(true);
      app = await startStrapi({ imageSearch: { vectors: qdrant.settings } });
      library = createLibrary(app);
    });
    afterEach(() => {
      qdrant.disturb('none');
    });
    afterAll(async () => {
      await app.stop();
      await qdrant.close();
    });

    async function upload(concept: string): Promise<void> {
      const [file] = await library.upload(await sampleImage(concept));
      expect(file?.id).toBeGreaterThan(0);
      if (file) ids.push(file.id);
    }

    const search = (text: string) => library.call('post', '/image-search/search', { text });
    const expectSearchFailure = async (): Promise<void> => {
      expect(await search('a dog')).toMatchObject({
        status: 503,
        body: {
          error: {
            message: expect.stringContaining('Qdrant at http://127.0.0.1'),
            details: { code: 'store-unavailable' },
          },
        },
      });
    };

    async function expectAllFound(): Promise<void> {
      const status = await app.waitUntilIndexed();
      expect(status.counts).toMatchObject({ indexed: ids.length, failed: 0, pending: 0 });
      expect(status.store).toMatchObject({
        ok: true,
        message: expect.stringContaining('Qdrant 1.'),
      });
      expect(await storedIds(app)).toEqual(ids);
      expect((await library.findText('a dog'))[0]).toBe(ids[0]);
    }

    it('boots and accepts uploads while it is down, and reports the problem', async () => {
      await upload('dog');
      await expectSearchFailure();
      await library.reindex('missing');
      const status = await pollUntil(
        () => app.readStatus(),
        ({ worker }) => worker.state === 'paused',
      );
      expect(status.counts).toMatchObject({ pending: 1, failed: 0 });
      expect(status.store).toEqual({ ok: false, message: expect.stringContaining('vectors.url') });
      expect(await library.entries()).toMatchObject([{ state: 'pending', attempts: 0 }]);
    });

    it('recovers by itself when it is up', async () => {
      await qdrant.setDown(false);
      await expectAllFound();
      expect(await qdrant.collectionNames()).toHaveLength(1);
    });

    it('accepts uploads when it goes down later, and recovers by itself', async () => {
      await qdrant.setDown(true);
      await expectSearchFailure();
      await upload('guitar');
      await expectSearchFailure();
      await qdrant.setDown(false);
      await expectAllFound();
      expect((await library.findText('a guitar'))[0]).toBe(ids[1]);
    });

    it.each<Disturbance>(['cut', 'half', 'silence', 'garbage'])(
      'takes uploads while its answers are disturbed (%s), and recovers by itself',
      async (disturbance) => {
        qdrant.disturb(disturbance);
        await expectSearchFailure();
        await upload('pizza');
        await expectSearchFailure();
        qdrant.disturb('none');
        await expectAllFound();
      },
    );

    it('refills a collection that was deleted', async () => {
      await qdrant.loseCollections();
      expect((await search('a dog')).status).toBe(200);
      await pollUntil(
        () => storedIds(app),
        (stored) => stored.length === ids.length,
      );
      await expectAllFound();
      expect(await qdrant.collectionNames()).toHaveLength(1);
    });

    it('removes the vectors of deleted files', async () => {
      const [deleted] = ids.splice(1, 1);
      await library.call('delete', `/upload/files/${String(deleted)}`);
      await pollUntil(
        () => storedIds(app),
        (stored) => stored.length === ids.length,
      );
      await expectAllFound();
    });
  });
}
