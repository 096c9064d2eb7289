/**
 * `npm run test:install -- [project…]`: does what an operator does. Creates stock Strapi projects, installs the packed
 * plugin in them, builds the panel, starts Strapi, uploads images and searches. Prints a table for test/README.md and
 * exits with 1 if a project failed. Needs the npm registry, about 2 GB of disk and of memory, and minutes per project.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { devDependencies } from '../../package.json';
import { createLibrary, sampleImage } from '../support/library';
import { pollUntil } from '../support/polling';
import { postgres } from '../support/postgres-server';
import { createStrapiClient } from '../support/strapi-client';
import type { AppDatabase } from '../support/strapi-environment';

interface Project {
  manager: 'npm' | 'pnpm' | 'yarn';
  database: 'sqlite' | 'postgres';
  language: 'typescript' | 'javascript';
  /** Major version. */
  node: number;
}

/** Every package manager, database, language and major version at least once. */
const projects: Readonly<Record<string, Project>> = {
  'npm-sqlite-ts-20': { manager: 'npm', database: 'sqlite', language: 'typescript', node: 20 },
  'pnpm-sqlite-js-22': { manager: 'pnpm', database: 'sqlite', language: 'javascript', node: 22 },
  'yarn-postgres-ts-24': {
    manager: 'yarn',
    database: 'postgres',
    language: 'typescript',
    node: 24,
  },
  'npm-postgres-js-22': { manager: 'npm', database: 'postgres', language: 'javascript', node: 22 },
};

/** Packages of the npm registry; npm is the one that is installed already. */
const managerPackages = { npm: [], pnpm: ['pnpm@10'], yarn: ['@yarnpkg/cli-dist@4'] } as const;

const repositoryFolder = path.resolve(__dirname, '../..');
const PLUGIN = 'strapi-plugin-image-search';
const START_TIMEOUT_MS = 300_000;
const INDEX_TIMEOUT_MS = 300_000;
/** Of a program's output, in the message of its failure. */
const SHOWN_CHARACTERS = 3_000;

/** Where a command runs. */
interface Place {
  folder: string;
  environment: NodeJS.ProcessEnv;
  /** Ends the command. */
  signal: AbortSignal;
}

async function main(given: readonly string[]): Promise<boolean> {
  const unknown = given.filter((name) => !(name in projects));
  if (unknown.length > 0) {
    throw new Error(
      `No project is called ${unknown.join(', ')}. Choose from ${Object.keys(projects).join(', ')}.`,
    );
  }
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      interruption.abort();
    });
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-install-'));
  const place = { folder, environment: process.env, signal: interruption.signal };
  const rows: string[] = [];
  let isPassed = true;
  try {
    const tarball = await packPlugin(place);
    for (const [name, project] of Object.entries(projects)) {
      if (given.length > 0 && !given.includes(name)) continue;
      const startedAt = Date.now();
      let result: string;
      try {
        result = await tryProject(project, { ...place, folder: path.join(folder, name) }, tarball);
      } catch (error) {
        isPassed = false;
        console.error(error);
        result = '– | failed | –';
      }
      const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
      rows.push(`| \`${name}\` | ${result} | ${minutes} |`);
      console.log(rows.at(-1));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const heading =
    '| project | versions | result | MB on disk, of which the plugin | minutes |\n| --- | --- | --- | --- | --- |';
  console.log(`\n${new Date().toISOString().slice(0, 10)}\n\n${heading}\n${rows.join('\n')}`);
  return isPassed;
}

/** @returns the file that would be published */
async function packPlugin(place: Place): Promise<string> {
  await run(['npm', 'pack', '--ignore-scripts', '--pack-destination', place.folder], {
    ...place,
    folder: repositoryFolder,
  });
  const tarball = (await readdir(place.folder)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm packed nothing.');
  return path.join(place.folder, tarball);
}

/** @returns cells of the table: versions, result, megabytes */
async function tryProject(project: Project, place: Place, tarball: string): Promise<string> {
  const { manager, database } = project;
  const server = database === 'postgres' ? await postgres.start() : undefined;
  const toolsFolder = `${place.folder}-tools`;
  try {
    const environment = await installTools(project, { ...place, folder: toolsFolder });
    const inProject = { ...place, environment };
    await createProject(project, inProject, await server?.createDatabase());
    await run([manager, 'install'], inProject);
    const before = await measureModules(inProject);
    await run(
      [manager, manager === 'npm' ? 'install' : 'add', `${PLUGIN}@file:${tarball}`],
      inProject,
    );
    const after = await measureModules(inProject);
    await run(['node_modules/.bin/strapi', 'build'], inProject);
    await useProject(inProject);
    await run([`node_modules/.bin/${PLUGIN}`, 'doctor'], inProject);
    const versions = await Promise.all(
      [manager, 'node'].map((program) => run([program, '--version'], inProject)),
    );
    const [managerVersion = '', nodeVersion = ''] = versions.map((version) => version.trim());
    return `${manager} ${managerVersion}, Node.js ${nodeVersion.slice(1)} | passed | ${String(after)}, ${String(after - before)}`;
  } finally {
    await server?.stop();
    for (const folder of [toolsFolder, place.folder]) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Installs Node.js and the package manager. @returns the environment that they are first in */
async function installTools({ manager, node }: Project, place: Place): Promise<NodeJS.ProcessEnv> {
  const nodePackage = `node-${process.platform}-${process.arch}`;
  await mkdir(place.folder);
  await writeFile(path.join(place.folder, 'package.json'), '{}');
  await run(
    ['npm', 'install', '--no-save', `${nodePackage}@${String(node)}`, ...managerPackages[manager]],
    place,
  );
  const modules = path.join(place.folder, 'node_modules');
  const { npm_config_registry: registry } = process.env;
  return {
    ...place.environment,
    PATH: [path.join(modules, '.bin'), place.environment.PATH].join(path.delimiter),
    // Native modules are compiled for this Node.js.
    npm_config_nodedir: path.join(modules, nodePackage),
    STRAPI_TELEMETRY_DISABLED: 'true',
    // Yarn doesn't read npm's settings, and in CI it writes no lock file.
    ...(registry === undefined ? {} : { YARN_NPM_REGISTRY_SERVER: registry }),
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  };
}

/** Writes a project as Strapi's own generator does, configured for a model without the Hub. */
async function createProject(
  { manager, language }: Project,
  place: Place,
  database?: AppDatabase,
): Promise<void> {
  const generator = `create-strapi-app@${devDependencies['@strapi/strapi']}`;
  const { host = '', database: name = '', user = '' } = database?.connection ?? {};
  await run(
    [
      ...['npx', '--yes', generator, place.folder, `--use-${manager}`, `--${language}`],
      ...['--non-interactive', '--skip-cloud', '--no-run', '--no-install'],
      ...['--no-git-init', '--no-example'],
      ...(database
        ? ['--dbclient', database.client, '--dbhost', host, '--dbport', '5432'].concat([
            '--dbname',
            name,
            '--dbusername',
            user,
            '--dbpassword',
            'any',
          ])
        : []),
    ],
    { ...place, folder: path.dirname(place.folder) },
  );
  await cp(path.join(repositoryFolder, 'sample/model'), path.join(place.folder, 'model'), {
    recursive: true,
  });
  const settings = "{ 'image-search': { config: { embedding: { model: './model' } } } }";
  await writeFile(
    path.join(place.folder, 'config', language === 'typescript' ? 'plugins.ts' : 'plugins.js'),
    `${language === 'typescript' ? 'export default' : 'module.exports ='} () => (${settings});\n`,
  );
}

/** Starts Strapi, indexes images, finds one of them by text, opens the panel, and stops. */
async function useProject(place: Place): Promise<void> {
  const port = await findFreePort();
  const stop = new AbortController();
  const strapi = run(['node_modules/.bin/strapi', 'start'], {
    ...place,
    environment: {
      ...place.environment,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
    },
    signal: AbortSignal.any([place.signal, stop.signal]),
  });
  const end = strapi.catch((error: unknown) => String(error));
  try {
    await Promise.race([
      uploadAndSearch(`http://127.0.0.1:${String(port)}`),
      end.then(() => {
        throw new Error('Strapi ended.');
      }),
    ]);
  } catch (error) {
    stop.abort();
    throw new Error(`Strapi could not be used: ${await end}`, { cause: error });
  } finally {
    stop.abort();
    await end;
  }
}

async function uploadAndSearch(url: string): Promise<void> {
  const request = (pathname: string): Promise<boolean> =>
    fetch(url + pathname).then(
      ({ ok }) => ok,
      () => false,
    );
  await pollUntil(
    () => request('/_health'),
    (isHealthy) => isHealthy,
    { intervalMs: 500, timeoutMs: START_TIMEOUT_MS },
  );
  const client = createStrapiClient(url);
  const uploaded = new Map<string, number>();
  for (const concept of ['dog', 'guitar', 'castle']) {
    const { bytes, fileName } = await sampleImage(concept);
    uploaded.set(concept, (await client.uploadThroughAdmin(bytes, fileName)).id);
  }
  const { counts } = await client.waitUntilIndexed({ timeoutMs: INDEX_TIMEOUT_MS });
  if (counts.indexed !== uploaded.size) {
    throw new Error(`Not all images are indexed: ${JSON.stringify(counts)}`);
  }
  const [best] = await createLibrary(client).findText('guitar');
  if (best !== uploaded.get('guitar')) {
    throw new Error(`The search for "guitar" found file ${String(best)}.`);
  }
  if (!(await request('/admin'))) throw new Error('The panel is not served.');
}

/** On the loopback interface. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Megabytes on disk. */
async function measureModules(place: Place): Promise<number> {
  return Number.parseInt(await run(['du', '-sm', 'node_modules'], place), 10);
}

/**
 * Runs a program to its end.
 *
 * @returns what it wrote
 * @throws Error with the end of that when it fails or is stopped by the signal
 */
async function run(
  [program = '', ...given]: readonly string[],
  { folder, environment, signal }: Place,
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(program, given, {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => {
    child.kill();
  };
  signal.addEventListener('abort', stop);
  const written: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => written.push(chunk));
  }
  const [code, end] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  signal.removeEventListener('abort', stop);
  const output = Buffer.concat(written).toString();
  if (code === 0 && !signal.aborted) return output;
  throw new Error(
    `"${[program, ...given].join(' ')}" ended with ${String(code ?? end)}:\n${output.slice(-SHOWN_CHARACTERS)}`,
  );
}

main(process.argv.slice(2)).then(
  (isPassed) => {
    process.exitCode = isPassed ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
