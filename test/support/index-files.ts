import path from 'node:path';
import Database from 'better-sqlite3';
import type { IndexState } from '../../plugin/src/indexing/contract';
import { createEmbeddedStore } from '../../plugin/src/vectors/embedded';

/** An index entry in the database of an app that isn't running. */
export interface StoredEntry {
  spaceId: string;
  fileId: number;
  state: IndexState;
  attempts: number;
  lease: string | null;
  indexedAt: number | null;
}

/** Of all spaces, ascending by file id. */
export function readStoredEntries(dataFolder: string): StoredEntry[] {
  const database = new Database(path.join(dataFolder, 'strapi.sqlite'), { readonly: true });
  try {
    return database
      .prepare<[], StoredEntry>(
        `select space_id spaceId, file_id fileId, state, attempts, lease, indexed_at indexedAt
         from image_search_index_entries order by file_id`,
      )
      .all();
  } finally {
    database.close();
  }
}

/** Changes the database as imports and raw SQL do: a running app isn't notified. */
export function changeRows(
  dataFolder: string,
  statement: string,
  fileIds: readonly (number | undefined)[],
): void {
  const database = new Database(path.join(dataFolder, 'strapi.sqlite'), { timeout: 10_000 });
  try {
    const change = database.prepare(statement);
    for (const fileId of fileIds) {
      if (change.run(fileId).changes !== 1) throw new Error(`No row of file ${String(fileId)}.`);
    }
  } finally {
    database.close();
  }
}

/** Ids of all files that have a vector in the store of an app that has only one space, ascending. */
export async function readStoredIds(dataFolder: string): Promise<number[]> {
  const [ids, ...others] = (await readStoredSpaces(dataFolder)).values();
  if (!ids || others.length > 0) throw new Error('Expected one space in the vector store.');
  return ids;
}

/** Ids of all files that have a vector, ascending, by the space. */
export async function readStoredSpaces(dataFolder: string): Promise<Map<string, number[]>> {
  const store = createEmbeddedStore({
    file: path.join(dataFolder, 'image-search.sqlite'),
    prefilterFrom: 20_000,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  try {
    const stored = new Map<string, number[]>();
    for (const space of await store.listSpaces()) {
      const collection = await store.ensureSpace(space);
      const { ids } = await collection.listIds(null, 10_000);
      if (ids.length !== (await collection.count())) throw new Error('The count is wrong.');
      stored.set(space.id, ids);
    }
    return stored;
  } finally {
    await store.dispose();
  }
}

function ignore(): void {
  // Tests don't need the log.
}
