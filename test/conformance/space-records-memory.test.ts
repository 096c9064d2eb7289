import { MemorySpaceRecords } from '../support/memory-space-records';
import { describeSpaceRecords } from './space-records';

describeSpaceRecords('in memory', {
  open: () => Promise.resolve(),
  empty: () => Promise.resolve(new MemorySpaceRecords()),
  close: () => Promise.resolve(),
});
