import { systemClock } from '../../plugin/src/clock';
import { MemoryDuplicatePairs } from '../support/memory-duplicate-pairs';
import { describeDuplicatePairs } from './duplicate-pairs';

const files = new Map<number, string>();

describeDuplicatePairs(
  'in memory',
  () => {
    const hasBytes = (fileId: number, hash: string): boolean => files.get(fileId) === hash;
    return Promise.resolve(new MemoryDuplicatePairs(systemClock, hasBytes));
  },
  {
    async add(fileId, contentHash) {
      files.set(fileId, contentHash);
      await Promise.resolve();
    },
    async remove(fileId) {
      files.delete(fileId);
      await Promise.resolve();
    },
  },
);
