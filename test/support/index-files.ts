import path from 'node:path';
import Database from 'better-sqlite3';
import type { IndexState } from '../../plugin/src/indexing/contract';
import { createEmbeddedStore } from '../../plugin/src/vectors/embedded';

/** An index entry as it lies in the database of an app that is not running. */
export interface StoredEntry {
  fileId: number;
  state: IndexState;
  attempts: number;
  lease: string | null;
  indexedAt: number | null;
}

/** Ascending by file id. */
export function readStoredEntries(dataFolder: string): StoredEntry[] {
  const database = new Database(path.join(dataFolder, 'strapi.sqlite'), { readonly: true });
  try {
    return database
      .prepare<[], StoredEntry>(
        `select file_id fileId, state, attempts, lease, indexed_at indexedAt
         from image_search_index_entries order by file_id`,
      )
      .all();
  } finally {
    database.close();
  }
}

/** Ids of all files that have a vector in the store of an app that is not running, ascending. */
export async function readStoredIds(dataFolder: string): Promise<number[]> {
  const store = createEmbeddedStore({
    file: path.join(dataFolder, 'image-search.sqlite'),
    prefilterFrom: 20_000,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  try {
    const [space, ...others] = await store.listSpaces();
    if (!space || others.length > 0) throw new Error('Expected one space in the vector store.');
    const collection = await store.ensureSpace(space);
    const { ids } = await collection.listIds(null, 10_000);
    if (ids.length !== (await collection.count())) throw new Error('The count is wrong.');
    return ids;
  } finally {
    await store.dispose();
  }
}

function ignore(): void {
  // Nothing of this is of interest to a test.
}
