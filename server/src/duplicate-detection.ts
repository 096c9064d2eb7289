import { ComparisonQueue } from '../../plugin/src/duplicates/comparison-queue';
import type {
  DuplicateFinder,
  DuplicatePairs,
  DuplicatePolicy,
  DuplicateWatch,
  PictureTraces,
} from '../../plugin/src/duplicates/contract';
import { createDuplicateFinder } from '../../plugin/src/duplicates/finder';
import { LibraryComparison, type Pass } from '../../plugin/src/duplicates/library-comparison';
import type { Logger } from '../../plugin/src/logger';
import type { SpaceRecords } from '../../plugin/src/spaces/contract';
import { answeringOf } from '../../plugin/src/spaces/roles';
import type { VectorCollection, VectorStore } from '../../plugin/src/vectors/contract';

export interface DuplicateDetectionParts {
  policy: DuplicatePolicy;
  traces: PictureTraces;
  pairs: DuplicatePairs;
  records: Pick<SpaceRecords, 'list'>;
  store: Pick<VectorStore, 'ensureSpace'>;
  logger: Logger;
}

/** All that looks for duplicates. */
export interface DuplicateDetection {
  readonly finder: DuplicateFinder;
  /** What indexing tells. */
  readonly watch: DuplicateWatch;
  stop(): Promise<void>;
}

export function createDuplicateDetection(parts: DuplicateDetectionParts): DuplicateDetection {
  const { logger, pairs, policy, records, traces } = parts;
  const openCollection = createCollectionOpener(parts);
  const finder = createDuplicateFinder({ traces, openCollection });
  const comparison = new LibraryComparison({ traces, pairs, finder, openCollection });
  const currentPass = async (): Promise<Pass> => {
    const spaceId = answeringOf(await records.list())?.space.id ?? null;
    return { mark: spaceId ?? '', spaceId };
  };
  const watch = new ComparisonQueue({
    ...{ comparison, logger, pairs, traces },
    currentPass: policy === 'off' ? null : currentPass,
  });
  return {
    finder,
    watch,
    stop: () => watch.stop(),
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
