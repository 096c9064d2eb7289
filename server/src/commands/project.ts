import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseEnv } from 'node:util';
import type * as StrapiModule from '@strapi/strapi';
import type { Core } from '@strapi/strapi';
import { env, importDefault } from '@strapi/utils';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { DatabaseIdentity } from '../../../plugin/src/vectors/contract';
import { COMMAND_SETTING, PLUGIN_ID } from '../plugin-id';
import { createDatabaseIdentity, postgresOf } from '../repositories/database-identity';

/**
 * The plugin's configuration in a Strapi project, not validated, as `strapi start` would read it (with `.env` and the
 * configuration of NODE_ENV); in a TypeScript project, the latest build. Creating a Strapi would do the same, but would
 * also take over the process's signals.
 *
 * @throws ImageSearchError `config-invalid`
 */
export function readPluginConfig(folder: string): Record<string, unknown> {
  const configFolder = path.join(findBuiltFolder(folder), 'config');
  loadEnvironment(folder);
  const { NODE_ENV = 'development' } = process.env;
  const files = [
    path.join(configFolder, 'plugins.js'),
    path.join(configFolder, 'env', NODE_ENV, 'plugins.js'),
  ];
  return files
    .filter((file) => existsSync(file))
    .map(readFile)
    .reduce(merge, {});
}

/** A project's Strapi whose database can be read and written, and nothing more: it serves nothing and indexes nothing. */
export interface LoadedProject {
  strapi: Core.Strapi;
  readonly close: () => Promise<void>;
}

/**
 * Loads a project without starting it: Strapi may be running beside it. Its tables stay as they are; what the project's
 * own `register` functions do is done, and the plugin gives the database its id if it has none. Strapi's log is silent;
 * whatever plugins print goes to stderr.
 *
 * @throws ImageSearchError `config-invalid`, or whatever loading the project throws
 */
export async function loadProject(folder: string): Promise<LoadedProject> {
  const builtFolder = findBuiltFolder(folder);
  loadEnvironment(folder);
  process.env.STRAPI_DISABLE_UPDATE_NOTIFICATION = 'true';
  process.stdout.write = process.stderr.write.bind(process.stderr);
  // The project's own copy.
  const load = createRequire(path.join(folder, 'package.json')) as (name: string) => unknown;
  const { createStrapi } = load('@strapi/strapi') as typeof StrapiModule;
  const strapi = createStrapi({ appDir: folder, distDir: builtFolder, autoReload: false });
  strapi.log.level = 'error';
  strapi.log.silent = true;
  strapi.config.set(COMMAND_SETTING, true);
  await strapi.register();
  await initializeDatabase(strapi);
  return { strapi, close: () => strapi.db.destroy() };
}

/**
 * Which database a project has, and how to reach it; see `postgresOf`. Afterwards the process has its terminal and its
 * signals back.
 *
 * @throws what `loadProject` throws
 */
export async function readDatabase(
  folder: string,
): Promise<{ identity: DatabaseIdentity; hostDatabase: ReturnType<typeof postgresOf> }> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back where it was
  const { write } = process.stdout;
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const listeners = signals.map((signal) => process.listeners(signal));
  try {
    const project = await loadProject(folder);
    try {
      return {
        identity: await createDatabaseIdentity(project.strapi, console)(),
        hostDatabase: postgresOf(project.strapi),
      };
    } finally {
      await project.close();
    }
  } finally {
    process.stdout.write = write;
    for (const [index, signal] of signals.entries()) {
      for (const listener of process.listeners(signal))
        if (!listeners[index]?.includes(listener)) process.removeListener(signal, listener);
    }
  }
}

/** Strapi's `bootstrap` up to where it would change the database and start plugins. */
async function initializeDatabase(strapi: Core.Strapi): Promise<void> {
  const isReached = new Error('The database is ready.');
  strapi.hook('strapi::content-types.beforeSync').call = () => Promise.resolve();
  strapi.db.schema.sync = () => Promise.reject(isReached);
  try {
    await strapi.bootstrap();
  } catch (error) {
    if (error !== isReached) throw error;
  }
}

/** Variables that are already set win. */
function loadEnvironment(folder: string): void {
  const file = path.resolve(folder, process.env.ENV_PATH ?? '.env');
  if (!existsSync(file)) return;
  Object.assign(process.env, { ...parseEnv(readFileSync(file, 'utf8')), ...process.env });
}

function findBuiltFolder(folder: string): string {
  if (!existsSync(path.join(folder, 'package.json'))) {
    throw invalid(`${folder} isn't a Strapi project. Run the command in the project's folder.`);
  }
  const typescriptConfig = path.join(folder, 'tsconfig.json');
  const isTypescript = existsSync(typescriptConfig);
  const builtFolder = isTypescript ? outputFolderOf(typescriptConfig) : folder;
  if (existsSync(path.join(builtFolder, 'config'))) return builtFolder;
  throw invalid(
    isTypescript
      ? `${builtFolder} has no configuration: build the project first, as for "strapi start".`
      : `${folder} has no config folder. Run the command in the Strapi project's folder.`,
  );
}

/** TypeScript's output folder. Asking TypeScript itself would need the sources, which a deployment may not have. */
function outputFolderOf(typescriptConfig: string): string {
  const outDir = /"outDir"\s*:\s*"([^"]+)"/.exec(readFileSync(typescriptConfig, 'utf8'))?.[1];
  return path.resolve(path.dirname(typescriptConfig), outDir ?? 'dist');
}

function readFile(file: string): Record<string, unknown> {
  const exported: unknown = importDefault(file);
  const plugins: unknown = typeof exported === 'function' ? exported({ env }) : exported;
  const plugin = isRecord(plugins) ? plugins[PLUGIN_ID] : undefined;
  return isRecord(plugin) && isRecord(plugin.config) ? plugin.config : {};
}

/** As Strapi merges an environment's configuration into the general one. */
function merge(
  general: Record<string, unknown>,
  special: Record<string, unknown>,
): Record<string, unknown> {
  const merged = { ...general };
  for (const [key, value] of Object.entries(special)) {
    const known = merged[key];
    merged[key] = isRecord(known) && isRecord(value) ? merge(known, value) : value;
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'config-invalid', message, retryable: false });
}
