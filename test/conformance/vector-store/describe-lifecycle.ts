import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openForEach, type UnreachableVectorStore, type VectorStoreHarness } from './harness';
import { spaceOf, randomPoints } from './points';

export function describeReachability(harness: VectorStoreHarness): void {
  describe('a store that answers', () => {
    const opened = openForEach(harness);

    it('is healthy and says so', async () => {
      const health = await opened.store.checkHealth();
      expect(health.ok).toBe(true);
      expect(health.message).not.toBe('');
    });
  });

  if (!harness.createUnreachable) return;
  const createUnreachable = harness.createUnreachable.bind(harness);
  describe('a store that cannot be reached', () => {
    let opened: UnreachableVectorStore;
    beforeEach(async () => {
      opened = await createUnreachable();
    });
    afterEach(() => opened.destroy());
    const unavailable = { name: 'ImageSearchError', code: 'store-unavailable', retryable: true };

    it('fails every call with an error that says to try again', async () => {
      await expect(opened.store.ensureSpace(spaceOf('first'))).rejects.toMatchObject(unavailable);
      await expect(opened.store.listSpaces()).rejects.toMatchObject(unavailable);
      await expect(opened.store.dropSpace('any')).rejects.toMatchObject(unavailable);
    });

    it('is unhealthy, which is not an error', async () => {
      const health = await opened.store.checkHealth();
      expect(health.ok).toBe(false);
      expect(health.message).not.toBe('');
    });

    it('works as soon as it can be reached', async () => {
      await expect(opened.store.listSpaces()).rejects.toMatchObject(unavailable);
      await opened.repair();
      const collection = await opened.store.ensureSpace(spaceOf('first'));
      await collection.upsert(randomPoints(3));
      await expect(collection.count()).resolves.toBe(3);
      await expect(opened.store.checkHealth()).resolves.toMatchObject({ ok: true });
    });
  });
}

export function describeDisposal(harness: VectorStoreHarness): void {
  describe('disposal', () => {
    const opened = openForEach(harness);

    it('waits for what is under way, and may come twice', async () => {
      const collection = await opened.store.ensureSpace(spaceOf('first'));
      const storing = collection.upsert(randomPoints(200));
      const counting = collection.count();
      await Promise.all([opened.store.dispose(), opened.store.dispose()]);
      await opened.store.dispose();
      await expect(storing).resolves.toBeUndefined();
      // Calls at the same time may overtake one another.
      expect(await counting).toBeLessThanOrEqual(200);
    });

    it('works on a store that was never used', async () => {
      await expect(opened.store.dispose()).resolves.toBeUndefined();
    });
  });
}
