import type { Clock } from '../../plugin/src/clock';
import type { ScanResponse } from '../../plugin/src/contracts/duplicates';
import { ComparisonQueue } from '../../plugin/src/duplicates/comparison-queue';
import type {
  DuplicateFinder,
  DuplicatePairs,
  DuplicatePolicy,
  DuplicateScans,
  DuplicateWatch,
  PictureTraces,
} from '../../plugin/src/duplicates/contract';
import { createDuplicateFinder } from '../../plugin/src/duplicates/finder';
import { IsolatingComparison } from '../../plugin/src/duplicates/isolating-comparison';
import { LibraryComparison, type Pass } from '../../plugin/src/duplicates/library-comparison';
import { PairRemovals } from '../../plugin/src/duplicates/pair-removals';
import type { LeaseOwner } from '../../plugin/src/indexing/lease';
import type { Logger } from '../../plugin/src/logger';
import type { JobLeases } from '../../plugin/src/scheduling/contract';
import type { SpaceRecords } from '../../plugin/src/spaces/contract';
import { answeringOf } from '../../plugin/src/spaces/roles';
import type { VectorCollection, VectorStore } from '../../plugin/src/vectors/contract';
import { LibraryScan } from './library-scan';

export interface DuplicateDetectionParts {
  policy: DuplicatePolicy;
  traces: PictureTraces;
  pairs: DuplicatePairs;
  records: Pick<SpaceRecords, 'list'>;
  store: Pick<VectorStore, 'ensureSpace'>;
  scans: DuplicateScans;
  jobs: JobLeases;
  /** Whether this process indexes pictures right now. */
  isIndexing: () => boolean;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/** All that looks for duplicates. */
export interface DuplicateDetection {
  readonly finder: DuplicateFinder;
  /** What indexing tells. */
  readonly watch: DuplicateWatch;
  readonly scan: Pick<LibraryScan, 'describe' | 'begin' | 'halt'>;
  /** Forgets the pairs of files that are gone, in the background. */
  removePairs(fileIds: readonly number[]): void;
  /** Compares in the background what is left. */
  start(): void;
  stop(): Promise<void>;
}

export function createDuplicateDetection(parts: DuplicateDetectionParts): DuplicateDetection {
  const { isIndexing, logger, pairs, policy, records, scans, traces } = parts;
  const openCollection = createCollectionOpener(parts);
  const finder = createDuplicateFinder({ traces, openCollection });
  const comparison = new LibraryComparison({ traces, pairs, finder, openCollection });
  const currentPass = async (): Promise<Pass> => {
    const spaceId = answeringOf(await records.list())?.space.id ?? null;
    const { number } = await scans.read();
    return { mark: `${String(number)}:${spaceId ?? ''}`, spaceId };
  };
  const watch = new ComparisonQueue({
    ...{ comparison, logger, pairs, traces },
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
    },
  };
}

/**
 * The vectors of the space that answers, without its model: that may be down while the store is not. What was opened
 * last is kept.
 */
function createCollectionOpener({
  records,
  store,
}: Pick<DuplicateDetectionParts, 'records' | 'store'>): () => Promise<VectorCollection | null> {
  let opened: VectorCollection | null = null;
  return async () => {
    const answering = answeringOf(await records.list());
    if (answering === null) return null;
    if (opened?.space.id !== answering.space.id) opened = await store.ensureSpace(answering.space);
    return opened;
  };
}
