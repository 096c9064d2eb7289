import { createIndexEntries } from '../../server/src/repositories/index-entries';
import { INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { describeWithServer } from '../support/database-server';
import { mariadb } from '../support/mariadb-server';
import { postgres } from '../support/postgres-server';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';
import { describeIndexEntries } from './index-entries';

function describeOn(databaseName: string, createDatabase?: () => Promise<AppDatabase>): void {
  let app: StrapiApp | undefined;
  const running = (): StrapiApp => {
    if (app === undefined) throw new Error('Strapi is not running yet.');
    return app;
  };
  describeIndexEntries(`in Strapi's database, ${databaseName}`, {
    open: async () => {
      const database = await createDatabase?.();
      app = await startStrapi({
        ...(database && { database }),
        imageSearch: { indexing: { enabled: false } },
      });
    },
    empty: async () => {
      await running().strapi.db.query(INDEX_ENTRY_UID).deleteMany({});
      return createIndexEntries(running().strapi, { spaceId: () => 'here' });
    },
    ofAnotherSpace: () => createIndexEntries(running().strapi, { spaceId: () => 'elsewhere' }),
    close: async () => {
      await app?.stop();
    },
  });
}

describeOn('SQLite');
for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, kind.name, (server) => {
    describeOn(kind.name, () => server().createDatabase());
  });
}
