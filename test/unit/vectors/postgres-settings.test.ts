import { describe, expect, it } from '@jest/globals';
import { postgresConfigSchema } from '../../../plugin/src/vectors/postgres/config';
import { openPostgresStore } from '../../support/postgres-store';

describe('the settings of a store in PostgreSQL', () => {
  it.each(['public', 'information_schema', 'pg_catalog', 'pg_vectors'])(
    'refuse the schema %s by name',
    (schema) => {
      const { error } = postgresConfigSchema.safeParse({ store: 'postgres', schema });
      expect(error?.issues).toMatchObject([
        { path: ['schema'], message: `must not be ${schema}, which is for other tables` },
      ]);
    },
  );

  it("refuse the schema of Strapi's own tables", async () => {
    const { store } = openPostgresStore({ schema: 'cms' }, { schema: 'cms' });
    await expect(store.listSpaces()).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('"cms"'),
    });
    await store.dispose();
  });

  it.each([
    ['unknown' as const, "isn't known"],
    [null, "isn't PostgreSQL"],
  ])("need an address when Strapi's own database is %s", async (hostDatabase, reason) => {
    const { store } = openPostgresStore(hostDatabase);
    const { message, ok } = await store.checkHealth();
    expect(ok).toBe(false);
    expect(message).toContain(reason);
    expect(message).toContain('vectors.url');
    await store.dispose();
  });
});
