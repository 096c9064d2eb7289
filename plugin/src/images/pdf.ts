import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ImageSearchError } from '../errors';
import { detectPackageManager } from '../package-manager';
import { decodeApart } from './apart';
import { LONGEST_FIELD } from '../text/contract';
import type { ImageOfFile } from './contract';

/** The package that reads PDF documents, with PDFium in WebAssembly. */
export const PDF_READER = '@hyzyla/pdfium';
/** With the major version that is known. */
export const PDF_READER_TO_INSTALL = `${PDF_READER}@2`;
const KNOWN_MAJOR = '2';

const MAX_MEMORY_MEGABYTES = 1_024;
const LONGEST_START = 64;
/** Pages whose text is read; those beyond `pages` aren't rendered. */
const TEXT_PAGES = 100;

/** By the first bytes, before which some programs write white space. */
export function isPdf(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, LONGEST_START)).toString('latin1');
  return /^(\xef\xbb\xbf)?\s*%PDF-/.test(start);
}

/** The reader's entry file in the project; null if it isn't installed. */
export function findPdfReader(projectFolder: string): string | null {
  try {
    return createRequire(path.join(projectFolder, 'package.json')).resolve(PDF_READER);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** Why documents can't be read in this project, an `image-decoder-missing`; null if they can. */
export function pdfReaderProblem(projectFolder: string): ImageSearchError | null {
  const reader = findPdfReader(projectFolder);
  const version = reader && versionOf(reader);
  if (version?.split('.')[0] === KNOWN_MAJOR) return null;
  const install = detectPackageManager(projectFolder).install(PDF_READER_TO_INSTALL);
  const reason =
    version === null
      ? `without the package ${PDF_READER}`
      : `with ${PDF_READER} ${version}, which this plugin doesn't know`;
  return new ImageSearchError({
    code: 'image-decoder-missing',
    message: `PDF documents can't be read ${reason}. Run "${install}" in the Strapi project, and restart it.`,
  });
}

/** By the package's own description, which it doesn't export. */
function versionOf(entry: string): string {
  for (let folder = path.dirname(entry); folder !== path.dirname(folder);) {
    const found = describedIn(folder);
    if (found?.name === PDF_READER) return String(found.version);
    folder = path.dirname(folder);
  }
  return 'of an unknown version';
}

function describedIn(folder: string): { name?: string; version?: string } | null {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as object;
  } catch {
    return null;
  }
}

/**
 * Renders the first pages of a document, and reads the text of these and more. What isn't done when most of the time
 * has passed is left out, unless that's everything.
 *
 * @throws ImageSearchError `image-decoder-missing`, `image-unsupported` for a document with a password,
 * `image-unreadable`, `image-too-large` or `aborted`
 */
export async function readPdf(
  bytes: Uint8Array,
  { projectFolder, signal, text: hasText, timeoutMs, ...order }: PdfReading,
): Promise<{ images: ImageOfFile[]; text: string; isPartial: boolean }> {
  const problem = pdfReaderProblem(projectFolder);
  const reader = findPdfReader(projectFolder);
  if (problem !== null || reader === null) throw problem ?? new RangeError('There is no reader.');
  const output = await decodeApart(bytes, {
    worker: 'pdf',
    order: {
      ...order,
      reader,
      textPages: hasText ? TEXT_PAGES : 0,
      maxTextLength: LONGEST_FIELD,
    } satisfies PdfProcessOrder,
    timeoutMs,
    maxMemoryMegabytes: MAX_MEMORY_MEGABYTES,
    what: 'the PDF document',
    signal,
  });
  const headLength = output.readUInt32BE(0);
  let place = PDF_HEAD_BYTES + headLength;
  const { isPartial, pages, text } = JSON.parse(
    output.toString('utf8', PDF_HEAD_BYTES, place),
  ) as PdfOutputHead;
  const images = pages.map(({ number, length }): ImageOfFile => {
    const encoded = output.subarray(place, place + length);
    place += length;
    return { number, encoded };
  });
  return { images, text, isPartial };
}

interface PdfReading extends PdfOrder {
  projectFolder: string;
  timeoutMs: number;
  /** Whether its text is read. */
  text: boolean;
  signal?: AbortSignal | undefined;
}

export interface PdfOrder {
  /** How many are rendered at most. */
  pages: number;
  /** What the shorter side of a page is needed for, in pixels. */
  shorterEdge: number;
}

export interface PdfProcessOrder extends PdfOrder {
  /** Absolute path of the reader's entry. */
  reader: string;
  textPages: number;
  maxTextLength: number;
}

/*
 * The process's output: the length of its head, 32 bits in big endian; the head as JSON; the pages as PNG files, one
 * after another.
 */

export const PDF_HEAD_BYTES = 4;

export interface PdfOutputHead {
  /** `number` from 1, `length` of its file in bytes. */
  pages: { number: number; length: number }[];
  text: string;
  /** Whether the time was over before all was read. */
  isPartial: boolean;
}
