import { existsSync } from 'node:fs';
import { setTimeout as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { availableDrivers } from '../support/embedded-store';
import { createTextIndexFolder, wordsOf } from '../support/text-index-folder';
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

describe('the thread of the embedded text index', () => {
  it('closes the file when nothing is asked for a while, and opens it with the next call', async () => {
    const folder = await createTextIndexFolder();
    // SQLite removes it with the last connection.
    const journal = `${folder.file}-wal`;
    try {
      const index = folder.open('one', { restAfterMs: 100 });
      await index.upsert([wordsOf(1, { name: 'garlic.jpg' })]);
      expect(existsSync(journal)).toBe(true);
      while (existsSync(journal)) await nextTurn(10);
      const { hits } = await index.search({ text: 'garlic', limit: 5 });
      expect(hits.map(({ fileId }) => fileId)).toEqual([1]);
    } finally {
      await folder.destroy();
    }
  });
});
