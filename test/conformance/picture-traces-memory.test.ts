import { MemoryPictureTraces } from '../support/memory-picture-traces';
import { describePictureTraces } from './picture-traces';

describePictureTraces('in memory', () => Promise.resolve(new MemoryPictureTraces()));
