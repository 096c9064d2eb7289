import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createEmbeddedStore } from '../../../plugin/src/vectors/embedded';
import { resolveBuiltWorker } from '../../../plugin/src/workers';
import { createRecordingLogger } from '../../support/recording-logger';
import type { Subject } from './subject';

const PREFILTER_FROM = 1_000;

export function createEmbeddedSubject(folder: string): Subject {
  const file = path.join(folder, 'vectors.sqlite');
  const memoryBefore = process.memoryUsage.rss();
  const logger = createRecordingLogger();
  const program = resolveBuiltWorker('embedded-store');
  return {
    store: createEmbeddedStore({ file, prefilterFrom: PREFILTER_FROM, logger, program }),
    direct: null,
    settle: () => Promise.resolve(),
    diskBytes: async () => (await stat(file)).size,
    memoryBytes: () => Promise.resolve(process.memoryUsage.rss() - memoryBefore),
    remove: () => Promise.resolve(),
  };
}
