import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  IsolatingComparison,
  type LibraryComparison,
} from '../../../plugin/src/duplicates/library-comparison';
import { abortedError, ImageSearchError } from '../../../plugin/src/errors';
import { range } from '../../conformance/index-entries/situations';
import { bareTrace } from '../../support/duplicate-world';
import { MemoryImageTraces } from '../../support/memory-image-traces';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

const MARK = 'this pass';
const pass = { mark: MARK, spaceId: 'space' };

let traces: MemoryImageTraces;
let logger: RecordingLogger;
let ended: AbortController;
/** What a comparison of files that this one is among fails with. */
let failures: Map<number, Error>;
let asked: number[][];

beforeEach(async () => {
  traces = new MemoryImageTraces();
  logger = createRecordingLogger();
  ended = new AbortController();
  [failures, asked] = [new Map(), []];
  await traces.put(range(1, 4).map((fileId) => ({ ...bareTrace('same'), fileId })));
});

/** Finds a pair for each file. */
const comparison: Pick<LibraryComparison, 'compare'> = {
  async compare(fileIds) {
    asked.push([...fileIds]);
    for (const fileId of fileIds) {
      const failure = failures.get(fileId);
      if (failure) throw failure;
    }
    await traces.markCompared(await traces.get(fileIds), MARK);
    return fileIds.length;
  },
};

const compare = (...fileIds: number[]) =>
  new IsolatingComparison({ comparison, traces, logger }).compare(fileIds, {
    pass,
    signal: ended.signal,
  });
const left = () => traces.notCompared(MARK, 100);

function refusal(retryable: boolean): ImageSearchError {
  return new ImageSearchError({ code: 'store-unavailable', message: 'No.', retryable });
}

describe('comparing files whose storage is down', () => {
  it('retries each once, then fails it, so that the scan ends', async () => {
    const down = new ImageSearchError({ code: 'storage-unavailable', message: 'It is down.' });
    const isolating = new IsolatingComparison({
      traces,
      logger,
      comparison: {
        async compare(fileIds, { onUnreachable }) {
          for (const fileId of fileIds) if (fileId < 4) onUnreachable?.({ fileId, error: down });
          await traces.markCompared(await traces.get(fileIds.filter((id) => id > 3)), MARK);
          return 0;
        },
      },
    });
    const batch = (...fileIds: number[]) =>
      isolating.compare(fileIds, { pass, signal: ended.signal });
    await expect(batch(1, 2)).rejects.toBe(down);
    expect(await left()).toEqual([1, 2, 3, 4]);
    expect(await batch(1, 2)).toEqual({ found: 0, failed: 2 });
    expect(await batch(3, 4)).toEqual({ found: 0, failed: 0 });
    expect(await batch(3)).toEqual({ found: 0, failed: 1 });
    expect(await left()).toEqual([]);
  });
});

describe('comparing files with a broken one', () => {
  it('compares all at once if nothing fails', async () => {
    expect(await compare(1, 2, 3, 4)).toEqual({ found: 4, failed: 0 });
    expect(asked).toEqual([[1, 2, 3, 4]]);
  });

  it.each([
    ['a fault', new TypeError('It is not square.')],
    ['a rejection by the store', refusal(false)],
  ])('fails that one because of %s, and says why', async (_name, failure) => {
    failures.set(2, failure);
    expect(await compare(1, 2, 3, 4)).toEqual({ found: 3, failed: 1 });
    expect(asked).toEqual([[1, 2, 3, 4], [1], [2], [3], [4]]);
    expect(await left()).toEqual([]);
    expect(logger.at('warn')).toEqual([expect.stringContaining(`File 2 `)]);
    expect(logger.at('warn').join()).toContain(failure.message);
  });

  it('fails a single broken file', async () => {
    failures.set(3, new TypeError('It is not square.'));
    expect(await compare(3)).toEqual({ found: 0, failed: 1 });
    expect(await left()).toEqual([1, 2, 4]);
  });

  it('fails what cannot be read, and compares the others', async () => {
    const get = traces.get.bind(traces);
    traces.get = async (fileIds) => (await get(fileIds)).filter(({ fileId }) => fileId !== 1);
    // The last one was deleted in the meantime.
    expect(await compare(1, 2, 9)).toEqual({ found: 1, failed: 1 });
    expect(asked).toEqual([[2]]);
    expect(await left()).toEqual([3, 4]);
  });

  it('fails nothing for temporary errors, or for a store that rejects everything', async () => {
    failures.set(2, refusal(true));
    await expect(compare(1, 2)).rejects.toMatchObject({ retryable: true });
    expect(asked).toEqual([[1, 2]]);
    for (const fileId of [1, 2, 3, 4]) failures.set(fileId, refusal(false));
    await expect(compare(1, 2)).rejects.toMatchObject({ retryable: false });
    expect(await left()).toEqual([1, 2, 3, 4]);
    expect(logger.at('warn')).toEqual([]);
  });

  it.each([
    ['in words', new Error('The pool is exhausted.')],
    ['with a code', Object.assign(new Error('It is locked.'), { code: 'SQLITE_BUSY' })],
  ])('fails nothing because of a database error %s', async (_name, failure) => {
    failures.set(2, failure);
    await expect(compare(1, 2)).rejects.toBe(failure);
    expect(asked).toEqual([[1, 2]]);
    expect(await left()).toEqual([1, 2, 3, 4]);
  });

  it('fails a file that the store rejects on its own but not others', async () => {
    for (const fileId of [1, 3]) failures.set(fileId, refusal(false));
    expect(await compare(3)).toEqual({ found: 0, failed: 1 });
    expect(asked).toEqual([[3], [3], [1], [2]]);
    expect(await left()).toEqual([1, 4]);
  });

  it('leaves what the store rejects if others are broken and none is compared', async () => {
    for (const fileId of [1, 3, 4]) failures.set(fileId, refusal(false));
    failures.set(2, new TypeError('It is not square.'));
    expect(await compare(1, 2)).toEqual({ found: 0, failed: 1 });
    expect(await left()).toEqual([1, 3, 4]);
  });

  it('fails nothing when aborted', async () => {
    ended.abort();
    failures.set(1, abortedError());
    await expect(compare(1, 2)).rejects.toMatchObject({ code: 'aborted' });
    expect(await left()).toEqual([1, 2, 3, 4]);
  });

  it('names a few of many', async () => {
    const many = range(1, 50);
    await traces.put(many.map((fileId) => ({ ...bareTrace('same'), fileId })));
    for (const fileId of many) failures.set(fileId, new TypeError('It is not square.'));
    expect(await compare(...many)).toEqual({ found: 0, failed: 50 });
    expect(logger.at('warn')).toHaveLength(20);
    expect(logger.at('warn').at(-1)).toContain('only counted');
  });
});
