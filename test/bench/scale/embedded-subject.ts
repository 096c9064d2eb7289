import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createEmbeddedStore } from '../../../plugin/src/vectors/embedded';
import { indexFileOf } from '../../../plugin/src/vectors/embedded/index-file';
import { LEADING_FROM } from '../../../plugin/src/vectors/embedded/recall-keeper';
import { resolveBuiltWorker } from '../../../plugin/src/workers';
import { createRecordingLogger } from '../../support/recording-logger';
import { benchSpace } from './dataset';
import type { Subject } from './subject';

const PREFILTER_FROM = 1_000;
const POLL_MS = 500;

export function createEmbeddedSubject(folder: string): Subject {
  const file = path.join(folder, 'vectors.sqlite');
  const memoryBefore = process.memoryUsage.rss();
  const logger = createRecordingLogger();
  const program = resolveBuiltWorker('embedded-store');
  const open = () => createEmbeddedStore({ file, prefilterFrom: PREFILTER_FROM, logger, program });

  async function listFiles(): Promise<string[]> {
    const names = await readdir(folder);
    return names.filter((name) => name.startsWith(path.basename(file)));
  }

  return {
    store: open(),
    direct: null,
    isComparedExactly: true,
    async settle() {
      const store = open();
      const count = await (await store.ensureSpace(benchSpace)).count();
      const indexFile = path.basename(indexFileOf(file, 1));
      // It is saved once searches by leading dimensions are prepared.
      while (count >= LEADING_FROM && !(await listFiles()).includes(indexFile)) await wait(POLL_MS);
      await store.dispose();
    },
    async diskBytes() {
      const files = await listFiles();
      const sizes = await Promise.all(files.map((name) => stat(path.join(folder, name))));
      return sizes.reduce((sum, { size }) => sum + size, 0);
    },
    memoryBytes: () => Promise.resolve(process.memoryUsage.rss() - memoryBefore),
    remove: () => Promise.resolve(),
  };
}
