import type { ReindexScope } from '../contracts/management';
import { ImageSearchError } from '../errors';
import type { AssetSource, IndexEntries, IndexState } from '../indexing/contract';
import type { Calibrations } from '../search/relevance/contract';
import type { SpaceRecords } from '../spaces/contract';
import type { SpaceManager } from '../spaces/space-manager';
import type { VectorStore } from '../vectors/contract';
import type { WordIndexing } from './lifecycle';

/** What an operator does to the index by hand. */
export interface IndexManagement {
  /** Queues the images of a scope in every live space; returns how many entries were queued. */
  reindex(scope: ReindexScope): Promise<number>;
  /**
   * Queues these files alone; returns how many.
   *
   * @throws ImageSearchError `file-not-found` when one is not an image of the library
   */
  reindexFiles(fileIds: readonly number[]): Promise<number>;
  /**
   * The queue of a space, by default of the active one.
   *
   * @throws ImageSearchError `invalid-input` for an unknown space
   */
  entriesOf(spaceId?: string): Promise<IndexEntries>;
  /**
   * Deletes a space that is no longer used, with its vectors and its queue.
   *
   * @throws ImageSearchError `invalid-input` for an unknown space, `conflict` for one that is in use
   */
  dropSpace(spaceId: string): Promise<void>;
}

export function createIndexManagement(options: {
  spaces: SpaceManager;
  records: Pick<SpaceRecords, 'list'>;
  store: Pick<VectorStore, 'listSpaces' | 'dropSpace'>;
  assets: Pick<AssetSource, 'describeMany'>;
  entriesOf: (spaceId: string) => IndexEntries;
  words: WordIndexing;
  calibrations: Pick<Calibrations, 'forget'>;
}): IndexManagement {
  const { assets, calibrations, entriesOf, records, spaces, store, words } = options;

  return {
    async reindex(scope) {
      // The operator may have fixed something: nothing waits out an earlier failure.
      spaces.retryNow();
      const tracks = new Set([await spaces.active(), ...spaces.running()]);
      let marked = 0;
      // Another process may be the one that indexes: its queues are marked all the same.
      for (const spaceId of await spaces.liveSpaceIds()) {
        const entries = entriesOf(spaceId);
        marked += await entries.markStatesPending(statesOf(scope));
        marked += await entries.makeDue();
      }
      if (scope === 'missing' || scope === 'all') {
        words?.library.reconcileSoon();
        for (const track of tracks) marked += (await track.reconcile()).marked;
      }
      spaces.retryNow();
      return marked;
    },

    async reindexFiles(fileIds) {
      const known = new Set((await assets.describeMany(fileIds)).map(({ fileId }) => fileId));
      const missing = fileIds.find((fileId) => !known.has(fileId));
      if (missing !== undefined) throw notAnImageError(missing);
      await spaces.markPending(fileIds, 'replacement');
      spaces.retryNow();
      return known.size;
    },

    async entriesOf(spaceId) {
      if (spaceId === undefined) return (await spaces.active()).entries;
      await spaces.find(spaceId);
      return entriesOf(spaceId);
    },

    async dropSpace(spaceId) {
      const known = await records.list();
      const isKnown = known.some(({ space }) => space.id === spaceId);
      const isStored = (await store.listSpaces()).some(({ id }) => id === spaceId);
      // A collection without a record was left behind by a database that no longer exists.
      if (isKnown || !isStored) await spaces.forget(spaceId);
      await entriesOf(spaceId).clear();
      await calibrations.forget(spaceId);
      await store.dropSpace(spaceId);
    },
  };
}

/** Entries that become due again, whatever reconciling finds. */
function statesOf(scope: ReindexScope): IndexState[] {
  switch (scope) {
    case 'missing':
      return [];
    case 'failed':
    case 'skipped':
      return [scope];
    case 'all':
      return ['indexed', 'skipped', 'failed'];
  }
}

function notAnImageError(fileId: number): ImageSearchError {
  return new ImageSearchError({
    code: 'file-not-found',
    message: `File ${String(fileId)} is not an image in the Media Library.`,
    retryable: false,
  });
}
