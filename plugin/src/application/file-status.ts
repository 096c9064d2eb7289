import type { FileIndexResponse, FileIndexState } from '../contracts/file-status';
import type { ImageTraces } from '../duplicates/contract';
import { failureReason, ImageSearchError } from '../errors';
import type { AssetSource, IndexEntry, IndexState, IndexingHolds } from '../indexing/contract';
import type { SpaceTrack } from '../spaces/contract';
import type { SpaceManager } from '../spaces/space-manager';

/** Characters of a file's text that are shown. */
const SHOWN_TEXT = 1_000;

/** Whether searches find a single file, and why not. */
export interface FileStatus {
  /** Of an existing file, image or not. */
  describe(fileId: number): Promise<FileIndexResponse['data']>;
}

const STATE_OF_ENTRY = {
  pending: 'waiting',
  indexing: 'waiting',
  indexed: 'indexed',
  skipped: 'skipped',
  failed: 'failed',
} as const satisfies Record<IndexState, FileIndexState>;

export function createFileStatus(options: {
  spaces: Pick<SpaceManager, 'active'>;
  assets: Pick<AssetSource, 'describe'>;
  holds: Pick<IndexingHolds, 'current'>;
  traces: Pick<ImageTraces, 'get' | 'textsOf'>;
}): FileStatus {
  const { assets, holds, spaces, traces } = options;

  async function describeImage(fileId: number): Promise<FileIndexResponse['data']> {
    const active = await spaces.active();
    const [entry] = await active.entries.get([fileId]);
    const state = entry ? STATE_OF_ENTRY[entry.state] : 'not-queued';
    const isWaiting = state === 'waiting';
    const pause = isWaiting ? (active.workerStatus().pause?.error ?? null) : null;
    const [trace] = await traces.get([fileId]);
    const text = (await traces.textsOf([fileId])).get(fileId) ?? '';
    const code = entry?.errorCode ?? pause?.code ?? null;
    return {
      fileId,
      state,
      isSearchable: state === 'indexed' || (await hasFormerVector(active, fileId, entry)),
      isPaused: isWaiting && (pause !== null || (await holds.current()) !== null),
      code,
      reason: code && failureReason(code),
      message: entry?.errorMessage ?? pause?.message ?? null,
      indexedAt: entry?.indexedAt?.toISOString() ?? null,
      isPartial: trace?.isPartial ?? false,
      text: text === '' ? null : text.slice(0, SHOWN_TEXT),
    };
  }

  return {
    async describe(fileId) {
      if (await assets.describe(fileId)) return describeImage(fileId);
      return {
        fileId,
        state: 'not-an-image',
        isSearchable: false,
        isPaused: false,
        code: null,
        reason: null,
        message: null,
        indexedAt: null,
        isPartial: false,
        text: null,
      };
    },
  };
}

/** Whether searches still find an earlier version of an image that waits or failed. Opens nothing to find out. */
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
    // While the store is down, searches find nothing.
    if (error instanceof ImageSearchError) return false;
    throw error;
  }
}
