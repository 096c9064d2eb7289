import { beforeEach, describe, expect, it } from '@jest/globals';
import { TextRecognition } from '../../../plugin/src/application/text-recognition';
import type { ErrorCode, ImageSearchError } from '../../../plugin/src/errors';
import type { ImageReader } from '../../../plugin/src/images/contract';
import { hashContent } from '../../../plugin/src/images/trace';
import { failure } from '../../support/failures';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { MemoryImageTraces } from '../../support/memory-image-traces';
import { MemoryJobLeases } from '../../support/memory-job-leases';
import { createRecordingLogger } from '../../support/recording-logger';

interface StoredFile {
  content: string;
  mimeType: string;
}

let traces: MemoryImageTraces;
let jobs: MemoryJobLeases;
let clock: FakeClock;
let files: Map<number, StoredFile>;
let isIndexing: boolean;
let problem: ImageSearchError | null;
/** What each image says, in the order in which they were read. */
let recognized: string[];
let onRecognize: (content: string) => void;
let updates: number[];
const logger = createRecordingLogger();

beforeEach(() => {
  traces = new MemoryImageTraces();
  clock = createFakeClock();
  jobs = new MemoryJobLeases(clock);
  files = new Map();
  isIndexing = false;
  problem = null;
  recognized = [];
  onRecognize = () => undefined;
  updates = [];
});

async function store(fileId: number, content: string, mimeType = 'image/png', text?: string) {
  files.set(fileId, { content, mimeType });
  const contentHash = await hashContent(Buffer.from(content));
  const looks = { fingerprint: null, thumbnail: null, width: 1, height: 1 };
  await traces.put([{ fileId, contentHash, ...looks, ...(text !== undefined && { text }) }]);
}

/** Images are their text; the width of each is its length in tens. */
const images: ImageReader = {
  read: (bytes) =>
    Promise.resolve({
      prepared: {
        kind: 'encoded',
        mimeType: 'image/jpeg',
        width: 10 * bytes.length,
        height: 100,
        data: bytes,
      },
      size: { width: 1, height: 1 },
    }),
};

function start(languages = 'eng'): TextRecognition {
  return new TextRecognition({
    recognizer: {
      id: languages,
      problem: () => problem,
      recognize: async (image) => {
        const content = Buffer.from(image).toString();
        recognized.push(content);
        onRecognize(content);
        return Promise.resolve(content === 'a landscape' ? '' : content.toUpperCase());
      },
      stop: () => undefined,
    },
    images,
    assets: {
      describeMany: (fileIds) =>
        Promise.resolve(
          fileIds.flatMap((fileId) => {
            const file = files.get(fileId);
            return file ? [{ fileId, name: `${String(fileId)}.png`, ...file } as never] : [];
          }),
        ),
      read: (fileId) => {
        const file = files.get(fileId);
        return file
          ? Promise.resolve(Buffer.from(file.content))
          : Promise.reject(failure('image-missing'));
      },
    },
    traces,
    maxBytes: 1_000,
    onText: (fileIds) => updates.push(...fileIds),
    isIndexing: () => isIndexing,
    isHeld: () => Promise.resolve(false),
    jobs,
    leaseMs: 60_000,
    owner: { host: 'alpha', pid: 1, life: 'ocr' },
    logger,
    clock,
  });
}

async function textsOf(...fileIds: number[]) {
  return [...(await traces.textsOf(fileIds))];
}

describe('text in images', () => {
  it('is read once for each image of the library, and announced where there is one', async () => {
    await store(1, 'invoice');
    await store(2, 'a landscape');
    const job = start();
    await job.runOnce();
    await job.runOnce();
    expect(recognized).toEqual(['invoice', 'a landscape']);
    expect(await textsOf(1, 2)).toEqual([[1, 'INVOICE']]);
    expect(updates).toEqual([1]);
  });

  it('is read again with other languages, and of files that were replaced', async () => {
    await store(1, 'invoice');
    await start('eng').runOnce();
    await start('deu').runOnce();
    expect(recognized).toEqual(['invoice', 'invoice']);
    const job = start('deu');
    await store(1, 'rechnung');
    job.noteRead();
    await job.runOnce();
    expect(recognized.at(-1)).toBe('rechnung');
    expect(await textsOf(1)).toEqual([[1, 'RECHNUNG']]);
  });

  it('is neither looked for in documents, whose own stays, nor in videos and tiny images', async () => {
    await store(1, 'report', 'application/pdf', 'of the year');
    await store(2, 'scene', 'video/mp4');
    await store(3, 'i');
    await start().runOnce();
    expect(recognized).toEqual([]);
    expect(await textsOf(1, 2, 3)).toEqual([[1, 'of the year']]);
    expect(await traces.notRecognized('eng', { after: 0, limit: 10 })).toEqual([]);
  });

  it('waits for indexing', async () => {
    await store(1, 'invoice');
    isIndexing = true;
    const job = start();
    await job.runOnce();
    expect(recognized).toEqual([]);
    isIndexing = false;
    await job.runOnce();
    expect(recognized).toEqual(['invoice']);
  });

  it('waits for its packages, and names what is missing once', async () => {
    await store(1, 'invoice');
    problem = failure('image-decoder-missing');
    const job = start();
    const before = logger.lines.length;
    for (let time = 0; time < 3; time += 1) {
      await job.runOnce();
      await clock.advance(20 * 60_000);
    }
    expect(logger.lines.slice(before)).toEqual([{ level: 'warn', message: problem.message }]);
    problem = null;
    await job.runOnce();
    expect(recognized).toEqual(['invoice']);
  });
});

describe('an image whose text cannot be read', () => {
  it.each<[ErrorCode, boolean, number]>([
    ['image-unreadable', false, 1],
    ['image-too-large', false, 1],
    // It took too long.
    ['image-unreadable', true, 2],
    // The process died of it.
    ['unexpected', true, 2],
  ])('has none after %s (retryable: %s), tried %i times', async (code, retryable, times) => {
    await store(1, 'bad');
    await store(2, 'invoice');
    onRecognize = (content) => {
      if (content === 'bad') throw failure(code, { retryable });
    };
    const job = start();
    for (let time = 0; time < 3; time += 1) {
      await job.runOnce();
      await clock.advance(20 * 60_000);
    }
    expect(recognized.filter((content) => content === 'bad')).toHaveLength(times);
    expect(await textsOf(1, 2)).toEqual([[2, 'INVOICE']]);
  });

  it('is tried again while no image can be read, whichever it is', async () => {
    await store(1, 'invoice');
    await store(2, 'menu');
    onRecognize = () => {
      throw failure('unexpected', { retryable: true });
    };
    const job = start();
    for (let time = 0; time < 4; time += 1) {
      await job.runOnce();
      await clock.advance(20 * 60_000);
    }
    onRecognize = () => undefined;
    await job.runOnce();
    expect(await textsOf(1, 2)).toEqual([
      [1, 'INVOICE'],
      [2, 'MENU'],
    ]);
  });

  it('is tried again when storage is back', async () => {
    await store(1, 'invoice');
    onRecognize = () => {
      throw failure('storage-unavailable');
    };
    const job = start();
    await job.runOnce();
    onRecognize = () => undefined;
    await clock.advance(20 * 60_000);
    await job.runOnce();
    expect(await textsOf(1)).toEqual([[1, 'INVOICE']]);
  });
});
