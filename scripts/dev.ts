/**
 * `npm run dev`: the test app on a free port, with the plugin rebuilt whenever a source changes. Strapi restarts when the server's
 * part has changed, and after the panel was rebuilt. Data is kept in `test/app/.data/dev`.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildAdminPanel, isAdminPanelBuilt } from '../test/support/admin-panel';
import { appFolder, createAppEnvironment } from '../test/support/strapi-environment';

const repositoryFolder = path.resolve(__dirname, '..');
const dataFolder = path.join(appFolder, '.data/dev');
/** A change may rebuild several bundles, one shortly after the other. */
const QUIET_MS = 1_000;
const STOP_WITHIN_MS = 10_000;

const stopping = new AbortController();
const { signal } = stopping;
let strapi: ChildProcess | null = null;
/** Kept across restarts, so that a browser's tab stays valid. */
let port = '0';
let timer: NodeJS.Timeout | undefined;
let work = Promise.resolve();

async function develop(): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  const builder = startBuilder();
  const end = (): void => {
    stopping.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, end);
  builder.once('exit', end);
  await once(signal, 'abort');
  clearTimeout(timer);
  await Promise.all([work, stop(builder)]);
  await stop(strapi);
}

function startBuilder(): ChildProcess {
  const program = path.join(
    repositoryFolder,
    'node_modules/@strapi/sdk-plugin/bin/strapi-plugin.js',
  );
  const builder = spawn(process.execPath, [program, 'watch'], {
    cwd: repositoryFolder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  /** Bundles that are not complete; one that failed stays until its sources change. */
  const pending = new Set<string>();
  createInterface({ input: builder.stdout }).on('line', (line) => {
    console.log(line);
    const begun = /Watching (\S+) bundle|Rebuilding (\S+)\.\.\./.exec(line);
    if (begun) pending.add(begun[1] ?? begun[2] ?? '');
    const ended = /(\S+) rebuilt in/.exec(line);
    if (ended && pending.delete(ended[1] ?? '') && pending.size === 0) scheduleRestart();
  });
  return builder;
}

function scheduleRestart(): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    work = work.then(restartStrapi).catch((error: unknown) => {
      if (!signal.aborted) console.error(error);
    });
  }, QUIET_MS);
}

async function restartStrapi(): Promise<void> {
  if (signal.aborted) return;
  if (!(await isAdminPanelBuilt())) {
    console.log('Building the admin panel; this takes about a minute…');
    await buildAdminPanel(dataFolder, signal);
  }
  await stop(strapi);
  strapi = startStrapi();
  const [message] = (await once(strapi, 'message', { signal })) as [{ port: number }];
  port = String(message.port);
  console.log(`\nStrapi is ready: http://localhost:${port}/admin\n`);
}

function startStrapi(): ChildProcess {
  return fork(path.join(appFolder, 'start.js'), {
    cwd: appFolder,
    env: {
      ...process.env,
      ...createAppEnvironment({ dataFolder }),
      APP_SERVE_PANEL: 'true',
      LOG_LEVEL: 'info',
      NODE_ENV: 'production',
      PORT: port,
    },
    execArgv: [],
  });
}

async function stop(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(killer);
}

void develop().then(() => process.exit());
