import type { Clock } from '../clock';
import type { ScanResponse } from '../contracts/duplicates';
import type {
  DuplicateFinder,
  DuplicatePairs,
  DuplicatePolicy,
  DuplicateScans,
  DuplicateWatch,
  ImageTraces,
} from '../duplicates/contract';
import { createDuplicateFinder } from '../duplicates/finder';
import {
  IsolatingComparison,
  LibraryComparison,
  type Pass,
} from '../duplicates/library-comparison';
import { createPixelConfirmation, type PairConfirmation } from '../duplicates/pixel-confirmation';
import { PixelWorker } from '../duplicates/pixel-worker';
import { ComparisonQueue, PairRemovals } from '../duplicates/queues';
import type { ImageReader } from '../images/contract';
import type { AssetSource } from '../indexing/contract';
import { hashOf, withContent, type ReadLimits } from '../indexing/file-content';
import type { JobLeases, LeaseOwner } from '../lease';
import type { Logger } from '../logger';
import { PIXEL_VERSION } from '../matching/contract';
import type { SpaceRecords } from '../spaces/contract';
import { activeOf } from '../spaces/roles';
import type { VectorCollection, VectorStore } from '../vectors/contract';
import { LibraryScan } from './library-scan';

export interface DuplicateDetectionParts {
  policy: DuplicatePolicy;
  traces: ImageTraces;
  pairs: DuplicatePairs;
  records: Pick<SpaceRecords, 'list'>;
  /** The active space's vectors without its model; null before the first one was opened. */
  openCollection: CollectionOpener;
  scans: DuplicateScans;
  assets: Pick<AssetSource, 'describeMany' | 'read' | 'withFile'>;
  images: ImageReader;
  limits: ReadLimits;
  jobs: JobLeases;
  /** Whether this process indexes images right now. */
  isIndexing: () => boolean;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/** Files with the same bytes that are looked at. */
const MOST_IDENTICAL = 5;

/** Duplicate detection: finder, queue, scan. */
export interface DuplicateDetection {
  readonly finder: DuplicateFinder;
  readonly confirmation: PairConfirmation;
  /** Reads a file's bytes, within the limits of indexing. */
  read(fileId: number, signal: AbortSignal | undefined): Promise<Uint8Array>;
  /**
   * Files of the library with ids below `olderThan` that have the same bytes as this one now, ascending. Reads the file,
   * and those that are found.
   *
   * @throws ImageSearchError for a file that isn't an image of the library or can't be read
   */
  identicalTo(
    fileId: number,
    options: { olderThan: number; signal: AbortSignal },
  ): Promise<number[]>;
  /** Indexing reports to it. */
  readonly watch: DuplicateWatch;
  readonly scan: Pick<LibraryScan, 'describe' | 'begin' | 'halt'>;
  /** Removes the pairs of deleted files, in the background. */
  removePairs(fileIds: readonly number[]): void;
  /** Compares the remaining images in the background. */
  start(): void;
  stop(): Promise<void>;
}

export function createDuplicateDetection(parts: DuplicateDetectionParts): DuplicateDetection {
  const { assets, images, isIndexing, limits, logger, openCollection, pairs } = parts;
  const { policy, records, scans, traces } = parts;
  const pixels = new PixelWorker();
  const finder = createDuplicateFinder({ traces, openCollection, judging: pixels.judge });
  const confirmation = createPixelConfirmation({ images, pixels });
  const read = (fileId: number, signal: AbortSignal | undefined): Promise<Uint8Array> =>
    assets.read(fileId, { maxBytes: limits.maxBytes, signal });
  const hashFile = async (fileId: number, signal: AbortSignal): Promise<string> => {
    const [asset] = await assets.describeMany([fileId]);
    const described = asset ?? { fileId, mimeType: '' };
    return withContent(assets, described, { ...limits, signal }, (content) =>
      hashOf(content, signal),
    );
  };
  const comparison = new LibraryComparison({
    traces,
    pairs,
    finder,
    confirmation,
    read,
    openCollection,
  });
  const currentPass = async (): Promise<Pass> => {
    const spaceId = activeOf(await records.list())?.space.id ?? null;
    const { number } = await scans.read();
    // Another version of the comparison confirms everything again.
    const version = `pixels-${String(PIXEL_VERSION)}`;
    return { mark: `${String(number)}:${version}:${spaceId ?? ''}`, spaceId };
  };
  const watch = new ComparisonQueue({
    comparison,
    logger,
    pairs,
    traces,
    currentPass: policy === 'off' ? null : currentPass,
  });
  const scan = new LibraryScan({
    ...parts,
    currentPass,
    comparison: new IsolatingComparison({ comparison, traces, logger }),
    isBusy: () => isIndexing() || watch.isBusy(),
  });
  const removals = new PairRemovals({ pairs, logger });
  const describeOff = async (): Promise<ScanResponse['data']> => ({
    ...(await scan.describe()),
    state: 'off',
  });
  const isOff = policy === 'off';
  return {
    finder,
    confirmation,
    read,
    async identicalTo(fileId, { olderThan, signal }) {
      const contentHash = await hashFile(fileId, signal);
      const found = await traces.withContentHash(contentHash, MOST_IDENTICAL);
      const others = found.filter((id) => id < olderThan);
      // Its trace tells what a file was when it was indexed; a file in the trash can't be read.
      const isSame = await Promise.all(
        others.map(async (id) => (await hashFile(id, signal).catch(() => null)) === contentHash),
      );
      return others.filter((_id, index) => isSame[index]);
    },
    watch,
    scan: isOff ? { describe: describeOff, begin: describeOff, halt: describeOff } : scan,
    removePairs: (fileIds) => {
      removals.add(fileIds);
    },
    start() {
      if (!isOff) scan.start();
    },
    async stop() {
      await Promise.all([watch.stop(), scan.stop(), removals.stop()]);
      await pixels.stop();
    },
  };
}

export type CollectionOpener = () => Promise<VectorCollection | null>;

/** The active space's vectors without its model, which may be down while the store isn't. Keeps the last one open. */
export function createCollectionOpener(
  records: Pick<SpaceRecords, 'list'>,
  store: Pick<VectorStore, 'ensureSpace'>,
): CollectionOpener {
  let opened: VectorCollection | null = null;
  return async () => {
    const active = activeOf(await records.list());
    if (active === null) return null;
    if (opened?.space.id !== active.space.id) opened = await store.ensureSpace(active.space);
    return opened;
  };
}
