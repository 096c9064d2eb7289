import { beforeEach, describe } from '@jest/globals';
import type { DuplicatePairs } from '../../plugin/src/duplicates/contract';
import { describeReviews } from './duplicate-pairs/reviews';
import { describePairListing } from './duplicate-pairs/listing';
import { describeRecording } from './duplicate-pairs/recording';
import type { ReviewedFiles } from './duplicate-pairs/situations';

/** The contract of DuplicatePairs; `empty` returns an implementation on the real time, with no pair. */
export function describeDuplicatePairs(
  name: string,
  empty: () => Promise<DuplicatePairs>,
  files: ReviewedFiles,
): void {
  describe(`duplicate pairs: ${name}`, () => {
    let opened: DuplicatePairs | undefined;
    beforeEach(async () => {
      opened = await empty();
    });

    const pairs = (): DuplicatePairs => {
      if (opened === undefined) throw new Error('The pairs are not open yet.');
      return opened;
    };
    describeRecording(pairs);
    describeReviews(pairs, files);
    describePairListing(pairs);
  });
}
