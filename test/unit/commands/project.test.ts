import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readPluginConfig } from '../../../server/src/commands/project';

let folder: string;
const environment = { ...process.env };

async function write(name: string, text: string): Promise<void> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}

const plugins = (config: string): string =>
  `module.exports = ({ env }) => ({ 'image-search': { enabled: true, config: ${config} } });`;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'image-search-project-'));
  await write('package.json', '{}');
  process.env.NODE_ENV = 'production';
});

afterEach(async () => {
  await rm(folder, { recursive: true });
  process.env = { ...environment };
});

describe('readPluginConfig', () => {
  it('reads config/plugins with .env, overridden by the environment', async () => {
    await write('.env', 'PROJECT_TEST_URL=http://qdrant:6333\nPROJECT_TEST_KEPT=no\n');
    process.env.PROJECT_TEST_KEPT = 'yes';
    await write(
      'config/plugins.js',
      plugins(
        "{ vectors: { url: env('PROJECT_TEST_URL'), kept: env('PROJECT_TEST_KEPT'), hnsw: { m: 8, efSearch: 64 } } }",
      ),
    );
    await write('config/env/production/plugins.js', plugins('{ vectors: { hnsw: { m: 32 } } }'));
    await write('config/env/staging/plugins.js', plugins('{ vectors: { url: "other" } }'));
    expect(readPluginConfig(folder)).toEqual({
      vectors: { url: 'http://qdrant:6333', kept: 'yes', hnsw: { m: 32, efSearch: 64 } },
    });
  });

  it('takes a plain object, and a module with a default export', async () => {
    await write('config/plugins.js', "module.exports = { 'image-search': { config: { a: 1 } } };");
    await write(
      'config/env/production/plugins.js',
      "exports.__esModule = true; exports.default = () => ({ 'image-search': { config: { b: 2 } } });",
    );
    expect(readPluginConfig(folder)).toEqual({ a: 1, b: 2 });
  });

  it.each([
    ['there is no such file', null],
    ['it does not name the plugin', 'module.exports = {};'],
    ['it gives the plugin no settings', "module.exports = { 'image-search': true };"],
  ])('is empty when %s', async (_name, text) => {
    await mkdir(path.join(folder, 'config'));
    if (text !== null) await write('config/plugins.js', text);
    expect(readPluginConfig(folder)).toEqual({});
  });

  it.each([
    ['built', '{ "compilerOptions": { "outDir": "built" } } // as JSON goes'],
    ['dist', '{ "extends": "@strapi/typescript-utils/tsconfigs/server" }'],
  ])('reads the build output of a TypeScript project: %s', async (name, typescriptConfig) => {
    await write('tsconfig.json', typescriptConfig);
    await write('config/plugins.ts', 'export default {};');
    await write(`${name}/config/plugins.js`, plugins('{ a: 1 }'));
    expect(readPluginConfig(folder)).toEqual({ a: 1 });
  });

  it('asks for a build if there is none', async () => {
    await write('tsconfig.json', '{ "compilerOptions": { "outDir": "./built" } }');
    await write('config/plugins.ts', 'export default {};');
    expect(() => readPluginConfig(folder)).toThrow(/built has no configuration: build the project/);
  });

  it("rejects a folder that isn't a project", async () => {
    expect(() => readPluginConfig(folder)).toThrow(/has no config folder/);
    await rm(path.join(folder, 'package.json'));
    expect(() => readPluginConfig(folder)).toThrow(/isn't a Strapi project/);
  });
});
