import { systemClock } from '../../plugin/src/clock';
import { MemoryJobLeases } from '../support/memory-job-leases';
import { describeJobLeases } from './job-leases';

describeJobLeases('in memory', () => Promise.resolve(new MemoryJobLeases(systemClock)));
