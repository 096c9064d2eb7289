import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { describeWithServer } from '../support/describe-with-server';
import { postgres } from '../support/postgres-server';

/** What a library does every day, and what asks the database the most. */
const suites = ['library-changes', 'library-imports', 'search-admin-permissions', 'search-results'];

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
