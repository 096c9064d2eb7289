import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { env, importDefault } from '@strapi/utils';
import { ImageSearchError } from '../../../plugin/src/errors';
import { PLUGIN_ID } from '../plugin-id';

/**
 * The plugin's configuration in a Strapi project, not validated, as `strapi start` would read it (`.env` and the
 * configuration of NODE_ENV included): of a TypeScript project that is what was built last. A Strapi that is created
 * would do that too, but it also takes over the process's signals. Fails with `config-invalid`.
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

/** What is in the environment already stays. */
function loadEnvironment(folder: string): void {
  const file = path.resolve(folder, process.env.ENV_PATH ?? '.env');
  if (!existsSync(file)) return;
  Object.assign(process.env, { ...parseEnv(readFileSync(file, 'utf8')), ...process.env });
}

function findBuiltFolder(folder: string): string {
  if (!existsSync(path.join(folder, 'package.json'))) {
    throw invalid(`${folder} is no Strapi project: run the command in the project's folder.`);
  }
  const typescriptConfig = path.join(folder, 'tsconfig.json');
  const isTypescript = existsSync(typescriptConfig);
  const builtFolder = isTypescript ? outputFolderOf(typescriptConfig) : folder;
  if (existsSync(path.join(builtFolder, 'config'))) return builtFolder;
  throw invalid(
    isTypescript
      ? `${builtFolder} has no configuration: build the project first, as for "strapi start".`
      : `${folder} has no config folder: run the command in the folder of the Strapi project.`,
  );
}

/** Where TypeScript puts what it builds. TypeScript itself could tell, but only as long as the sources are there. */
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

/** As Strapi puts the configuration of an environment over the general one. */
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
