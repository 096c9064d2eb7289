import { execFile, type ExecFileException } from 'node:child_process';
import { ImageSearchError } from '../errors';
import { resolveWorker } from '../workers';
import { tookTooLong, tooLarge, unreadable } from './header';

/** Leading bytes inspected to recognize a drawing. */
const TELLING_BYTES = 512;
/** Signatures of gzip and of the byte order marks of UTF-8 and UTF-16. */
const otherEncodings = ['\x1f\x8b', '\xef\xbb\xbf', '\xff\xfe', '\xfe\xff'];
const ISO_BOX_TYPE_OFFSET = 4;
const MEGABYTE = 1024 * 1024;
const MAX_MEMORY_MEGABYTES = 768;
const GRACE_MS = 5_000;
/** What ends a process that a document made crash, by overflowing the stack for example. */
const crashes: ReadonlySet<unknown> = new Set([
  'SIGSEGV',
  'SIGABRT',
  'SIGBUS',
  'SIGILL',
  'SIGTRAP',
]);
const MAX_OUTPUT_BYTES = 256 * MEGABYTE;

/**
 * Whether the bytes may be an SVG document, compressed or not. Errs on the side of yes: anything an XML parser would
 * accept must be parsed in the child process, never here.
 */
export function mayBeDrawing(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, TELLING_BYTES)).toString('latin1');
  if (otherEncodings.some((signature) => start.startsWith(signature))) return true;
  // White space, or zeros between letters (UTF-16). A box of an ISO media file may be 0x3c (`<`) bytes long.
  return /^\s*\0*(<|$)/.test(start) && !start.startsWith('ftyp', ISO_BOX_TYPE_OFFSET);
}

/**
 * Draws an SVG document as a PNG file of the requested size, whatever size it declares.
 *
 * An SVG document is a program: a hundred kilobytes can demand hours of work or gigabytes of memory, and librsvg
 * can't be interrupted. So a child process draws it and ends itself when it takes too long or uses too much memory,
 * which costs about a tenth of a second per document. Only the document is read: librsvg follows no references from
 * a document without an address, and runs no scripts.
 */
export function draw(
  svg: Uint8Array,
  order: Omit<DrawingOrder, 'maxMemoryBytes'>,
): Promise<Uint8Array> {
  const fullOrder: DrawingOrder = { ...order, maxMemoryBytes: MAX_MEMORY_MEGABYTES * MEGABYTE };
  const { file, execArgv } = resolveWorker('drawing');
  return new Promise((resolve, reject) => {
    const drawing = execFile(
      process.execPath,
      [...execArgv, file, JSON.stringify(fullOrder)],
      {
        encoding: 'buffer',
        maxBuffer: MAX_OUTPUT_BYTES,
        windowsHide: true,
        // The process watches itself, unless its event loop is stuck.
        timeout: order.timeoutMs + GRACE_MS,
        killSignal: 'SIGKILL',
      },
      (error, output) => {
        if (error === null) resolve(output);
        else reject(drawingFailure(error, output, order.timeoutMs));
      },
    );
    // If the process exits before it has read everything, its output tells why; ignore the broken pipe.
    drawing.stdin?.on('error', () => undefined).end(svg);
  });
}

function drawingFailure(
  error: ExecFileException,
  output: Buffer,
  timeoutMs: number,
): ImageSearchError {
  const report = parseReport(output);
  const cause = report === null ? error : new Error(report.message);
  switch (report?.failure) {
    case 'not-svg':
      return unreadable("the file isn't an image", cause);
    case 'damaged':
      return unreadable('the SVG document is damaged', cause);
    case 'timeout':
      return tookTooLong(timeoutMs, cause);
    case 'out-of-memory': {
      const most = `${String(MAX_MEMORY_MEGABYTES)} MB of memory`;
      return tooLarge(`drawing the SVG document takes more than ${most}`, most, cause);
    }
    case undefined:
      if (error.killed) return tookTooLong(timeoutMs, error);
      if (crashes.has(error.signal)) return unreadable('the SVG document is damaged', error);
      return new ImageSearchError({
        code: 'unexpected',
        message: 'The process that draws SVG documents exited without a result.',
        retryable: true,
        cause,
      });
  }
}

/** Returns null when the process was killed from outside. */
function parseReport(output: Buffer): DrawingReport | null {
  try {
    return JSON.parse(output.toString()) as DrawingReport;
  } catch {
    return null;
  }
}

/*
 * Protocol of the reader and the drawing process. Input: an order as JSON in the first argument, the document on
 * standard input. Output on standard output: a PNG file, or a report as JSON. Standard error is ignored, because
 * native libraries write warnings to it.
 */

export interface DrawingOrder {
  /** The drawing is as large as both limits allow, in pixels, proportions kept. */
  shorterEdge: number;
  longerEdge: number;
  timeoutMs: number;
  /** Limit of the process's resident memory, some 70 MB of which it needs to start. */
  maxMemoryBytes: number;
}

export type DrawingFailure = 'not-svg' | 'damaged' | 'timeout' | 'out-of-memory';

interface DrawingReport {
  failure: DrawingFailure;
  /** The decoder's message. */
  message: string;
}
