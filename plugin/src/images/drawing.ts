import { execFile } from 'node:child_process';
import { ImageSearchError } from '../errors';
import { resolveWorkerFile } from '../workers';
import type { DrawingOrder, DrawingReport } from './drawing-protocol';
import { tookTooLong, tooLarge, unreadable } from './failures';

/** Bytes at the start of a file that tell whether it may be a drawing. */
const TELLING_BYTES = 512;
/** Compressed by gzip, and the byte order marks of UTF-8 and UTF-16. */
const otherEncodings = ['\x1f\x8b', '\xef\xbb\xbf', '\xff\xfe', '\xfe\xff'];
const ISO_BOX_TYPE_OFFSET = 4;
const MEGABYTE = 1024 * 1024;
const MAX_MEMORY_MEGABYTES = 768;
const MAX_OUTPUT_BYTES = 256 * MEGABYTE;

/**
 * Whether the bytes may be an SVG document, compressed or not. It errs on the side of yes: whatever an XML parser
 * would go on reading must be read in the process below and never here.
 */
export function mayBeDrawing(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, TELLING_BYTES)).toString('latin1');
  if (otherEncodings.some((signature) => start.startsWith(signature))) return true;
  // White space, or zeros beside every letter; but a box of ISO media files may be 0x3c, `<`, bytes long.
  return /^\s*\0*(<|$)/.test(start) && !start.startsWith('ftyp', ISO_BOX_TYPE_OFFSET);
}

/**
 * Draws an SVG document as a PNG file of the size that is asked for, whatever size the document declares.
 *
 * An SVG document is a program: a hundred kilobytes can ask for hours of work or gigabytes of memory, and librsvg
 * cannot be interrupted. So it is parsed and drawn in a process of its own, which ends itself when it takes too long
 * or too much; that costs about a tenth of a second a document. Nothing but the document is read: librsvg follows no
 * reference, to files or into the network, from a document that has no address, and runs no script.
 */
export function draw(
  svg: Uint8Array,
  order: Omit<DrawingOrder, 'maxMemoryBytes'>,
): Promise<Uint8Array> {
  const fullOrder: DrawingOrder = { ...order, maxMemoryBytes: MAX_MEMORY_MEGABYTES * MEGABYTE };
  return new Promise((resolve, reject) => {
    const drawing = execFile(
      process.execPath,
      [resolveWorkerFile('drawing'), JSON.stringify(fullOrder)],
      { encoding: 'buffer', maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true },
      (error, answer) => {
        if (error === null) resolve(answer);
        else reject(drawingFailure(error, answer, order.timeoutMs));
      },
    );
    // A process that ends before it has read everything is judged by its answer, not by the broken pipe.
    drawing.stdin?.on('error', () => undefined).end(svg);
  });
}

function drawingFailure(error: Error, answer: Buffer, timeoutMs: number): ImageSearchError {
  const report = parseReport(answer);
  const cause = report === null ? error : new Error(report.words);
  switch (report?.failure) {
    case 'no-drawing':
      return unreadable('its file is no picture', cause);
    case 'damaged':
      return unreadable('its SVG document is damaged', cause);
    case 'too-much-time':
      return tookTooLong(timeoutMs, cause);
    case 'too-much-memory': {
      const most = `${String(MAX_MEMORY_MEGABYTES)} MB of memory`;
      return tooLarge(`an SVG document that takes more than ${most} to draw`, most, cause);
    }
    case undefined:
      return new ImageSearchError({
        code: 'unexpected',
        message: 'The process that draws SVG documents ended without an answer.',
        retryable: true,
        cause,
      });
  }
}

/** Null for a process that was ended from outside. */
function parseReport(answer: Buffer): DrawingReport | null {
  try {
    return JSON.parse(answer.toString()) as DrawingReport;
  } catch {
    return null;
  }
}
