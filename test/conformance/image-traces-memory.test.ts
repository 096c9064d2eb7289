import { MemoryImageTraces } from '../support/memory-image-traces';
import { describeImageTraces } from './image-traces';

describeImageTraces('in memory', () => Promise.resolve(new MemoryImageTraces()));
