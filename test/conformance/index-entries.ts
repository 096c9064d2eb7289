import { afterAll, beforeAll, beforeEach, describe } from '@jest/globals';
import type { IndexEntries } from '../../plugin/src/indexing/contract';
import { describeClaims } from './index-entries/claims';
import { describeLeases } from './index-entries/leases';
import { describeListing } from './index-entries/listing';
import { describeMarking } from './index-entries/marking';
import { describeOutcomes } from './index-entries/outcomes';
import { describeSeparation } from './index-entries/separation';

/** How the suite gets hold of an implementation that runs on the real time. */
export interface IndexEntriesHarness {
  open(): Promise<void>;
  /** The opened queue, with no entry in it; called before every test. */
  empty(): Promise<IndexEntries>;
  /** The queue of another space in the same place. */
  ofAnotherSpace(): IndexEntries;
  close(): Promise<void>;
}

/** The contract of IndexEntries, as tests that each implementation runs. */
export function describeIndexEntries(name: string, harness: IndexEntriesHarness): void {
  describe(`index entries: ${name}`, () => {
    let opened: IndexEntries | undefined;
    beforeAll(() => harness.open());
    beforeEach(async () => {
      opened = await harness.empty();
    });
    afterAll(() => harness.close());

    const entries = (): IndexEntries => {
      if (opened === undefined) throw new Error('The queue is not open yet.');
      return opened;
    };
    describeMarking(entries);
    describeClaims(entries);
    describeOutcomes(entries);
    describeLeases(entries);
    describeListing(entries);
    describeSeparation(entries, () => harness.ofAnotherSpace());
  });
}
