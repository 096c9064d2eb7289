import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A file whose reader waits in the middle of reading until it is let go. */
export interface StalledFile {
  /** Resolves when somebody has opened it to read. */
  untilRead(): Promise<void>;
  /** The reader gets the bytes that the file had; the file itself stays useless. */
  letGo(): Promise<void>;
}

const POLL_INTERVAL_MS = 10;

/** Puts a named pipe in the place of a file; not to be had on Windows. */
export async function stallFile(file: string): Promise<StalledFile> {
  const bytes = await readFile(file);
  await rm(file);
  await promisify(execFile)('mkfifo', [file]);
  let writer: FileHandle | null = null;
  return {
    async untilRead() {
      while (!writer) {
        writer = await openForReader(file);
        if (!writer) await wait(POLL_INTERVAL_MS);
      }
    },
    async letGo() {
      await writer?.writeFile(bytes);
      await writer?.close();
    },
  };
}

/** Null while nobody reads the pipe. */
async function openForReader(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null;
    throw error;
  }
}
