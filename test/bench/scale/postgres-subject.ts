import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { createPostgresStore } from '../../../plugin/src/vectors/postgres';
import { postgresConfigSchema } from '../../../plugin/src/vectors/postgres/config';
import { Connection } from '../../../plugin/src/vectors/postgres/connection';
import { createRecordingLogger } from '../../support/recording-logger';
import { benchSpace } from './dataset';
import type { Subject } from './subject';

const SCHEMA = 'image_search_bench';
const POLL_MS = 500;
const TIMEOUT_SECONDS = 120;
const NEVER = 10_000_000;
/** Less than the usual one, so that the smallest size shows what an index brings. */
const INDEXED_FROM = 5_000;

/**
 * The database that POSTGRES_URL names, with an index or comparing all vectors.
 *
 * @param options.isKeeping whether it builds the index, once everything is stored
 */
export function createPostgresSubject(options: {
  isIndexed: boolean;
  isKeeping: boolean;
}): Subject {
  const { isIndexed, isKeeping } = options;
  const { POSTGRES_URL: url } = process.env;
  if (!url) throw new Error('POSTGRES_URL does not say where PostgreSQL is.');
  const projectFolder = process.cwd();
  const config = postgresConfigSchema.parse({
    store: 'postgres',
    url,
    schema: SCHEMA,
    hnsw: { from: isIndexed ? INDEXED_FROM : NEVER },
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  const store = createPostgresStore({
    config,
    hostDatabase: null,
    projectFolder,
    isCommand: !isKeeping,
    logger: createRecordingLogger(),
  });

  async function ask<Row>(schema: z.ZodType<Row>, text: string): Promise<Row> {
    const connection = new Connection({
      settings: { connectionString: url },
      projectFolder,
      connections: 2,
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    try {
      const [row] = await connection.send(schema, text);
      if (row === undefined) throw new Error('PostgreSQL returned no row.');
      return row;
    } finally {
      await connection.dispose();
    }
  }

  const isMeasured = () =>
    ask(
      z.object({ done: z.boolean() }),
      `select graphs ? 'vectors' as done from ${SCHEMA}.collections where space_id = '${benchSpace.id}'`,
    );

  return {
    store,
    direct: null,
    async settle() {
      if (!isIndexed) return;
      await store.ensureSpace(benchSpace);
      while (!(await isMeasured()).done) await wait(POLL_MS);
    },
    async diskBytes() {
      const { bytes } = await ask(
        z.object({ bytes: z.number() }),
        `select sum(pg_total_relation_size(oid))::float8 as bytes from pg_class
         where relnamespace = '${SCHEMA}'::regnamespace and relkind = 'r'`,
      );
      return bytes;
    },
    memoryBytes: () => Promise.resolve(null),
    remove: () => store.dropSpace(benchSpace.id),
  };
}
