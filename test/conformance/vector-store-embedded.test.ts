import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createEmbeddedStoreFolder } from '../support/embedded-store';
import { describeVectorStore, type VectorStoreHarness } from './vector-store';

function createHarness(prefilterFrom: number): VectorStoreHarness {
  return {
    async create() {
      const folder = await createEmbeddedStoreFolder();
      return {
        store: await folder.open({ prefilterFrom }),
        reopen: () => folder.open({ prefilterFrom }),
        destroy: () => folder.destroy(),
      };
    },
    async createUnreachable() {
      const folder = await createEmbeddedStoreFolder();
      const obstacle = path.dirname(folder.file);
      await writeFile(obstacle, 'a file where the folder should be');
      return {
        store: await folder.open({ prefilterFrom }),
        mend: () => rm(obstacle),
        destroy: () => folder.destroy(),
      };
    },
  };
}

describeVectorStore('embedded, searching the file', createHarness(Infinity));
describeVectorStore('embedded, searching the index in memory', createHarness(1));
