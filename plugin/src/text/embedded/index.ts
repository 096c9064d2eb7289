import { Worker } from 'node:worker_threads';
import { ImageSearchError, type ImageSearchErrorOptions } from '../../errors';
import type { DatabaseIdentity } from '../../vectors/contract';
import type { DriverName } from '../../vectors/embedded/driver';
import { resolveWorker } from '../../workers';
import type { TextIndex } from '../contract';
import type { TextEngineOptions, TextOperations } from './engine';
import type { TextRequest, TextResponse } from './thread';

export interface EmbeddedTextOptions {
  /** Absolute path; the file and its folder are created if missing. */
  file: string;
  /** Where packages of drivers are looked for first. */
  projectFolder: string;
  /** The drivers to try, best first. @default all of them */
  drivers?: readonly DriverName[] | undefined;
  /** Whose words. Several databases may share a file. */
  database: () => Promise<DatabaseIdentity>;
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Words in one SQLite file, with FTS5, which all three drivers have. A thread owns the file, so Strapi's event loop
 * never waits for it. It starts with the first call, and again after a crash.
 *
 * Not in the file of the vectors: SQLite checks a file's integrity when that is opened, which takes 0.3 s more for the
 * words of 100,000 files, and a search for a common word would keep a search for images waiting.
 */
export function createEmbeddedTextIndex(options: EmbeddedTextOptions): TextIndex {
  const { database, drivers, file, projectFolder } = options;
  const pending = new Map<number, PendingCall>();
  let worker: Worker | null = null;
  let lastId = 0;
  let identity: Promise<DatabaseIdentity> | null = null;
  let disposal: Promise<void> | null = null;

  async function call<Name extends keyof TextOperations>(
    operation: Name,
    input: TextOperations[Name]['input'],
  ): Promise<TextOperations[Name]['result']> {
    if (disposal !== null) throw unavailable('it has been closed');
    identity ??= database();
    const { id } = await identity.catch((error: unknown) => {
      identity = null;
      throw error;
    });
    return send(operation, input, id);
  }

  function send<Name extends keyof TextOperations>(
    operation: Name,
    input: TextOperations[Name]['input'],
    databaseId: string,
  ): Promise<TextOperations[Name]['result']> {
    const running = (worker ??= start({ file, projectFolder, drivers, databaseId }));
    lastId += 1;
    const request: TextRequest<Name> = { id: lastId, operation, input };
    return new Promise((resolve, reject) => {
      running.postMessage(request);
      pending.set(request.id, {
        resolve: (result) => {
          resolve(result as TextOperations[Name]['result']);
        },
        reject,
      });
      running.ref();
    });
  }

  function start(workerData: TextEngineOptions): Worker {
    const program = resolveWorker('words');
    const started = new Worker(program.file, {
      workerData,
      execArgv: program.execArgv,
      name: 'words',
    });
    started.unref();
    started.on('message', (response: TextResponse) => {
      const waiting = pending.get(response.id);
      pending.delete(response.id);
      if (pending.size === 0) started.unref();
      if ('failure' in response) waiting?.reject(new ImageSearchError(response.failure));
      else waiting?.resolve(response.result);
    });
    let crash: Error | undefined;
    started.on('error', (error) => (crash = error));
    started.on('exit', () => {
      if (worker !== started) return;
      worker = null;
      const error = unavailable('its thread crashed and restarts at the next call', crash);
      for (const waiting of pending.values()) waiting.reject(error);
      pending.clear();
    });
    return started;
  }

  async function stop(): Promise<void> {
    const running = worker;
    if (running === null) return;
    // Words that aren't stored are found by the next comparison.
    await send('close', null, '').catch(() => undefined);
    await running.terminate();
  }

  return {
    async upsert(files) {
      if (files.length > 0) await call('upsert', files);
    },
    async remove(fileIds) {
      if (fileIds.length > 0) await call('remove', fileIds);
    },
    replaceRange: (files, range) => call('replaceRange', { files, ...range }),
    search: (query) => call('search', query),
    dispose() {
      disposal ??= stop();
      return disposal;
    },
  };
}

function unavailable(reason: string, cause?: Error): ImageSearchError {
  const options: ImageSearchErrorOptions = {
    code: 'store-unavailable',
    message: `The index of words is unavailable: ${reason}.`,
    retryable: true,
    cause,
  };
  return new ImageSearchError(options);
}
