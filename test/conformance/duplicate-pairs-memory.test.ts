import { systemClock } from '../../plugin/src/clock';
import { MemoryDuplicatePairs } from '../support/memory-duplicate-pairs';
import { describeDuplicatePairs } from './duplicate-pairs';

describeDuplicatePairs('in memory', () => Promise.resolve(new MemoryDuplicatePairs(systemClock)));
