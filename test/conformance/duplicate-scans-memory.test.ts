import { MemoryDuplicateScans } from '../support/memory-duplicate-scans';
import { describeDuplicateScans } from './duplicate-scans';

describeDuplicateScans('in memory', () => Promise.resolve(new MemoryDuplicateScans()));
