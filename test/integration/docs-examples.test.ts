import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { parseConfig } from '../../plugin/src/config';
import { createImageSearch, type SearchResults } from '../../plugin/src/client';
import packageJson from '../../package.json';
import { renderSampleImage } from '../../sample/library';
import { repositoryFolder } from '../support/paths';
import {
  imagesOf,
  publicSearchActions,
  startSearchApp,
  type SearchApp,
} from '../support/search-app';

interface Example {
  page: string;
  language: string;
  code: string;
}

const docsFolder = path.join(repositoryFolder, 'docs');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(docsFolder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const examples = pages.flatMap((page): Example[] =>
  [...readPage(page).matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
    page,
    language,
    code,
  })),
);

function readPage(page: string): string {
  return readFileSync(path.join(repositoryFolder, page), 'utf8');
}

function examplesOf(page: string, language: string): string[] {
  return examples
    .filter((example) => example.page === page && example.language === language)
    .map(({ code }) => code);
}

/** What a module of this source exports, or an expression is. */
function evaluate(source: string, names: Record<string, unknown> = {}): unknown {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const module = { exports: {} as { default?: unknown } };
  const parameters = { module, exports: module.exports, ...names };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- our own pages
  new Function(...Object.keys(parameters), outputText)(...Object.values(parameters));
  return module.exports.default;
}

describe('configurations in the docs', () => {
  const configurations = examples.filter(({ code }) => code.startsWith('// config/plugins.ts'));
  const env = (name: string, otherwise?: string): string => otherwise ?? `value-of-${name}`;

  it.each(configurations)('of $page are accepted: $code', ({ code }) => {
    const isPart = code.startsWith('// config/plugins.ts, inside config');
    const source = isPart ? `export default ({ env }) => ({\n${code}\n});` : code;
    const written = (evaluate(source) as (given: object) => Record<string, unknown>)({ env });
    const plugin = written['image-search'] as { config?: unknown } | undefined;
    const config = isPart ? written : plugin?.config;
    expect(() => parseConfig(config)).not.toThrow();
  });

  it('are many', () => {
    expect(configurations.length).toBeGreaterThan(6);
  });
});

describe('commands in the docs', () => {
  it('are scripts of the package', () => {
    const named = pages.flatMap((page) =>
      [...readPage(page).matchAll(/`?npm run ([\w:-]+)/g)].map(([, name = '']) => name),
    );
    // Those of a Strapi project.
    const others = new Set(['build', 'start', 'develop']);
    const unknown = named.filter((name) => !others.has(name) && !(name in packageJson.scripts));
    expect(unknown).toEqual([]);
  });
});

describe('requests in the docs', () => {
  let app: SearchApp;
  let folder: string;
  beforeAll(async () => {
    app = await startSearchApp({
      images: imagesOf(['red-apple', 'dog', 'guitar']),
      publicActions: publicSearchActions,
      hasExtras: true,
    });
    folder = await mkdtemp(path.join(tmpdir(), 'image-search-docs-'));
    const [image] = imagesOf(['dog']);
    if (image) await writeFile(path.join(folder, 'photo.jpg'), await renderSampleImage(image));
  });
  afterAll(async () => {
    await app.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const commands = examples.flatMap(({ page, code }) =>
    [...code.matchAll(/^curl (?:\\\n|[^\n])*/gm)]
      .map(([command]) => ({ page, command }))
      // Of the content API, with nothing to be filled in.
      .filter((one) => one.command.includes('/api/image-search/') && !one.command.includes('…')),
  );

  it('are some', () => {
    expect(commands.length).toBeGreaterThan(3);
  });

  it.each(commands)('are answered: $command', async ({ command }) => {
    const here = command
      .replaceAll(/(?:http:\/\/)?localhost:1337/g, app.url)
      .replaceAll(/\b42\b/g, String(app.fileOf('guitar').id));
    const { stdout } = await promisify(execFile)('sh', ['-c', `${here} --silent`], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ data: expect.any(Array) });
  });

  it('have the answer that the README shows', async () => {
    const [shown = ''] = examplesOf('README.md', 'json');
    const { data, meta } = JSON.parse(shown) as SearchResults;
    const { body } = await app.request
      .get('/api/image-search/search')
      .query({ text: 'red fruit', 'pagination[limit]': 1 });
    const answer = body as SearchResults;
    expect(Object.keys(answer.data[0] ?? {})).toEqual(Object.keys(data[0] ?? {}));
    expect(Object.keys(answer.meta)).toEqual(Object.keys(meta));
  });

  it("work with the README's client", async () => {
    const client = examplesOf('README.md', 'ts').find((code) => code.includes('/client'));
    const source = (client ?? '')
      .replace(/^import .*$/m, '')
      .replace('https://cms.example.com', app.url);
    const bytes = await readFile(path.join(folder, 'photo.jpg'));
    const run = evaluate(`export default async () => {${source}; return { data, sources }; }`, {
      createImageSearch,
      file: new File([bytes], 'photo.jpg', { type: 'image/jpeg' }),
    }) as () => Promise<{ data: SearchResults['data']; sources: (string | null)[] }>;
    const { data, sources } = await run();
    expect(data[0]?.file.id).toBe(app.fileOf('dog').id);
    expect(sources[0]).toContain(app.url);
  });
});
