import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mapResponseSchema, type MapData, type MapResponse } from '../../plugin/src/contracts/map';
import { adminActions } from '../../plugin/src/contracts/identity';
import { createLibrary, sampleImages } from '../support/library';
import { pollUntil } from '../support/polling';
import type { RolePermission } from '../support/strapi-accounts';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import type { AdminCredentials, UploadedFile } from '../support/strapi-client';

const SEARCH = { action: adminActions.search };
const READ = { action: 'plugin::upload.read' };
const IMAGES = 9;

let app: StrapiApp;
let files: UploadedFile[];

beforeAll(async () => {
  app = await startStrapi();
});

afterAll(async () => {
  await app.stop();
});

async function ask(as?: AdminCredentials, query: { known?: string } = {}) {
  return app.request
    .get('/image-search/map')
    .query(query)
    .auth(await app.adminToken(as), { type: 'bearer' });
}

type Map = MapResponse & { data: MapData };

async function read(as?: AdminCredentials): Promise<Map> {
  const response = await ask(as);
  expect(response.status).toBe(200);
  const { data, meta } = mapResponseSchema.parse(response.body);
  if (!data) throw new Error('The map has no data.');
  return { data, meta };
}

async function adminWith(name: string, permissions: RolePermission[]): Promise<AdminCredentials> {
  const account = { email: `${name}@example.com`, password: 'Restricted-Admin-1' };
  await app.createRestrictedAdmin({ ...account, permissions });
  return account;
}

const isReady = ({ meta }: MapResponse): boolean => meta.state === 'ready';

describe('GET map', () => {
  it('is empty as long as too few images are indexed', async () => {
    const { data, meta } = await read();
    expect(meta).toEqual({
      state: 'empty',
      progress: null,
      madeAt: null,
      isSample: false,
      problem: null,
    });
    expect(data.fileIds).toEqual([]);
  });

  it('makes the map of the library when it is first asked for, and keeps it', async () => {
    const [first, ...others] = await sampleImages(IMAGES - 1);
    if (!first) throw new Error('There are no sample images.');
    const library = createLibrary(app);
    files = await library.upload(first, ...others, { ...first, fileName: 'again.png' });
    await app.waitUntilIndexed();
    const { meta } = await read();
    expect(meta).toMatchObject({ state: 'computing', problem: null });
    const { data } = await pollUntil(() => read(), isReady);
    expect([...data.fileIds].sort()).toEqual(files.map(({ id }) => id).sort());
    expect(data.x).toHaveLength(IMAGES);
    expect(Math.max(...data.x, ...data.y)).toBeLessThan(data.side);
    await pollUntil(
      () => Promise.resolve(existsSync(path.join(app.dataFolder, 'image-search-map.json'))),
      Boolean,
    );
  });

  it('doesn’t repeat a map that the caller has', async () => {
    const { meta } = await read();
    const { body } = await ask(undefined, { known: meta.madeAt ?? '' });
    expect(mapResponseSchema.parse(body)).toEqual({ data: null, meta });
  });

  it('is compressed for browsers', async () => {
    const response = await ask();
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(response.headers['cache-control']).toContain('private');
  });

  it('marks duplicates to review and unused files', async () => {
    const [used, again] = [files[0]?.id ?? 0, files.at(-1)?.id ?? 0];
    const { data } = await pollUntil(
      () => read(),
      ({ data: { duplicates } }) => duplicates.length > 0,
    );
    expect([...data.duplicates].sort()).toEqual([used, again].sort());
    expect(data.unused).toHaveLength(IMAGES);
  });

  it('shows only files that the caller may read', async () => {
    const stranger = await adminWith('stranger', [
      SEARCH,
      { ...READ, conditions: ['admin::is-creator'] },
    ]);
    const { data, meta } = await read(stranger);
    expect(meta.state).toBe('ready');
    expect(data).toMatchObject({ fileIds: [], x: [], y: [], duplicates: [], unused: [] });

    const blind = await adminWith('blind', [SEARCH]);
    expect((await ask(blind)).status).toBe(403);
    const reader = await adminWith('reader', [READ]);
    expect((await ask(reader)).status).toBe(403);
    expect((await app.request.get('/image-search/map')).status).toBe(401);
  });

  it('leaves deleted files out at once', async () => {
    const gone = files.at(-1)?.id ?? 0;
    await createLibrary(app).call('delete', `/upload/files/${String(gone)}`);
    const { data } = await read();
    expect(data.fileIds).not.toContain(gone);
    expect(data.fileIds).toHaveLength(IMAGES - 1);
    expect(data.duplicates).toEqual([]);
  });
});
