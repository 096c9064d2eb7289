import { describe, expect, it } from '@jest/globals';
import type {
  DatabaseIdentity,
  VectorCollection,
  VectorPoint,
} from '../../../plugin/src/vectors/contract';
import { openForEach, type VectorStoreHarness } from './harness';
import { expectSamePoints, idsOf, pointWith, randomPoints, spaceOf, vectorAt } from './points';

const staging = { id: 'a1b2c3d4-0000-4000-8000-000000000001', name: 'the staging database' };
const production = { id: 'e5f6a7b8-0000-4000-8000-000000000002', name: 'the production database' };

export function describeBytes(harness: VectorStoreHarness): void {
  describe('vectors by the bytes of their images', () => {
    const opened = openForEach(harness);
    const points = randomPoints(6);
    const hashOf = (fileId: number): string => pointWith(points, fileId).payload.contentHash;

    async function expectVector(
      collection: VectorCollection,
      contentHash: string,
      vector: Float32Array,
    ): Promise<void> {
      const found = await collection.findByContentHash(contentHash);
      if (found === null) throw new Error('No vector was found for these bytes.');
      const point = { ...pointWith(points, 1), vector };
      expectSamePoints([{ ...point, vector: found.vector }], [point], harness);
      expect(found.views).toEqual([]);
    }

    it('are told apart by content hashes, without missing files', async () => {
      const collection = await opened.store.ensureSpace(spaceOf('first'));
      await collection.upsert(points);
      await expect(collection.contentHashesOf([2, 5, 99])).resolves.toEqual(
        new Map([
          [2, hashOf(2)],
          [5, hashOf(5)],
        ]),
      );
      await expect(collection.contentHashesOf([])).resolves.toEqual(new Map());
    });

    it('are found whichever file they belong to, the latest after a change', async () => {
      const collection = await opened.store.ensureSpace(spaceOf('first'));
      await collection.upsert(points);
      await expectVector(collection, hashOf(3), vectorAt(points, 2));
      await expect(collection.findByContentHash('f'.repeat(64))).resolves.toBeNull();
      const replaced: VectorPoint = { ...pointWith(points, 4), fileId: 3 };
      await collection.upsert([replaced]);
      await expect(collection.contentHashesOf([3])).resolves.toEqual(new Map([[3, hashOf(4)]]));
      await expect(collection.findByContentHash(hashOf(3))).resolves.toBeNull();
    });

    it('are not found in another space', async () => {
      const first = await opened.store.ensureSpace(spaceOf('first'));
      const second = await opened.store.ensureSpace(spaceOf('second'));
      await first.upsert(points);
      await expect(second.findByContentHash(hashOf(1))).resolves.toBeNull();
    });
  });

  const { createShared } = harness;
  if (createShared === undefined) return;
  describe('a store that two databases share', () => {
    const shared = openForEach({ ...harness, create: createShared });
    const points = randomPoints(6);
    const openFor = (database: DatabaseIdentity) => shared.openFor(database);

    it('keeps their vectors apart under the same file ids', async () => {
      const one = await (await openFor(staging)).ensureSpace(spaceOf('first'));
      const other = await (await openFor(production)).ensureSpace(spaceOf('first'));
      await one.upsert(points.slice(0, 3));
      await other.upsert([{ ...pointWith(points, 6), fileId: 1 }]);
      await one.remove([2]);
      await expect(one.count()).resolves.toBe(2);
      await expect(other.count()).resolves.toBe(1);
      expectSamePoints(await one.getMany([1]), [pointWith(points, 1)], harness);
      const [hit] = await other.search({ vector: vectorAt(points, 5), limit: 5 });
      expect(hit?.fileId).toBe(1);
    });

    it('finds the vectors of the other database by their bytes', async () => {
      const one = await (await openFor(staging)).ensureSpace(spaceOf('first'));
      const other = await (await openFor(production)).ensureSpace(spaceOf('first'));
      await one.upsert(points);
      const { contentHash } = pointWith(points, 5).payload;
      const found = await other.findByContentHash(contentHash);
      expect(found).not.toBeNull();
      await expect(other.contentHashesOf(idsOf(points))).resolves.toEqual(new Map());
    });

    it('drops and lists the spaces of one database only', async () => {
      const one = await openFor(staging);
      const other = await openFor(production);
      await (await one.ensureSpace(spaceOf('first'))).upsert(points);
      const kept = await other.ensureSpace(spaceOf('first'));
      await kept.upsert(points);
      await expect(one.listSpaces()).resolves.toEqual([spaceOf('first')]);
      await one.dropSpace(spaceOf('first').id);
      await expect(one.listSpaces()).resolves.toEqual([]);
      await expect(kept.count()).resolves.toBe(points.length);
      await expect(other.listSpaces()).resolves.toEqual([spaceOf('first')]);
    });

    it('gives vectors without an owner to the first database that asks for them', async () => {
      await (await shared.store.ensureSpace(spaceOf('first'))).upsert(points);
      const one = await (await openFor(staging)).ensureSpace(spaceOf('first'));
      await expect(one.count()).resolves.toBe(points.length);
      const other = await (await openFor(production)).ensureSpace(spaceOf('first'));
      await expect(other.count()).resolves.toBe(0);
    });

    it('gives a database its own vectors again', async () => {
      await (await (await openFor(staging)).ensureSpace(spaceOf('first'))).upsert(points);
      await (await openFor(production)).ensureSpace(spaceOf('first'));
      const again = await (await openFor(staging)).ensureSpace(spaceOf('first'));
      await expect(again.count()).resolves.toBe(points.length);
    });
  });
}
