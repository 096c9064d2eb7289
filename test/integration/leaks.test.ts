import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { contentTypes } from '../../server/src/content-types';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

let app: StrapiApp;

beforeAll(async () => {
  app = await startStrapi({ env: { GRAPHQL_ENABLED: 'true' } });
});

afterAll(async () => {
  await app.stop();
});

const names: string[] = Object.values(contentTypes).flatMap(({ schema }) => {
  const { singularName, pluralName } = (schema as { info: Record<string, string> }).info;
  return [singularName ?? '', pluralName ?? ''];
});
/** `index-entry` → `indexentry`, as it is part of every name that is generated from it. */
const flat = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');
const uids = Object.keys(contentTypes).map((name) => `plugin::image-search.${name}`);

describe('GraphQL', () => {
  interface Named {
    name: string;
    fields: { name: string }[] | null;
  }

  /** What searches answer. */
  const ours = [
    'imageSearch',
    'ImageSearchCount',
    'ImageSearchFacet',
    'ImageSearchFacets',
    'ImageSearchGroup',
    'ImageSearchGrouping',
    'ImageSearchHit',
    'ImageSearchKind',
    'ImageSearchMode',
    'ImageSearchOrientation',
    'ImageSearchPage',
    'ImageSearchRegion',
    'ImageSearchRelevance',
    'ImageSearchResults',
    'ImageSearchView',
  ];

  it('has no type, query, mutation, input or enum of our tables', async () => {
    const query = '{ __schema { types { name fields { name } inputFields { name } } } }';
    const { body, status } = await app.request.post('/graphql').send({ query });
    expect(status).toBe(200);
    const { types } = (body as { data: { __schema: { types: Named[] } } }).data.__schema;
    const fields = types.flatMap((type) => (type.fields ?? []).map((field) => field.name));
    // What a content type that isn't hidden has.
    expect(types.map(({ name }) => name)).toContain('UploadFileFiltersInput');
    expect(fields).toContain('uploadFiles');
    const found = [...types.map(({ name }) => name), ...fields].filter((name) => {
      const candidate = flat(name);
      return (
        /imagesearch|enumindexentry/.test(candidate) ||
        // "space" and "job" are words of others, too.
        names.some((own) => candidate.includes(flat(own)) && own.includes('-')) ||
        ['space', 'spaces', 'job', 'jobs'].includes(candidate)
      );
    });
    expect([...new Set(found)].sort()).toEqual(ours.sort());
  });

  it('answers no query for an index entry', async () => {
    const token = await app.createApiToken({ name: 'reads', type: 'full-access' });
    const { body } = await app.request
      .post('/graphql')
      .auth(token, { type: 'bearer' })
      .send({ query: '{ imageSearchIndexEntries { fileId errorMessage } }' });
    expect(JSON.stringify(body)).toMatch(/Cannot query field .*imageSearchIndexEntries/);
  });
});

describe('permissions', () => {
  const admin = async (path: string): Promise<unknown> => {
    const token = await app.adminToken();
    const { body, status } = await app.request.get(path).auth(token, { type: 'bearer' });
    expect(status).toBe(200);
    return body;
  };

  it.each(['/admin/content-api/permissions', '/users-permissions/permissions'])(
    'of %s list what the content API does, and no table',
    async (path) => {
      const body = JSON.stringify(await admin(path));
      const { 'plugin::image-search': listed } = actionsOf(JSON.parse(body));
      expect(listed).toEqual({
        duplicates: ['findOne'],
        embeddings: ['create'],
        previews: ['findOne'],
        related: ['find'],
        search: ['find'],
        similar: ['find'],
        status: ['find'],
        usage: ['findOne'],
      });
      for (const uid of uids) expect(body).not.toContain(uid);
    },
  );

  it('of roles in the panel name no table', async () => {
    const body = JSON.stringify(await admin('/admin/permissions'));
    expect(body).toContain('plugin::image-search.search');
    for (const uid of uids) expect(body).not.toContain(`"${uid}"`);
  });
});

type Actions = Record<string, { controllers: Record<string, unknown> }>;

/** Both list controllers by plugin; their methods are the values, or their keys. */
function actionsOf(body: unknown): Record<string, Record<string, string[]>> {
  const { data, permissions } = body as { data?: Actions; permissions?: Actions };
  return Object.fromEntries(
    Object.entries(data ?? permissions ?? {}).map(([plugin, { controllers }]) => [
      plugin,
      Object.fromEntries(
        Object.entries(controllers)
          .map(([name, methods]): [string, string[]] => [
            name,
            Array.isArray(methods) ? (methods as string[]) : Object.keys(methods as object),
          ])
          .filter(([, methods]) => methods.length > 0),
      ),
    ]),
  );
}
