import { systemClock } from '../../plugin/src/clock';
import { MemoryIndexEntries } from '../support/memory-index-entries';
import { describeIndexEntries } from './index-entries';

describeIndexEntries('in memory', {
  open: () => Promise.resolve(),
  empty: () => Promise.resolve(new MemoryIndexEntries(systemClock)),
  ofAnotherSpace: () => new MemoryIndexEntries(systemClock),
  close: () => Promise.resolve(),
});
