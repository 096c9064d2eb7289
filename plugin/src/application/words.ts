import type { ImageTraces } from '../duplicates/contract';
import type { Clock } from '../clock';
import type { ImageSearchConfig } from '../config';
import type { Logger } from '../logger';
import type { TextIndex, WordSource } from '../text/contract';
import { createEmbeddedTextIndex } from '../text/embedded';
import { LibraryWords } from '../text/library-words';
import { createPostgresTextIndex } from '../text/postgres';
import { connectionSettings } from '../vectors/postgres/connection';
import type { DatabaseIdentity } from '../vectors/contract';
import { besideVectorFile, type HostDatabase } from '../vectors/registry';
import type { WordIndexing } from './lifecycle';

interface WordParts {
  config: ImageSearchConfig;
  repositories: { database(): Promise<DatabaseIdentity> };
  wordSource: WordSource;
  projectFolder: string;
  hostDatabase: HostDatabase;
  logger: Logger;
  clock: Clock;
}

/** Null when words aren't searched. */
export function createWords(parts: WordParts): WordIndexing {
  const { clock, config, logger, wordSource } = parts;
  if (!config.words.enabled) return null;
  const index = createTextIndex(parts);
  const library = new LibraryWords({
    index,
    source: wordSource,
    everyMinutes: config.indexing.reconcileMinutes,
    logger,
    clock,
  });
  return { index, library };
}

/** In the PostgreSQL of the vectors; otherwise in a file beside theirs, or in the project when those are elsewhere. */
function createTextIndex({
  config: { vectors },
  hostDatabase,
  projectFolder,
  repositories,
}: WordParts): TextIndex {
  const database = () => repositories.database();
  if (vectors.store === 'postgres') {
    const settings = connectionSettings(vectors, hostDatabase);
    const { schema, timeoutSeconds } = vectors;
    if (settings !== null) {
      return createPostgresTextIndex({ settings, projectFolder, timeoutSeconds, schema, database });
    }
  }
  return createEmbeddedTextIndex({
    file: besideVectorFile(vectors, projectFolder, 'words'),
    projectFolder,
    database,
  });
}

/** What documents say is searched as soon as they are read, and no longer once they say something else, or nothing. */
export function announceTexts(
  traces: ImageTraces,
  words: WordIndexing,
  onPut: () => void = () => undefined,
): ImageTraces {
  return {
    ...traces,
    async put(read) {
      const former = words && (await traces.textsOf(read.map(({ fileId }) => fileId)));
      await traces.put(read);
      const changed = read.filter(({ fileId, text = '' }) => text !== (former?.get(fileId) ?? ''));
      words?.library.update(changed.map(({ fileId }) => fileId));
      onPut();
    },
  };
}
