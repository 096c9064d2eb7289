import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import type { OcrAnswer, OcrFailure, OcrOrder, OcrRequest } from './ocr';
import { cleanText } from './read-text';

/*
 * Entry of the process that recognizes text; see ocr.ts. Tesseract works on a thread of its own, so the timer here fires
 * while it does.
 */

/** `tesseract.js`, of which version 7 is known. */
interface Tesseract {
  createWorker(
    languages: readonly string[],
    mode: number,
    options: { langPath: string; cacheMethod: 'none'; gzip: boolean },
  ): Promise<TesseractWorker>;
}

interface TesseractWorker {
  setParameters(parameters: Record<string, string>): Promise<unknown>;
  recognize(
    image: Buffer,
    options: object,
    output: { text: boolean; blocks: boolean },
  ): Promise<{ data: { blocks: Block[] | null } }>;
}

interface Block {
  paragraphs: { lines: { words: Word[] }[] }[];
}

interface Word {
  text: string;
  /** 0 to 100. */
  confidence: number;
}

/** Neural networks only: the data of languages has nothing else. */
const LSTM_ONLY = 1;
/** Text in columns and lines. */
const PAGE = '3';
/** Text anywhere, such as on a photograph. */
const SPARSE = '11';
/** Images up to this longer edge are enlarged twice: letters of screenshots are too small for Tesseract. */
const ENLARGED_EDGE = 1_000;
/** Below it, most words are textures that look like letters. */
const LEAST_CONFIDENCE = 60;
const MEMORY_CHECK_MS = 50;
/** A single letter is most likely no word, except in scripts without spaces between them. */
const UNSPACED = String.raw`[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}]`;
const WORD = new RegExp(String.raw`[\p{L}\p{N}].*[\p{L}\p{N}]|${UNSPACED}`, 'u');
const TELLING_WORD = new RegExp(String.raw`[\p{L}\p{N}]{3}|${UNSPACED}`, 'u');

const order = JSON.parse(process.argv[2] ?? '') as OcrOrder;
// Everything else goes first. On Linux, threads inherit the priority, so it's set before any starts.
setPriority(constants.priority.PRIORITY_LOW);
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
setInterval(() => {
  if (process.memoryUsage.rss() <= order.maxMemoryBytes) return;
  answer({ failure: 'out-of-memory', message: 'The limit of memory is reached.' }, () => {
    process.kill(process.pid, 'SIGKILL');
  });
}, MEMORY_CHECK_MS);
let opened: Promise<TesseractWorker> | null = null;
process.on('message', ({ image }: OcrRequest) => {
  opened ??= open();
  void opened.then(
    (worker) => read(worker, image).then(answer, failedAs('unreadable')),
    failedAs('not-opened'),
  );
});

/** From copies in one folder, as it expects; nothing is downloaded. */
async function open(): Promise<TesseractWorker> {
  const tesseract = createRequire(import.meta.url)(order.reader) as Tesseract;
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-ocr-'));
  try {
    for (const { code, file } of order.languages) {
      await copyFile(file, path.join(folder, `${code}.traineddata.gz`));
    }
    const codes = order.languages.map(({ code }) => code);
    const options = { langPath: folder, cacheMethod: 'none', gzip: true } as const;
    return await tesseract.createWorker(codes, LSTM_ONLY, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function read(worker: TesseractWorker, image: Uint8Array): Promise<OcrAnswer> {
  const onPage = await textIn(worker, await enlarged(image), PAGE);
  const text = onPage === '' ? await textIn(worker, Buffer.from(image), SPARSE) : onPage;
  return { text: text.slice(0, order.maxTextLength) };
}

async function textIn(worker: TesseractWorker, image: Buffer, layout: string): Promise<string> {
  await worker.setParameters({ tessedit_pageseg_mode: layout });
  const { data } = await worker.recognize(image, {}, { text: false, blocks: true });
  return textOf(data.blocks ?? []);
}

function textOf(blocks: readonly Block[]): string {
  const words = blocks
    .flatMap(({ paragraphs }) => paragraphs)
    .flatMap(({ lines }) => lines)
    .flatMap((line) => line.words)
    .filter(({ confidence, text }) => confidence >= LEAST_CONFIDENCE && WORD.test(text));
  // Texture looks like one or two letters now and then.
  if (!words.some(({ text }) => TELLING_WORD.test(text))) return '';
  return cleanText(words.map(({ text }) => text).join(' '));
}

async function enlarged(image: Uint8Array): Promise<Buffer> {
  const { height, width } = await sharp(image).metadata();
  if (Math.max(width, height) > ENLARGED_EDGE) return Buffer.from(image);
  return sharp(image)
    .resize({ width: 2 * width })
    .greyscale()
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function failedAs(failure: OcrFailure['failure']) {
  return (error: unknown): void => {
    answer({ failure, message: error instanceof Error ? error.message : String(error) });
  };
}

function answer(result: OcrAnswer, done?: () => void): void {
  process.send?.(result, undefined, undefined, done);
}
