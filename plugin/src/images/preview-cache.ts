import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../logger';
import type { FilePreview, PreviewStore } from './contract';

/** Share of the limit that remains when files are deleted. */
const REMAINING_SHARE = 0.9;

export interface PreviewCacheOptions {
  /** Absolute path; created when it is needed. */
  folder: string;
  /** Of all files together; 0 keeps none. */
  maxBytes: number;
  logger: Logger;
}

/**
 * Previews of files on disk, those used least recently deleted when there are too many. Nothing in it can't be made again,
 * so what goes wrong with it is logged and costs time only. Processes may share a folder.
 */
export class PreviewCache implements PreviewStore {
  readonly #options: PreviewCacheOptions;
  /** Of all files, as far as known; null before they were counted. */
  #bytes: number | null = null;
  #trimming: Promise<void> | null = null;

  constructor(options: PreviewCacheOptions) {
    this.#options = options;
  }

  /** @param signature of the file's bytes: letters and digits */
  async get(signature: string, view: FilePreview['view']): Promise<Uint8Array | null> {
    const file = this.#fileOf(signature, view);
    try {
      const webp = await readFile(file);
      const now = new Date();
      await utimes(file, now, now);
      return webp;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#warn(error);
      return null;
    }
  }

  /** Never rejects. */
  async put(signature: string, previews: readonly FilePreview[]): Promise<void> {
    const { folder, maxBytes } = this.#options;
    if (maxBytes === 0) return;
    try {
      await mkdir(folder, { recursive: true });
      for (const { view, webp } of previews) {
        // Written beside it first, so that no half of a file is read.
        const written = path.join(folder, `${randomUUID()}.new`);
        await writeFile(written, webp);
        await rename(written, this.#fileOf(signature, view));
        if (this.#bytes !== null) this.#bytes += webp.length;
      }
      if (this.#bytes !== null && this.#bytes <= maxBytes) return;
      this.#trimming ??= this.#trim().finally(() => {
        this.#trimming = null;
      });
      await this.#trimming;
    } catch (error) {
      this.#warn(error);
    }
  }

  async remove(signature: string): Promise<void> {
    const { folder } = this.#options;
    try {
      const names = await readdir(folder);
      for (const name of names.filter((one) => one.startsWith(`${signature}-`))) {
        await rm(path.join(folder, name), { force: true });
      }
      // Counted again when the next ones are written.
      this.#bytes = null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#warn(error);
    }
  }

  async #trim(): Promise<void> {
    const { folder, maxBytes } = this.#options;
    const names = await readdir(folder);
    const found = await Promise.all(
      names.map(async (name) => {
        const file = path.join(folder, name);
        const { mtimeMs, size } = await stat(file).catch(() => ({ mtimeMs: 0, size: 0 }));
        return { file, mtimeMs, size };
      }),
    );
    let bytes = found.reduce((sum, { size }) => sum + size, 0);
    if (bytes > maxBytes) {
      for (const { file, size } of found.sort((one, other) => one.mtimeMs - other.mtimeMs)) {
        if (bytes <= REMAINING_SHARE * maxBytes) break;
        await rm(file, { force: true });
        bytes -= size;
      }
    }
    this.#bytes = bytes;
  }

  #fileOf(signature: string, view: FilePreview['view']): string {
    const name = view ? `${view.kind}-${String(view.number)}` : 'whole';
    return path.join(this.#options.folder, `${signature}-${name}.webp`);
  }

  #warn(error: unknown): void {
    const { folder, logger } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn(`Previews can't be kept in ${folder}: ${reason}`);
  }
}
