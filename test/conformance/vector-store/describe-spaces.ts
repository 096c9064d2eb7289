import { describe, expect, it } from '@jest/globals';
import { openForEach, type VectorStoreHarness } from './harness';
import { spaceOf, randomPoints, search, expectSamePoints, idsOf, vectorAt } from './points';

export function describeSpaces(harness: VectorStoreHarness): void {
  describe('spaces', () => {
    const opened = openForEach(harness);
    const points = randomPoints(5);

    it('has none at first', async () => {
      await expect(opened.store.listSpaces()).resolves.toEqual([]);
    });

    it('makes a collection that is missing, empty, and lists its whole space', async () => {
      const space = spaceOf('first');
      const collection = await opened.store.ensureSpace(space);
      expect(collection.space).toEqual(space);
      await expect(collection.count()).resolves.toBe(0);
      await expect(opened.store.listSpaces()).resolves.toEqual([space]);
    });

    it('returns the same points when asked again, and at the same time', async () => {
      const first = await opened.store.ensureSpace(spaceOf('first'));
      await first.upsert(points);
      const again = await Promise.all([1, 2, 3].map(() => opened.store.ensureSpace(first.space)));
      expect(await Promise.all(again.map((one) => one.count()))).toEqual([5, 5, 5]);
      await expect(opened.store.listSpaces()).resolves.toHaveLength(1);
    });

    if (harness.isDurable !== false) {
      it('returns the same points after a restart', async () => {
        const space = spaceOf('first');
        await (await opened.store.ensureSpace(space)).upsert(points);
        const store = await opened.reopen();
        await expect(store.listSpaces()).resolves.toEqual([space]);
        const collection = await store.ensureSpace(space);
        expectSamePoints(await collection.getMany(idsOf(points)), points, harness);
        await expect(
          search(collection, { vector: vectorAt(points, 2), limit: 1 }),
        ).resolves.toEqual([3]);
      });
    }

    it('keeps the points of two spaces apart', async () => {
      const first = await opened.store.ensureSpace(spaceOf('first'));
      const second = await opened.store.ensureSpace(spaceOf('second', 8));
      await first.upsert(points);
      const [other] = randomPoints(1, 8);
      if (other === undefined) throw new Error('There is one point.');
      await second.upsert([other]);
      await second.remove([4]);
      await expect(first.count()).resolves.toBe(5);
      await expect(search(second, { vector: other.vector, limit: 10 })).resolves.toEqual([1]);
      const models = (await opened.store.listSpaces()).map(({ model }) => model);
      expect(models.toSorted()).toEqual(['first', 'second']);
    });

    it('refuses a space of other dimensions than the collection has, and leaves that as it is', async () => {
      const collection = await opened.store.ensureSpace(spaceOf('first'));
      await collection.upsert(points);
      const clashing = { ...collection.space, dimensions: 8 };
      await expect(opened.store.ensureSpace(clashing)).rejects.toMatchObject({
        code: 'store-space-clash',
        retryable: false,
      });
      expectSamePoints(await collection.getMany(idsOf(points)), points, harness);
      await expect(opened.store.listSpaces()).resolves.toEqual([collection.space]);
    });

    it('drops a collection with its points and no other', async () => {
      const dropped = await opened.store.ensureSpace(spaceOf('first'));
      const kept = await opened.store.ensureSpace(spaceOf('second'));
      await Promise.all([dropped.upsert(points), kept.upsert(points)]);
      await opened.store.dropSpace(dropped.space.id);
      await expect(opened.store.listSpaces()).resolves.toEqual([kept.space]);
      await expect(kept.count()).resolves.toBe(5);
      const fresh = await opened.store.ensureSpace(dropped.space);
      await expect(fresh.count()).resolves.toBe(0);
      await expect(search(fresh, { vector: vectorAt(points, 0), limit: 5 })).resolves.toEqual([]);
      await fresh.upsert(points.slice(0, 2));
      await expect(fresh.count()).resolves.toBe(2);
    });

    it('is silent when the collection to drop is missing', async () => {
      await expect(opened.store.dropSpace('none-of-that-id')).resolves.toBeUndefined();
    });
  });
}
