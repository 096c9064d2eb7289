import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FileWords, TextIndex, WordSource } from '../../../plugin/src/text/contract';
import { LibraryWords } from '../../../plugin/src/text/library-words';
import { systemClock } from '../../../plugin/src/clock';
import { pollUntil } from '../../support/polling';
import { createRecordingLogger } from '../../support/recording-logger';
import {
  createTextIndexFolder,
  wordsOf,
  type TextIndexFolder,
} from '../../support/text-index-folder';

/** A library in memory. */
class MemoryWords implements WordSource {
  readonly files = new Map<number, FileWords>();
  /** Thrown instead of an answer. */
  failure: Error | null = null;
  /** Called once a page is read, and before it is returned. */
  afterReading: (() => Promise<void>) | null = null;

  set(...files: FileWords[]): void {
    for (const file of files) this.files.set(file.fileId, file);
  }

  async iterate(cursor: number | null, limit: number) {
    await Promise.resolve();
    if (this.failure) throw this.failure;
    const files = [...this.files.values()]
      .filter(({ fileId }) => fileId > (cursor ?? 0))
      .sort((left, right) => left.fileId - right.fileId)
      .slice(0, limit);
    const last = files.length === limit ? files.at(-1) : undefined;
    await this.afterReading?.();
    return { files, nextCursor: last?.fileId ?? null };
  }

  async describeMany(fileIds: readonly number[]) {
    await Promise.resolve();
    if (this.failure) throw this.failure;
    return [...this.files.values()].filter(({ fileId }) => fileIds.includes(fileId));
  }
}

let folder: TextIndexFolder;
let index: TextIndex;
let source: MemoryWords;
let words: LibraryWords;
const logger = createRecordingLogger();

beforeEach(async () => {
  folder = await createTextIndexFolder();
  index = folder.open();
  source = new MemoryWords();
  words = new LibraryWords({ index, source, everyMinutes: 0, logger, clock: systemClock });
});

afterEach(async () => {
  await words.stop();
  await folder.destroy();
});

const idsFor = async (text: string): Promise<number[]> =>
  (await index.search({ text, limit: 2_000 })).hits.map(({ fileId }) => fileId);

describe('the words of the library', () => {
  it('are read at the start, page by page, and only once', async () => {
    source.set(...Array.from({ length: 1_203 }, (_, id) => wordsOf(id + 1, { name: 'dog.jpg' })));
    await expect(words.reconcile()).resolves.toBe(1_203);
    await expect(idsFor('dog')).resolves.toHaveLength(1_203);
    await expect(words.reconcile()).resolves.toBe(0);
  });

  it('follow what a comparison finds: changed, new and deleted files', async () => {
    source.set(...[1, 2, 3].map((id) => wordsOf(id, { name: 'dog.jpg' })));
    await words.reconcile();
    source.files.delete(3);
    source.set(wordsOf(2, { name: 'cat.jpg' }), wordsOf(9, { name: 'cat.jpg' }));
    await expect(words.reconcile()).resolves.toBe(3);
    await expect(idsFor('dog')).resolves.toEqual([1]);
    await expect(idsFor('cat')).resolves.toEqual([2, 9]);
  });

  it('are updated when a change is reported', async () => {
    source.set(wordsOf(1, { name: 'dog.jpg' }), wordsOf(2, { name: 'bird.jpg' }));
    words.update([1, 2]);
    await pollUntil(
      () => idsFor('dog'),
      (ids) => ids.length === 1,
    );
    source.files.delete(2);
    source.set(wordsOf(1, { name: 'cat.jpg' }));
    words.update([1, 2]);
    await pollUntil(
      () => idsFor('cat'),
      (ids) => ids.length === 1,
    );
    await expect(idsFor('dog')).resolves.toEqual([]);
    await expect(idsFor('bird')).resolves.toEqual([]);
  });

  it('keep what changes while a comparison reads it: edits, uploads and deletions', async () => {
    source.set(...[1, 2].map((id) => wordsOf(id, { name: 'old.jpg' })));
    await words.reconcile();
    source.afterReading = async () => {
      source.afterReading = null;
      source.set(wordsOf(1, { name: 'new.jpg' }), wordsOf(3, { name: 'new.jpg' }));
      source.files.delete(2);
      words.update([1, 2, 3]);
      await pollUntil(
        () => idsFor('new'),
        (ids) => ids.length === 2,
      );
    };
    await words.reconcile();
    await pollUntil(
      async () => [await idsFor('new'), await idsFor('old')],
      ([fresh, old]) => fresh?.length === 2 && old?.length === 0,
    );
  });

  it('are found by the next comparison after a failure, which is logged once', async () => {
    source.set(wordsOf(1, { name: 'dog.jpg' }));
    source.failure = new Error('The database is away.');
    words.start();
    words.update([1]);
    await pollUntil(
      () => Promise.resolve(logger.lines.length),
      (lines) => lines >= 2,
    );
    expect(logger.at('warn')).toEqual([
      "Couldn't read the words of the library; retrying later. The database is away.",
    ]);
    source.failure = null;
    await words.reconcile();
    await expect(idsFor('dog')).resolves.toEqual([1]);
  });
});
