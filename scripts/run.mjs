/**
 * `node scripts/run.mjs <command> [arguments]`: one command from a fresh clone. Installs what is missing, builds the plugin when
 * its sources are newer, then runs the command with the arguments.
 *
 * It uses nothing but Node, because nothing else is installed when it starts.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = [20, 19];
const repositoryFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const inRepository = (...parts) => path.join(repositoryFolder, ...parts);
const inModules = (...parts) => inRepository('node_modules', ...parts);

const jest = inModules('jest/bin/jest.js');
const typeScript = (file) => ['--import', 'tsx', inRepository(file)];

/** Suites start the programs that the build has made, not their sources; see jest.config.cjs. */
const builtWorkers = { IMAGE_SEARCH_BUILT_WORKERS: 'true' };

/** What each command runs in Node: a program, then the given arguments, then options. */
const commands = {
  setup: {},
  check: { program: [inRepository('scripts/check.mjs')] },
  bench: { program: typeScript('test/bench/index.ts') },
  'measure-duplicates': { program: typeScript('test/bench/duplicates/index.ts') },
  'measure-relevance': { program: typeScript('test/bench/relevance.ts'), needsBuild: false },
  'measure-views': { program: typeScript('test/bench/views.ts'), needsBuild: false },
  'measure-words': { program: typeScript('test/bench/words.ts'), needsBuild: false },
  demo: { program: typeScript('sample/demo.ts') },
  dev: { program: typeScript('scripts/dev.ts'), needsBuild: false },
  screenshots: { program: typeScript('scripts/screenshots.ts') },
  test: { program: [jest], variables: builtWorkers },
  'test-install': { program: typeScript('test/install/index.ts') },
  'test-unit': { program: [jest], options: ['--selectProjects', 'unit'], needsBuild: false },
  'test-long': {
    program: [jest],
    options: ['--selectProjects', 'long'],
    variables: { ...builtWorkers, IMAGE_SEARCH_LONG_TESTS: 'true' },
  },
};

/** A failure that needs no stack: its message says what to do. */
class SetupError extends Error {}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof SetupError ? `\n${error.message}` : error);
  process.exitCode = 1;
}

async function main([name, ...given]) {
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (!command) {
    throw new SetupError(
      `Usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [arguments]`,
    );
  }
  const { program, options = [], needsBuild = true, variables = {} } = command;
  checkNode();
  const environment = { ...createEnvironment(), ...variables };
  if (!isInstalled()) await install(environment);
  if (needsBuild && !isBuilt()) await build(environment);
  if (!program) return;
  end(await run(process.execPath, [...program, ...given, ...options], { environment }));
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(
    `Node.js ${OLDEST_NODE.join('.')} or newer is required; this is ${process.version} (${process.execPath}).\n` +
      'Install a newer one, for example with `nvm install` in this folder, and run the command again.',
  );
}

function createEnvironment() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const hasHeaders = existsSync(path.join(prefix, 'include/node/node.h'));
  return {
    ...process.env,
    STRAPI_TELEMETRY_DISABLED: 'true',
    // Native modules are compiled with the headers next to this Node, not with downloaded ones.
    ...(hasHeaders && !process.env.npm_config_nodedir ? { npm_config_nodedir: prefix } : {}),
  };
}

/** What an installation depends on: the lock file, and Node's binary interface for compiled modules. */
function describeInstallation() {
  const lock = createHash('sha256').update(readFileSync(inRepository('package-lock.json')));
  return `${lock.digest('hex')} ${process.platform}-${process.arch}-${process.versions.modules}\n`;
}

/** Judged by this script's own note, or by the age of npm's when someone ran npm directly. */
function isInstalled() {
  const note = inModules('.image-search-install');
  if (existsSync(note) && readFileSync(note, 'utf8') === describeInstallation()) return true;
  const npmNote = inModules('.package-lock.json');
  if (!existsSync(npmNote)) return false;
  const isFromNpm = !existsSync(note) || modifiedAt(npmNote) > modifiedAt(note);
  return isFromNpm && modifiedAt(npmNote) >= modifiedAt(inRepository('package-lock.json'));
}

async function install(environment) {
  console.log('Installing dependencies (npm ci); this takes a few minutes the first time…');
  const [file, ...first] = findNpm();
  const result = await run(
    file,
    [...first, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
    { environment, shell: file === 'npm' && process.platform === 'win32' },
  );
  if (result.signal) end(result);
  if (result.code !== 0) {
    throw new SetupError(
      '`npm ci` failed: see its output above. Check that the npm registry is reachable, then run the command again.',
    );
  }
  checkDatabaseDriver();
  writeFileSync(inModules('.image-search-install'), describeInstallation());
}

function findNpm() {
  const fromNpmRun = process.env.npm_execpath;
  return fromNpmRun?.endsWith('npm-cli.js') ? [process.execPath, fromNpmRun] : ['npm'];
}

/** npm silently skips an optional dependency that doesn't compile. */
function checkDatabaseDriver() {
  try {
    const Database = createRequire(import.meta.url)('better-sqlite3');
    new Database(':memory:').close();
  } catch (error) {
    throw new SetupError(
      `The SQLite driver (better-sqlite3) could not be installed or compiled: ${error.message}\n` +
        'Install Python 3 and a C++ compiler (Debian: `apt install python3 make g++`; macOS: `xcode-select --install`),\n' +
        'delete node_modules and run the command again.',
    );
  }
}

function isBuilt() {
  const { exports } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8'));
  const outputs = Object.values(exports).flatMap((entry) =>
    entry.source ? [inRepository(entry.require)] : [],
  );
  if (!outputs.every((file) => existsSync(file))) return false;
  const sources = [
    'plugin',
    'server',
    'admin',
    'strapi-server.ts',
    'package.json',
    'tsconfig.json',
  ];
  const newestSource = Math.max(...sources.map((source) => newestWithin(inRepository(source))));
  return newestSource <= Math.min(...outputs.map(modifiedAt));
}

async function build(environment) {
  console.log('Building the plugin; this takes about half a minute…');
  const result = await run(
    process.execPath,
    [inModules('@strapi/sdk-plugin/bin/strapi-plugin.js'), 'build'],
    { environment, isQuiet: true },
  );
  if (result.signal) end(result);
  if (result.code !== 0) {
    throw new SetupError(`${result.output}\nThe plugin could not be built: see the output above.`);
  }
}

/** Includes folders: a deleted file changes only its folder. */
function newestWithin(target) {
  const stats = statSync(target);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const within = readdirSync(target).map((name) => newestWithin(path.join(target, name)));
  return Math.max(stats.mtimeMs, ...within);
}

function modifiedAt(file) {
  return statSync(file).mtimeMs;
}

/** Runs a program in this terminal and forwards the signals that stop it. Output of a quiet one is collected, not shown. */
function run(file, given, { environment, isQuiet = false, shell = false }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, given, {
      cwd: repositoryFolder,
      env: environment,
      stdio: isQuiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const handOn = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, handOn);
    const stopWatching = watchForOrphaning(() => child.kill('SIGTERM'));
    const release = () => {
      stopWatching();
      for (const signal of signals) process.off(signal, handOn);
    };
    child.once('error', (error) => {
      release();
      reject(new SetupError(`${file} could not be started: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      release();
      resolve({ code, signal, output });
    });
  });
}

/** A killed `npm run` doesn't stop its children: without this, a server would keep its port. */
function watchForOrphaning(onOrphaned) {
  if (!process.env.npm_lifecycle_event) return () => {};
  const npm = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(timer);
    onOrphaned();
  }, 500);
  return () => clearInterval(timer);
}

/** Exits as the program did; by convention with 128 + the number of the signal that killed it. */
function end({ code, signal }) {
  process.exit(signal ? 128 + constants.signals[signal] : code);
}
