import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { IndexingHold } from '../../../plugin/src/contracts/management';
import { PLUGIN_ID } from '../plugin-id';

const storedSchema = z.object({ since: z.string(), by: z.string().nullable() });

/** An operator's wish that nothing be indexed: it holds for all processes of a database, and over restarts. */
export interface IndexingHolds {
  /** Null while indexing is not stopped. */
  current(): Promise<IndexingHold | null>;
  /** Stops indexing. Whoever stopped it first is remembered. */
  begin(by: string | null): Promise<void>;
  /** Lets indexing go on; without effect while it is not stopped. */
  end(): Promise<void>;
}

export function createIndexingHolds(strapi: Core.Strapi): IndexingHolds {
  const store = strapi.store({ type: 'plugin', name: PLUGIN_ID, key: 'indexing-hold' });

  async function current(): Promise<IndexingHold | null> {
    return storedSchema.nullish().parse(await store.get({})) ?? null;
  }

  return {
    current,
    async begin(by) {
      if (await current()) return;
      await store.set({ value: { since: new Date().toISOString(), by } });
    },
    async end() {
      // Strapi's store has a row of each of two that stopped it at the same moment.
      while (await current()) await store.delete({});
    },
  };
}
