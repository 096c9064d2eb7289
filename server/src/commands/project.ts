import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createStrapi } from '@strapi/strapi';
import { env, importDefault } from '@strapi/utils';
import { ImageSearchError } from '../../../plugin/src/errors';
import { PLUGIN_ID } from '../plugin-id';

/**
 * The plugin's configuration in a Strapi project, not validated, as `strapi start` would read it (`.env` and the
 * configuration of NODE_ENV included), without starting anything: of a TypeScript project that is what was built last.
 * Fails with `config-invalid`.
 */
export function readPluginConfig(folder: string): Record<string, unknown> {
  const builtFolder = findBuiltFolder(folder);
  const strapi = createStrapi({ appDir: folder, distDir: builtFolder, serveAdminPanel: false });
  const files = [
    path.join(strapi.dirs.dist.config, 'plugins.js'),
    path.join(strapi.dirs.dist.config, 'env', process.env.NODE_ENV ?? '', 'plugins.js'),
  ];
  const configs = files.filter((file) => existsSync(file)).map(readFile);
  return configs.reduce(merge, {});
}

function findBuiltFolder(folder: string): string {
  if (!existsSync(path.join(folder, 'package.json'))) {
    throw invalid(`${folder} is no Strapi project: run the command in the project's folder.`);
  }
  const builtFolder = outputFolderOf(folder) ?? folder;
  if (existsSync(path.join(builtFolder, 'config'))) return builtFolder;
  const isBuiltElsewhere = builtFolder !== folder;
  throw invalid(
    isBuiltElsewhere
      ? `${builtFolder} has no configuration: build the project first, as for "strapi start".`
      : `${folder} has no config folder: run the command in the folder of the Strapi project.`,
  );
}

/** Where TypeScript puts what it builds; undefined in a project without it. */
function outputFolderOf(folder: string): string | undefined {
  if (!existsSync(path.join(folder, 'tsconfig.json'))) return undefined;
  // Strapi's own dependency: only Strapi's package can be sure to find it.
  const requireFromStrapi = createRequire(
    createRequire(import.meta.url).resolve('@strapi/strapi/package.json'),
  );
  const { resolveOutDirSync } = requireFromStrapi('@strapi/typescript-utils') as {
    resolveOutDirSync: (folder: string) => string | undefined;
  };
  return resolveOutDirSync(folder);
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
