import { MemoryUsageRecords } from '../support/memory-usage-records';
import { describeUsageRecords } from './usage-records';

describeUsageRecords('in memory', () => Promise.resolve(new MemoryUsageRecords()));
