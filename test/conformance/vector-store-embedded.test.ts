import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { VectorStore } from '../../plugin/src/vectors/contract';
import { createEmbeddedStore, type EmbeddedStoreOptions } from '../../plugin/src/vectors/embedded';
import { availableDrivers, createEmbeddedStoreFolder } from '../support/embedded-store';
import { describeVectorStore, type VectorStoreHarness } from './vector-store';

function createHarness(options: Partial<EmbeddedStoreOptions>): VectorStoreHarness {
  return {
    async createShared() {
      const folder = await createEmbeddedStoreFolder();
      const opened: VectorStore[] = [];
      return {
        store: await folder.open(options),
        reopen: () => folder.open(options),
        openFor(database) {
          const store = createEmbeddedStore({
            prefilterFrom: 1,
            ...options,
            file: folder.file,
            logger: folder.logger,
            database: () => Promise.resolve(database),
          });
          opened.push(store);
          return Promise.resolve(store);
        },
        async destroy() {
          await Promise.all(opened.map((store) => store.dispose()));
          await folder.destroy();
        },
      };
    },
    async create() {
      const folder = await createEmbeddedStoreFolder();
      return {
        store: await folder.open(options),
        reopen: () => folder.open(options),
        destroy: () => folder.destroy(),
      };
    },
    async createUnreachable() {
      const folder = await createEmbeddedStoreFolder();
      const obstacle = path.dirname(folder.file);
      await writeFile(obstacle, 'a file where the folder should be');
      return {
        store: await folder.open(options),
        repair: () => rm(obstacle),
        destroy: () => folder.destroy(),
      };
    },
  };
}

describeVectorStore('embedded, searching the file', createHarness({ prefilterFrom: Infinity }));
describeVectorStore('embedded, searching the index in memory', createHarness({ prefilterFrom: 1 }));

const [, ...others] = availableDrivers();
for (const driver of others) {
  describeVectorStore(`embedded, with ${driver}`, createHarness({ drivers: [driver] }));
}
