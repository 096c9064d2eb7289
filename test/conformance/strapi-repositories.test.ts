import { afterAll, beforeAll, describe } from '@jest/globals';
import { INDEX_ENTRY_UID, JOB_UID, SPACE_UID } from '../../server/src/plugin-id';
import { createIndexEntries } from '../../server/src/repositories/index-entries';
import { createJobLeases } from '../../server/src/repositories/job-leases';
import { createSpaceRecords } from '../../server/src/repositories/space-records';
import { describeWithServer } from '../support/database-server';
import { mariadb } from '../support/mariadb-server';
import { postgres } from '../support/postgres-server';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AppDatabase } from '../support/strapi-environment';
import { describeIndexEntries } from './index-entries';
import { describeJobLeases } from './job-leases';
import { describeSpaceRecords } from './space-records';

const nothing = (): Promise<void> => Promise.resolve();

/** Everything that is kept in Strapi's own database, in one boot of Strapi. */
function describeRepositories(createDatabase?: () => Promise<AppDatabase>): void {
  let app: StrapiApp | undefined;
  const strapi = (): StrapiApp['strapi'] => {
    if (app === undefined) throw new Error('Strapi is not running yet.');
    return app.strapi;
  };

  beforeAll(async () => {
    const database = await createDatabase?.();
    app = await startStrapi({
      ...(database && { database }),
      imageSearch: { indexing: { enabled: false } },
    });
  });
  afterAll(async () => {
    await app?.stop();
  });

  describeIndexEntries("in Strapi's database", {
    open: nothing,
    empty: async () => {
      await strapi().db.query(INDEX_ENTRY_UID).deleteMany({});
      return createIndexEntries(strapi(), { spaceId: () => 'here' });
    },
    ofAnotherSpace: () => createIndexEntries(strapi(), { spaceId: () => 'elsewhere' }),
    close: nothing,
  });
  describeSpaceRecords("in Strapi's database", {
    open: nothing,
    empty: async () => {
      await strapi().db.query(SPACE_UID).deleteMany({});
      return createSpaceRecords(strapi());
    },
    close: nothing,
  });
  describeJobLeases("in Strapi's database", async () => {
    await strapi().db.query(JOB_UID).deleteMany({});
    return createJobLeases(strapi());
  });
}

describe('SQLite', () => {
  describeRepositories();
});
for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, kind.name, (server) => {
    describeRepositories(() => server().createDatabase());
  });
}
