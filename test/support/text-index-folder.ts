import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FileWords, TextIndex } from '../../plugin/src/text/contract';
import { createEmbeddedTextIndex } from '../../plugin/src/text/embedded';
import type { DriverName } from '../../plugin/src/vectors/embedded/driver';

/** A temporary file of words, opened as often as needed. */
export interface TextIndexFolder {
  readonly file: string;
  open(databaseId?: string, options?: { restAfterMs: number }): TextIndex;
  destroy(): Promise<void>;
}

export async function createTextIndexFolder(
  drivers?: readonly DriverName[],
): Promise<TextIndexFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-words-'));
  const file = path.join(folder, 'data/words.sqlite');
  const opened: TextIndex[] = [];
  return {
    file,
    open(id = 'one', rest) {
      const index = createEmbeddedTextIndex({
        file,
        projectFolder: process.cwd(),
        drivers,
        database: () => Promise.resolve({ id, name: id }),
        ...rest,
      });
      opened.push(index);
      return index;
    },
    async destroy() {
      await Promise.all(opened.map((index) => index.dispose()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A file with these words, and no others. */
export function wordsOf(fileId: number, words: Partial<FileWords> = {}): FileWords {
  return {
    name: '',
    alternativeText: '',
    caption: '',
    folder: '',
    entryTitles: '',
    text: '',
    ...words,
    fileId,
  };
}
