import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { findings } from '../conformance/duplicate-pairs/situations';
import { describeWithServer } from '../support/describe-with-server';
import { startDuplicatesApp, type DuplicatesApp } from '../support/duplicates-app';
import { mariadb } from '../support/mariadb-server';
import { pollUntil } from '../support/polling';
import { postgres } from '../support/postgres-server';
import { productOf } from '../support/search-app';

interface Provider {
  delete(file: { hash: string }): Promise<unknown>;
}

/** SQLite is left out: it has one connection, which a transaction has to itself. */
for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, `merging on ${kind.name}`, (server) => {
    let app: DuplicatesApp;

    beforeAll(async () => {
      app = await startDuplicatesApp({ database: await server().createDatabase() });
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });
    afterAll(() => app.stop());

    const pairs = () => productOf(app).pairs;
    const remove = (fileId: number) =>
      app.library.call('delete', `/upload/files/${String(fileId)}`);

    /** The storage takes its time to delete this file; returns when it was asked, and what lets it continue. */
    function hold(hash: string): { asked: Promise<void>; release: () => void } {
      const { provider } = app.strapi.plugin('upload') as unknown as { provider: Provider };
      const deleteNow = provider.delete.bind(provider);
      const { promise: released, resolve: release } = deferred();
      const { promise: asked, resolve: tell } = deferred();
      jest.spyOn(provider, 'delete').mockImplementation(async (file) => {
        if (file.hash !== hash) return deleteNow(file);
        tell();
        await released;
        return deleteNow(file);
      });
      return { asked, release };
    }

    it('lets everybody else write pairs and delete files while the storage hangs', async () => {
      const [a = 0, b = 0, c = 0, d = 0, e = 0] = await app.uploadFiles(5);
      await app.record(a, [b, c]);
      const ignored = await app.record(c, [d]);
      const [copy] = await app.files([b]);
      const { asked, release } = hold(copy?.hash ?? '');
      const merging = app.post('duplicates/merge', { fileIds: [a, b], keepId: a });
      await asked;

      // The pair that is being merged among them, which moves to another cluster.
      await pairs().record([findings(e, [a, b, c, d])]);
      const review = await app.post(`duplicates/${String(ignored.id)}/review`, {
        status: 'ignored',
      });
      expect(review.status).toBe(200);
      await remove(d);
      const ofRemoved = await pollUntil(
        () => pairs().pairsTouching({ fileIds: [d], limit: 10 }),
        (found) => found.length === 0,
      );
      expect(ofRemoved).toEqual([]);
      expect(await pairs().counts()).toMatchObject({ merged: 0 });

      release();
      expect(await merging).toMatchObject({
        status: 200,
        body: { data: { files: [{ outcome: 'kept' }, { outcome: 'removed' }] } },
      });
      const left = await pollUntil(
        () => pairs().pairsTouching({ fileIds: [b], limit: 10 }),
        (found) => found.length === 1,
      );
      expect(left).toMatchObject([{ fileA: a, fileB: b, status: 'merged' }]);
      expect((await app.files([a, b])).map(({ id }) => id)).toEqual([a]);
    });

    it('keeps the pair open when the storage fails', async () => {
      const [a = 0, b = 0] = await app.uploadFiles(2);
      const { id } = await app.record(a, [b]);
      const [copy] = await app.files([b]);
      const { provider } = app.strapi.plugin('upload') as unknown as { provider: Provider };
      jest.spyOn(provider, 'delete').mockRejectedValue(new Error('Storage is down.'));
      const { body } = await app.post('duplicates/merge', { fileIds: [a, b], keepId: a });
      expect(body).toMatchObject({ data: { files: [{}, { id: copy?.id, outcome: 'left' }] } });
      expect(await pairs().get([id])).toMatchObject([{ status: 'open' }]);
    });

    it('deletes a file while others write pairs, and forgets its pairs afterwards', async () => {
      const [a = 0, b = 0] = await app.uploadFiles(2);
      await app.record(a, [b]);
      const turn = await app.strapi.db.connection.transaction();
      await turn('image_search_jobs')
        .where({ name: 'write duplicate pairs' })
        .update({ started_at: new Date() });
      await remove(b);
      expect(await app.files([b])).toEqual([]);
      expect(await pairs().pairsTouching({ fileIds: [b], limit: 10 })).toHaveLength(1);
      await turn.commit();
      const left = await pollUntil(
        () => pairs().pairsTouching({ fileIds: [b], limit: 10 }),
        (found) => found.length === 0,
      );
      expect(left).toEqual([]);
    });
  });
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
