import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { appFolder } from './strapi-environment';

const repositoryFolder = path.resolve(appFolder, '../..');
const stampFile = path.join(appFolder, 'build/built-from.txt');
const strapiFolder = path.join(repositoryFolder, 'node_modules/@strapi/strapi');
const pluginPanelFolder = path.join(repositoryFolder, 'dist/admin');

/** Whether the app's panel is built from this version of Strapi and this build of the plugin. */
export async function isAdminPanelBuilt(): Promise<boolean> {
  const stamp = await readFile(stampFile, 'utf8').catch(() => null);
  return stamp === (await describeSources());
}

/**
 * Builds the app's admin panel, which takes about a minute and two gigabytes of memory. Rejects with Strapi's output
 * when that fails.
 *
 * @param dataFolder of any app: Strapi reads the whole configuration for it.
 */
export async function buildAdminPanel(dataFolder: string, signal?: AbortSignal): Promise<void> {
  const sources = await describeSources();
  await runStrapiBuild(dataFolder, signal);
  await writeFile(stampFile, sources);
}

async function describeSources(): Promise<string> {
  const hash = createHash('sha256');
  const panelFiles = (await readdir(pluginPanelFolder, { recursive: true }))
    .filter((name) => name.endsWith('.mjs'))
    .sort();
  for (const file of [
    path.join(strapiFolder, 'package.json'),
    path.join(appFolder, 'package.json'),
    path.join(appFolder, 'config/admin.js'),
    path.join(appFolder, 'src/admin/app.js'),
    ...panelFiles.map((name) => path.join(pluginPanelFolder, name)),
  ]) {
    hash.update(await readFile(file));
  }
  return hash.digest('hex');
}

async function runStrapiBuild(dataFolder: string, signal?: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [path.join(strapiFolder, 'bin/strapi.js'), 'build'], {
    cwd: appFolder,
    env: {
      ...process.env,
      APP_DATA_FOLDER: dataFolder,
      IMAGE_SEARCH_ENABLED: 'true',
      NODE_ENV: 'production',
      STRAPI_TELEMETRY_DISABLED: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal ? { signal } : {}),
  });
  const written: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => written.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => written.push(chunk));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`strapi build failed:\n${Buffer.concat(written).toString()}`));
    });
  });
}
