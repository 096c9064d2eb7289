import { decodeApart } from './apart';

/** Leading bytes inspected to recognize a drawing. */
const TELLING_BYTES = 512;
/** Signatures of gzip and of the byte order marks of UTF-8 and UTF-16. */
const otherEncodings = ['\x1f\x8b', '\xef\xbb\xbf', '\xff\xfe', '\xfe\xff'];
const ISO_BOX_TYPE_OFFSET = 4;
const MAX_MEMORY_MEGABYTES = 768;

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
 * can't be interrupted. So a child process draws it. Only the document is read: librsvg follows no references from
 * a document without an address, and runs no scripts.
 */
export function draw(
  svg: Uint8Array,
  { timeoutMs, ...order }: DrawingOrder & { timeoutMs: number },
): Promise<Uint8Array> {
  const limits = { timeoutMs, maxMemoryMegabytes: MAX_MEMORY_MEGABYTES };
  return decodeApart(svg, { worker: 'drawing', order, what: 'the SVG document', ...limits });
}

export interface DrawingOrder {
  /** The drawing is as large as both limits allow, in pixels, proportions kept. */
  shorterEdge: number;
  longerEdge: number;
}
