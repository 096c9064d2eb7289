import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'undici';
import type { DownloadProgress, HubSource, ModelSource } from './protocol';

const HUB = 'https://huggingface.co';

/** The model, or a file of it, doesn't exist, or not for us. */
export class FileNotFoundError extends Error {
  override readonly name = 'FileNotFoundError';
}

/** A download failed, maybe not the next time. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

export interface ModelStorageOptions {
  onProgress?: (progress: DownloadProgress) => void;
  /** How long the download of a file may take. @default no limit while data arrives */
  timeoutMs?: number;
}

/**
 * The files of a model: in a local folder, or in the cache folder, where those that are missing are downloaded from the
 * Hugging Face Hub. The cache has the layout of transformers.js, `<cacheFolder>/<model>/<file>`.
 */
export class ModelStorage {
  readonly #source: ModelSource;
  readonly #options: ModelStorageOptions;
  readonly #downloads = new Map<string, Promise<void>>();

  constructor(source: ModelSource, options: ModelStorageOptions) {
    this.#source = source;
    this.#options = options;
  }

  /**
   * The absolute path of a file that is now on this disk.
   *
   * @param file relative to the model, such as `onnx/text_model.onnx`
   * @throws FileNotFoundError {@link DownloadError}, or an error of the file system
   */
  async locate(file: string): Promise<string> {
    const source = this.#source;
    const target =
      source.kind === 'folder'
        ? path.join(source.path, file)
        : path.join(source.cacheFolder, source.name, file);
    if (await exists(target)) return target;
    if (source.kind === 'folder' || !source.allowDownloads) throw new FileNotFoundError(file);
    let download = this.#downloads.get(file);
    if (download === undefined) {
      download = this.#download(source, file, target).finally(() => this.#downloads.delete(file));
      this.#downloads.set(file, download);
    }
    await download;
    return target;
  }

  /** @throws SyntaxError and what `locate` throws */
  async readJson(file: string): Promise<unknown> {
    return JSON.parse(await readFile(await this.locate(file), 'utf8'));
  }

  /** Another process never sees a part of the file; nor does this one after a broken download. */
  async #download(source: HubSource, file: string, target: string): Promise<void> {
    const { timeoutMs } = this.#options;
    const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    await mkdir(path.dirname(target), { recursive: true });
    await removeOldParts(target);
    const { headers, body } = await request(source, file, signal);
    const part = `${target}.tmp.${randomUUID()}`;
    try {
      const total = Number(headers.get('content-length') ?? 0);
      const count = (chunks: AsyncIterable<Uint8Array>) => this.#count(chunks, { file, total });
      await pipeline(Readable.fromWeb(body), count, createWriteStream(part));
      await rename(part, target);
    } catch (error) {
      await rm(part, { force: true });
      throw error instanceof DownloadError ? error : new DownloadError(file, { cause: error });
    }
  }

  async *#count(
    chunks: AsyncIterable<Uint8Array>,
    { file, total }: { file: string; total: number },
  ): AsyncIterable<Uint8Array> {
    let loaded = 0;
    for await (const chunk of chunks) {
      loaded += chunk.length;
      this.#options.onProgress?.({ file, loaded, total });
      yield chunk;
    }
    if (total > 0 && loaded !== total) {
      throw new DownloadError(`${file} ended after ${String(loaded)} of ${String(total)} bytes`);
    }
  }
}

/**
 * Asks the hub for a small file of the model as a download would, through the same proxy and with the same token.
 *
 * @throws FileNotFoundError when it doesn't have the model, or not for us
 * @throws DownloadError when it isn't responding in time or fails
 */
export async function findOnHub(source: HubSource, timeoutMs: number): Promise<void> {
  const { body } = await request(source, 'config.json', AbortSignal.timeout(timeoutMs));
  await body.cancel();
}

/** Where a model's files are requested from, such as `huggingface.co`. */
export function hostOfHub({ endpoint }: HubSource): string {
  if (endpoint === null) return new URL(HUB).host;
  return URL.canParse(endpoint) ? new URL(endpoint).host : 'the address in HF_ENDPOINT';
}

async function request(
  { name, endpoint }: HubSource,
  file: string,
  signal: AbortSignal | undefined,
): Promise<{ headers: Response['headers']; body: NonNullable<Response['body']> }> {
  // A name that isn't one would be another path on the hub, or in the cache folder.
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name)) {
    throw new FileNotFoundError(`"${name}" isn't the name of a model`);
  }
  const address = `${(endpoint ?? HUB).replace(/\/+$/, '')}/${name}/resolve/main/${file}`;
  if (!URL.canParse(address)) throw new DownloadError("HF_ENDPOINT isn't an address");
  const url = new URL(address);
  const response = await fetchThroughProxy(url, signal);
  const { headers, body } = response;
  if (response.ok && body !== null) return { headers, body };
  await body?.cancel();
  const problem = `status ${String(response.status)} for ${url.pathname}`;
  // The hub answers 401 for a model that doesn't exist.
  if ([401, 403, 404].includes(response.status)) throw new FileNotFoundError(problem);
  throw new DownloadError(problem);
}

/** Goes through the proxy that the environment names, which the `fetch` of Node.js ignores. */
async function fetchThroughProxy(url: URL, signal: AbortSignal | undefined): Promise<Response> {
  // Loaded with the first download only.
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const hasProxy = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some(
    (name) => (process.env[name] ?? '') !== '',
  );
  try {
    return await fetch(url, {
      headers: headersFor(url),
      ...(signal ? { signal } : {}),
      ...(hasProxy ? { dispatcher: new EnvHttpProxyAgent() } : {}),
    });
  } catch (error) {
    throw new DownloadError(`${url.host} isn't responding`, { cause: error });
  }
}

function headersFor({ hostname }: URL): Record<string, string> {
  const { HF_TOKEN, HF_ACCESS_TOKEN } = process.env;
  const token = HF_TOKEN ?? HF_ACCESS_TOKEN;
  // The length of a compressed response says nothing about the file's.
  const headers = { 'user-agent': 'strapi-plugin-image-search', 'accept-encoding': 'identity' };
  const isHub = hostname === 'huggingface.co' || hostname === 'hf.co';
  return isHub && token !== undefined ? { ...headers, authorization: `Bearer ${token}` } : headers;
}

const OLD_PART_MS = 3_600_000;

/** Those of processes that were killed; another process may be downloading the same file right now. */
async function removeOldParts(target: string): Promise<void> {
  const folder = path.dirname(target);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${path.basename(target)}.tmp.`)) continue;
    const part = path.join(folder, name);
    const { mtimeMs } = await stat(part).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > OLD_PART_MS) await rm(part, { force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
