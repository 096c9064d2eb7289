import { SPACE_UID } from '../../server/src/plugin-id';
import { createSpaceRecords } from '../../server/src/repositories/space-records';
import { describeWithServer } from '../support/database-server';
import { mariadb } from '../support/mariadb-server';
import { postgres } from '../support/postgres-server';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';
import { describeSpaceRecords } from './space-records';

function describeOn(databaseName: string, createDatabase?: () => Promise<AppDatabase>): void {
  let app: StrapiApp | undefined;
  const running = (): StrapiApp => {
    if (app === undefined) throw new Error('Strapi is not running yet.');
    return app;
  };
  describeSpaceRecords(`in Strapi's database, ${databaseName}`, {
    open: async () => {
      const database = await createDatabase?.();
      app = await startStrapi({
        ...(database && { database }),
        imageSearch: { indexing: { enabled: false } },
      });
    },
    empty: async () => {
      await running().strapi.db.query(SPACE_UID).deleteMany({});
      return createSpaceRecords(running().strapi);
    },
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
