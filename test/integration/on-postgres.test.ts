import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { describeWithServer } from '../support/describe-with-server';
import { postgres } from '../support/postgres-server';
import { sizeOf } from '../support/test-size';

/** What a library does every day, and what asks the database the most. */
const common = ['library-changes', 'library-imports', 'search-results'];
const suites = sizeOf({ ci: common, long: [...common, 'search-admin-permissions'] });

/** Suites that run on SQLite by themselves, on a database of their own each. */
describeWithServer(postgres, 'on PostgreSQL', (server) => {
  describe.each(suites)('%s', (suite) => {
    beforeAll(async () => {
      process.env.APP_DATABASE = JSON.stringify(await server().createDatabase());
    });
    afterAll(() => {
      delete process.env.APP_DATABASE;
    });
    jest.requireActual(`./${suite}.test`);
  });
});
