/**
 * `npx tsx scripts/docs.ts`: writes the reference of settings from the schema, tables and charts from the figures in bench/,
 * and the list of pages for language models (llms.txt), and checks that the links between pages lead somewhere and that the page of errors is right; with `--check` it
 * writes nothing and says what is wrong.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { z } from 'zod';
import { homepage } from '../package.json';
import { configSchema } from '../plugin/src/config';
import { errorCodes, errorTraits } from '../plugin/src/errors';
import { sections } from '../docs/pages';
import { describeNumbers } from './numbers';

const repositoryFolder = path.resolve(__dirname, '..');
const docsFolder = path.join(repositoryFolder, 'docs');
/** Of pages as they are written, for language models. */
const PAGES_ADDRESS = homepage
  .replace('https://github.com/', 'https://raw.githubusercontent.com/')
  .replace('#readme', '/main/docs');

interface SettingSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, SettingSchema>;
  required?: string[];
  oneOf?: SettingSchema[];
}

/** One heading for each section of the configuration, and for each kind of a section that has several. */
async function describeConfiguration(): Promise<string> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as SettingSchema;
  const sections = Object.entries(schema.properties ?? {}).flatMap(([name, section]) =>
    name === 'previousEmbedding'
      ? [`## ${name}\n\nAs \`embedding\`. ${section.description ?? ''}.`]
      : (section.oneOf ?? [section]).map((kind) => describeSection(name, kind)),
  );
  return (await format(sections.join('\n\n'), { parser: 'markdown', printWidth: 120 })).trim();
}

function describeSection(name: string, section: SettingSchema): string {
  const kind = Object.entries(section.properties ?? {}).find(
    ([, setting]) => setting.const !== undefined,
  );
  const heading = kind ? `${name}, ${kind[0]} ${JSON.stringify(kind[1].const)}` : name;
  return `## ${heading}\n\n${describeSettings(name, section).join('\n')}`;
}

function describeSettings(name: string, section: SettingSchema): string[] {
  return Object.entries(section.properties ?? {})
    .filter(([, setting]) => setting.const === undefined)
    .flatMap(([key, setting]) => {
      const description = setting.description ?? '';
      if (key === 'fallback') {
        return [`- **\`${name}.${key}\`** (as \`embedding\` with \`"clip"\`): ${description}.`];
      }
      if (setting.properties) return describeSettings(`${name}.${key}`, setting);
      const facts = [
        describeAllowed(setting),
        ...(section.required?.includes(key) ? ['required'] : describeDefault(setting)),
      ].filter((fact) => fact !== '');
      return [`- **\`${name}.${key}\`** (${facts.join('; ')}): ${description}.`];
    });
}

/** A default that depends on the machine is told in words by the description. */
function describeDefault({ default: value, description = '' }: SettingSchema): string[] {
  if (value === undefined || /by default/i.test(description)) return [];
  return [`default \`${JSON.stringify(value)}\``];
}

function describeAllowed({ type, enum: values, minimum, maximum }: SettingSchema): string {
  if (values) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (minimum !== undefined && maximum !== undefined) {
    return `${String(minimum)} to ${String(maximum)}`;
  }
  return type ?? '';
}

/** A page with the parts that are written here, each between its two comments, as they should be. */
async function withWrittenParts(text: string, parts: Record<string, string>): Promise<string> {
  const places = /(<!-- written by scripts\/docs\.ts: (\w+) -->).*?(<!-- \/written -->)/gs;
  const written = text.replaceAll(places, (_, begin: string, name: string, end: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`There is no part ${name} for a page of the docs.`);
    return `${begin}\n\n${part}\n\n${end}`;
  });
  return written === text
    ? text
    : await format(written, { parser: 'markdown', singleQuote: true, printWidth: 100 });
}

function pageNames(): string[] {
  return readdirSync(docsFolder).filter((name) => name.endsWith('.md'));
}

/** Links to files and headings that don't exist, as `page: target`. */
function findBrokenLinks(): string[] {
  const pages = [
    ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
    ...['sample/README.md', 'test/README.md'],
    ...pageNames().map((name) => `docs/${name}`),
  ];
  return pages.flatMap((page) => {
    const file = path.join(repositoryFolder, page);
    const links = readFileSync(file, 'utf8').matchAll(/\]\(([^)\s]+)\)/g);
    return [...links]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(target, file))
      .map((target) => `${page}: ${target}`);
  });
}

function leadsSomewhere(target: string, from: string): boolean {
  const [name = '', heading] = target.split('#');
  const file = name === '' ? from : path.resolve(path.dirname(from), name);
  if (!existsSync(file)) return false;
  return heading === undefined || headingsOf(file).includes(heading);
}

/** Anchors of a page's headings, as GitHub makes them. */
function headingsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What the page of errors says otherwise than the table in errors.ts. */
function findWrongErrors(): string[] {
  const page = readFileSync(path.join(docsFolder, 'errors.md'), 'utf8');
  const rows = new Map(
    [...page.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\| (yes|no) +\|/gm)].map(
      ([, code, status, retry]) => [code, `${String(status)}, ${String(retry)}`],
    ),
  );
  return errorCodes.flatMap((code) => {
    const { httpStatus, retryable } = errorTraits[code];
    const wanted = `${String(httpStatus)}, ${retryable ? 'yes' : 'no'}`;
    const found = rows.get(code) ?? 'missing';
    return found === wanted ? [] : [`${code}: ${found}, should be ${wanted}`];
  });
}

/** For language models (llmstxt.org): what the pages are about, with their addresses. */
function listPages(): string {
  const lists = sections.map(({ title, pages }) => {
    const links = pages.map((page) => {
      const text = readFileSync(path.join(docsFolder, `${page}.md`), 'utf8');
      const [, heading = page] = /^# (.+)$/m.exec(text) ?? [];
      return `- [${heading}](${PAGES_ADDRESS}/${page}.md)`;
    });
    return `## ${title}\n\n${links.join('\n')}`;
  });
  const summary =
    '> A plugin for Strapi 5 that makes the Media Library searchable by what its images show: text-to-image search, similar images and duplicates, in the panel and over REST, GraphQL and MCP.';
  return `# Image Search for Strapi\n\n${summary}\n\n${lists.join('\n\n')}\n`;
}

/** Pages that no section of the site has. */
function findUnlistedPages(): string[] {
  const listed = new Set(sections.flatMap(({ pages }) => pages));
  return pageNames()
    .filter((name) => name !== 'index.md')
    .map((name) => name.slice(0, -'.md'.length))
    .filter((name) => !listed.has(name));
}

/** Files of the docs that this writes, or that have parts which it writes, with their contents. */
async function describeWrittenFiles(): Promise<Map<string, string>> {
  const { tables, charts } = describeNumbers();
  const parts = { settings: await describeConfiguration(), ...tables };
  const files = new Map([['public/llms.txt', listPages()]]);
  for (const [name, chart] of Object.entries(charts)) files.set(`images/${name}`, chart);
  for (const name of pageNames()) {
    const text = readFileSync(path.join(docsFolder, name), 'utf8');
    files.set(name, await withWrittenParts(text, parts));
  }
  return files;
}

async function main(isCheck: boolean): Promise<void> {
  const unlisted = findUnlistedPages();
  if (unlisted.length > 0) throw new Error(`docs/pages.ts doesn't have ${unlisted.join(', ')}.`);
  for (const [name, wanted] of await describeWrittenFiles()) {
    const file = path.join(docsFolder, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === wanted) continue;
    if (isCheck) throw new Error(`docs/${name} is out of date: npx tsx scripts/docs.ts`);
    writeFileSync(file, wanted);
  }
  const broken = findBrokenLinks();
  if (broken.length > 0) throw new Error(`These links lead nowhere:\n${broken.join('\n')}`);
  const wrong = findWrongErrors();
  if (wrong.length > 0) throw new Error(`docs/errors.md is wrong:\n${wrong.join('\n')}`);
}

main(process.argv.includes('--check')).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
