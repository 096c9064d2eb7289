import type { ReindexScope } from '../../plugin/src/contracts/management';
import { ImageSearchError } from '../../plugin/src/errors';
import type { AssetSource, IndexEntries, IndexState } from '../../plugin/src/indexing/contract';
import type { Spaces } from '../../plugin/src/spaces/spaces';

/** Putting pictures into the queue because a person asks for it. */
export interface Reindexing {
  /** Answers how many files were put into the queue. */
  reindex(scope: ReindexScope): Promise<number>;
  /** The same of these files alone; fails with `file-not-found` when one is no picture of the library. */
  reindexFiles(fileIds: readonly number[]): Promise<number>;
}

export function createReindexing(options: {
  spaces: Spaces;
  assets: AssetSource;
  entriesOf: (spaceId: string) => IndexEntries;
}): Reindexing {
  const { assets, entriesOf, spaces } = options;

  return {
    async reindex(scope) {
      // Who asks may have mended something: what waits after a failure waits no longer.
      spaces.retryNow();
      const tracks = new Set([await spaces.answering(), ...spaces.running()]);
      let marked = 0;
      // Another process may be the one that indexes: its queues are marked all the same.
      for (const spaceId of await spaces.liveSpaceIds()) {
        const entries = entriesOf(spaceId);
        marked += await entries.markStatesPending(statesOf(scope));
        await entries.makeDue();
      }
      if (scope === 'missing' || scope === 'all') {
        for (const track of tracks) marked += (await track.reconcile()).marked;
      }
      spaces.retryNow();
      return marked;
    },

    async reindexFiles(fileIds) {
      const known = new Set((await assets.describeMany(fileIds)).map(({ fileId }) => fileId));
      const missing = fileIds.find((fileId) => !known.has(fileId));
      if (missing !== undefined) throw noPictureError(missing);
      await spaces.markPending(fileIds);
      spaces.retryNow();
      return known.size;
    },
  };
}

/** Entries that are made due again, whatever the comparison of library and index finds. */
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

function noPictureError(fileId: number): ImageSearchError {
  return new ImageSearchError({
    code: 'file-not-found',
    message: `The file ${String(fileId)} is no picture of the Media Library.`,
    retryable: false,
  });
}
