import { ImageSearchError } from '../../errors';
import { RequestThread } from '../../threads';
import type { DatabaseIdentity } from '../../vectors/contract';
import type { DriverName } from '../../vectors/embedded/driver';
import { resolveWorker } from '../../workers';
import type { TextIndex } from '../contract';
import type { TextEngineOptions, TextOperations } from './engine';

/** A thread that rests costs 7 MiB, and starting it again takes about 50 ms. */
const REST_AFTER_MS = 30_000;

export interface EmbeddedTextOptions {
  /** Absolute path; the file and its folder are created if missing. */
  file: string;
  /** Where packages of drivers are looked for first. */
  projectFolder: string;
  /** The drivers to try, best first. @default all of them */
  drivers?: readonly DriverName[] | undefined;
  /** Whose words. Several databases may share a file. */
  database: () => Promise<DatabaseIdentity>;
  /** Milliseconds without a call after which the thread ends, until the next call. @default 30,000 */
  restAfterMs?: number;
}

/**
 * Words in one SQLite file, with FTS5, which all three drivers have. A thread owns the file, so Strapi's event loop
 * never waits for it.
 *
 * Not in the file of the vectors: SQLite checks a file's integrity when that is opened, which takes 0.3 s more for the
 * words of 100,000 files, and a search for a common word would keep a search for images waiting.
 */
export function createEmbeddedTextIndex(options: EmbeddedTextOptions): TextIndex {
  const { drivers, file, projectFolder, restAfterMs = REST_AFTER_MS } = options;
  let databaseId = '';
  let identity: Promise<DatabaseIdentity> | null = null;
  const thread = new RequestThread<TextOperations>({
    program: resolveWorker('words'),
    name: 'words',
    workerData: (): TextEngineOptions => ({ file, projectFolder, drivers, databaseId }),
    restAfterMs,
    unavailable: (reason, cause) =>
      new ImageSearchError({
        code: 'store-unavailable',
        message: `The index of words is unavailable: ${reason}.`,
        retryable: true,
        cause,
      }),
  });

  async function call<Name extends keyof TextOperations>(
    operation: Name,
    input: TextOperations[Name]['input'],
  ): Promise<TextOperations[Name]['result']> {
    thread.checkOpen();
    identity ??= options.database();
    databaseId = await identity.then(
      ({ id }) => id,
      (error: unknown) => {
        identity = null;
        throw error;
      },
    );
    return thread.call(operation, input);
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
    // Words that aren't stored are found by the next comparison.
    dispose: () => thread.dispose().catch(() => undefined),
  };
}
