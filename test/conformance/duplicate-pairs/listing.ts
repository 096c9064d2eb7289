import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DuplicatePair, DuplicatePairs } from '../../../plugin/src/duplicates/contract';
import { pageOfGroups } from '../../../plugin/src/duplicates/groups';
import { range } from '../index-entries/situations';
import { filesOf, findings, pairOf, verdicts } from './situations';

export function describePairListing(pairs: () => DuplicatePairs): void {
  const idOf = async (fileA: number, fileB: number): Promise<number> =>
    (await pairOf(pairs(), fileA, fileB)).id;

  describe('list', () => {
    beforeEach(async () => {
      await pairs().record([findings(1, [2], { verdict: verdicts.identical })]);
      await pairs().record([findings(1, [3])]);
      await pairs().record([findings(1, [4], { verdict: verdicts.identical })]);
      await pairs().record([findings(1, [5])]);
    });

    const list = (options: Partial<Parameters<DuplicatePairs['list']>[0]>) =>
      pairs().list({ status: 'open', cursor: null, limit: 10, ...options });

    it('returns newest first, in pages', async () => {
      const first = await list({ limit: 2 });
      expect(filesOf(first.pairs)).toEqual([
        [1, 5],
        [1, 4],
      ]);
      expect(first.nextCursor).toBe(await idOf(1, 4));
      const second = await list({ limit: 2, cursor: first.nextCursor });
      expect(filesOf(second.pairs)).toEqual([
        [1, 3],
        [1, 2],
      ]);
      expect(second.nextCursor).toBeNull();
    });

    it('returns those below the cursor even if that pair was deleted', async () => {
      const cursor = await idOf(1, 4);
      await pairs().removeFiles([4]);
      expect(filesOf((await list({ cursor })).pairs)).toEqual([
        [1, 3],
        [1, 2],
      ]);
    });

    it('filters by kind and status', async () => {
      await pairs().review(await idOf(1, 5), {
        status: 'ignored',
        userId: null,
        reviewedAt: new Date(),
      });
      await pairs().markMerged({ keptId: 1, removedId: 4, userId: null });
      expect(filesOf((await list({})).pairs)).toEqual([
        [1, 3],
        [1, 2],
      ]);
      expect(filesOf((await list({ kind: 'identical' })).pairs)).toEqual([[1, 2]]);
      expect(filesOf((await list({ status: 'ignored' })).pairs)).toEqual([[1, 5]]);
      expect(filesOf((await list({ status: 'merged', kind: 'identical' })).pairs)).toEqual([
        [1, 4],
      ]);
      expect(await list({ status: 'merged', kind: 'edited' })).toEqual({
        pairs: [],
        nextCursor: null,
      });
      expect(await pairs().counts()).toEqual({ open: 1, ignored: 1, merged: 1 });
    });
  });

  describe('counts', () => {
    it('is zero without pairs', async () => {
      expect(await pairs().counts()).toEqual({ open: 0, ignored: 0, merged: 0 });
    });

    it('counts the groups that a list shows', async () => {
      await pairs().record([findings(1, [2, 3, 4]), findings(2, [3])]);
      await pairs().record([findings(10, [11])]);
      await pairs().record([findings(20, [21, 22])]);
      const keep = (found: readonly DuplicatePair[]) => Promise.resolve([...found]);
      const listed = async () => {
        const page = await pageOfGroups(pairs(), { status: 'open', cursor: null, limit: 50, keep });
        return page.groups.length;
      };
      expect(await listed()).toBe(3);
      expect(await pairs().counts()).toEqual({ open: 3, ignored: 0, merged: 0 });
      // What is left of the first cluster are two groups: 2 with 3, and 1 with 4.
      for (const other of [2, 3]) {
        const review = { status: 'ignored', userId: null, reviewedAt: new Date() } as const;
        await pairs().review(await idOf(1, other), review);
      }
      expect(await listed()).toBe(4);
      expect(await pairs().counts()).toEqual({ open: 4, ignored: 1, merged: 0 });
    });
  });

  describe('get', () => {
    it('returns the pairs that exist, newest first', async () => {
      await pairs().record([findings(1, [2])]);
      await pairs().record([findings(1, [3])]);
      const [older, newer] = [await idOf(1, 2), await idOf(1, 3)];
      expect(filesOf(await pairs().get([older, newer + 99, newer]))).toEqual([
        [1, 3],
        [1, 2],
      ]);
      expect(await pairs().get([])).toEqual([]);
    });
  });

  describe('pairsTouching', () => {
    const touching = (options: Partial<Parameters<DuplicatePairs['pairsTouching']>[0]>) =>
      pairs().pairsTouching({ fileIds: [3], limit: 10, ...options });

    beforeEach(async () => {
      for (const [fileId, other] of [
        [1, 3],
        [3, 5],
        [5, 6],
        [2, 3],
      ] as const) {
        await pairs().record([findings(fileId, [other])]);
      }
    });

    it('returns pairs on either side, newest first, each once', async () => {
      expect(filesOf(await touching({}))).toEqual([
        [2, 3],
        [3, 5],
        [1, 3],
      ]);
      expect(filesOf(await touching({ fileIds: [3, 5] }))).toEqual([
        [2, 3],
        [5, 6],
        [3, 5],
        [1, 3],
      ]);
    });

    it('returns the newest if there are more than the limit', async () => {
      expect(filesOf(await touching({ fileIds: [1, 3, 6], limit: 3 }))).toEqual([
        [2, 3],
        [5, 6],
        [3, 5],
      ]);
    });

    it('returns those of one status', async () => {
      await pairs().markMerged({ keptId: 3, removedId: 1, userId: null });
      expect(filesOf(await touching({ status: 'merged' }))).toEqual([[1, 3]]);
      expect(filesOf(await touching({ status: 'open' }))).toEqual([
        [2, 3],
        [3, 5],
      ]);
      expect(await touching({ status: 'ignored' })).toEqual([]);
    });

    it('takes hundreds of files, and none', async () => {
      expect(await touching({ fileIds: range(1, 1_200) })).toHaveLength(4);
      expect(await touching({ fileIds: [] })).toEqual([]);
    });
  });

  describe('listClusters and pairsOfClusters', () => {
    const clusters = (options: Partial<Parameters<DuplicatePairs['listClusters']>[0]>) =>
      pairs().listClusters({ status: 'open', cursor: null, limit: 10, ...options });

    beforeEach(async () => {
      await pairs().record([findings(2, [1], { verdict: verdicts.identical })]);
      await pairs().record([findings(11, [12])]);
      await pairs().record([findings(3, [1, 2])]);
      await pairs().record([findings(21, [22], { verdict: verdicts.identical })]);
    });

    it('returns each cluster once, the one with the newest pair first, in pages', async () => {
      const newest = [await idOf(21, 22), Math.max(await idOf(1, 3), await idOf(2, 3))];
      const first = await clusters({ limit: 2 });
      expect(first.clusters.map(({ newestPairId }) => newestPairId)).toEqual(newest);
      expect(first.clusters.map(({ pairCount }) => pairCount)).toEqual([1, 3]);
      expect(first.nextCursor).toBe(newest[1]);
      const second = await clusters({ limit: 2, cursor: first.nextCursor });
      expect(second).toMatchObject({
        clusters: [{ newestPairId: await idOf(11, 12), pairCount: 1 }],
        nextCursor: null,
      });
    });

    it('returns the pairs of a cluster, newest first, up to the limit', async () => {
      const found = (await clusters({})).clusters.map(({ id }) => id);
      const [, clusterId = 0] = found;
      const ofCluster = (limit: number, kind?: 'identical') =>
        pairs().pairsOfClusters({ status: 'open', kind, clusterIds: [clusterId], limit });
      expect(filesOf(await ofCluster(10)).sort()).toEqual([
        [1, 2],
        [1, 3],
        [2, 3],
      ]);
      expect(filesOf(await ofCluster(2))).toEqual(filesOf((await ofCluster(10)).slice(0, 2)));
      expect(filesOf(await ofCluster(10, 'identical'))).toEqual([[1, 2]]);
      const all = { status: 'open', clusterIds: found, limit: 10 } as const;
      expect(await pairs().pairsOfClusters(all)).toHaveLength(5);
      expect(await pairs().pairsOfClusters({ ...all, clusterIds: [] })).toEqual([]);
    });

    it('considers only pairs of the requested status and kind', async () => {
      const ignored = await idOf(21, 22);
      await pairs().review(ignored, { status: 'ignored', userId: null, reviewedAt: new Date() });
      expect((await clusters({ kind: 'identical' })).clusters).toMatchObject([
        { newestPairId: await idOf(1, 2), pairCount: 1 },
      ]);
      expect((await clusters({ status: 'ignored' })).clusters).toMatchObject([
        { newestPairId: ignored, pairCount: 1 },
      ]);
      expect((await clusters({ status: 'merged' })).clusters).toEqual([]);
    });

    it('puts a file that duplicates both files of a pair into their cluster', async () => {
      await pairs().record([findings(13, [12])]);
      await pairs().record([findings(14, [12])]);
      const [first] = (await clusters({})).clusters;
      expect(first).toMatchObject({ pairCount: 3 });
    });
  });
}
