import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checksResponseSchema, type Check } from '../../plugin/src/contracts/checks';
import { startCommand, type CommandEnd } from '../support/copy-command';
import { createLibrary, sampleImage } from '../support/library';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const STACK = /^\s+at /m;

function run(dataFolder: string, options: Partial<Parameters<typeof startCommand>[0]> = {}) {
  return startCommand({ given: ['doctor'], dataFolder, ...options }).end;
}

function lineOf({ output }: CommandEnd, name: string): string {
  return output.split('\n').find((line) => line.slice(2).startsWith(`${name}:`)) ?? '';
}

function checkOf(checks: readonly Check[], id: Check['id']): Check | undefined {
  return checks.find((check) => check.id === id);
}

describe('the checks of a running Strapi', () => {
  let app: StrapiApp;

  beforeAll(async () => {
    app = await startStrapi();
    await createLibrary(app).upload(await sampleImage('dog'), await sampleImage('guitar'));
    await app.waitUntilIndexed();
  });
  afterAll(() => app.stop());

  async function readChecks(): Promise<Check[]> {
    const { body, status } = await app.request
      .get('/image-search/checks')
      .auth(await app.adminToken(), { type: 'bearer' });
    expect(status).toBe(200);
    return checksResponseSchema.parse(body).data.checks;
  }

  it('pass over HTTP, and say what was found', async () => {
    const checks = await readChecks();
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(checkOf(checks, 'node')?.found).toContain(process.versions.node);
    expect(checkOf(checks, 'index')?.found).toBe('2 of 2 images are searchable.');
    expect(checkOf(checks, 'store')?.found).toContain('model: 2 vectors');
    expect(checkOf(checks, 'storage')?.found).toMatch(/^local: read ".+", [\d,]+ bytes\.$/);
    expect(checkOf(checks, 'permissions')?.found).toContain(
      'Super Admin (search, duplicates, manage)',
    );
  });

  it('pass on the command line beside it, which changes nothing', async () => {
    const readSchema = () => app.strapi.db.connection('strapi_database_schema').select();
    const before = await readSchema();
    const end = await run(app.dataFolder);
    expect(end.errors).toBe('');
    expect(end.output).not.toMatch(/^[✗!]/m);
    for (const name of ['SQLite driver', 'ONNX runtime', 'Embedding', 'Strapi', 'Storage']) {
      expect(lineOf(end, name)).toMatch(/^✓/);
    }
    expect(lineOf(end, 'Index')).toBe('✓ Index: 2 of 2 images are searchable.');
    expect(end.code).toBe(0);
    expect(await readSchema()).toEqual(before);
  });

  it('are JSON on request', async () => {
    const { code, output } = await run(app.dataFolder, { given: ['doctor', '--json'] });
    const { checks } = checksResponseSchema.parse(JSON.parse(output)).data;
    expect(checkOf(checks, 'index')).toEqual({
      id: 'index',
      status: 'ok',
      found: '2 of 2 images are searchable.',
      advice: null,
    });
    expect(code).toBe(0);
  });

  it('name tokens and warn of a public search', async () => {
    await app.createApiToken({
      name: 'frontend',
      type: 'custom',
      permissions: ['plugin::image-search.search.find'],
    });
    await app.grantPublic(['plugin::image-search.search.find']);
    const check = checkOf(await readChecks(), 'permissions');
    expect(check).toMatchObject({ status: 'warning', advice: expect.stringContaining('Public') });
    expect(check?.found).toMatch(/role Public \(search\.find\), token frontend \(search\.find\)/);
    const end = await run(app.dataFolder);
    expect(lineOf(end, 'Permissions')).toMatch(/^!/);
    expect(end.code).toBe(0);
  });

  it('need the right to manage the index', async () => {
    const editor = { email: 'editor@example.com', password: 'Test-Editor-1' };
    await app.createRestrictedAdmin({
      ...editor,
      permissions: [{ action: 'plugin::image-search.search' }],
    });
    const { status } = await app.request
      .get('/image-search/checks')
      .auth(await app.adminToken(editor), { type: 'bearer' });
    expect(status).toBe(403);
  });
});

describe('the checks of a project', () => {
  let dataFolder: string;

  beforeAll(async () => {
    dataFolder = await createDataFolder();
  });
  afterAll(() => rm(dataFolder, { recursive: true }));

  it('say that its tables are missing before its first start', async () => {
    const end = await run(dataFolder);
    expect(lineOf(end, 'Database')).toMatch(/^✗.*image_search_spaces.*Start Strapi once/);
    expect(lineOf(end, 'Vector store')).toMatch(/^✓.*doesn't exist yet/);
    expect(end.code).toBe(1);
  });

  it('name what is wrong with its configuration, without a stack', async () => {
    const end = await run(dataFolder, { vectors: { store: 'embedded', path: 7 } });
    expect(lineOf(end, 'Configuration')).toMatch(/^✗/);
    expect(end.output).toMatch(/vectors\.path/);
    expect(lineOf(end, 'Strapi')).toMatch(/^✗/);
    expect(lineOf(end, 'sharp')).toMatch(/^✓/);
    expect(end.output + end.errors).not.toMatch(STACK);
    expect(end.code).toBe(1);
  });

  it('name a model that is missing, and a store that is down, without its key', async () => {
    const apiKey = 'not-to-be-shown';
    const end = await run(dataFolder, {
      vectors: { store: 'qdrant', url: 'http://127.0.0.1:9', apiKey },
      env: { CLIP_MODEL: './no-such-folder' },
    });
    expect(lineOf(end, 'Model')).toMatch(/^✗.*no-such-folder doesn't exist.*embedding\.model/);
    expect(lineOf(end, 'Vector store')).toMatch(/^✗.*127\.0\.0\.1.*vectors\.url/);
    expect(end.output).not.toContain(apiKey);
    expect(end.output + end.errors).not.toMatch(STACK);
  });

  it('ask for a hub only when a model has to be downloaded', async () => {
    const env = { CLIP_MODEL: 'someone/some-model', HF_ENDPOINT: 'http://127.0.0.1:9' };
    const end = await run(dataFolder, { env });
    expect(lineOf(end, 'Model')).toMatch(/^✓.*someone\/some-model isn't in/);
    expect(lineOf(end, 'Hugging Face Hub')).toMatch(/^✗.*127\.0\.0\.1:9.*HF_ENDPOINT/);
    expect(lineOf(await run(dataFolder), 'Hugging Face Hub')).toBe('');
  });

  it('say that a folder is none', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-search-doctor-'));
    try {
      const end = await run(dataFolder, { folder });
      expect(lineOf(end, 'Configuration')).toMatch(/^✗.*isn't a Strapi project/);
      await writeFile(path.join(folder, 'package.json'), '{}');
      expect((await run(dataFolder, { folder })).code).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reject unknown options', async () => {
    const end = await run(dataFolder, { given: ['doctor', '--fix'] });
    expect(end.errors).toMatch(/--fix[\s\S]*Usage/);
    expect(end.code).toBe(2);
  });
});
