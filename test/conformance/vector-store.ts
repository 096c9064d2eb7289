import { describe } from '@jest/globals';
import { describeBytes } from './vector-store/describe-bytes';
import { describeFilters } from './vector-store/describe-filters';
import { describeDisposal, describeReachability } from './vector-store/describe-lifecycle';
import { describePoints } from './vector-store/describe-points';
import { describeLargeCollection, describeSearch } from './vector-store/describe-search';
import { describeSpaces } from './vector-store/describe-spaces';
import { describeViews } from './vector-store/describe-views';
import type { VectorStoreHarness } from './vector-store/harness';

export type { UnreachableVectorStore, VectorStoreHarness } from './vector-store/harness';

/** The contract of VectorStore, as tests that each implementation runs. */
export function describeVectorStore(name: string, harness: VectorStoreHarness): void {
  describe(`vector store: ${name}`, () => {
    describeSpaces(harness);
    describePoints(harness);
    describeSearch(harness);
    describeFilters(harness);
    describeLargeCollection(harness);
    describeBytes(harness);
    if (harness.isReplayed !== true) describeViews(harness);
    describeReachability(harness);
    describeDisposal(harness);
  });
}
