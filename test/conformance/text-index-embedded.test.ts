import { availableDrivers } from '../support/embedded-store';
import { createTextIndexFolder } from '../support/text-index-folder';
import { describeTextIndex } from './text-index';

for (const driver of availableDrivers()) {
  describeTextIndex(`embedded, with ${driver}`, {
    async create() {
      const folder = await createTextIndexFolder([driver]);
      return {
        index: folder.open(),
        reopen: () => Promise.resolve(folder.open()),
        openFor: (databaseId) => Promise.resolve(folder.open(databaseId)),
        destroy: () => folder.destroy(),
      };
    },
  });
}
