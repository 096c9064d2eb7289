import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnStrapi } from './strapi-process';

const repositoryFolder = path.resolve(__dirname, '../..');
const cacheFolder = path.join(repositoryFolder, 'node_modules/.cache/image-search-tests');

/**
 * Jest calls it once, before the first suite that starts a Strapi: keeps a SQLite database of a Strapi without the plugin, with
 * its tables and the administrator, so that each test app doesn't have to make its own.
 */
export default async function keepFreshDatabase(): Promise<void> {
  const file = await freshDatabase();
  if (existsSync(file)) return;
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'image-search-fresh-'));
  try {
    const strapi = await spawnStrapi({ dataFolder, isPluginEnabled: false });
    await strapi.adminToken();
    await strapi.kill('SIGTERM');
    await mkdir(cacheFolder, { recursive: true });
    // Whole or not at all, though several runs may start at a time.
    const ownFile = `${file}.${String(process.pid)}`;
    await copyFile(path.join(dataFolder, 'strapi.sqlite'), ownFile);
    await rename(ownFile, file);
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}

/** Puts the kept database into a test app's folder, if there is one. */
export async function putFreshDatabase(dataFolder: string): Promise<void> {
  const file = await freshDatabase();
  if (!existsSync(file)) return;
  await copyFile(file, path.join(dataFolder, 'strapi.sqlite'), constants.COPYFILE_FICLONE);
}

let known: string | undefined;

/** Named after what it depends on: the versions of Strapi and its plugins. */
async function freshDatabase(): Promise<string> {
  if (known !== undefined) return known;
  const lock = await readFile(path.join(repositoryFolder, 'package-lock.json'));
  const name = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  return (known = path.join(cacheFolder, `${name}.sqlite`));
}
