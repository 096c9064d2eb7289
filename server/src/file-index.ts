import type { FileIndexResponse, FileIndexState } from '../../plugin/src/contracts/file-index';
import { ImageSearchError } from '../../plugin/src/errors';
import type { AssetSource, IndexEntry, IndexState } from '../../plugin/src/indexing/contract';
import type { SpaceTrack } from '../../plugin/src/spaces/contract';
import type { Spaces } from '../../plugin/src/spaces/spaces';
import type { IndexingHolds } from './repositories/indexing-hold';

/** What the space that answers searches has of single files. */
export interface FileIndex {
  /** Of a file that is there, picture or not. */
  describe(fileId: number): Promise<FileIndexResponse['data']>;
}

const STATE_OF_ENTRY = {
  pending: 'waiting',
  indexing: 'waiting',
  indexed: 'indexed',
  skipped: 'skipped',
  failed: 'failed',
} as const satisfies Record<IndexState, FileIndexState>;

export function createFileIndex(options: {
  spaces: Pick<Spaces, 'answering'>;
  assets: Pick<AssetSource, 'describe'>;
  holds: Pick<IndexingHolds, 'current'>;
}): FileIndex {
  const { assets, holds, spaces } = options;

  async function describePicture(fileId: number): Promise<FileIndexResponse['data']> {
    const answering = await spaces.answering();
    const [entry] = await answering.entries.get([fileId]);
    const state = entry ? STATE_OF_ENTRY[entry.state] : 'unseen';
    const isWaiting = state === 'waiting';
    const pause = isWaiting ? (answering.workerStatus().pause?.error ?? null) : null;
    return {
      fileId,
      state,
      isFindable: state === 'indexed' || (await hasFormerVector(answering, fileId, entry)),
      isPaused: isWaiting && (pause !== null || (await holds.current()) !== null),
      reason: entry?.errorCode ?? pause?.code ?? null,
      message: entry?.errorMessage ?? pause?.message ?? null,
      indexedAt: entry?.indexedAt?.toISOString() ?? null,
    };
  }

  return {
    async describe(fileId) {
      if (await assets.describe(fileId)) return describePicture(fileId);
      return {
        fileId,
        state: 'not-a-picture',
        isFindable: false,
        isPaused: false,
        reason: null,
        message: null,
        indexedAt: null,
      };
    },
  };
}

/** Whether searches find a picture that is not indexed as it was before. Opens nothing for that. */
async function hasFormerVector(
  { activeSpace }: SpaceTrack,
  fileId: number,
  entry: IndexEntry | undefined,
): Promise<boolean> {
  const opened = activeSpace.state();
  if (entry?.indexedAt === null || opened.kind !== 'open') return false;
  try {
    return (await opened.space.collection.getMany([fileId])).length > 0;
  } catch (error) {
    // Without the store nothing is found, whatever it holds.
    if (error instanceof ImageSearchError) return false;
    throw error;
  }
}
