import { MemoryCalibrations } from '../support/memory-calibrations';
import { describeCalibrations } from './calibrations';

describeCalibrations('in memory', () => Promise.resolve(new MemoryCalibrations()));
