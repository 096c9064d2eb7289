import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { FileNotFoundError, ModelStorage } from './hub';
import {
  checkFiles,
  digestModelFolder,
  filesOfModel,
  loadingFailure,
  missingFiles,
  ModelError,
  requiredFiles,
} from './model-files';
import { failureToError } from './model-process';
import type { HubSource, ModelFiles, ModelOrder } from './protocol';
import { findMissingRuntime } from './runtime';

/** The files that describe a model are a few kilobytes. */
const DOWNLOAD_TIMEOUT_MS = 20_000;
const DIGESTS_FILE = 'digests.json';

export interface StoredFilesOptions extends Pick<ModelOrder, 'source' | 'dtype' | 'projectFolder'> {
  /** Absolute path of a folder to remember digests in. */
  cacheFolder: string;
}

/**
 * Reads what describes a model, without its process and without loading any weights: two small JSON files, and for a
 * folder the digest of all files. A model of the hub that isn't in the cache is downloaded as far as that.
 *
 * @throws ImageSearchError `provider-not-installed`, `provider-model-missing`, or `provider-unavailable` when the hub
 * isn't responding
 */
export async function readStoredFiles(options: StoredFilesOptions): Promise<ModelFiles> {
  const { projectFolder, source } = options;
  try {
    const missingRuntime = findMissingRuntime(projectFolder);
    if (missingRuntime !== null) throw new ModelError(missingRuntime);
    return source.kind === 'folder'
      ? await readFolder(source.path, options)
      : await readCached(source, options.dtype);
  } catch (error) {
    throw failureToError(loadingFailure(error, source).failure);
  }
}

async function readFolder(folder: string, options: StoredFilesOptions): Promise<ModelFiles> {
  await checkFiles(folder, requiredFiles(options.dtype));
  const [config, preprocessor, digest] = await Promise.all([
    readJson(path.join(folder, 'config.json')),
    readJson(path.join(folder, 'preprocessor_config.json')),
    digestOnce(folder, options),
  ]);
  return { config, preprocessor, digest };
}

async function readCached(source: HubSource, dtype: ModelOrder['dtype']): Promise<ModelFiles> {
  const folder = path.join(source.cacheFolder, source.name);
  if (!source.allowDownloads) await checkCached(folder, dtype);
  const storage = new ModelStorage(source, { timeoutMs: DOWNLOAD_TIMEOUT_MS });
  const [config, preprocessor] = await Promise.all([
    storage.readJson('config.json'),
    storage.readJson('preprocessor_config.json'),
  ]);
  return { config, preprocessor, digest: null };
}

async function checkCached(folder: string, dtype: ModelOrder['dtype']): Promise<void> {
  const missing = await missingFiles(folder, requiredFiles(dtype));
  if (missing.length > 0) throw new FileNotFoundError(`missing: ${missing.join(', ')}`);
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

const digestsSchema = z.record(z.string(), z.object({ files: z.string(), digest: z.string() }));

/**
 * The digest of a model folder, computed again only when the size or a time of one of its files has changed: reading
 * hundreds of megabytes at each start would take seconds.
 */
async function digestOnce(folder: string, options: StoredFilesOptions): Promise<string> {
  const { cacheFolder, dtype } = options;
  const cache = path.join(cacheFolder, DIGESTS_FILE);
  const files = await describeFiles(folder, dtype);
  const key = `${folder} ${dtype}`;
  const known = await readDigests(cache);
  const last = known[key];
  if (last?.files === files) return last.digest;
  const digest = await digestModelFolder(folder, dtype);
  // Not remembered if a file was changed meanwhile, or if the cache folder can't be written.
  if ((await describeFiles(folder, dtype)) === files) {
    const digests = { ...known, [key]: { files, digest } };
    await writeWhole(cache, JSON.stringify(digests, null, 2)).catch(() => undefined);
  }
  return digest;
}

async function readDigests(file: string): Promise<z.output<typeof digestsSchema>> {
  try {
    return digestsSchema.parse(await readJson(file));
  } catch {
    return {};
  }
}

async function describeFiles(folder: string, dtype: ModelOrder['dtype']): Promise<string> {
  const files = await filesOfModel(folder, dtype);
  const described = await Promise.all(
    files.map(async (name) => {
      const { size, mtimeMs, ctimeMs, ino } = await stat(path.join(folder, name));
      return [name, size, mtimeMs, ctimeMs, ino];
    }),
  );
  return createHash('sha256').update(JSON.stringify(described)).digest('hex');
}

/** Readers see the former content or the new one, never a part. */
async function writeWhole(file: string, content: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const draft = `${file}.${String(process.pid)}.part`;
  await writeFile(draft, content);
  await rename(draft, file);
}
