import { describe } from '@jest/globals';
import type { DatabaseIdentity, VectorStore } from '../../plugin/src/vectors/contract';
import { describeWithServer } from '../support/describe-with-server';
import { postgresWithVectors } from '../support/postgres-server';
import { openPostgresStore, runSql, startPostgresProxy } from '../support/postgres-store';
import type { AppDatabase } from '../support/strapi-environment';
import { pollUntil } from '../support/polling';
import { describeLargeCollection } from './vector-store/describe-search';
import { describeVectorStore, type VectorStoreHarness } from './vector-store';

describeWithServer(postgresWithVectors, 'on a real server', (server) => {
  let database: Promise<AppDatabase> | undefined;
  let schemas = 0;

  function createHarness(settings: Record<string, unknown> = {}): VectorStoreHarness {
    async function open() {
      database ??= server().createDatabase();
      const { connection } = await database;
      schemas += 1;
      const schema = `conformance_${String(schemas)}`;
      const proxy = await startPostgresProxy(connection.host ?? '');
      const access = { ...connection, host: proxy.folder };
      const openStore = (owner: DatabaseIdentity | null = null): VectorStore =>
        openPostgresStore(access, { schema, ...settings }, owner).store;
      let store = openStore();
      const others: VectorStore[] = [];
      return {
        proxy,
        store,
        openFor(owner: DatabaseIdentity) {
          const other = openStore(owner);
          others.push(other);
          return Promise.resolve(other);
        },
        async reopen() {
          await store.dispose();
          store = openStore();
          return store;
        },
        async settle() {
          await pollUntil(
            () => runSql(connection, `select from ${schema}.collections where graphs ? 'vectors'`),
            ({ length }) => length === 1,
          );
          return this.reopen();
        },
        async destroy() {
          await Promise.all([store, ...others].map((opened) => opened.dispose()));
          await proxy.close();
          await runSql(connection, `drop schema if exists ${schema} cascade`);
        },
      };
    }
    return {
      create: open,
      createShared: open,
      async createUnreachable() {
        const opened = await open();
        await opened.proxy.setDown(true);
        return { ...opened, repair: () => opened.proxy.setDown(false) };
      },
    };
  }

  describeVectorStore('PostgreSQL', createHarness());

  describe('vector store: PostgreSQL with an index', () => {
    const harness = createHarness({ hnsw: { from: 3_000 } });
    describeLargeCollection({ ...harness, settles: true, recall: 0.99 });
  });
});
