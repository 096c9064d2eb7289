import { MemoryJobLeases } from '../support/memory-job-leases';
import { describeJobLeases } from './job-leases';

describeJobLeases('in memory', (clock) => Promise.resolve(new MemoryJobLeases(clock)));
