import { createRequire } from 'node:module';
import { buffer } from 'node:stream/consumers';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import type { DecodingFailure, ProcessLimits } from './apart';
import { fail, finish, readOrder } from './apart-process';
import { PDF_HEAD_BYTES, type PdfOutputHead, type PdfProcessOrder } from './pdf';
import { cleanText } from './read-text';

/*
 * Entry of the process that reads one PDF document; see pdf.ts. PDFium works on a thread of its own, because WebAssembly
 * blocks the thread that it runs on.
 */

/** `@hyzyla/pdfium`, of which version 2 is known. */
interface PdfReader {
  PDFiumLibrary: { init(): Promise<PdfLibrary> };
}

interface PdfLibrary {
  loadDocument(file: Uint8Array): Promise<PdfDocument>;
}

interface PdfDocument {
  getPageCount(): number;
  getPage(index: number): PdfPage;
}

interface PdfPage {
  /** In points. */
  getOriginalSize(): { originalWidth: number; originalHeight: number };
  getText(): string;
  render(options: { render: 'bitmap'; width: number; height: number }): Promise<RenderedPage>;
}

interface RenderedPage {
  width: number;
  height: number;
  /** Interleaved RGBA. */
  data: Uint8Array;
}

type ThreadMessage =
  | { kind: 'page'; number: number; width: number; height: number; data: Uint8Array<ArrayBuffer> }
  | { kind: 'text'; text: string }
  | { kind: 'end' }
  | { kind: 'failed'; failure: DecodingFailure; message: string };

interface ThreadData {
  order: PdfProcessOrder;
  file: Uint8Array;
}

/** The longer side of a page that is shown. */
const SHOWN_EDGE = 1_024;
/** Longest side of a rendered page, in pixels. */
const LONGEST_EDGE = 4_096;
/** Of the time, after which what is there has to do. */
const SHARE_OF_TIME = 0.8;
/** As PDFium's wrapper says it. */
const PASSWORD = /password|security/i;

if (isMainThread) void readStandardInput();
else void readOnThread(workerData as ThreadData);

async function readOnThread(data: ThreadData): Promise<void> {
  const send = (message: ThreadMessage): void => {
    parentPort?.postMessage(message, message.kind === 'page' ? [message.data.buffer] : []);
  };
  try {
    await read(data, send);
    send({ kind: 'end' });
  } catch (error) {
    const message = String(error);
    send({ kind: 'failed', failure: PASSWORD.test(message) ? 'encrypted' : 'damaged', message });
  }
}

async function read(
  { file, order }: ThreadData,
  send: (message: ThreadMessage) => void,
): Promise<void> {
  const { PDFiumLibrary } = createRequire(import.meta.url)(order.reader) as PdfReader;
  const library = await PDFiumLibrary.init();
  const document = await library.loadDocument(file);
  const count = document.getPageCount();
  for (let index = 0; index < Math.min(count, order.pages); index += 1) {
    const page = await renderPage(document, index, order);
    // A page that is damaged doesn't matter if others aren't.
    if (page) send({ kind: 'page', number: index + 1, ...page });
  }
  let length = 0;
  for (let index = 0; index < Math.min(count, order.textPages); index += 1) {
    const text = textOf(document, index).slice(0, order.maxTextLength - length);
    length += text.length;
    if (text !== '') send({ kind: 'text', text });
    if (length >= order.maxTextLength) return;
  }
}

async function renderPage(document: PdfDocument, index: number, { shorterEdge }: PdfProcessOrder) {
  try {
    const page = document.getPage(index);
    const { originalHeight, originalWidth } = page.getOriginalSize();
    const short = Math.min(originalWidth, originalHeight);
    const long = Math.max(originalWidth, originalHeight);
    if (!(short > 0)) return null;
    const scale = Math.min(LONGEST_EDGE / long, Math.max(shorterEdge / short, SHOWN_EDGE / long));
    const { data, height, width } = await page.render({
      render: 'bitmap',
      width: Math.max(1, Math.round(originalWidth * scale)),
      height: Math.max(1, Math.round(originalHeight * scale)),
    });
    // An own copy, because it is handed over.
    return { width, height, data: Uint8Array.from(data) };
  } catch {
    return null;
  }
}

function textOf(document: PdfDocument, index: number): string {
  try {
    return cleanText(document.getPage(index).getText());
  } catch {
    return '';
  }
}

async function readStandardInput(): Promise<void> {
  const order = readOrder() as PdfProcessOrder & ProcessLimits;
  const file = Uint8Array.from(await buffer(process.stdin));
  const [entry = ''] = process.argv.slice(1);
  const pages: Promise<{ number: number; png: Buffer }>[] = [];
  const texts: string[] = [];
  const isPartial = await new Promise<boolean>((resolve) => {
    setTimeout(() => {
      if (pages.length > 0) resolve(true);
    }, SHARE_OF_TIME * order.timeoutMs);
    const workerOptions = { workerData: { order, file } satisfies ThreadData };
    new Worker(entry, { ...workerOptions, stderr: true, stdout: true })
      .on('message', (message: ThreadMessage) => {
        switch (message.kind) {
          case 'page':
            pages.push(toPng(message));
            break;
          case 'text':
            texts.push(message.text);
            break;
          case 'end':
            resolve(false);
            break;
          case 'failed':
            fail(message.failure, new Error(message.message));
        }
      })
      .once('error', (error) => fail('damaged', error));
  });
  if (pages.length === 0) fail('damaged', new Error('None of its pages can be rendered.'));
  const files = await Promise.all(pages).catch((error: unknown) => fail('damaged', error));
  finish(toOutput(files, { text: texts.join(' '), isPartial }));
}

async function toPng({ data, height, number, width }: Extract<ThreadMessage, { kind: 'page' }>) {
  const png = await sharp(data, { raw: { width, height, channels: 4 } })
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return { number, png };
}

function toOutput(
  files: readonly { number: number; png: Buffer }[],
  read: Pick<PdfOutputHead, 'text' | 'isPartial'>,
): Buffer {
  const pages = files.map(({ number, png }) => ({ number, length: png.length }));
  const head = Buffer.from(JSON.stringify({ pages, ...read } satisfies PdfOutputHead));
  const length = Buffer.alloc(PDF_HEAD_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, ...files.map(({ png }) => png)]);
}
